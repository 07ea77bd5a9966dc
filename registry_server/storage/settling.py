"""Bringing a table to rows that were computed elsewhere: what is wrong is deleted, what is missing is inserted."""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy import and_, delete

from client_sdk.kernel.formats.encoding import lp
from registry_server.storage.driver import insert
from registry_server.storage.wholesale import pages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from sqlalchemy import Table

    from client_sdk.kernel.ledger.state_store import StateStore
    from registry_server.storage.driver import Value
    from registry_server.storage.unit_of_work import UnitOfWork

    Row: TypeAlias = tuple[Value, ...]

__all__ = ["WantedRows", "key_of", "settle", "settle_each"]

_KEY_BYTES = 16


def key_of(table: Table, row: Row) -> Row:
    """Return the primary key of a row."""
    places = [column.name for column in table.columns]
    return tuple(row[places.index(column.name)] for column in table.primary_key.columns)


class WantedRows:
    """Rows that a table should have, each taken once by its primary key.

    A store shows keys, and the key of a row may lead to a person: it gets a hash under a secret of this object.

    Args:
        table: which.
        store: takes the rows.
    """

    def __init__(self, table: Table, store: StateStore) -> None:
        self._table = table
        self._rows = store.mapping(f"rows of {table.name}", bytes, tuple)
        self._secret = secrets.token_bytes(_KEY_BYTES)

    def add(self, row: Row) -> None:
        """Want a row, instead of one of the same key."""
        self._rows[self._hidden(row)] = row

    def has(self, row: Row) -> bool:
        """Whether a row of the same key is wanted."""
        return self._hidden(row) in self._rows

    def take(self, row: Row) -> Row | None:
        """Return the row of the same key, which is wanted no more; None where there is none."""
        return self._rows.pop(self._hidden(row), None)

    def left(self) -> Iterator[Row]:
        """Yield the rows that were not taken; none is taken or added meanwhile."""
        yield from self._rows.values()

    def _hidden(self, row: Row) -> bytes:
        key = b"".join(map(_encoded, key_of(self._table, row)))
        return blake2b(key, digest_size=_KEY_BYTES, key=self._secret).digest()


def _encoded(value: Value) -> bytes:
    match value:
        case None:
            return b"n"
        case bytes():
            return b"b" + lp(value)
        case str():
            return b"s" + lp(value)
        case _:
            return b"i" + lp(str(int(value)))


def settle(work: UnitOfWork, table: Table, rows: Iterable[Row], store: StateStore, *, write: bool) -> int:
    """Let a table hold these rows and no other.

    Args:
        work: the transaction.
        table: which.
        rows: a value for each column.
        store: takes them meanwhile.
        write: change the table; False only counts.

    Returns:
        How many rows are wrong, too many or missing.
    """
    want = WantedRows(table, store)
    for row in rows:
        want.add(row)
    return settle_each(work, table, want.take, store, write=write, missing=want.left())


def settle_each(
    work: UnitOfWork,
    table: Table,
    wanted: Callable[[Row], Row | None],
    store: StateStore,
    *,
    write: bool,
    missing: Iterable[Row] = (),
) -> int:
    """Let each row of a table be as is wanted.

    Args:
        work: the transaction.
        table: which.
        wanted: returns what a row should be, with the same key or another one; None for a row that should not be there.
        store: takes what is wrong meanwhile.
        write: change the table; False only counts.
        missing: further rows; read once every row was looked at.

    Returns:
        How many rows are wrong, too many or missing.
    """
    wrong = store.mapping(f"wrong keys of {table.name}", int, tuple)
    fresh = store.mapping(f"right rows of {table.name}", int, tuple)
    count, right = 0, 0
    with pages(work, table) as found:
        for page in found:
            for row in page:
                want = wanted(row)
                if want == row:
                    continue
                wrong[count] = key_of(table, row)
                count += 1
                if want is not None:
                    fresh[right] = want
                    right += 1
    if write:
        _delete(work, table, wrong.values())
        for some in work.in_pages(fresh.values()):
            insert(work, table, some)
    for some in work.in_pages(missing):
        count += len(some)
        if write:
            insert(work, table, some)
    return count


def _delete(work: UnitOfWork, table: Table, keys: Iterable[Row]) -> None:
    columns = list(table.primary_key.columns)
    for key in keys:
        equal = and_(*(column == value for column, value in zip(columns, key, strict=True)))
        work.connection.execute(delete(table).where(equal))
