"""Checkpoints: signing what has been committed, never anything else (design 6, formats 7).

A signature over the same (origin, size, root) is the same bytes whoever makes it, so a crash anywhere is repaired by
signing again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from client_sdk.formats.checkpoint import sign_checkpoint
from registry_server.sequencing.errors import InconsistentError
from registry_server.storage import head

if TYPE_CHECKING:
    from client_sdk.formats.keys import Signer
    from client_sdk.formats.state import RegistryState
    from registry_server.sequencing.state import State
    from registry_server.storage.unit_of_work import Database

__all__ = ["Publisher"]


class Publisher:
    """Signs and stores checkpoints.

    Args:
        database: where they are stored.
        signer: of the log's key.
    """

    def __init__(self, database: Database, signer: Signer) -> None:
        self._database = database
        self._signer = signer
        self._lock = threading.Lock()
        self._newest: tuple[int, bytes] = (0, b"")
        self._stored = 0

    def origin(self, state: RegistryState) -> str:
        """Return the origin of the log that the key belongs to.

        Raises:
            InconsistentError: the registry has no such log key.
        """
        public_key = self._signer.public_key.raw
        for key in state.log_keys:
            if key.public_key == public_key:
                return key.origin
        raise InconsistentError("log key", got="a key of no log", want="a log key that an act gave")

    def checkpoint(self, state: State) -> bytes:
        """Return the signed checkpoint of a committed state."""
        with self._lock:
            size, signed = self._newest
            if size == state.size:
                return signed
            signed = sign_checkpoint(self.origin(state.directory.state), state.size, state.root, self._signer)
            if size < state.size:
                self._newest = (state.size, signed)
            return signed

    def store(self, state: State) -> bytes:
        """Return the signed checkpoint of a committed state, once it is stored.

        Raises:
            StorageError: the database failed; the checkpoint is signed again by whoever reads next.
        """
        signed = self.checkpoint(state)
        if self._stored < state.size:
            with self._database.append() as work:
                head.store_checkpoint(work, state.size, signed)
                work.commit()
            self._stored = max(self._stored, state.size)
        return signed
