"""The enumerations of the contract as Python types (proto/creditregistry/v1/common.proto).

Numbers are those of the contract and never change. ``UNSPECIFIED`` (0) is not a member: it is never written, so a
parser that meets it refuses it like any other unknown number.
"""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import TYPE_CHECKING, TypeVar

from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "USAGES",
    "AnnotationFlag",
    "InstitutionStatus",
    "KeyUsage",
    "KeyUse",
    "Kind",
    "LapseKind",
    "Purpose",
    "Role",
    "Standing",
    "word",
]


class Role(IntEnum):
    """Role of an institution."""

    LENDER = 1
    AUDITOR = 2
    ADMINISTRATOR = 3


class InstitutionStatus(IntEnum):
    """Whether an institution may act."""

    ACTIVE = 1
    SUSPENDED = 2
    TERMINATED = 3


class KeyUsage(IntEnum):
    """Usage of a signing key."""

    REPORT = 1
    INQUIRE = 2
    ADMINISTER = 3
    AUDIT = 4


# Which keys go with which role.
USAGES: Mapping[Role, frozenset[KeyUsage]] = {
    Role.LENDER: frozenset((KeyUsage.REPORT, KeyUsage.INQUIRE)),
    Role.AUDITOR: frozenset((KeyUsage.AUDIT,)),
    Role.ADMINISTRATOR: frozenset((KeyUsage.ADMINISTER,)),
}


class KeyUse(IntEnum):
    """Use of key service evaluations."""

    REPORT = 1
    INQUIRE = 2


class Kind(IntEnum):
    """Kind of a record."""

    DEFAULT = 1
    JUDGMENT = 2
    ENFORCEMENT = 3


class Standing(IntEnum):
    """Standing of a record (proto/README.md 2)."""

    OPEN = 1
    ARRANGED = 2
    STAYED = 3
    CURED = 4
    SATISFIED = 5
    TRANSFERRED = 6
    SET_ASIDE = 7
    WITHDRAWN = 8


class Purpose(IntEnum):
    """Purpose of an inquiry (征信业管理条例 Art. 18, 20)."""

    LOAN_APPROVAL = 1
    GUARANTEE_REVIEW = 2
    POST_LOAN_REVIEW = 3
    COLLECTION = 4
    REPORTING = 5


class AnnotationFlag(IntEnum):
    """Flag of an annotation."""

    DISPUTED = 1
    RESTRICTED = 2
    STATEMENT = 3


class LapseKind(IntEnum):
    """Kind of a lapse."""

    ERASED = 1
    RESTRICTED = 2


class TlsKeyAction(IntEnum):
    """Action of a claim about a TLS key of the same institution."""

    VOUCH = 1
    REVOKE = 2


W = TypeVar("W", bound=IntEnum)


def word(kind: type[W], number: int, part: str, field: str) -> W:
    """Return the member with that number.

    Raises:
        FormatError: the number is 0 or unknown to this version of the formats.
    """
    member: W | None = _members(kind).get(number)
    if member is None:
        raise FormatError(part, f"{field}.known", got=str(number), want=f"a number of {kind.__name__}")
    return member


@cache
def _members(kind: type[W]) -> dict[int, W]:
    """Return the members by number; calling the enumeration itself takes three times as long."""
    return {member.value: member for member in kind}
