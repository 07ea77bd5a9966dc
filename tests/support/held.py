"""Everything that a registry and its key services hold: files, and every column of every table."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import MetaData, create_engine, inspect, make_url, select, text
from sqlalchemy.pool import NullPool

from client_sdk.testing import TestRegistry
from registry_server.storage.schema import FORGOTTEN_FROM, leaves
from tests.conftest import execute, postgres_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.conftest import DatabaseKind

__all__ = ["FULL_VACUUM", "KEY_SERVICES", "Piece", "Site", "columns_of", "log_of", "running_site", "write_out"]

# In docs/operating.md.
FULL_VACUUM = f"VACUUM FULL {', '.join(table.name for table in FORGOTTEN_FROM)}"
KEY_SERVICES = ("key-service-a", "key-service-b")


class Piece(NamedTuple):
    """Some bytes that are held, and where."""

    where: str
    data: bytes


class Site:
    """A real registry with two key services, and all that they keep.

    Args:
        registry: running.
        database_url: of the registry.
        postgres: folder of the PostgreSQL server; None on SQLite, or where it is out of reach.
    """

    def __init__(self, registry: TestRegistry, database_url: str, postgres: Path | None) -> None:
        self.registry = registry
        self.database_url = database_url
        self._postgres = postgres

    @property
    def key_service_urls(self) -> list[str]:
        """The databases of the key services."""
        folders = [self.registry.folder / name for name in KEY_SERVICES]
        return [f"sqlite:///{path}" for folder in folders for path in folder.rglob("*.sqlite")]

    def sample(self) -> None:
        """Let PostgreSQL sample every column for its planner, as it does from time to time by itself."""
        if self.database_url.startswith("postgresql"):
            execute(make_url(self.database_url), "ANALYZE")

    @contextmanager
    def at_rest(self) -> Iterator[None]:
        """Stop all programs while the block lasts, and start them again."""
        for program in ("registry", *KEY_SERVICES):
            self.registry.stop(program)
        yield
        self.registry.start_registry()
        for name in KEY_SERVICES:
            self.registry.start_key_service(name)

    def pieces(self) -> Iterator[Piece]:
        """Yield every byte that is held: files, their logs, and unpacked columns."""
        yield from self.files()
        for url in (self.database_url, *self.key_service_urls):
            yield from columns_of(url)

    def files(self) -> Iterator[Piece]:
        """Yield files of registry and key services, their logs, and those of PostgreSQL."""
        folder = self.registry.folder
        places = [self.registry.registry_home, *(folder / name for name in KEY_SERVICES)]
        paths = [path for place in places for path in place.rglob("*")]
        paths += [folder / f"{name}.log" for name in ("registry", *KEY_SERVICES)]
        if self._postgres is not None:
            write_out(self.database_url)
            paths += [*(self._postgres / "data").rglob("*"), self._postgres / "server.log"]
        for path in paths:
            if path.is_file():
                yield Piece(str(path), path.read_bytes())


def write_out(url: str) -> None:
    """Have PostgreSQL copy the tables that told of persons, as an operator does each month, and write all that it holds
    in memory: without it a file is searched that has not been written yet.
    """
    execute(make_url(url), FULL_VACUUM)
    execute(make_url(url), "CHECKPOINT")


def columns_of(url: str) -> Iterator[Piece]:
    """Yield every value of every column of every table."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        tables = MetaData()
        tables.reflect(connection)
        assert set(tables.tables) == set(inspect(connection).get_table_names())
        for table in tables.sorted_tables:
            for column in table.columns:
                for value in connection.execute(select(column).order_by(*table.primary_key)).scalars():
                    yield Piece(f"{table.name}.{column.name}", _bytes(value))
        if connection.dialect.name == "postgresql":
            samples = "SELECT tablename || '.' || attname, pg_stats::text FROM pg_stats"
            ours = "WHERE schemaname IN ('public', 'months')"
            for where, sampled in connection.execute(text(f"{samples} {ours}")):
                yield Piece(f"{where} (samples)", str(sampled).encode())
    engine.dispose()


def log_of(url: str) -> list[bytes]:
    """Return every leaf of a registry's log, in its order."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        found = connection.execute(select(leaves.c.leaf).order_by(leaves.c.leaf_index)).scalars()
        logged = [bytes(leaf) for leaf in found]
    engine.dispose()
    return logged


def _bytes(value: object) -> bytes:
    match value:
        case bytes() | memoryview():
            return bytes(value)
        case None:
            return b""
        case _:
            return str(value).encode()


@contextmanager
def running_site(
    kind: DatabaseKind, folder: Path, postgres_url: str, *, lenders: Sequence[str] = ("lender-1", "lender-2")
) -> Iterator[Site]:
    """Run a registry on a database of that kind."""
    if kind == "sqlite":
        with TestRegistry(lenders=lenders, folder=folder) as registry:
            yield Site(registry, f"sqlite:///{registry.registry_home / 'registry.sqlite'}", None)
        return
    with postgres_database(postgres_url) as url:
        # A server of our own listens on a socket in its folder.
        host = make_url(url).query.get("host", "")
        place = Path(str(host)) if host else None
        reachable = place if place is not None and (place / "data").is_dir() else None
        environment = {"REGISTRY_DATABASE_URL": url}
        with TestRegistry(lenders=lenders, folder=folder, environment=environment) as registry:
            yield Site(registry, url, reachable)
