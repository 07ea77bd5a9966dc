"""Checkpoints: registering and signing what has been committed, never anything else (proto/README.md 7).

The log's key signs one thing beside: that a record which the log has ended is erased (proto/README.md 8).

    commit -> move the checkpoint register (compare-and-swap) -> sign

The next append stores the checkpoint in its own transaction; where none comes, the next heartbeat does (ADR 0082).

A signature over the same (origin, size, root) is the same bytes from every process, and the register moves only from a
tree to one that begins with it: so a crash anywhere is repaired by doing the rest again, and a database that is older
than the register, or holds another history, signs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.checkpoint import Checkpoint, sign_checkpoint
from registry_server.sequencing.errors import (
    InconsistentError,
    NoGenesisError,
    RegisterMismatch,
    RegisterMismatchError,
)
from registry_server.sequencing.follow import follow
from registry_server.storage import head
from registry_server.storage.errors import RegisterError, RegisterFault, StorageFault
from registry_server.storage.head import StoredCheckpoint

if TYPE_CHECKING:
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.state import RegistryState
    from registry_server.sequencing.committed import Committed
    from registry_server.sequencing.state import State
    from registry_server.storage.register import Register
    from registry_server.storage.unit_of_work import Database

__all__ = ["Publisher", "origin_of"]

# How often in a row other processes may move the register between our look at it and our own move.
_MAX_MOVES = 16
# More than the states that a process keeps (``Committed.recent``).
_SIGNED_KEPT = 16
_log = structlog.get_logger("registry.register")


def origin_of(state: RegistryState, signer: Signer) -> str:
    """Return the origin of the log that a key belongs to.

    Raises:
        InconsistentError: the registry has no such log key.
    """
    public_key = signer.public_key.raw
    for key in state.log_keys:
        if key.public_key == public_key:
            return key.origin
    raise InconsistentError("log key", got="a key of no log", want="a log key that an act gave")


class Publisher:
    """Registers, signs and stores checkpoints; thread-safe.

    Args:
        database: where they are stored.
        signer: of the log's key.
        register: what must be moved before anything is signed.
        committed: the log; its lock is held while the register moves.
    """

    def __init__(self, database: Database, signer: Signer, register: Register, committed: Committed) -> None:
        self._database = database
        self._signer = signer
        self._register = register
        self._committed = committed
        # The last checkpoints that were signed, by size.
        self._signed: dict[int, bytes] = {}
        self._stored = 0
        # What the register held when it was last looked at; the log begins with it.
        self._held: Checkpoint | None = None
        self._mismatch: RegisterMismatchError | None = None

    def found(self) -> None:
        """Make the register of a log that has never been signed.

        Raises:
            RegisterMismatchError: there is a register already, of another log.
            StorageError: it cannot be made.
        """
        self._compare(self._register.create(self._checkpoint(self._committed.state)))

    def check(self) -> None:
        """Check that the log may grow: it begins with what the register holds, and all of it is registered.

        Raises:
            RegisterMismatchError: the database is not the one that was signed last.
            StorageError: the register cannot be used.
        """
        with self._committed.lock:
            self._catch_up(self._register.read())
            self.checkpoint(self._committed.state)

    def check_served(self) -> None:
        """Check that nothing has been found against this database; asks neither the register nor the database.

        Raises:
            RegisterMismatchError: the last look at the register has shown that it is not the one that was signed last.
        """
        mismatch = self._mismatch
        if mismatch is not None:
            raise mismatch

    def checkpoint(self, state: State) -> bytes:
        """Return the signed checkpoint of a committed state, once it is registered.

        Raises:
            RegisterMismatchError: the database is not the one that was signed last.
            StorageError: the register cannot be used.
        """
        signed = self._signed.get(state.size)
        if signed is not None:
            return signed
        with self._committed.lock:
            newest = self._checkpoint(state)
            self._move(newest)
            signed = sign_checkpoint(newest.origin, newest.size, newest.root, self._signer)
            if len(self._signed) >= _SIGNED_KEPT:
                del self._signed[min(self._signed)]
            self._signed[state.size] = signed
            return signed

    def registered(self) -> Checkpoint:
        """Return what the register holds now: nobody has been shown more.

        Raises:
            RegisterMismatchError: there is none.
            StorageError: it cannot be read.
        """
        held = self._register.read()
        if held is None:
            want = f"one at {self._register.place}"
            raise RegisterMismatchError(RegisterMismatch.MISSING, got="no register", want=want)
        return held

    def store(self, state: State) -> bytes:
        """Return the signed checkpoint of a committed state, once it is stored or another process appends already.

        What is not stored is signed again by any process, the same bytes.

        Raises:
            RegisterMismatchError: the database is not the one that was signed last.
            StorageError: register or database failed; the next reader signs the checkpoint.
        """
        signed = self.checkpoint(state)
        if self._stored < state.size:
            with self._database.append() as work:
                stored = head.store_checkpoint(work, StoredCheckpoint(state.size, signed))
                work.commit()
            if stored:
                self._stored = max(self._stored, state.size)
        return signed

    @property
    def newest(self) -> StoredCheckpoint | None:
        """The newest checkpoint that this process has signed."""
        size = max(self._signed, default=0)
        return StoredCheckpoint(size, self._signed[size]) if size else None

    def sign_erasure(self, payload: bytes) -> tuple[bytes, bytes]:
        """Return key id and signature of the log's key over an Erasure (proto/README.md 8).

        Raises:
            RegisterMismatchError: this is not the database that was signed last.
        """
        self.check_served()
        return self._signer.public_key.key_id, dsse.sign(self._signer, dsse.ERASURE, payload)

    def _checkpoint(self, state: State) -> Checkpoint:
        return Checkpoint(origin_of(state.directory.state, self._signer), state.size, state.root)

    def _move(self, newest: Checkpoint) -> None:
        """Let the register hold a tree of the log, or leave it where another process has moved it further."""
        held = self._held or self._register.read()
        for _ in range(_MAX_MOVES):
            held = self._catch_up(held)
            if held.size >= newest.size:
                return
            held = self._register.move(held, newest)
            if held == newest:
                self._held = newest
                return
        what = f"{self._register.place} was moved {_MAX_MOVES} times meanwhile"
        raise RegisterError(RegisterFault.UNAVAILABLE, StorageFault.BUSY, what)

    def _catch_up(self, held: Checkpoint | None) -> Checkpoint:
        """Return what the register holds if the log begins with it, as far as other processes have brought the log."""
        if held is not None and held.size > self._committed.state.size:
            with self._database.snapshot() as work:
                row = head.read(work)
                if row is None:
                    raise NoGenesisError
                follow(self._committed, work, row)
        return self._compare(held)

    def _compare(self, held: Checkpoint | None) -> Checkpoint:
        log = self._committed.log
        have = f"a database of {log.size} leaves"
        if held is None:
            raise self._refused(RegisterMismatch.MISSING, "no register", f"one at {self._register.place} for {have}")
        if held != self._held or self._mismatch is not None:
            if held.size > log.size:
                raise self._refused(RegisterMismatch.AHEAD, have, f"the {held.size} leaves of {self._register.place}")
            if log.root_of(held.size) != held.root:
                want = f"one that begins with the {held.size} leaves of {self._register.place}"
                raise self._refused(RegisterMismatch.FORK, have, want)
        self._held, self._mismatch = held, None
        return held

    def _refused(self, mismatch: RegisterMismatch, got: str, want: str) -> RegisterMismatchError:
        """Note that this database may not be served, and tell the operator once."""
        error = RegisterMismatchError(mismatch, got=got, want=want)
        if self._mismatch is None or self._mismatch.mismatch is not mismatch:
            _log.critical("nothing is signed or served any more", reason=mismatch.value, what_to_do=str(error))
        self._mismatch = error
        return error
