"""Whole tables: counted, copied into another database, and dropped, for a registry that closes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import func, select, text

from registry_server.storage import schema
from registry_server.storage.driver import upsert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Table, TableClause

    from registry_server.storage.driver import Value
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "DROPPED",
    "EXPORTED",
    "LEFT",
    "copy_page",
    "drop",
    "is_there",
    "live_keys",
    "pages",
    "rows_of",
    "strangers",
]

# Of its running alone, of no use to a successor: not exported. Whom members asked to be told about is among them.
_RUNNING = (
    *(schema.proposals, schema.quotas, schema.replays, schema.tls_keys, schema.certificates),
    *(schema.watched_persons, schema.alerts),
)
# The head row first: what was exported before belongs to it, or the export begins anew.
EXPORTED = (
    schema.head,
    *(table for table in schema.metadata.sorted_tables if table is not schema.head and table not in _RUNNING),
)
# The head row and the hashes of the log and of the inquiries, by which what others hold still verifies.
LEFT = (schema.head, schema.tiles)
DROPPED = tuple(
    sorted(
        (table for table in schema.metadata.sorted_tables if table not in LEFT),
        key=lambda table: table.name,
    )
)


def rows_of(work: UnitOfWork, table: Table | TableClause) -> int:
    """Return how many rows a table has."""
    return int(work.connection.execute(select(func.count()).select_from(table)).scalar_one())


@contextmanager
def pages(work: UnitOfWork, table: Table, size: int | None = None) -> Iterator[Iterator[list[tuple[Value, ...]]]]:
    """Yield what yields all rows of a table in no particular order, a page of this or the usual size at a time."""
    with work.connection.execute(select(table).execution_options(yield_per=size or work.page_rows)) as rows:
        yield ([tuple(row) for row in page] for page in rows.partitions())


def copy_page(work: UnitOfWork, table: Table, page: list[tuple[Value, ...]]) -> None:
    """Write rows that were read elsewhere; those that are there already stay as they are."""
    upsert(work, table, page)


def live_keys(work: UnitOfWork, limit: int) -> list[tuple[str, bytes]]:
    """Return issuer and record id of some live records, hidden ones too."""
    live = schema.live_records.c
    query = select(live.issuer, live.record_id).order_by(live.leaf_index).limit(limit)
    return [(issuer, bytes(record_id)) for issuer, record_id in work.connection.execute(query)]


def strangers(work: UnitOfWork) -> list[str]:
    """Return what an SQLite database holds that no migration makes: triggers, views, other tables, indexes, columns."""
    tables = schema.metadata.tables
    want = {("table", name) for name in (*tables, "alembic_version")}
    want |= {("index", str(index.name)) for table in tables.values() for index in table.indexes}
    query = text("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
    found = {(str(kind), str(name)) for kind, name in work.connection.execute(query)}
    looked_up = text("SELECT name FROM pragma_table_xinfo(:name)")
    columns = [
        f"columns of {name}"
        for name, table in tables.items()
        if set(work.connection.execute(looked_up, {"name": name}).scalars()) != {column.name for column in table.c}
    ]
    return sorted(f"{kind} {name}" for kind, name in found ^ want) + columns


def is_there(work: UnitOfWork, table: Table) -> bool:
    """Whether a table has not been dropped."""
    return bool(work.connection.dialect.has_table(work.connection, table.name))


def drop(work: UnitOfWork, table: Table) -> None:
    """Drop a table with its indexes, and what the planner has sampled of its values."""
    table.drop(work.connection, checkfirst=True)
