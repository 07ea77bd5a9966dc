"""Lay out inquiries, and whom they asked about, by month on PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# What is unique among inquiries: a partitioned table's keys must hold what it is partitioned by.
KEYS = {
    "inquiries": (
        "CONSTRAINT pk_inquiries PRIMARY KEY (asker, inquiry_id, received_at)",
        "CONSTRAINT uq_inquiries_position UNIQUE (position, received_at)",
    ),
    "inquired_persons": ("CONSTRAINT pk_inquired_persons PRIMARY KEY (subject, received_at, asker, inquiry_id)",),
}
KEYS_BEFORE = {
    "inquiries": (
        "CONSTRAINT pk_inquiries PRIMARY KEY (asker, inquiry_id)",
        "CONSTRAINT uq_inquiries_position UNIQUE (position)",
    ),
    "inquired_persons": KEYS["inquired_persons"],
}
INDEXES = {
    "inquiries": (
        "CREATE INDEX ix_inquiries_asker_received_at_inquiry_id ON inquiries (asker, received_at, inquiry_id)",
        "CREATE INDEX ix_inquiries_waiting ON inquiries (received_at) WHERE position IS NULL",
    ),
    "inquired_persons": ("CREATE INDEX ix_inquired_persons_received_at ON inquired_persons (received_at)",),
}
# PostgreSQL samples nothing of these: what is dropped with a month's partition would stay in its statistics (P4).
UNSAMPLED = {"inquiries": ("opening",), "inquired_persons": ("subject", "inquiry_id")}
MONTHS_AHEAD = 2


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute("CREATE SCHEMA months")
    for table, keys in KEYS.items():
        set_aside(table)
        lay_out(table, keys, "PARTITION BY RANGE (received_at)")
        op.execute(f"CREATE TABLE months.{table}_other PARTITION OF {table} DEFAULT")
        for year, month in months_of(table):
            name = f"months.{table}_{year:04}_{month:02}"
            bounds = f"({start_of(year, month)}) TO ({start_of(year, month + 1)})"
            op.execute(f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM {bounds}")
        # Also those of the partitions.
        for column in UNSAMPLED[table]:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STATISTICS 0")
        bring_back(table)


def downgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    for table, keys in KEYS_BEFORE.items():
        set_aside(table)
        lay_out(table, keys, "")
        bring_back(table)
    op.execute("ALTER TABLE inquiries ALTER COLUMN opening SET STATISTICS 0")
    op.execute("DROP SCHEMA months")


def set_aside(table: str) -> None:
    """Put a table and its indexes out of the way of the one that takes their names."""
    op.execute(f"ALTER TABLE {table} SET SCHEMA months")
    op.execute(f"ALTER TABLE months.{table} RENAME TO {table}_before")


def lay_out(table: str, keys: tuple[str, ...], partitioned: str) -> None:
    op.execute(f"CREATE TABLE {table} (LIKE months.{table}_before INCLUDING DEFAULTS) {partitioned}")
    for key in keys:
        op.execute(f"ALTER TABLE {table} ADD {key}")
    for index in INDEXES[table]:
        op.execute(index)


def bring_back(table: str) -> None:
    op.execute(f"INSERT INTO {table} SELECT * FROM months.{table}_before")  # noqa: S608 - names of our own schema
    op.execute(f"DROP TABLE months.{table}_before")


def months_of(table: str) -> list[tuple[int, int]]:
    """Return the months of a table's rows, the present one and those ahead."""
    in_month = "extract(year FROM at)::int, extract(month FROM at)::int"
    at = f"SELECT to_timestamp(received_at / 1000) AT TIME ZONE 'UTC' AS at FROM months.{table}_before"  # noqa: S608 - names of our own schema
    found = op.get_bind().execute(sa.text(f"SELECT DISTINCT {in_month} FROM ({at}) AS rows"))  # noqa: S608 - likewise
    now = datetime.now(UTC)
    later = [now.month - 1 + ahead for ahead in range(MONTHS_AHEAD + 1)]
    ahead = {(now.year + number // 12, number % 12 + 1) for number in later}
    return sorted({(year, month) for year, month in found} | ahead)


def start_of(year: int, month: int) -> int:
    """Return the first moment of a month, UTC, ms; month 13 is the next year's first."""
    return int(datetime(year + (month - 1) // 12, (month - 1) % 12 + 1, 1, tzinfo=UTC).timestamp() * 1_000)
