"""What goes wrong with a database while a registry uses it, on both kinds: locked, full, not writable, gone.

The database itself refuses, with its own error; each trouble is over when its block ends, and nothing was taken away.
"""

from __future__ import annotations

import resource
import sqlite3
import threading
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, create_engine, event, make_url, text
from sqlalchemy.pool import NullPool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from registry_server.storage.unit_of_work import Database

__all__ = ["FEW_BYTES", "file_of", "full_disk", "gone", "locked", "small_files_only", "unwritable"]

# Takes a file's place on a device that has no room: every write is answered with ENOSPC.
FULL_DEVICE = "/dev/full"
# More than any test fills.
MANY_PAGES = 1_000_000
# One page of SQLite; with its header in the write-ahead log it is longer.
FEW_BYTES = 4_096


def file_of(url: str) -> Path | None:
    """The file of an SQLite database; None for PostgreSQL."""
    parsed = make_url(url)
    return Path(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else None


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Hold the lock that every append needs."""
    path = file_of(url)
    if path is not None:
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
        try:
            yield
        finally:
            connection.rollback()
            connection.close()
        return
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as work:
        work.execute(text("SELECT * FROM head FOR UPDATE"))
        yield
    engine.dispose()


@contextmanager
def full_disk(database: Database, url: str) -> Iterator[None]:
    """Leave no room for another page of leaves.

    Args:
        database: as the registry has opened it.
        url: of the same; its server's files are on this machine.
    """
    if database.on_postgresql:
        with _free_space_map_on_a_full_device(url):
            yield
        return
    full = threading.Event()
    full.set()

    def limit(connection: Connection) -> None:
        # SQLite never goes below the size that a file has: it says that the disk is full where it would have to grow.
        connection.exec_driver_sql(f"PRAGMA max_page_count={1 if full.is_set() else MANY_PAGES}")

    # It stays when the disk has room again: connections keep the limit that they were given last.
    event.listen(database.engine, "begin", limit)
    try:
        yield
    finally:
        full.clear()


@contextmanager
def _free_space_map_on_a_full_device(url: str) -> Iterator[None]:
    """Put the file that every table gets with its second page on a full device, before the table gets it."""
    with _sql(make_url(url)) as connection:
        folder = connection.scalar(text("SHOW data_directory"))
        path = connection.scalar(text("SELECT pg_relation_filepath('leaves')"))
    file = Path(folder, f"{path}_fsm")
    file.symlink_to(FULL_DEVICE)
    try:
        yield
    finally:
        file.unlink()


@contextmanager
def unwritable(url: str) -> Iterator[None]:
    """Let the database be read and not written: files that the system refuses to write, a server that is a standby."""
    path = file_of(url)
    if path is not None:
        # The first connection writes the shared index: one is kept open all the time.
        with closing(sqlite3.connect(path)) as reader:
            reader.execute("SELECT size FROM head").fetchall()
            with small_files_only():
                yield
        return
    parsed = make_url(url)
    with _sql(parsed.set(database="postgres")) as server:
        server.execute(text(f'ALTER DATABASE "{parsed.database}" SET default_transaction_read_only = on'))
        try:
            _end_sessions(server, parsed)
            yield
        finally:
            server.execute(text(f'ALTER DATABASE "{parsed.database}" RESET default_transaction_read_only'))


@contextmanager
def small_files_only(most: int = FEW_BYTES) -> Iterator[None]:
    """Let this process write no file beyond its first bytes, in which no transaction has room."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def gone(url: str) -> Iterator[None]:
    """Take the database away: the file by another name; or every session ended, and nobody let in."""
    path = file_of(url)
    if path is not None:
        away = path.rename(path.with_name("taken-away.sqlite"))
        try:
            yield
            assert not path.exists()
        finally:
            away.rename(path)
        return
    parsed = make_url(url)
    with _sql(parsed.set(database="postgres")) as server:
        server.execute(text(f'ALTER DATABASE "{parsed.database}" ALLOW_CONNECTIONS false'))
        try:
            _end_sessions(server, parsed)
            yield
        finally:
            server.execute(text(f'ALTER DATABASE "{parsed.database}" ALLOW_CONNECTIONS true'))


def _end_sessions(server: Connection, url: URL) -> None:
    end = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = :name")
    server.execute(end, {"name": url.database})


@contextmanager
def _sql(url: URL) -> Iterator[Connection]:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
