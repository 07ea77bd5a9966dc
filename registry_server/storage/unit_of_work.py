"""Connections and transactions: one writer, many snapshots, on SQLite or PostgreSQL.

SQLite      write-ahead log, ``synchronous=FULL``, ``secure_delete``, one process: a lock file beside the database; the
            file must stay where it was found.
PostgreSQL  READ COMMITTED for the writer, who takes turns by locking the head row; REPEATABLE READ, read only, for
            snapshots; straight or through a pooler (serving/postgresql.py).
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Self, TypeVar

from filelock import FileLock, Timeout
from sqlalchemy import create_engine, event, make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from registry_server.serving.answered import AnsweredConnection
from registry_server.serving.full_disk import is_full
from registry_server.serving.open_sessions import OpenSessions
from registry_server.serving.postgresql import LimitError, check_limits, has_pooler, postgresql_engine
from registry_server.storage.errors import DatabaseInUseError, LimitsError, StorageError, StorageFault
from registry_server.storage.read_only import is_read_only
from registry_server.storage.sqlite_file import SqliteFile
from registry_server.storage.unreachable import unreachable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import URL, Connection, Engine, Table
    from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
    from sqlalchemy.pool import ConnectionPoolEntry

R = TypeVar("R")

__all__ = ["STANDBY_ANSWER_SECONDS", "Database", "UnitOfWork"]

# How long an append waits for its turn behind other processes and tools.
PATIENCE_MS = 10_000
IDLE_IN_TRANSACTION_MS = 120_000
POOL_SIZE = 16
POOL_OVERFLOW = 16
# Snapshots at one time. Each may need a second connection, for a tile that is not in memory; what is left of the pool
# is the reserve of the writer, the heartbeat and the health service.
READERS = 12
# How long a snapshot waits for one of these places, and anything at all for a connection.
READ_PATIENCE_SECONDS = 5.0
# How long a standby may take for all that a snapshot of it is read for: the primary is there for the same.
STANDBY_ANSWER_SECONDS = 5.0
# Rows that are read, written or named by one statement, where there are many.
PAGE_ROWS = 1_024
_WRITES = "registry_writes"
# PostgreSQL's error code for a write to a standby.
_READ_ONLY = "25006"
_OUT_OF_MEMORY = "53200"
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND application_name = 'registry-server' AND pid <> pg_backend_pid()"
)
_SQLITE_SETTINGS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA secure_delete=ON",
    # 64 MB of pages, and a checkpoint about every 16 MB: random ids touch many pages a transaction.
    "PRAGMA cache_size=-65536",
    "PRAGMA wal_autocheckpoint=4000",
)


class UnitOfWork:
    """One transaction. The functions of this package's modules take it as their first argument."""

    __slots__ = ("_file", "committed", "connection", "on_postgresql", "page_rows")

    def __init__(self, connection: Connection, file: SqliteFile | None = None, page_rows: int = PAGE_ROWS) -> None:
        self.connection = connection
        self.page_rows = page_rows
        self.on_postgresql = connection.dialect.name == "postgresql"
        self.committed = False
        self._file = file

    def commit(self) -> None:
        """Make durable what was written.

        Raises:
            StorageError: the database refused, or nothing is known of it any more.
        """
        with _translated():
            self.connection.commit()
        if self._file is not None:
            self._file.check()
        self.committed = True

    def in_pages(self, rows: Iterable[R]) -> Iterator[list[R]]:
        """Yield rows, or keys of rows, in lists of as many as one statement takes."""
        left = iter(rows)
        while page := list(islice(left, self.page_rows)):
            yield page

    def renew(self) -> None:
        """Give up what was seen or written; what follows sees the newest state."""
        self.connection.rollback()


