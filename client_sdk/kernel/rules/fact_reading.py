"""Parts of facts out of their parsed messages, whatever the kind (proto/README.md 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, TypeVar

from creditregistry.v1 import facts_pb2 as pb

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Word
from client_sdk.kernel.rules.fact_parts import Consent, NoticeEvidence

if TYPE_CHECKING:
    from datetime import date

__all__ = ["FactsMessage", "consent_of", "day_text", "notice_of", "require", "word_of"]

FactsMessage: TypeAlias = pb.DefaultFacts | pb.JudgmentFacts | pb.EnforcementFacts | pb.ListingFacts

W = TypeVar("W", bound=Word)


def word_of(members: dict[int, W], number: int, field: str) -> W:
    """Return the word with that number.

    Raises:
        FormatError: there is none.
    """
    try:
        return members[number]
    except KeyError:
        raise FormatError("facts", f"{field}.known", got=str(number), want="a number of the enumeration") from None


def require(message: FactsMessage, *field_names: str) -> None:
    """Check that a message has fields, by their names.

    Raises:
        FormatError: one is missing.
    """
    for field in field_names:
        if not message.HasField(field):  # type: ignore[arg-type]  # the names are of message fields of each kind
            raise FormatError("facts", f"{field}.present", want=field)


def notice_of(message: FactsMessage) -> NoticeEvidence | None:
    """Return the notice; None where there is none."""
    return NoticeEvidence.of(message.notice) if message.HasField("notice") else None


def consent_of(message: FactsMessage) -> Consent | None:
    """Return the consent; None where there is none."""
    return Consent.of(message.consent, "facts") if message.HasField("consent") else None


def day_text(day: date | None) -> str:
    """Return a date as YYYY-MM-DD; empty for none."""
    return "" if day is None else day.isoformat()
