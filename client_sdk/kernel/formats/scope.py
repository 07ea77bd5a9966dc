"""Scopes of purposes, as a rulebook holds them: which facts an inquiry for a purpose is shown (proto/README.md 6)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import common_pb2
from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import PURPOSES, Kind, Purpose, Role, word

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MAX_SCOPE_DAYS", "PurposeScope", "read_scopes", "scopes_of"]

_PART = "rulebook"
_RULE = "rulebook.scope"
_FORM = "PURPOSE:KIND+KIND, then :paid=DAYS and :consent=DAYS where they are limited"
_TEXT = re.compile(r"([A-Z_]+):([A-Z+]*)(?::paid=([1-9][0-9]{0,4}))?(?::consent=([1-9][0-9]{0,4}))?")
# Ten years: no record is kept longer after its end.
MAX_SCOPE_DAYS = 3_660
# For which a lender may ask, ascending: a rulebook says of each what it is shown.
_SCOPED = tuple(sorted(PURPOSES[Role.LENDER]))


class PurposeScope(NamedTuple):
    """What an inquiry for one purpose is shown.

    Attributes:
        purpose: of the inquiry.
        kinds: of records whose facts are shown, ascending; of others the record is shown without facts.
        paid_days: days after the newest version of a record that is CURED or SATISFIED, for which its facts are shown;
            0 for as long as it is kept.
        consent_days: days for which a consent counts; 0 for as long as the document itself says.
    """

    purpose: Purpose
    kinds: tuple[Kind, ...]
    paid_days: int = 0
    consent_days: int = 0

    @property
    def text(self) -> str:
        """The scope as people write it: ``LOAN_APPROVAL:DEFAULT+JUDGMENT:paid=730``."""
        parts = [self.purpose.name, "+".join(kind.name for kind in self.kinds)]
        limits = (("paid", self.paid_days), ("consent", self.consent_days))
        return ":".join([*parts, *(f"{name}={days}" for name, days in limits if days)])

    @classmethod
    def of_text(cls, text: str) -> PurposeScope:
        """Return the scope that a text names; kinds in any order.

        Raises:
            FormatError: it has another form, or names another kind or purpose.
        """
        found = _TEXT.fullmatch("".join(str(text).split()))
        if found is None:
            raise FormatError(_PART, _RULE, want=_FORM)
        purpose, names, paid, consent = found.groups()
        try:
            kinds = sorted({Kind(name) for name in names.split("+") if name})
            return cls(Purpose(purpose), tuple(kinds), int(paid or 0), int(consent or 0))
        except ValueError:
            raise FormatError(_PART, _RULE, want=_FORM) from None

    def message(self) -> pb.PurposeScope:
        """Return the protobuf form."""
        return pb.PurposeScope(
            purpose=common_pb2.Purpose.ValueType(self.purpose.number),
            kinds=[common_pb2.Kind.ValueType(kind.number) for kind in self.kinds],
            paid_days=self.paid_days,
            consent_days=self.consent_days,
        )


def scopes_of(texts: Iterable[str]) -> tuple[PurposeScope, ...]:
    """Return the scopes that texts name, ascending by purpose.

    Raises:
        FormatError: a text names none, or two name the same purpose.
    """
    scopes = tuple(sorted(map(PurposeScope.of_text, texts), key=lambda scope: scope.purpose))
    check_ascending([scope.purpose for scope in scopes], _PART, "scopes")
    return scopes


def read_scopes(messages: Iterable[pb.PurposeScope]) -> tuple[str, ...]:
    """Return the scopes of a rulebook as texts.

    Raises:
        FormatError: a purpose for which lenders may ask is missing, another one is there, they are out of order, a
            word is unknown, or days exceed ten years.
    """
    scopes: list[PurposeScope] = []
    for message in messages:
        kinds = tuple(word(Kind, kind, _PART, "scopes.kinds") for kind in message.kinds)
        check_ascending(kinds, _PART, "scopes.kinds")
        purpose = word(Purpose, message.purpose, _PART, "scopes.purpose")
        scope = PurposeScope(purpose, kinds, message.paid_days, message.consent_days)
        if max(scope.paid_days, scope.consent_days) > MAX_SCOPE_DAYS:
            raise FormatError(_PART, "scopes.limit", got=scope.text, want=f"at most {MAX_SCOPE_DAYS} days")
        scopes.append(scope)
    named = tuple(scope.purpose for scope in scopes)
    if named != _SCOPED:
        got, want = ", ".join(named) or "none", f"each of {', '.join(_SCOPED)}, in this order"
        raise FormatError(_PART, "scopes.complete", got=got, want=want)
    return tuple(scope.text for scope in scopes)
