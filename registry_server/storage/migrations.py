"""Bringing a database to the tables that this program needs, with the migrations that its package carries."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import column, create_engine, inspect, make_url, select, table
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from registry_server.serving.full_disk import is_full
from registry_server.serving.postgresql import postgresql_engine
from registry_server.storage.errors import MigrationNeededError, StorageError, StorageFault
from registry_server.storage.sqlite_file import SqliteFile, is_missing
from registry_server.storage.unreachable import unreachable

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import URL, Engine

__all__ = ["check", "current", "leads_to_newest", "newest", "upgrade"]

# In which Alembic keeps the version; it is read without that library, which takes long to load.
_VERSIONS = table("alembic_version", column("version_num"))


def upgrade(url: str) -> None:
    """Bring the database to the newest version; nothing changes where it is there.

    Raises:
        StorageError: the database cannot be reached or is in use.
    """
    from alembic import command  # noqa: PLC0415 - takes long to load, and most commands need none of it

    # Whether it can be reached at all: this error says where it was looked for.
    current(url)
    SqliteFile.make(make_url(url))
    try:
        command.upgrade(_config(url), "head")
    except DBAPIError as error:
        fault = StorageFault.FULL if is_full(error.orig) else StorageFault.OTHER
        raise StorageError(fault, type(error.orig).__name__) from None


def check(url: str) -> None:
    """Check that the database has the version that this program needs.

    Raises:
        MigrationNeededError: it has another one.
        StorageError: it cannot be reached, or its file is not there.
    """
    SqliteFile.of(make_url(url))
    found, want = current(url), newest()
    if found != want:
        raise MigrationNeededError(found or "none", want)


def current(url: str) -> str:
    """Return the version of the database's tables; empty where it has none, or where there is no file yet.

    Raises:
        StorageError: it cannot be reached, or its file cannot be written.
    """
    parsed = make_url(url)
    if is_missing(parsed):
        return ""
    SqliteFile.of(parsed)
    engine = _engine(parsed)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(_VERSIONS.name):
                return ""
            return ", ".join(sorted(connection.execute(select(_VERSIONS.c.version_num)).scalars()))
    except DBAPIError as error:
        raise unreachable(parsed, error) from None
    finally:
        engine.dispose()


@cache
def newest() -> str:
    """Return the version that this program needs."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    (revision,) = ScriptDirectory.from_config(_config("")).get_heads()
    return revision


def leads_to_newest(version: str) -> bool:
    """Whether the migrations of this program lead from a version to the newest one."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    steps = ScriptDirectory.from_config(_config("")).walk_revisions()
    return version in {step.revision for step in steps}


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "postgresql":
        return postgresql_engine(url, "registry-server db", {}, pool=NullPool)
    return create_engine(url, poolclass=NullPool)


def _config(url: str) -> Config:
    from alembic.config import Config  # noqa: PLC0415 - as above

    config = Config()
    config.set_main_option("script_location", str(_folder()).replace("%", "%%"))
    config.attributes["url"] = url
    return config


def _folder() -> Path:
    """Return where the migrations are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).parents[1]
    installed = package / "migrations"
    return installed if installed.is_dir() else package.with_name("migrations")
