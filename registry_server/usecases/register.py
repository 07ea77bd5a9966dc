"""The checkpoint register as its operator sees it: what it holds, what the database holds, and putting it right."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.checkpoint import Checkpoint
from client_sdk.kernel.formats.merkle import Frontier
from registry_server.sequencing.committed import open_trees
from registry_server.sequencing.errors import NoGenesisError, RegisterMismatch
from registry_server.sequencing.publish import origin_of
from registry_server.sequencing.recover import recover
from registry_server.storage import head
from registry_server.storage.errors import RegisterError

if TYPE_CHECKING:
    from client_sdk.kernel.formats.keys import Signer
    from registry_server.storage.register import Register
    from registry_server.storage.unit_of_work import Database

__all__ = ["RegisterState", "compare_register", "reset_register"]


@dataclass(frozen=True, slots=True)
class RegisterState:
    """Register and database side by side.

    Attributes:
        place: where the register is; without a password.
        held: what it holds; None where there is none, or it cannot be read.
        problem: why it cannot be read; empty where it can.
        size: leaves of the database.
        root: of all of them, 32 bytes.
        mismatch: how they differ; None where the database may be served.
    """

    place: str
    held: Checkpoint | None
    problem: str
    size: int
    root: bytes
    mismatch: RegisterMismatch | None

    @property
    def registered(self) -> str:
        """Content of the register, for display."""
        return "" if self.held is None else confirmation_of(self.held.size, self.held.root)

    @property
    def confirmation(self) -> str:
        """Confirmation that an operator types to set the register to the database's checkpoint."""
        return confirmation_of(self.size, self.root)


def confirmation_of(size: int, root: bytes) -> str:
    """Return size and root as people compare and type them."""
    return f"{size}:{b64encode(root).decode()}"


def compare_register(database: Database, register: Register) -> RegisterState:
    """Return how register and database stand to each other; a server may be running.

    Raises:
        NoGenesisError: there is no genesis yet.
        FormatError: the tiles of the database are damaged.
        StorageError: the database failed.
    """
    held, problem = None, ""
    try:
        # Before the database: it may grow meanwhile, and then holds what the register does.
        held = register.read()
    except RegisterError as error:
        problem = str(error)
    with database.snapshot() as work:
        row = head.read(work)
    if row is None:
        raise NoGenesisError
    mismatch = None
    if held is None:
        mismatch = None if problem else RegisterMismatch.MISSING
    elif held.size > row.size:
        mismatch = RegisterMismatch.AHEAD
    elif open_trees(database, row)[0].root_of(held.size) != held.root:
        mismatch = RegisterMismatch.FORK
    return RegisterState(register.place, held, problem, row.size, Frontier.from_bytes(row.frontier).root(), mismatch)


def reset_register(database: Database, register: Register, signer: Signer) -> None:
    """Set the register to the database's checkpoint, whatever it held; no process may serve the database meanwhile.

    Raises:
        NoGenesisError: there is no genesis yet.
        InconsistentError: what is stored does not fit together, or the key is none of the log's.
        StorageError: the database failed, or the register cannot be written.
    """
    # Also where a restore has lost records, so that no HEAD has their map yet: it is logged once the register is there.
    state = recover(database, restating=True).state
    register.reset(Checkpoint(origin_of(state.directory.state, signer), state.size, state.root))