class Database:
    """The registry's database.

    Args:
        url: of SQLAlchemy: ``sqlite:///path`` or ``postgresql+psycopg://...``.
        serving: take the lock that keeps a second server off an SQLite file; tools that only read leave it.
        patience_ms: how long a transaction waits for a lock.
        answer_seconds: how long a PostgreSQL server may take for one answer, and for all of a snapshot together; None
            where no other one could be read, and for what is written: a commit may have to wait for a synchronous
            standby.
        page_rows: how many rows one statement reads, writes or names, where there are many.

    Raises:
        DatabaseInUseError: another process serves the same SQLite file.
        StorageError: the SQLite file is not there.
    """

    def __init__(
        self,
        url: str,
        *,
        serving: bool = True,
        patience_ms: int = PATIENCE_MS,
        answer_seconds: float | None = None,
        page_rows: int = PAGE_ROWS,
    ) -> None:
        parsed = make_url(url)
        self.on_postgresql = parsed.get_backend_name() == "postgresql"
        self._url = parsed
        self._file = SqliteFile.of(parsed)
        if serving and self._file is not None:
            self._file.keep_private()
        self._lock = _serving_lock(self._file) if serving and self._file is not None else None
        self._limits = {"lock_timeout": patience_ms, "idle_in_transaction_session_timeout": IDLE_IN_TRANSACTION_MS}
        self._engine = _engine(parsed, self._file, patience_ms, self._limits, answer_seconds)
        self._sessions = OpenSessions(self._engine) if self.on_postgresql else None
        self._answer_seconds = answer_seconds
        self._page_rows = page_rows
        self._turn = threading.Lock()
        self._readers = threading.BoundedSemaphore(READERS)
        self._writer: Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def engine(self) -> Engine:
        """The engine, for tests that count statements."""
        return self._engine

    def check_primary(self) -> None:
        """Check that this database takes writes and that its sessions have the limits that were asked for.

        Raises:
            StorageError: it cannot be reached, or is a standby.
            LimitsError: a pooler drops the limits.
        """
        if not self.on_postgresql:
            return
        try:
            with self._engine.connect() as connection:
                if connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar_one():
                    what = "it takes no reports and no inquiries; name the primary, or all servers of the cluster"
                    raise StorageError(StorageFault.STANDBY, f"{what} with target_session_attrs=read-write")
                check_limits(connection, self._limits)
        except LimitError as error:
            raise LimitsError(str(error)) from None
        except DBAPIError as error:
            raise unreachable(self._url, error) from None

    def end_sessions(self) -> None:
        """End what waits for PostgreSQL, whatever for, and begin nothing more there: the process is about to end."""
        if self._sessions is not None:
            self._sessions.end()

    def close(self) -> None:
        """Give up every connection and the lock."""
        with self._turn:
            self._drop_writer()
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()

    @contextmanager
    def append(self) -> Iterator[UnitOfWork]:
        """Yield a transaction that writes; it is rolled back unless the block commits it.

        Raises:
            StorageError: the database is busy, full, gone or fails otherwise.
        """
        with self._turn, _translated():
            work: UnitOfWork | None = None
            try:
                work = UnitOfWork(self._open_writer(), self._file, self._page_rows)
                yield work
            except BaseException:
                # Nothing is known of a connection that failed: the next transaction opens its own.
                self._drop_writer()
                raise
            finally:
                if self._writer is not None and work is not None and not work.committed:
                    self._writer.rollback()

    @contextmanager
    def snapshot(self, *, reserved: bool = False) -> Iterator[UnitOfWork]:
        """Yield a transaction that reads one state of the database from its first statement to its end.

        It takes one of the connections and keeps SQLite's write-ahead log from being emptied: its holder does
        nothing meanwhile but read, and above all waits for no peer.

        Args:
            reserved: take a connection of the reserve, which no number of readers uses up; for what the registry asks
                for its own sake, one at a time.

        Raises:
            StorageError: the database is busy, gone or fails otherwise; BUSY also where no place came free in time.
        """
        if reserved:
            with self._snapshot() as work:
                yield work
            return
        if not self._readers.acquire(timeout=READ_PATIENCE_SECONDS):
            raise StorageError(StorageFault.BUSY, f"{READERS} snapshots are being read already")
        try:
            with self._snapshot() as work:
                yield work
        finally:
            self._readers.release()

    @contextmanager
    def _snapshot(self) -> Iterator[UnitOfWork]:
        with _translated(), self._engine.connect() as connection:
            if self.on_postgresql:
                connection = connection.execution_options(  # noqa: PLW2901 - the same connection with its options set
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with self._in_time(connection):
                yield UnitOfWork(connection, page_rows=self._page_rows)

    @contextmanager
    def _in_time(self, connection: Connection) -> Iterator[None]:
        """Give what is read of a snapshot its end, where the server's answers have one."""
        raw = connection.connection.driver_connection
        if self._answer_seconds is None or not isinstance(raw, AnsweredConnection):
            yield
            return
        raw.until = time.monotonic() + self._answer_seconds
        try:
            yield
        finally:
            raw.until = math.inf

    def purge(self, tables: Sequence[Table]) -> bool:
        """Remove deleted data from the files that still hold it (P4); outside every transaction.

        Args:
            tables: those from which rows were deleted.

        Returns:
            Whether all of it is gone; False where a reader still needs the write-ahead log.
        """
        if not self.on_postgresql:
            if self._file is not None:
                self._file.check()
            with self._turn, _translated(), self._engine.connect() as connection:
                raw = connection.connection.driver_connection
                if raw is None:
                    return False
                busy = raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return bool(busy is not None and busy[0] == 0)
        with _translated(), self._engine.connect() as connection:
            autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
            for table in tables:
                # What the planner has sampled of the values is drawn anew from those that are left.
                autocommit.exec_driver_sql(f'VACUUM (ANALYZE) "{table.name}"')
        return True

    def others(self) -> int:
        """Return how many other connections of registry servers this database has; on SQLite a lock keeps them off.

        Raises:
            StorageError: a pooler hides which connections are a server's.
        """
        if not self.on_postgresql:
            return 0
        if has_pooler(self._url):
            what = "behind a pooler, which hides who uses it; give --database-url of the server itself"
            raise StorageError(StorageFault.BUSY, what)
        with self._snapshot() as work:
            return int(work.connection.exec_driver_sql(_OTHERS).scalar_one())

    def compact(self, tables: Sequence[Table]) -> bool:
        """Write the files anew without anything that was deleted or dropped (P4); outside every transaction.

        Args:
            tables: those that are left and from which rows were deleted.

        Returns:
            Whether all of it is gone; False where a reader still needs the write-ahead log.
        """
        with self._turn, _translated(), self._engine.connect() as connection:
            raw = connection.connection.driver_connection
            if raw is None:
                return False
            if self.on_postgresql:
                autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
                for table in tables:
                    autocommit.exec_driver_sql(f'VACUUM (FULL, ANALYZE) "{table.name}"')
                # What the planner had sampled of dropped tables; the owner of the database may.
                autocommit.exec_driver_sql("VACUUM (FULL) pg_catalog.pg_statistic")
                return True
            raw.execute("VACUUM")
        return self.purge(())

    def _open_writer(self) -> Connection:
        if self._writer is None:
            self._writer = self._engine.connect().execution_options(**{_WRITES: True})
        self._writer.begin()
        return self._writer

    def _drop_writer(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        writer.invalidate()
        writer.close()


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's errors into ours; their text may quote what was written."""
    try:
        yield
    except DBAPIError as error:
        raise StorageError(_fault_of(error), type(error.orig).__name__) from None
    except PoolTimeoutError:
        raise StorageError(StorageFault.BUSY, "no connection is free") from None


def _fault_of(error: DBAPIError) -> StorageFault:
    name = getattr(error.orig, "sqlite_errorname", "") or getattr(error.orig, "sqlstate", "") or ""
    # 23505: another process has just written the same row; asked again, it is found.
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")) or name in {"55P03", "40001", "40P01", "57014", "23505"}:
        return StorageFault.BUSY
    if is_full(error.orig) or name == _OUT_OF_MEMORY:
        return StorageFault.FULL
    # Class 22 is data that does not fit, class 23 a row that breaks a constraint.
    if name.startswith(("SQLITE_TOOBIG", "SQLITE_MISMATCH", "SQLITE_CONSTRAINT", "22", "23")):
        return StorageFault.VALUE
    if is_read_only(error.orig):
        return StorageFault.READ_ONLY
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOTADB", "SQLITE_READONLY")):
        return StorageFault.GONE
    if error.connection_invalidated or isinstance(error, InterfaceError):
        return StorageFault.GONE
    if isinstance(error, OperationalError) and not name:
        return StorageFault.GONE
    return StorageFault.OTHER


def _serving_lock(file: SqliteFile) -> FileLock:
    # Not thread-local: a server may be stopped from another thread.
    lock = FileLock(f"{file.path}.lock", timeout=0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise DatabaseInUseError(str(file.path)) from None
    return lock


def _engine(
    url: URL, file: SqliteFile | None, patience_ms: int, limits: dict[str, int], answer_seconds: float | None
) -> Engine:
    if url.get_backend_name() == "postgresql":
        engine = postgresql_engine(
            url,
            "registry-server",
            limits,
            pool_size=POOL_SIZE,
            max_overflow=POOL_OVERFLOW,
            pool_timeout=READ_PATIENCE_SECONDS,
            answer_seconds=answer_seconds,
        )
        event.listen(engine, "handle_error", _leave_standby)
        return engine
    engine = create_engine(
        url if file is None else file.url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=READ_PATIENCE_SECONDS,
        connect_args={"check_same_thread": False, "cached_statements": 256, "timeout": patience_ms / 1000},
    )
    event.listen(engine, "connect", _set_up_sqlite)
    if file is not None:
        event.listen(engine, "begin", lambda _: file.check())
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _leave_standby(context: ExceptionContext) -> None:
    """Give up every session where writing is refused: after a failover, new ones lead to the server that takes it."""
    if getattr(context.original_exception, "sqlstate", "") == _READ_ONLY:
        context.is_disconnect = True


def _set_up_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver opens a transaction at the first write only; ours begin where they say so.
    connection.isolation_level = None
    try:
        cursor = connection.cursor()
        for setting in _SQLITE_SETTINGS:
            cursor.execute(setting)
        cursor.close()
    except BaseException:
        # The pool does not have it yet, and would leave it open.
        connection.close()
        raise


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
