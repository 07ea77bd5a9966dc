"""The HEAD after a restore that has lost records: it has the map of the rows that are left.

The log shows what is missing: an audit names each live record without a binding, until its issuer has given it back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_server.sequencing.append import append
from registry_server.sequencing.clock import SystemClocks, Timekeeper
from registry_server.sequencing.errors import NoGenesisError
from registry_server.sequencing.publish import Publisher
from registry_server.sequencing.recover import recover
from registry_server.storage import head

if TYPE_CHECKING:
    from client_sdk.kernel.formats.keys import Signer
    from registry_server.sequencing.clock import Clocks
    from registry_server.storage.register import Register
    from registry_server.storage.unit_of_work import Database

__all__ = ["restate"]


def restate(database: Database, register: Register, signer: Signer, clocks: Clocks | None = None) -> bool:
    """Log a HEAD with the map of the rows, where the newest one has another map; return whether it was needed.

    Args:
        database: of a registry of which no server runs.
        register: of the log.
        signer: of the log's key.
        clocks: this machine's where none are given.

    Raises:
        NoGenesisError: there is no log.
        ClockError: what time it is is not known.
        InconsistentError: what is stored does not fit together otherwise, or with the register.
        StorageError: the database or the register failed.
    """
    committed = recover(database, restating=True)
    if committed.state.map_tree.root == committed.state.head.map_root:
        return False
    publisher = Publisher(database, signer, register, committed)
    publisher.store(committed.state)
    with database.snapshot() as work:
        row = head.read(work)
    if row is None:
        raise NoGenesisError
    timekeeper = Timekeeper(clocks or SystemClocks(), row)
    publisher.store(append(database, committed, timekeeper, tuple, beat=True, at_once=True).state)
    return True
