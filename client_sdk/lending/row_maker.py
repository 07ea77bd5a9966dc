"""From the values of one row, as a file has them, to a report or to what is wrong with its cells.

What a spreadsheet or a data frame does to a number is refused and never mended: an identity number that was a number
once has lost its last digits, a contract that became a day has lost its name.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from client_sdk.lending.cells import Cells
from client_sdk.lending.column_forms import FORMS, ColumnForm
from client_sdk.models.batch import RejectedRow
from client_sdk.models.violation import Violation
from client_sdk.tables.values import Unclear

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from client_sdk.lending.mapping import ColumnMapping
    from client_sdk.tables.values import Value

__all__ = ["Make", "RowMaker", "rejected"]

R = TypeVar("R")
# What makes a value of the cells of a row, or rejects it.
Make: TypeAlias = "Callable[[Mapping[str, str], int], R | RejectedRow]"

_MALFORMED = "MALFORMED"
_AS_TEXT = "text: format the column as text, and type the value anew"
_IDENTITY = "id_number"


class RowMaker(Generic[R]):
    """Makes rows.

    Args:
        make: of the cells of a row, by column.
        mapping: from the file's headings to columns; None where its headings are columns.
    """

    def __init__(self, make: Make[R], mapping: ColumnMapping | None = None) -> None:
        self._make = make
        self.mapping = mapping

    def of_texts(self, values: Mapping[str, str], row: int) -> R | RejectedRow:
        """Return what the texts of a row make, by heading."""
        return self._make(values, row) if self.mapping is None else self(values, row)

    def __call__(self, values: Mapping[str, Value], row: int) -> R | RejectedRow:
        """Return what the values of a row make.

        Args:
            values: by heading.
            row: by which people find it.
        """
        by_column = values if self.mapping is None else self.mapping.values(values)
        texts: dict[str, str] = {}
        unclear: list[Violation] = []
        for column, value in by_column.items():
            text = value if type(value) is str else _text(column, value)
            if isinstance(text, Unclear):
                unclear.append(_violation(row, column, text))
            elif text:
                texts[column] = text
        made = self._make(texts, row)
        if not unclear:
            return made
        told = {violation.field for violation in unclear}
        others = made.violations if isinstance(made, RejectedRow) else ()
        return rejected(texts, row, *unclear, *(item for item in others if item.field not in told))


def rejected(texts: Mapping[str, str], row: int, *violations: Violation) -> RejectedRow:
    """Return a row that is rejected, with what it calls its record as far as that can be read."""
    cells = Cells(texts, row)
    cells.violations += violations
    return cells.rejected()


def _violation(row: int, column: str, seen: Unclear) -> Violation:
    return Violation(row=row, reason=_MALFORMED, field=column, rule=seen.rule, got=seen.got, want=seen.want)


def _text(column: str, value: Value) -> str | Unclear:
    """Return the text that a value stands for in a column."""
    if value is None:
        return ""
    if isinstance(value, Unclear | str):
        return value
    if isinstance(value, list):
        return " ".join(value) if FORMS[column] is ColumnForm.LIST else Unclear("cell.type", "a list", "one text")
    if isinstance(value, date):
        return _day_text(column, value)
    if FORMS[column] is ColumnForm.NUMBER:
        whole = value == int(value)
        return str(int(value)) if whole else str(value)
    if isinstance(value, Decimal):
        return Unclear("cell.type", "a number with a decimal point or an exponent", _AS_TEXT)
    if column == _IDENTITY:
        return Unclear("cell.type", f"a number of {len(str(abs(value)))} digits, not text", _AS_TEXT)
    return str(value)


def _day_text(column: str, value: date) -> str | Unclear:
    form = FORMS[column]
    if isinstance(value, datetime):
        if form is ColumnForm.TIME and value.tzinfo is not None:
            return value.isoformat()
        if form is ColumnForm.TIME:
            return Unclear("cell.type", "a time without its offset from UTC", "text such as 2026-01-20T10:00:00+08:00")
        want = "a day alone" if form is ColumnForm.DAY else _AS_TEXT
        return Unclear("cell.type", "a day with a time", want)
    if form is ColumnForm.DAY:
        return value.isoformat()
    if form is ColumnForm.TIME:
        return Unclear("cell.type", "a day without a time", "text such as 2026-01-20T10:00:00+08:00")
    return Unclear("cell.type", "a day: a spreadsheet makes one of what looks like it", _AS_TEXT)
