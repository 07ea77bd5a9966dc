"""Facts in words, in one language: for a person's own report, the command and the desk."""

from __future__ import annotations

import unicodedata
from dataclasses import fields
from typing import TYPE_CHECKING

from client_sdk.forms import MINOR_UNITS, Word
from client_sdk.models import Amounts, Arrangement, Consent, ContactCount, Debt, NoticeEvidence
from client_sdk.subject_report.terms import FACTS, term_of
from client_sdk.subject_report.texts import TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from enum import Enum

    from client_sdk.models import Facts
    from client_sdk.texts import Language

__all__ = ["END_ISOLATE", "ISOLATE", "FactSpeaker", "money_text", "visible"]

ISOLATE, END_ISOLATE = "\u2068", "\u2069"
_HIDDEN = frozenset(("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"))
_TURNED = frozenset(("R", "AL", "AN"))


def visible(text: str) -> str:
    """Return a text in which nothing is hidden, and that turns nothing around it.

    Controls and format characters become their code points. What is written from right to left stands between the
    characters U+2068 and U+2069, which keep it apart from its neighbours.
    """
    shown = "".join(
        f"[U+{ord(character):04X}]" if unicodedata.category(character) in _HIDDEN else character for character in text
    )
    turned = any(unicodedata.bidirectional(character) in _TURNED for character in shown)
    return f"{ISOLATE}{shown}{END_ISOLATE}" if turned else shown


class FactSpeaker:
    """Says facts in one language.

    Args:
        language: of the texts.
        time: writes a moment.

    Attributes:
        language: of the texts.
        time: writes a moment.
    """

    def __init__(self, language: Language, time: Callable[[datetime], str]) -> None:
        self.language = language
        self.time = time

    def text(self, name: str, **values: object) -> str:
        """Return a text by its name."""
        return TEXTS[name].of(self.language).format(**values)

    def term(self, word: Enum) -> str:
        """Return the name of a word of the contract."""
        return term_of(word).of(self.language)

    def facts(self, facts: Facts) -> Iterator[tuple[str, str]]:
        """Yield names and values of facts; what is absent is left out."""
        for field in fields(facts):
            value = getattr(facts, field.name)
            if value not in (None, "", (), False):
                yield FACTS[field.name].of(self.language), self._fact(value)

    def _fact(self, value: object) -> str:
        match value:
            case Amounts():
                return self._amounts(value)
            case Debt():
                creditor = visible(value.original_creditor)
                return self.text("contract", contract=visible(value.contract), creditor=creditor)
            case NoticeEvidence():
                return self.text("notice", channel=self.term(value.channel), at=self.time(value.sent_at))
            case Consent():
                return self.text("consent", form=self.term(value.form), date=value.date)
            case ContactCount():
                return self.text("contact", channel=self.term(value.channel), count=value.count)
            case Arrangement():
                return self.text(
                    "arrangement",
                    outcome=self.term(value.outcome),
                    period=self.term(value.period),
                    agreed=value.agreed_on,
                    instalments=value.instalments,
                    paid=value.paid,
                )
            case Word():
                return self.term(value)
            case tuple():
                return self.language.listing(map(self._fact, value))
            case bool():
                return self.text("yes")
            case _:
                return visible(str(value))

    def _amounts(self, value: Amounts) -> str:
        parts = {
            name: money_text(getattr(value, name), value.currency)
            for name in ("principal", "interest", "penalty", "fees")
        }
        split = self.text("split", **parts) if value.total else ""
        estimated = self.text("estimated") if value.estimated else ""
        return f"{money_text(value.total, value.currency)} {value.currency}{estimated}{split}"


def money_text(amount: int, currency: str) -> str:
    """Return minor units as people write them."""
    places = MINOR_UNITS.get(currency, 0)
    whole, part = divmod(amount, 10**places)
    return f"{whole:,}" + (f".{part:0{places}d}" if places else "")
