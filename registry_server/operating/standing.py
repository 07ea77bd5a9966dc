"""Comparison of a database with what was signed last: with the checkpoint register and the witnesses."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, NamedTuple

from registry_server.operating.register import register_of
from registry_server.operating.witnesses import WitnessSize, ask_witnesses
from registry_server.sequencing.errors import RegisterMismatch
from registry_server.storage import head
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.register import RegisterState, compare_register

if TYPE_CHECKING:
    from registry_server.settings import Settings

__all__ = ["DatabaseStanding", "standing_of"]


class DatabaseStanding(NamedTuple):
    """How a database stands to what was signed last.

    Attributes:
        register: beside the database.
        witnesses: what each of them has cosigned.
        missing: leaves that are known to be missing: the first one, and the one after the last; None for none.
    """

    register: RegisterState
    witnesses: tuple[WitnessSize, ...]
    missing: tuple[int, int] | None

    @property
    def may_be_served(self) -> bool:
        """Whether the database is the one that was signed last, as far as register and witnesses tell."""
        return not (self.register.problem or self.register.mismatch or self.missing)

    @property
    def beyond_register(self) -> tuple[WitnessSize, ...]:
        """The witnesses that have cosigned leaves that neither database nor register has: they lie, or both are old."""
        if self.register.problem or self.register.mismatch:
            return ()
        return tuple(witness for witness in self.witnesses if witness.size > self.register.size)


def standing_of(settings: Settings) -> DatabaseStanding:
    """Return how the database stands to register and witnesses; a server may be running.

    Raises:
        NoGenesisError: there is no log.
        StorageError: the database failed.
    """
    with Database(settings.database, serving=False) as database:
        with closing(register_of(settings)) as register:
            state = compare_register(database, register)
        with database.snapshot() as work:
            row = head.read(work)
    witnesses = (
        () if row is None or not row.checkpoint else ask_witnesses(settings, row.checkpoint_size, row.checkpoint)
    )
    sizes = [state.held.size] if state.mismatch is RegisterMismatch.AHEAD and state.held is not None else []
    sizes += [witness.size for witness in witnesses if witness.size > state.size]
    return DatabaseStanding(state, witnesses, (state.size, max(sizes)) if sizes else None)
