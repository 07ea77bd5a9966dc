"""Hot statements, through the driver: many rows or many keys in one statement, as plain tuples.

SQLite takes ``executemany`` and lists of keys; PostgreSQL takes one array a column (``unnest``), which doubles the rate
of its ``executemany``. Everything here is one call of the driver whatever the number of rows (P7); within it SQLite, a
library in this process, steps once a row through one prepared statement.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Boolean, Integer, LargeBinary, Text

from registry_server.storage import schema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Column, CursorResult, Select, Table

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Fetched", "Value", "count_up", "delete_keys", "fetch", "insert", "select_in", "update_moved", "upsert"]

Value: TypeAlias = "int | str | bytes | bool | None"
# A row as returned by the driver; its types follow from the columns selected.
Fetched: TypeAlias = "tuple[Any, ...]"

# SQLite's own limit is 32,766 parameters; more keys than this go in several statements.
_MAX_PARAMETERS = 16_384
# One array parameter in PostgreSQL's binary format.
_ARRAY = "%b"
_ARRAY_TYPES = {LargeBinary: "bytea[]", Text: "text[]", Boolean: "boolean[]", Integer: "bigint[]"}


def insert(work: UnitOfWork, table: Table, rows: Sequence[tuple[Value, ...]]) -> None:
    """Insert rows, each with a value for every column of the table in its order."""
    if rows:
        _run(work, _insert_sql(table.name, work.on_postgresql, upsert=False), rows)


def upsert(work: UnitOfWork, table: Table, rows: Sequence[tuple[Value, ...]]) -> None:
    """Insert rows, or replace those with the same primary key."""
    if rows:
        _run(work, _insert_sql(table.name, work.on_postgresql, upsert=True), rows)


def count_up(work: UnitOfWork, table: Table, rows: Sequence[tuple[Value, ...]]) -> None:
    """Insert rows, or add their last column, a count, to that of the row with the same primary key."""
    if rows:
        *_, count = table.columns
        replaced = f"{count.name} = excluded.{count.name}"
        summed = f"{count.name} = {table.name}.{count.name} + excluded.{count.name}"
        sql = _insert_sql(table.name, work.on_postgresql, upsert=True)
        _run(work, sql.replace(replaced, summed), rows)


def update_moved(work: UnitOfWork, table: Table, columns: Sequence[str], rows: Sequence[tuple[Value, ...]]) -> None:
    """Give rows new values, their primary key included.

    Args:
        work: the transaction.
        table: one with a primary key of one column.
        columns: those that change.
        rows: a value for each of these columns, then the primary key as it was.
    """
    if rows:
        _run(work, _update_sql(table.name, tuple(columns), work.on_postgresql), rows)


def delete_keys(work: UnitOfWork, table: Table, keys: Sequence[Value]) -> None:
    """Delete the rows with these primary keys, of one column."""
    if not keys:
        return
    if work.on_postgresql:
        key = _key_column(table)
        sql = f'DELETE FROM "{table.name}" WHERE "{key.name}" = ANY(%b::{_array_type(key)})'  # noqa: S608 - names of our own schema
        work.connection.exec_driver_sql(sql, (list(keys),))
        return
    sql = f'DELETE FROM "{table.name}" WHERE "{_key_column(table).name}" = ?'  # noqa: S608 - likewise
    work.connection.exec_driver_sql(sql, [(key,) for key in keys])


def select_in(
    work: UnitOfWork,
    select: str,
    columns: Sequence[Column[int] | Column[str] | Column[bytes]],
    keys: Sequence[tuple[Value, ...]],
) -> list[Fetched]:
    """Return the rows whose columns equal one of the keys.

    Args:
        work: the transaction.
        select: the statement up to and without WHERE; a table of ours may be named by its own name only.
        columns: what is compared.
        keys: one value a column each.
    """
    if not keys:
        return []
    if work.on_postgresql:
        names = ", ".join(f"{column.table.name}.{column.name}" for column in columns)
        arrays = ", ".join(f"{_ARRAY}::{_array_type(column)}" for column in columns)
        sql = f"{select} WHERE ({names}) IN (SELECT * FROM unnest({arrays}))"  # noqa: S608 - names of our own schema
        return _fetch(work, sql, tuple(list(values) for values in zip(*keys, strict=True)))
    rows: list[Fetched] = []
    step = _MAX_PARAMETERS // len(columns)
    for start in range(0, len(keys), step):
        some = _padded(keys[start : start + step])
        sql = f"{select} WHERE {_is_one_of(columns, len(some))}"
        rows += _fetch(work, sql, tuple(value for key in some for value in key))
    return rows


def _is_one_of(columns: Sequence[Column[int] | Column[str] | Column[bytes]], count: int) -> str:
    """Return the condition for SQLite, which reads a whole table where several columns are IN a list of rows."""
    places = ", ".join([_places(len(columns))] * count)
    table = columns[0].table.name
    if len(columns) == 1:
        return f"{table}.{columns[0].name} IN (VALUES {places})"
    # CROSS JOIN keeps the order: for each key one search of the index.
    equal = " AND ".join(f"sought.{column.name} = k.column{at}" for at, column in enumerate(columns, 1))
    found = f"SELECT sought.rowid FROM (VALUES {places}) AS k CROSS JOIN {table} AS sought WHERE {equal}"  # noqa: S608 - names of our own schema
    return f"{table}.rowid IN ({found})"


def fetch(work: UnitOfWork, query: Select[Fetched]) -> list[Fetched]:
    """Return all rows of a query as the driver gives them; callers bound their number."""
    return _rows(work.connection.execute(query))


def _fetch(work: UnitOfWork, sql: str, parameters: tuple[object, ...]) -> list[Fetched]:
    return _rows(work.connection.exec_driver_sql(sql, parameters))


def _rows(result: CursorResult[Fetched]) -> list[Fetched]:
    # The driver's own tuples: a Row object around each costs as much as reading it.
    rows = result.cursor.fetchall()
    result.close()
    return list(rows)


def _padded(keys: Sequence[tuple[Value, ...]]) -> Sequence[tuple[Value, ...]]:
    """Repeat the last key up to a power of two, so that the driver meets few different statements."""
    missing = (1 << (len(keys) - 1).bit_length()) - len(keys)
    return [*keys, *[keys[-1]] * missing] if missing else keys


def _run(work: UnitOfWork, sql: str, rows: Sequence[tuple[Value, ...]]) -> None:
    if work.on_postgresql:
        work.connection.exec_driver_sql(sql, tuple(list(values) for values in zip(*rows, strict=True)))
    else:
        work.connection.exec_driver_sql(sql, list(rows))


@cache
def _insert_sql(name: str, on_postgresql: bool, *, upsert: bool) -> str:  # noqa: FBT001 - a key of the cache
    table = schema.metadata.tables[name]
    columns = list(table.columns)
    names = ", ".join(column.name for column in columns)
    source = f"SELECT * FROM unnest({_arrays(columns)})" if on_postgresql else f"VALUES {_places(len(columns))}"  # noqa: S608 - names of our own schema
    sql = f"INSERT INTO {name} ({names}) {source}"
    if not upsert:
        return sql
    key = [column.name for column in table.primary_key.columns]
    changes = ", ".join(f"{column.name} = excluded.{column.name}" for column in columns if column.name not in key)
    return f"{sql} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"


@cache
def _update_sql(name: str, changed: tuple[str, ...], on_postgresql: bool) -> str:  # noqa: FBT001 - a key of the cache
    table = schema.metadata.tables[name]
    key = _key_column(table)
    if not on_postgresql:
        changes = ", ".join(f"{column} = ?" for column in changed)
        return f"UPDATE {name} SET {changes} WHERE {key.name} = ?"  # noqa: S608 - names of our own schema
    columns = [*(table.c[column] for column in changed), key]
    changes = ", ".join(f"{column} = fresh.{column}" for column in changed)
    names = ", ".join([*changed, "key_before"])
    source = f"unnest({_arrays(columns)}) AS fresh({names})"
    return f"UPDATE {name} SET {changes} FROM {source} WHERE {name}.{key.name} = fresh.key_before"  # noqa: S608 - likewise


def _places(count: int) -> str:
    return f"({', '.join('?' * count)})"


def _arrays(columns: Iterable[Column[int]]) -> str:
    return ", ".join(f"{_ARRAY}::{_array_type(column)}" for column in columns)


def _key_column(table: Table) -> Column[int]:
    (key,) = table.primary_key.columns
    return key


def _array_type(column: Column[int] | Column[str] | Column[bytes]) -> str:
    return next(name for kind, name in _ARRAY_TYPES.items() if isinstance(column.type, kind))
