"""The enumerations of the contract as Python types (proto/creditregistry/v1/common.proto).

A member is its word, as text; ``number`` is what the contract writes in its place. Numbers never change.
``UNSPECIFIED`` (0) is not a member: it is never written, so a parser that meets it refuses it like any other unknown
number.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, ClassVar, Self, TypeVar

from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

__all__ = [
    "ANNOTATING",
    "PURPOSES",
    "UNASKED",
    "USAGES",
    "AnnotationFlag",
    "BreachNature",
    "BreachedData",
    "ClosingWay",
    "DisputeOutcome",
    "InstitutionStatus",
    "KeyUsage",
    "KeyUse",
    "Kind",
    "LapseKind",
    "NoticeReason",
    "Purpose",
    "Role",
    "Standing",
    "TlsKeyAction",
    "WithdrawalReason",
    "Word",
    "Worded",
    "go_together",
    "purposes_of",
    "word",
]


class Word(StrEnum):
    """Base of the contract's enumerations: text to programs and people, a number in the formats.

    ``Kind("DEFAULT")`` finds a member by its word, ``word`` by its number. Members of one enumeration are ordered by
    number, because the formats want lists of them ascending by number.
    """

    number: int

    def __new__(cls, text: str, number: int = 0) -> Self:
        """Return the member of that word and number; a program that calls the class names the word alone."""
        member = str.__new__(cls, text)
        member._value_ = text
        member.number = number
        return member

    def __lt__(self, other: str) -> bool:
        return self.number < other.number if isinstance(other, type(self)) else NotImplemented

    def __le__(self, other: str) -> bool:
        return self.number <= other.number if isinstance(other, type(self)) else NotImplemented

    def __gt__(self, other: str) -> bool:
        return self.number > other.number if isinstance(other, type(self)) else NotImplemented

    def __ge__(self, other: str) -> bool:
        return self.number >= other.number if isinstance(other, type(self)) else NotImplemented


class Role(Word):
    """Role of an institution."""

    LENDER = "LENDER", 1
    AUDITOR = "AUDITOR", 2
    ADMINISTRATOR = "ADMINISTRATOR", 3
    REPRESENTATIVE = "REPRESENTATIVE", 4


class InstitutionStatus(Word):
    """Whether an institution may act."""

    ACTIVE = "ACTIVE", 1
    SUSPENDED = "SUSPENDED", 2
    TERMINATED = "TERMINATED", 3


class KeyUsage(Word):
    """Usage of a signing key."""

    REPORT = "REPORT", 1
    INQUIRE = "INQUIRE", 2
    ADMINISTER = "ADMINISTER", 3
    AUDIT = "AUDIT", 4


# Which keys go with which role.
USAGES: Mapping[Role, frozenset[KeyUsage]] = {
    Role.LENDER: frozenset((KeyUsage.REPORT, KeyUsage.INQUIRE)),
    Role.AUDITOR: frozenset((KeyUsage.AUDIT,)),
    Role.ADMINISTRATOR: frozenset((KeyUsage.ADMINISTER,)),
    # REPORT keys sign annotations too: a representative signs nothing else with them.
    Role.REPRESENTATIVE: frozenset((KeyUsage.REPORT, KeyUsage.INQUIRE)),
}
# Roles that an institution has alone.
_ALONE = frozenset((Role.AUDITOR, Role.REPRESENTATIVE))
# Roles that speak about records: a lender about its own, all of them in annotations.
ANNOTATING = frozenset((Role.LENDER, Role.REPRESENTATIVE))


def go_together(roles: Collection[Role]) -> bool:
    """Whether one institution may have these roles: at least one, and AUDITOR and REPRESENTATIVE alone."""
    return bool(roles) and (len(roles) == 1 or _ALONE.isdisjoint(roles))


class KeyUse(Word):
    """Use of key service evaluations."""

    REPORT = "REPORT", 1
    INQUIRE = "INQUIRE", 2


class Kind(Word):
    """Kind of a record."""

    DEFAULT = "DEFAULT", 1
    JUDGMENT = "JUDGMENT", 2
    ENFORCEMENT = "ENFORCEMENT", 3
    LISTING = "LISTING", 4


class Standing(Word):
    """Standing of a record (proto/README.md 2)."""

    OPEN = "OPEN", 1
    ARRANGED = "ARRANGED", 2
    STAYED = "STAYED", 3
    CURED = "CURED", 4
    SATISFIED = "SATISFIED", 5
    TRANSFERRED = "TRANSFERRED", 6
    SET_ASIDE = "SET_ASIDE", 7
    WITHDRAWN = "WITHDRAWN", 8


class Purpose(Word):
    """Purpose of an inquiry (征信业管理条例 Art. 18, 20)."""

    LOAN_APPROVAL = "LOAN_APPROVAL", 1
    GUARANTEE_REVIEW = "GUARANTEE_REVIEW", 2
    POST_LOAN_REVIEW = "POST_LOAN_REVIEW", 3
    COLLECTION = "COLLECTION", 4
    REPORTING = "REPORTING", 5
    SUBJECT_ACCESS = "SUBJECT_ACCESS", 6


# For which purposes a role may ask about persons.
PURPOSES: Mapping[Role, frozenset[Purpose]] = {
    Role.LENDER: frozenset(Purpose) - {Purpose.REPORTING, Purpose.SUBJECT_ACCESS},
    Role.REPRESENTATIVE: frozenset((Purpose.SUBJECT_ACCESS,)),
}


def purposes_of(roles: Iterable[Role]) -> frozenset[Purpose]:
    """Return the purposes for which an institution with these roles may ask about persons; none where it may not."""
    return frozenset[Purpose]().union(*(PURPOSES.get(role, ()) for role in roles))


class AnnotationFlag(Word):
    """Flag of an annotation."""

    DISPUTED = "DISPUTED", 1
    RESTRICTED = "RESTRICTED", 2
    STATEMENT = "STATEMENT", 3
    HIDDEN = "HIDDEN", 4


class DisputeOutcome(Word):
    """How a dispute is answered or ends (征信业管理条例 Art. 25)."""

    CORRECTED = "CORRECTED", 1
    CONFIRMED = "CONFIRMED", 2
    UNCONFIRMED = "UNCONFIRMED", 3
    WITHDRAWN = "WITHDRAWN", 4


class WithdrawalReason(Word):
    """Why a record is withdrawn."""

    ERROR = "ERROR", 1
    FRAUD = "FRAUD", 2
    IDENTITY_THEFT = "IDENTITY_THEFT", 3
    COURT_ORDER = "COURT_ORDER", 4
    PAID_IN_TIME = "PAID_IN_TIME", 5
    COURT_REMOVED = "COURT_REMOVED", 6
    REMOVED_ON_REQUEST = "REMOVED_ON_REQUEST", 7


class LapseKind(Word):
    """Kind of a lapse."""

    ERASED = "ERASED", 1
    RESTRICTED = "RESTRICTED", 2
    SHOWN = "SHOWN", 3


class NoticeReason(Word):
    """What a notice in a member's inbox is about (proto/README.md 5)."""

    CORRECTED = "CORRECTED", 1
    WITHDRAWN = "WITHDRAWN", 2
    SET_ASIDE = "SET_ASIDE", 3
    RESTRICTED = "RESTRICTED", 4
    DISPUTED = "DISPUTED", 5
    BREACH = "BREACH", 6
    ANSWERED = "ANSWERED", 7


