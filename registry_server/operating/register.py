"""The checkpoint register: comparison with the database, and its reset by an operator."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.keys import Ed25519Signer
from registry_server.operating.replay_state import replay_state
from registry_server.sequencing.restating import restate
from registry_server.settings import SettingsError
from registry_server.storage import lost, migrations
from registry_server.storage.register import open_register
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.derived import repair_derived
from registry_server.usecases.register import RegisterState, compare_register, reset_register

if TYPE_CHECKING:
    from registry_server.sequencing.clock import Clocks
    from registry_server.settings import Settings
    from registry_server.storage.register import Register

__all__ = ["RegisterState", "put_register", "register_of", "show_register"]


def register_of(settings: Settings) -> Register:
    """Open the checkpoint register of a registry; the caller closes it."""
    return open_register(settings.register_path, settings.register_url.get_secret_value(), settings.log_origin)


def show_register(settings: Settings) -> RegisterState:
    """Return what the checkpoint register holds, and what the database does; a server may be running.

    Raises:
        NoGenesisError: there is no genesis yet.
        StorageError: the database failed.
    """
    migrations.check(settings.database)
    with Database(settings.database, serving=False) as database, closing(register_of(settings)) as register:
        return compare_register(database, register)


def put_register(settings: Settings, confirmed: str, clocks: Clocks | None = None) -> RegisterState:
    """Set the checkpoint register to the database's checkpoint, which an operator has confirmed by its size and root.

    Where a refill has lost records, the HEAD is logged that has the map of the rows that are left: the operator has
    decided that the log goes on from here, whatever register or witnesses say.

    Args:
        settings: of the registry; no server of it runs.
        confirmed: the confirmation that ``show_register`` names.
        clocks: this machine's where none are given.

    Raises:
        NoGenesisError: there is no genesis yet.
        InconsistentError: what is stored does not fit together.
        SettingsError: something else was confirmed; nothing was changed.
        StorageError: the database is served, or failed, or the register cannot be written.
        ConfigError: the registry's folder takes no file, or its disk is full.
        ClockError: records are lost, and what time it is is not known: confirm the clock, and run it again.
    """
    migrations.check(settings.database)
    with Database(settings.database) as database, closing(register_of(settings)) as register:
        state = compare_register(database, register)
        if confirmed != state.confirmation:
            raise SettingsError(f"nothing was changed: --confirm must be exactly {state.confirmation}")
        signer = Ed25519Signer.from_pkcs8_pem(settings.log_key_file.read_bytes())
        reset_register(database, register, signer)
        with database.snapshot() as work, replay_state(settings) as store:
            lost_only = lost.any_left(work) and not repair_derived(work, store, write=False).rows
        if lost_only:
            restate(database, register, signer, clocks)
        return compare_register(database, register)
