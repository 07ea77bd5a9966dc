"""Rows of a portfolio that were not accepted: a table of the reasons, and the rows themselves, to be corrected."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeAlias

from client_sdk.errors import ConfigError
from client_sdk.lending.header import OF_A_REPORT
from client_sdk.lending.refusal import refused
from client_sdk.lending.row_maker import RowMaker
from client_sdk.lending.source import opened_source
from client_sdk.models.batch import RejectedRow
from client_sdk.tables.values import Unclear
from client_sdk.tables.writing import TableKind, no_formula, table_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from client_sdk.lending.mapping import ColumnMapping
    from client_sdk.lending.text_source import Encoding
    from client_sdk.models.violation import Violation
    from client_sdk.tables.values import Value

__all__ = ["REJECTED_COLUMNS", "SAID_COLUMN", "RowsAsTheyWere", "rejected_table", "rows_as_they_were"]

REJECTED_COLUMNS = (("row", int), ("reason", str), ("field", str), ("rule", str), ("got", str), ("want", str))
# In words: what is wrong, and what to do.
SAID_COLUMN = ("what_to_do", str)

# Of rows that are given back, as they are in memory: those of a portfolio of 100,000 rows fit in.
_MOST_BYTES = 512 * 1024 * 1024
_CELL_BYTES = 64

_Cells: TypeAlias = "tuple[int, Mapping[str, Value]]"


def rejected_table(path: Path, left: Iterable[Violation], said: Callable[[Violation], str] | None = None) -> bytes:
    """Return the file of why rows were not accepted, in the form that its name says.

    Args:
        path: its name.
        left: what is wrong.
        said: says in a person's language what is wrong and what to do, for a last column; None for a file without it.
    """
    safe = no_formula if TableKind.of(path) is TableKind.CSV else str
    rows: Iterator[list[Value]] = (
        [item.row, *map(safe, (item.reason, item.field, item.rule, item.got, item.want)), *map(safe, _said(item, said))]
        for item in left
    )
    return table_bytes(path, REJECTED_COLUMNS if said is None else (*REJECTED_COLUMNS, SAID_COLUMN), rows)


def _said(item: Violation, said: Callable[[Violation], str] | None) -> list[str]:
    return [] if said is None else [said(item)]


class RowsAsTheyWere(NamedTuple):
    """Rows of a file in its own columns.

    Attributes:
        headings: of the file.
        rows: texts of the cells; an empty one where a cell holds what no text stands for, such as a formula.
        missing: numbers of rows that cannot be told apart into columns.
    """

    headings: tuple[str, ...]
    rows: list[list[str]]
    missing: list[int]

    def table(self, path: Path) -> bytes:
        """Return the file of these rows, in the form that its name says."""
        return table_bytes(path, [(heading, str) for heading in self.headings], self.rows)


def rows_as_they_were(
    source: BinaryIO,
    wanted: Collection[int],
    *,
    encoding: Encoding | None = None,
    sheet: str | None = None,
    mapping: ColumnMapping | None = None,
) -> RowsAsTheyWere:
    """Return rows of a portfolio in the columns that its file has, so that they can be corrected and read again.

    Args:
        source: stream of the file.
        wanted: numbers of the rows.
        encoding: as it was read.
        sheet: as it was read.
        mapping: as it was read.

    Raises:
        ConfigError: it cannot be read.
        PreflightError: it is no portfolio, or the rows fill more memory than they may take.
    """
    try:
        table = opened_source(source, encoding, sheet)
        filled = (item for item in table.rows(OF_A_REPORT, _RowKeeper(mapping)) if item is not None)
        found = _bounded(item for item in filled if _number(item) in wanted)
    except OSError as error:
        raise ConfigError(f"the portfolio cannot be read: {error.strerror}") from error
    cells = [item for item in found if not isinstance(item, RejectedRow)]
    headings = tuple(dict.fromkeys(heading for _, row in cells for heading in row) or table.headings())
    rows = [[_text(row.get(heading)) for heading in headings] for _, row in cells]
    return RowsAsTheyWere(headings, rows, [item.row for item in found if isinstance(item, RejectedRow)])


class _RowKeeper(RowMaker[_Cells]):
    """Keeps the cells of rows as they are, by the file's own headings."""

    def __init__(self, mapping: ColumnMapping | None) -> None:
        super().__init__(lambda values, row: (row, values), mapping)

    def of_texts(self, values: Mapping[str, str], row: int) -> _Cells:
        return row, dict(values)

    def __call__(self, values: Mapping[str, Value], row: int) -> _Cells:
        return row, dict(values)


def _bounded(rows: Iterable[_Cells | RejectedRow]) -> list[_Cells | RejectedRow]:
    """Return rows; a file may name one long text in each of them, and be small itself."""
    kept, size = [], 0
    for row in rows:
        kept.append(row)
        cells = () if isinstance(row, RejectedRow) else row[1].values()
        size += sum(_CELL_BYTES + (len(value) if isinstance(value, str) else 0) for value in cells)
        if size > _MOST_BYTES:
            got = "rows that are kept together and take more memory than there is for them"
            raise refused(_number(row), "file", "table.size", "fewer: split the file", got=got)
    return kept


def _number(item: _Cells | RejectedRow) -> int:
    return item.row if isinstance(item, RejectedRow) else item[0]


def _text(value: Value) -> str:
    match value:
        case None | Unclear():
            return ""
        case list():
            return " ".join(value)
        case date() | datetime():
            return value.isoformat()
        case _:
            return str(value)