# Notices that come from no inquiry.
UNASKED = frozenset((NoticeReason.DISPUTED, NoticeReason.ANSWERED, NoticeReason.BREACH))


class BreachNature(Word):
    """How data was breached (个人信息保护法 Art. 57)."""

    DISCLOSED = "DISCLOSED", 1
    ALTERED = "ALTERED", 2
    LOST = "LOST", 3


class BreachedData(Word):
    """Kind of data that was breached.

    BINDINGS say which records are about the same person; IDENTITY_NUMBERS and CONTACTS are kept at members alone.
    """

    BINDINGS = "BINDINGS", 1
    FACTS = "FACTS", 2
    TEXTS = "TEXTS", 3
    INQUIRIES = "INQUIRIES", 4
    PSEUDONYMS = "PSEUDONYMS", 5
    IDENTITY_NUMBERS = "IDENTITY_NUMBERS", 6
    CONTACTS = "CONTACTS", 7
    KEYS = "KEYS", 8


class AlertReason(Word):
    """What an alert about a person says has happened (proto/README.md 9)."""

    ACCESS = "ACCESS", 1
    NEW_RECORD = "NEW_RECORD", 2


class ClosingWay(Word):
    """Where the data of a registry goes that closes, in the order of 征信业管理条例 Art. 12."""

    TRANSFER = "TRANSFER", 1
    HAND_OVER = "HAND_OVER", 2
    DESTROY = "DESTROY", 3


class TlsKeyAction(Word):
    """Action of a claim about a TLS key of the same institution."""

    VOUCH = "VOUCH", 1
    REVOKE = "REVOKE", 2


W = TypeVar("W", bound=Word)


class Worded:
    """A dataclass with fields for members of enumerations: text that is a member's word becomes that member.

    Text that is no word stays as it is: whatever checks the types of fields says which one it was.
    """

    __slots__ = ()
    # The enumeration of each such field, or of the items of the tuple that it holds.
    _words: ClassVar[Mapping[str, type[Word]]] = {}

    def __post_init__(self) -> None:
        for name, kind in self._words.items():
            held = getattr(self, name)
            if type(held) is str:
                object.__setattr__(self, name, kind.__members__.get(held, held))
            elif type(held) is tuple and any(type(item) is str for item in held):
                items = (kind.__members__.get(item, item) if type(item) is str else item for item in held)
                object.__setattr__(self, name, tuple(items))


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
    return {member.number: member for member in kind}
