"""Months of inquiries: on PostgreSQL inquiries, and whom they asked about, lie in one partition a month (ADR 0066).

Partitions are in the schema ``months``, named after table and month (UTC): ``months.inquiries_2026_11``. Rows of a
month that has none go to ``months.inquiries_other``, and move when it is made. Whom inquiries asked about is dropped
month by month; on SQLite there is one table each, and nothing here does anything.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import text

from registry_server.storage import head, schema

if TYPE_CHECKING:
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["LOCK", "Month", "drop_before", "make_ahead"]

# Beside the present month: a registry that does nothing for weeks still finds its partition.
_MONTHS_AHEAD = 2
_TABLES = (schema.inquiries.name, schema.inquired_persons.name)
# Held alone by who makes or drops partitions, and shared by who keeps inquiries; any number will do, as long as nobody
# else uses it.
LOCK = 0x6372656469740002
# How long a partition is waited for that is being read, such as for a backup: reads and inquiries queue up behind.
_PATIENCE = "500ms"
_MADE = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'months'"


class Month(NamedTuple):
    """A month of the calendar, UTC."""

    year: int
    number: int

    @classmethod
    def of(cls, moment: int) -> Month:
        """Return the month of a moment (ms)."""
        at = datetime.fromtimestamp(moment / 1_000, UTC)
        return cls(at.year, at.month)

    def later(self, months: int) -> Month:
        """Return the month so many months later."""
        total = self.year * 12 + self.number - 1 + months
        return Month(total // 12, total % 12 + 1)

    @property
    def start(self) -> int:
        """Its first moment, ms."""
        return int(datetime(self.year, self.number, 1, tzinfo=UTC).timestamp() * 1_000)

    @property
    def end(self) -> int:
        """The first moment of the next one, ms."""
        return self.later(1).start

    def partition(self, table: str) -> str:
        """Return the name of a table's partition."""
        return f"{table}_{self.year:04}_{self.number:02}"


def make_ahead(work: UnitOfWork, now: int) -> int:
    """Make the partitions of the present month and the next two, and of each month whose rows wait for one.

    Args:
        work: a transaction that writes.
        now: ms.

    Returns:
        How many were made.

    Raises:
        StorageError: BUSY where something that takes long reads the rows that wait; a later call makes them.
    """
    if not work.on_postgresql:
        return 0
    wanted = {(table, Month.of(now).later(ahead)) for table in _TABLES for ahead in range(_MONTHS_AHEAD + 1)}
    wanted |= {(table, month) for table in _TABLES for month in _waiting(work, table)}
    made = set(work.connection.exec_driver_sql(_MADE).scalars())
    missing = sorted(item for item in wanted if item[1].partition(item[0]) not in made)
    if missing:
        _alone(work)
        made = set(work.connection.exec_driver_sql(_MADE).scalars())
    return sum(_make(work, table, month) for table, month in missing if month.partition(table) not in made)


def drop_before(work: UnitOfWork, moment: int) -> int:
    """Drop whom inquiries of months that were over by then asked about; return how many rows went with them.

    Args:
        work: a transaction that writes.
        moment: ms; what was received before it is to be forgotten.

    Raises:
        StorageError: BUSY where something that takes long reads whom inquiries asked about; a later call drops them.
    """
    if not work.on_postgresql:
        return 0
    table = schema.inquired_persons.name
    made = set(work.connection.exec_driver_sql(_MADE).scalars())
    last = Month.of(moment).later(-1).partition(table)
    # The names of a table's months are in the order of time.
    over = [name for name in made if name.startswith(f"{table}_2") and name <= last]
    if over:
        _alone(work)
    dropped = 0
    for name in sorted(over):
        dropped += int(work.connection.exec_driver_sql(f"SELECT count(*) FROM months.{name}").scalar_one())  # noqa: S608 - a name that we made
        work.connection.exec_driver_sql(f"DROP TABLE months.{name}")
    return dropped


def _waiting(work: UnitOfWork, table: str) -> set[Month]:
    """Return the months of the rows that lie in no month's partition."""
    in_month = "extract(year FROM at)::int, extract(month FROM at)::int"
    at = f"SELECT to_timestamp(received_at / 1000) AT TIME ZONE 'UTC' AS at FROM months.{table}_other"  # noqa: S608 - names of our own schema
    found = work.connection.execute(text(f"SELECT DISTINCT {in_month} FROM ({at}) AS rows"))  # noqa: S608 - likewise
    return {Month(year, number) for year, number in found}


def _make(work: UnitOfWork, table: str, month: Month) -> int:
    """Make a partition beside the others, move its rows there, and attach it."""
    name = month.partition(table)
    bounds = f"FROM ({month.start}) TO ({month.end})"
    between = f"received_at >= {month.start} AND received_at < {month.end}"
    taken = f"DELETE FROM months.{table}_other WHERE {between} RETURNING *"  # noqa: S608 - names of our own schema
    for statement in (
        f"CREATE TABLE months.{name} (LIKE {table} INCLUDING DEFAULTS INCLUDING INDEXES)",
        # What is not sampled of the table is not sampled of its partitions (P4).
        *(f"ALTER TABLE months.{name} ALTER COLUMN {column} SET STATISTICS 0" for column in _unsampled(work, table)),
        f"WITH moved AS ({taken}) INSERT INTO months.{name} SELECT * FROM moved",  # noqa: S608 - likewise
        f"ALTER TABLE {table} ATTACH PARTITION months.{name} FOR VALUES {bounds}",
    ):
        work.connection.exec_driver_sql(statement)
    return 1


def _unsampled(work: UnitOfWork, table: str) -> list[str]:
    query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND attstattarget = 0"
    return sorted(work.connection.exec_driver_sql(query, (table,)).scalars())


def _alone(work: UnitOfWork) -> None:
    """Keep other processes from doing the same, from appending and from keeping inquiries, until the transaction ends.

    A statement that waits for a partition would not know of the new one, into which its rows have moved.
    """
    head.lock(work)
    work.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
    work.connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_PATIENCE}'")
