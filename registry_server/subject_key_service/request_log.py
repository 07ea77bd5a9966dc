"""The durable log of requests, each used once, with quotas, on SQLite or PostgreSQL (proto/README.md 1 and 4).

Institution, time, number of elements, purpose, and the blinded elements themselves, which say nothing of
what they blind; never a result. A row is durable before its answer leaves. A request id is taken once, for ever.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from registry_server.serving.files import destroy_file
from registry_server.serving.full_disk import is_full
from registry_server.serving.postgresql import postgresql_engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from client_sdk.kernel.formats.words import KeyUse
    from registry_server.subject_key_service.admission import Admitted

__all__ = ["LogEntry", "RequestLog", "RequestLogError", "RequestOutcome", "drop_log", "key_quotas", "key_requests"]

BUSY_TIMEOUT_MS = 5_000
LOCK_TIMEOUT_MS = 5_000
# How long PostgreSQL may take for one answer: longer than it waits for a lock, of which it says so itself. No answer
# left the key service where a commit is given up, and the request is made again under another id.
ANSWER_SECONDS = 10.0
_WRITES = "key_service_writes"
_log = structlog.get_logger(__name__)

metadata = MetaData(
    naming_convention={"pk": "pk_%(table_name)s", "ix": "ix_%(table_name)s_%(column_0_N_name)s"},
)

key_requests = Table(
    "key_requests",
    metadata,
    Column("institution", Text, nullable=False),
    Column("request_id", LargeBinary, nullable=False),
    # Milliseconds since 1970 UTC.
    Column("received_at", BigInteger, nullable=False),
    Column("use", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("subject_key_version", BigInteger, nullable=False),
    Column("element_count", Integer, nullable=False),
    Column("outcome", Text, nullable=False),
    # What was signed, by which key, and the signature: the member cannot deny that it asked.
    Column("payload", LargeBinary, nullable=False),
    Column("key_id", LargeBinary, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    Column("blinded", LargeBinary, nullable=False),
    PrimaryKeyConstraint("institution", "request_id"),
    Index(None, "received_at"),
)

key_quotas = Table(
    "key_quotas",
    metadata,
    Column("institution", Text, nullable=False),
    Column("use", Text, nullable=False),
    # A date in the registry's legal time zone, YYYY-MM-DD.
    Column("day", Text, nullable=False),
    Column("used", BigInteger, nullable=False),
    PrimaryKeyConstraint("institution", "use", "day"),
)


class RequestLogError(Exception):
    """The database is busy, full, gone or fails otherwise; shows nothing of what was written.

    Attributes:
        full: whether its disk is.
    """

    def __init__(self, kind: str, *, full: bool = False) -> None:
        super().__init__(kind)
        self.full = full


class RequestOutcome(StrEnum):
    """Outcome of a valid request; the first two are logged."""

    ADMITTED = "ADMITTED"
    QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
    USED = "USED"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """A request on its way into the log.

    Attributes:
        admitted: the request.
        received_at: ms since 1970 UTC.
        day: the legal date, YYYY-MM-DD.
        limit: elements that the rulebook allows the institution a day for this use.
    """

    admitted: Admitted
    received_at: int
    day: str
    limit: int

    @property
    def key(self) -> tuple[str, bytes]:
        """Unique key of the request."""
        return self.admitted.request.institution, self.admitted.request.request_id

    @property
    def account(self) -> tuple[str, str, str]:
        """Which quota it is counted against."""
        return self.admitted.request.institution, self.admitted.request.use.name, self.day

    def row(self) -> dict[str, object]:
        """Return the row that is logged."""
        request = self.admitted.request
        return {
            "institution": request.institution,
            "request_id": request.request_id,
            "received_at": self.received_at,
            "use": request.use.name,
            "purpose": request.purpose.name,
            "subject_key_version": request.subject_key_version,
            "element_count": self.admitted.count,
            "outcome": RequestOutcome.ADMITTED,
            "payload": self.admitted.payload,
            "key_id": self.admitted.key_id,
            "signature": self.admitted.signature,
            "blinded": self.admitted.blinded,
        }


class RequestLog:
    """The key service's own database.

    Args:
        url: of SQLAlchemy: ``sqlite:///path`` or ``postgresql+psycopg://...``. Its tables are made where missing.

    Raises:
        RequestLogError: the database does not answer.
    """

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._writer = self._engine.execution_options(**{_WRITES: True})
        self._insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        with _translated():
            metadata.create_all(self._writer)

    def close(self) -> None:
        """Give up every connection."""
        self._engine.dispose()

    def record(self, entries: Sequence[LogEntry]) -> list[RequestOutcome]:
        """Log requests in one transaction and count them against their quotas; durable when it returns.

        Returns:
            The outcome of each, in the same order. A used one is neither logged again nor counted.

        Raises:
            RequestLogError: nothing was logged, or nothing is known of it.
        """
        with _translated(), self._writer.begin() as connection:
            fresh = self._insert_rows(connection, entries)
            outcomes = [RequestOutcome.ADMITTED if new else RequestOutcome.USED for new in fresh]
            counted = sorted((place for place, new in enumerate(fresh) if new), key=lambda at: entries[at].account)
            for account, places in groupby(counted, key=lambda at: entries[at].account):
                for refused in self._count(connection, account, [(at, entries[at]) for at in places]):
                    outcomes[refused] = RequestOutcome.QUOTA_EXCEEDED
            _mark_refused(connection, [entries[at].key for at, got in enumerate(outcomes) if got is _REFUSED])
        return outcomes

    def used(self, institution: str, use: KeyUse, day: str) -> int:
        """Return how many elements an institution has asked for on a day.

        Raises:
            RequestLogError: the database does not answer.
        """
        with _translated(), self._engine.connect() as connection:
            return _used(connection, (institution, use.name, day), lock=False)

    def _insert_rows(self, connection: Connection, entries: Sequence[LogEntry]) -> list[bool]:
        statement = self._insert(key_requests).on_conflict_do_nothing()
        returning = statement.returning(key_requests.c.institution, key_requests.c.request_id)
        inserted = {tuple(row) for row in connection.execute(returning, [entry.row() for entry in entries])}
        fresh: list[bool] = []
        for entry in entries:
            fresh.append(entry.key in inserted)
            # The same request twice in one transaction: the first one counts.
            inserted.discard(entry.key)
        return fresh

    def _count(
        self, connection: Connection, account: tuple[str, str, str], entries: list[tuple[int, LogEntry]]
    ) -> list[int]:
        """Add to one quota what fits, request by request; return the places of those that do not."""
        institution, use, day = account
        connection.execute(
            self._insert(key_quotas).on_conflict_do_nothing(),
            {"institution": institution, "use": use, "day": day, "used": 0},
        )
        used = before = _used(connection, account, lock=True)
        refused: list[int] = []
        for place, entry in entries:
            if used + entry.admitted.count > entry.limit:
                refused.append(place)
            else:
                used += entry.admitted.count
        if used != before:
            connection.execute(update(key_quotas).where(_is(account)).values(used=used))
        return refused


_REFUSED = RequestOutcome.QUOTA_EXCEEDED


def _is(account: tuple[str, str, str]) -> ColumnElement[bool]:
    return tuple_(key_quotas.c.institution, key_quotas.c.use, key_quotas.c.day) == account


def _used(connection: Connection, account: tuple[str, str, str], *, lock: bool) -> int:
    query = select(key_quotas.c.used).where(_is(account))
    return connection.execute(query.with_for_update() if lock else query).scalar() or 0


def _mark_refused(connection: Connection, keys: list[tuple[str, bytes]]) -> None:
    for institution, request_id in keys:
        connection.execute(
            update(key_requests)
            .where(key_requests.c.institution == institution, key_requests.c.request_id == request_id)
            .values(outcome=_REFUSED)
        )


def drop_log(url: str) -> bool:
    """Drop the tables of a log and, where they are a file, remove it; return whether anything was there.

    Raises:
        RequestLogError: the database does not answer.
        FileError: the file cannot be removed.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        removed = [destroy_file(Path(f"{parsed.database}{suffix}")) for suffix in ("", "-wal", "-shm")]
        return any(removed)
    engine = _engine(url)
    try:
        with _translated():
            there = inspect(engine).has_table(key_requests.name)
            metadata.drop_all(engine)
    finally:
        engine.dispose()
    return there


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's errors into ours; their text may quote what was written."""
    try:
        yield
    except SQLAlchemyError as error:
        kind = type(getattr(error, "orig", error)).__name__
        _log.error("log of requests failed", error=kind)
        raise RequestLogError(kind, full=is_full(getattr(error, "orig", None))) from None


def _engine(url: str) -> Engine:
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return postgresql_engine(
            parsed,
            "subject-key-service",
            {"lock_timeout": LOCK_TIMEOUT_MS},
            pre_ping=True,
            answer_seconds=ANSWER_SECONDS,
        )
    engine = create_engine(url, connect_args={"check_same_thread": False})
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver opens a transaction at the first write only; ours begin where they say so.
    connection.isolation_level = None
    cursor = connection.cursor()
    for setting in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={BUSY_TIMEOUT_MS}"):
        cursor.execute(f"PRAGMA {setting}")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
