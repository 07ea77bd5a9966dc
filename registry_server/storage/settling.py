"""Bringing a table to rows that were computed elsewhere: what is wrong is deleted, what is missing is inserted."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import and_, delete

from registry_server.storage.driver import insert
from registry_server.storage.wholesale import pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Table

    from registry_server.storage.driver import Value
    from registry_server.storage.unit_of_work import UnitOfWork

    Row: TypeAlias = tuple[Value, ...]

__all__ = ["key_of", "settle", "settle_each"]

_PAGE = 1_000


def key_of(table: Table, row: Row) -> Row:
    """Return the primary key of a row."""
    places = [column.name for column in table.columns]
    return tuple(row[places.index(column.name)] for column in table.primary_key.columns)


def settle(work: UnitOfWork, table: Table, rows: Iterable[Row], *, write: bool) -> int:
    """Let a table hold these rows and no other.

    Args:
        work: the transaction.
        table: which.
        rows: a value for each column.
        write: change the table; False only counts.

    Returns:
        How many rows are wrong, too many or missing.
    """
    want = {key_of(table, row): row for row in rows}

    def wanted(row: Row) -> Row | None:
        return want.pop(key_of(table, row), None)

    return settle_each(work, table, wanted, write=write, missing=want)


def settle_each(
    work: UnitOfWork,
    table: Table,
    wanted: Callable[[Row], Row | None],
    *,
    write: bool,
    missing: Mapping[Row, Row] | None = None,
) -> int:
    """Let each row of a table be as is wanted.

    Args:
        work: the transaction.
        table: which.
        wanted: returns what a row should be, with the same key or another one; None for a row that should not be there.
        write: change the table; False only counts.
        missing: further rows, by key; looked at once every row was.

    Returns:
        How many rows are wrong, too many or missing.
    """
    wrong: list[Row] = []
    fresh: list[Row] = []
    with pages(work, table) as found:
        for page in found:
            for row in page:
                want = wanted(row)
                if want != row:
                    wrong.append(key_of(table, row))
                    fresh += [] if want is None else [want]
    more = list((missing or {}).values())
    if write:
        _delete(work, table, wrong)
        for some in _parts([*fresh, *more]):
            insert(work, table, some)
    return len(wrong) + len(more)


def _delete(work: UnitOfWork, table: Table, keys: Sequence[Row]) -> None:
    columns = list(table.primary_key.columns)
    for key in keys:
        equal = and_(*(column == value for column, value in zip(columns, key, strict=True)))
        work.connection.execute(delete(table).where(equal))


def _parts(rows: Sequence[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while part := list(islice(left, _PAGE)):
        yield part
