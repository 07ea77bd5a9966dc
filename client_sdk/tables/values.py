"""Values of the cells of a table, whatever file it is in."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, TypeAlias

__all__ = ["TableError", "TableRow", "Unclear", "Value"]


class Unclear(NamedTuple):
    """A cell that holds something else than a value, or one of which it is not sure what was typed.

    Attributes:
        rule: stable id, such as ``cell.formula``.
        got: what was seen, without a value: it may be an identity number.
        want: what should be there.
    """

    rule: str
    got: str
    want: str


# A day is a ``date``, a time of a day a ``datetime``; a number is an ``int`` where it is whole.
Value: TypeAlias = str | int | Decimal | date | datetime | list[str] | Unclear | None


class TableRow(NamedTuple):
    """One row.

    Attributes:
        number: by which people find it, the header included.
        values: in the order of the columns; those at the end may be missing, and in an empty row all are.
        fault: what is wrong with the row as such; its values are not to be used then.
    """

    number: int
    values: list[Value]
    fault: Unclear | None = None


class TableError(Exception):
    """A file that is not the table it should be.

    Attributes:
        row: where it is seen, 1 for the file as such.
        rule: stable id, such as ``workbook.macros``.
        got: what was seen.
        want: what should be there, and what to do.
    """

    def __init__(self, rule: str, *, got: str, want: str, row: int = 1) -> None:
        super().__init__(f"{rule}: got {got}, want {want}")
        self.row = row
        self.rule = rule
        self.got = got
        self.want = want
