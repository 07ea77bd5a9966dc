"""Rows of a portfolio that is a workbook or a file or frame of columns."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeVar

from client_sdk.lending.header import check_names, folded
from client_sdk.lending.refusal import refused
from client_sdk.lending.row_maker import rejected
from client_sdk.models.violation import Violation
from client_sdk.tables.values import TableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from client_sdk.errors import PreflightError
    from client_sdk.lending.row_maker import RowMaker
    from client_sdk.models.batch import RejectedRow
    from client_sdk.tables.values import TableRow, Value

__all__ = ["heading_texts", "refusal_of", "table_rows"]

R = TypeVar("R")
# Among which the header is.
_HIGHEST_ROWS = 1_000


def table_rows(
    rows: Iterable[TableRow], headings: Sequence[str], required: Sequence[str], make: RowMaker[R]
) -> Iterator[R | RejectedRow | None]:
    """Yield what the rows of a table make; None for an empty one.

    Args:
        rows: without the header.
        headings: of its columns; empty ones at the end are left out.
        required: columns without which no row can be read.
        make: of the values of a row.

    Raises:
        PreflightError: a heading names an unknown column, or one twice, or a required one is missing; or the table is
            damaged.
    """
    names = folded(headings, make.mapping)
    check_names(names, "", required, make.mapping)
    width = len(names)
    try:
        for row in rows:
            values = row.values
            if not values:
                yield None
            elif len(values) > width and any(value is not None and value != "" for value in values[width:]):
                want = f"nothing behind the {width} columns that have a heading"
                yield _broken(row, names, "table.cells", f"a cell at place {_last(values)}", want)
            elif row.fault is not None:
                yield _broken(row, names, *row.fault)
            else:
                yield make(dict(zip(names, values, strict=False)), row.number)
    except TableError as error:
        raise refusal_of(error) from None


def heading_texts(rows: Iterator[TableRow]) -> list[str]:
    """Return the headings of a table from the first of its rows that is not empty.

    Raises:
        PreflightError: there is none near the top, or it holds something else than texts.
        TableError: the table is damaged.
    """
    want = "a header row of the columns of a portfolio"
    header = next((row for row in islice(rows, _HIGHEST_ROWS) if row.values), None)
    if header is None:
        raise refused(1, "header", "columns.known", want, got="no row")
    if header.fault is not None:
        raise refused(header.number, "header", header.fault.rule, header.fault.want, got=header.fault.got)
    for place, value in enumerate(header.values, start=1):
        if value is not None and not isinstance(value, str):
            raise refused(header.number, "header", "columns.known", want, got=f"no text at place {place}")
    return [value if isinstance(value, str) else "" for value in header.values]


def refusal_of(error: TableError) -> PreflightError:
    """Return the error of a portfolio for that of its table."""
    return refused(error.row, "file", error.rule, error.want, got=error.got)


def _broken(row: TableRow, names: Sequence[str], rule: str, got: str, want: str) -> RejectedRow:
    texts = {name: value for name, value in zip(names, row.values, strict=False) if isinstance(value, str)}
    violation = Violation(row=row.number, reason="MALFORMED", field="row", rule=rule, got=got, want=want)
    return rejected(texts, row.number, violation)


def _last(values: Sequence[Value]) -> int:
    return max(place for place, value in enumerate(values, start=1) if value is not None and value != "")
