"""Derived rows computed anew from the leaves, for a database in which something else than the log was damaged."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.keys import Ed25519Signer
from registry_server.operating.register import register_of
from registry_server.operating.replay_state import replay_state
from registry_server.operating.standing import standing_of
from registry_server.operating.wind_down import while_not_served
from registry_server.sequencing.errors import NoGenesisError
from registry_server.sequencing.restating import restate
from registry_server.storage import head, migrations, schema
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.derived import Repaired, repair_derived

if TYPE_CHECKING:
    from registry_server.sequencing.clock import Clocks
    from registry_server.settings import Settings

__all__ = ["Repaired", "forget", "look_for_repairs", "repair", "restate_lost"]

_OF_PERSONS = {table.name for table in schema.FORGOTTEN_FROM}


def look_for_repairs(settings: Settings) -> Repaired:
    """Return which derived rows differ from what the leaves say; nothing is changed, and a server may be running.

    Raises:
        NoGenesisError: there is no log.
        InconsistentError: leaves or inquiries are damaged or missing: nothing can be derived from them.
        StorageError: the database failed.
        ConfigError: the registry's folder takes no file, or its disk is full.
    """
    migrations.check(settings.database)
    with (
        Database(settings.database, serving=False) as database,
        database.snapshot() as work,
        replay_state(settings) as store,
    ):
        return repair_derived(work, store, write=False)


def repair(settings: Settings, clocks: Clocks | None = None) -> Repaired:
    """Put every derived row right, in one transaction; what is deleted leaves the files of the database as well.

    Raises:
        WindDownError: a server of the registry runs.
        NoGenesisError: there is no log.
        InconsistentError: leaves or inquiries are damaged or missing; nothing was changed.
        StorageError: the database is served, or failed; nothing was changed.
        ConfigError: the registry's folder takes no file, or its disk is full; nothing was changed.
        ClockError: records are lost, and what time it is is not known: confirm the clock, and run it again.
    """
    migrations.check(settings.database)
    with Database(settings.database) as database, while_not_served(database):
        with replay_state(settings) as store, database.append() as work:
            if head.lock(work) is None:
                raise NoGenesisError
            repaired = repair_derived(work, store, write=True)
            work.commit()
        forget(database, repaired)
        restate_lost(settings, database, repaired, clocks)
        return repaired


def restate_lost(settings: Settings, database: Database, repaired: Repaired, clocks: Clocks | None = None) -> None:
    """Log a HEAD with the map of the rows that are left, where some are lost and the log is whole.

    Where leaves are missing as well, it would be another history: nothing is logged.

    Args:
        settings: of the registry.
        database: served by nobody.
        repaired: what was found.
        clocks: this machine's where none are given.

    Raises:
        ClockError: what time it is is not known; the repair is done.
        StorageError: the database or the register failed; the repair is done.
    """
    if not repaired.lost or not standing_of(settings).may_be_served:
        return
    signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
    with closing(register_of(settings)) as register:
        restate(database, register, signer, clocks)


def forget(database: Database, repaired: Repaired) -> None:
    """Write files anew from which a repair has deleted what leads to persons.

    Raises:
        StorageError: the database failed; the repair is done, and may be done again.
    """
    # Also where nothing was deleted now: a run that was killed may have done it. SQLite overwrites what it deletes;
    # PostgreSQL leaves the bytes in its pages until they are written anew.
    if database.on_postgresql or _OF_PERSONS & repaired.rows.keys():
        database.compact(schema.FORGOTTEN_FROM)
    else:
        database.purge(schema.FORGOTTEN_FROM)
