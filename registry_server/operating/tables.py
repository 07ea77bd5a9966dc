"""The tables of a registry's database, and their version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_server.storage import migrations

if TYPE_CHECKING:
    from registry_server.settings import Settings

__all__ = ["current_tables", "migrate", "upgrade", "wanted_tables"]


def migrate(settings: Settings) -> str:
    """Bring the database to the tables of this program, and make the rows that they lack; return their version.

    Raises:
        InconsistentError: the acts of its log do not fit together.
        StorageError: it cannot be reached or is in use.
    """
    upgrade(settings.database)
    return migrations.current(settings.database)


def upgrade(url: str) -> None:
    """Bring a database to the tables of this program, and make the blocks of its map where there are none.

    Raises:
        InconsistentError: the acts of its log do not fit together.
        StorageError: it cannot be reached or is in use; the next run goes on where this one has stopped.
    """
    # Other commands of the tables load nothing of the log.
    from registry_server.sequencing.map_building import fill_map  # noqa: PLC0415 - as above
    from registry_server.storage.unit_of_work import Database  # noqa: PLC0415 - as above

    migrations.upgrade(url)
    with Database(url, serving=False) as database:
        fill_map(database)


def current_tables(settings: Settings) -> str:
    """Return the version of the database's tables; empty where it has none.

    Raises:
        StorageError: it cannot be reached.
    """
    return migrations.current(settings.database)


def wanted_tables() -> str:
    """Return the version of the tables that this program needs."""
    return migrations.newest()
