"""The cells of one row of a portfolio, read into types; what is wrong with them is collected and never shown."""

from __future__ import annotations

import unicodedata
from datetime import date
from typing import TYPE_CHECKING, TypeVar

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Kind, Word
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.subjects.errors import IdentityError
from client_sdk.lending.kind_of_text import kind_of_text
from client_sdk.lending.preflight import MAX_REFERENCE_CHARACTERS
from client_sdk.lending.typed_text import day_of_cell, typed_number
from client_sdk.models.batch import RejectedRow
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MAX_DIGITS", "NO_DAY", "VALUE_WANTED", "Cells"]

# What is wanted of an empty cell that must not be empty.
VALUE_WANTED = "a value"
_MAX_INTEGER = 2**63 - 1
# With zeros before the number, as systems with columns of a fixed width write them.
MAX_DIGITS = 32
_MONEY = frozenset(("principal", "interest", "penalty", "fees"))
_OF_A_PERSON = frozenset(("id_type", "id_number", "issuing_state"))
# What a record's first day is taken from where the row does not name it.
_FIRST_DAYS = {
    Kind.DEFAULT: "first_delinquency_on",
    Kind.JUDGMENT: "filed_on",
    Kind.ENFORCEMENT: "filed_on",
    Kind.LISTING: "listed_on",
}
# Stands in for what could not be read; the row is refused anyway.
NO_DAY = date(1900, 1, 1)

W = TypeVar("W", bound=Word)
T = TypeVar("T")


class Cells:
    """Reads the cells of one row and collects what is wrong with them; nothing read is ever part of a violation.

    Args:
        values: text by column; a column that is missing is empty.
        row: line of the file.
    """

    def __init__(self, values: Mapping[str, str], row: int) -> None:
        self._values = values
        self.row = row
        self.violations: list[Violation] = []

    def rejected(self) -> RejectedRow:
        """Return the row with what is wrong with it, and what it calls its record as far as that can be read."""
        kind = Kind.__members__.get(self.text("kind").upper())
        column = "first_day" if self.text("first_day") or kind is None else _FIRST_DAYS[kind]
        reference = self.text("reference")
        return RejectedRow(
            row=self.row,
            violations=tuple(self.violations),
            # A longer text is the name of no record.
            references=(reference,) if 0 < len(reference) <= MAX_REFERENCE_CHARACTERS else (),
            kind=kind,
            first_day=_day_or_none(self.text(column)),
        )

    def refuse(self, column: str, reason: str, rule: str, want: str, got: str = "") -> None:
        """Note what is wrong with a cell."""
        got = got or kind_of_text(self.text(column))
        self.violations.append(Violation(row=self.row, reason=reason, field=column, rule=rule, got=got, want=want))

    def text(self, column: str) -> str:
        """Return the text of a cell, in NFC and without white space around it; empty where there is none."""
        # Composed as on other machines; nothing is lost.
        return unicodedata.normalize("NFC", self._values.get(column, "").strip())

    def required(self, column: str) -> str:
        """Return the text of a cell that must not be empty."""
        text = self.text(column)
        if not text:
            self.refuse(column, RuleReason.FACTS_INVALID, "column.present", VALUE_WANTED)
        return text

    def read(self, column: str, parse: Callable[[str], T], fallback: T) -> T:
        """Return what a parser of the kernel makes of a cell."""
        try:
            return parse(self.text(column))
        except RuleError as error:
            self.refuse(column, error.reason, error.rule, error.want, error.got)
        except IdentityError as error:
            place = error.part if error.part in _OF_A_PERSON else column
            self.refuse(place, RuleReason.IDENTIFIER_INVALID, error.rule, error.want, error.got)
        except FormatError as error:
            self.refuse(column, RuleReason.FACTS_INVALID, error.rule, error.want, error.got)
        return fallback

    def day(self, column: str) -> date | None:
        """Return the day in a cell, None for an empty one or no real day."""
        return self.read(column, lambda text: day_of_cell(text, column), None)

    def required_day(self, column: str) -> date:
        """Return the day in a cell that must hold one."""
        if not self.required(column):
            return NO_DAY
        return self.day(column) or NO_DAY

    def word(self, kind: type[W], column: str) -> W | None:
        """Return the word of an enumeration, None for an empty cell or no such word."""
        text = self.text(column)
        found = kind.__members__.get(text.upper())
        if text and found is None:
            self.refuse(column, RuleReason.FACTS_INVALID, "column.word", " or ".join(kind.__members__))
        return found

    def required_word(self, kind: type[W], column: str) -> W:
        """Return the word of an enumeration in a cell that must hold one."""
        self.required(column)
        return self.word(kind, column) or next(iter(kind))

    def integer(self, column: str, *, required: bool = False) -> int:
        """Return the whole number in a cell, 0 for an empty one."""
        text = typed_number(self.required(column) if required else self.text(column))
        if not text:
            return 0
        # Python refuses to read thousands of digits, so their number comes first.
        if not (text.isascii() and text.isdigit()) or len(text) > MAX_DIGITS or int(text) > _MAX_INTEGER:
            self.refuse(column, RuleReason.FACTS_INVALID, "column.integer", _whole(column))
            return 0
        return int(text)

    def flag(self, column: str) -> bool:
        """Return whether a cell says true."""
        text = self.text(column).lower()
        if text not in ("", "true", "false"):
            self.refuse(column, RuleReason.FACTS_INVALID, "column.flag", "true or false")
        return text == "true"

    def octets(self, column: str, length: int) -> bytes:
        """Return so many bytes from a cell that must hold them as hexadecimal digits."""
        try:
            value = bytes.fromhex(self.required(column))
        except ValueError:
            value = b""
        if len(value) != length and self.text(column):
            self.refuse(column, RuleReason.FACTS_INVALID, "column.hexadecimal", f"{2 * length} hexadecimal digits")
        return value.ljust(length, b"\0")[:length]


def _day_or_none(text: str) -> date | None:
    try:
        return day_of_cell(text, "first_day")
    except RuleError:
        return None


def _whole(column: str) -> str:
    if column.removeprefix("executed_") in _MONEY:
        return "a whole number of minor units, without separators: 350.00 CNY is 35000, 350 JPY is 350"
    return "a whole number from 0, without separators"
