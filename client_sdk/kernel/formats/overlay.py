"""Overlays of a rulebook: dated rules by which records that were repaid are hidden (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import TYPE_CHECKING, Any

from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_code, is_day

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MAX_OVERLAYS", "Overlay", "check_overlays"]

PART = "overlay"
MAX_OVERLAYS = 64
_CURRENCY_LETTERS = 3
_DAYS = ("arisen_from", "arisen_until", "repaid_until", "hides_from", "hides_until")


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One rule by which records are hidden.

    Attributes:
        name: of letters, digits, dots, underscores and hyphens, 1 to 64.
        arisen_from: first day on which the overdue may have arisen.
        arisen_until: last such day.
        currency: ISO 4217 code of the limit.
        most: principal, interest and penalty together at most, in minor units of the currency.
        repaid_until: last day on which everything must have been repaid.
        hides_from: first day on which anything is hidden.
        hides_until: first day on which nothing is hidden any more.
    """

    name: str
    arisen_from: date
    arisen_until: date
    currency: str
    most: int
    repaid_until: date
    hides_from: date
    hides_until: date

    def message(self) -> pb.Overlay:
        """Return the protobuf form."""
        return pb.Overlay(**self.to_dict())

    def to_dict(self) -> dict[str, Any]:
        """Return name, code, limit and days (YYYY-MM-DD) as plain values, as ``from_dict`` takes them."""
        plain = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value.isoformat() if name in _DAYS else value for name, value in plain.items()}

    @classmethod
    def from_dict(cls, values: object) -> Overlay:
        """Return the overlay that plain values name, such as those of a JSON object.

        Raises:
            FormatError: a value is missing, unknown or not in its form.
        """
        names = [field.name for field in fields(cls)]
        if not isinstance(values, dict) or set(values) != set(names):
            raise FormatError(PART, "overlay.complete", want=f"an object with {', '.join(names)}")
        for name in names:
            if type(values[name]) is not (int if name == "most" else str):
                raise FormatError(PART, f"{name}.form", want="a whole number" if name == "most" else "a text")
        try:
            return cls.of(pb.Overlay(**values))
        except ValueError:
            raise FormatError(PART, "overlay.form", want="a number and texts that can be written") from None

    @classmethod
    def of(cls, message: pb.Overlay) -> Overlay:
        """Return the value of a parsed message.

        Raises:
            FormatError: a value is missing or not in its form, or a day is before the one that it must follow.
        """
        days: dict[str, date] = {}
        for name in _DAYS:
            text = getattr(message, name)
            if not is_day(text):
                raise FormatError(PART, f"{name}.date", got=text[:16] or "none", want="a real day as YYYY-MM-DD")
            days[name] = date.fromisoformat(text)
        if not check_code(message.name, PART):
            raise FormatError(PART, "name.present", got="none", want="a name")
        letters = message.currency
        if len(letters) != _CURRENCY_LETTERS or not (letters.isascii() and letters.isalpha() and letters.isupper()):
            raise FormatError(PART, "currency.form", want="an ISO 4217 code")
        if not message.most:
            raise FormatError(PART, "most.present", got="0", want="an amount above 0")
        overlay = cls(name=message.name, currency=message.currency, most=message.most, **days)
        overlay._check_order()
        return overlay

    def _check_order(self) -> None:
        if self.arisen_until < self.arisen_from:
            raise FormatError(
                PART, "arisen_until.order", got=self.arisen_until.isoformat(), want="not before arisen_from"
            )
        if self.repaid_until < self.arisen_from:
            raise FormatError(
                PART, "repaid_until.order", got=self.repaid_until.isoformat(), want="not before arisen_from"
            )
        if self.hides_until <= self.hides_from:
            raise FormatError(PART, "hides_until.order", got=self.hides_until.isoformat(), want="after hides_from")


def check_overlays(overlays: Sequence[Overlay]) -> None:
    """Check the list of a rulebook.

    Raises:
        FormatError: names that do not ascend, or too many.
    """
    check_ascending([overlay.name for overlay in overlays], "rulebook", "overlays")
    if len(overlays) > MAX_OVERLAYS:
        raise FormatError("rulebook", "overlays.count", got=str(len(overlays)), want=f"at most {MAX_OVERLAYS}")
