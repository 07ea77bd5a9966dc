"""The tables of a registry's database, and their version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_server.storage import migrations

if TYPE_CHECKING:
    from registry_server.settings import Settings

__all__ = ["current_tables", "migrate", "wanted_tables"]


def migrate(settings: Settings) -> str:
    """Bring the database to the tables of this program; return their version.

    Raises:
        StorageError: it cannot be reached or is in use.
    """
    migrations.upgrade(settings.database)
    return migrations.current(settings.database)


def current_tables(settings: Settings) -> str:
    """Return the version of the database's tables; empty where it has none.

    Raises:
        StorageError: it cannot be reached.
    """
    return migrations.current(settings.database)


def wanted_tables() -> str:
    """Return the version of the tables that this program needs."""
    return migrations.newest()
