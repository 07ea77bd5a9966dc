"""Reading from a hot standby: a second database, which follows the primary some moments behind.

A standby is read where it holds all that the checkpoint register held when the call began, with the same root. So no
answer is older than one that any process of the registry has given before, and none comes from a standby that was
promoted by mistake and has gone its own way. For one that is a little behind a call waits; where it stays behind, the
primary is read.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

import structlog

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import Frontier
from registry_server.sequencing.errors import InconsistentError, RegisterMismatchError
from registry_server.sequencing.follow import follow
from registry_server.sequencing.view import Served, View
from registry_server.storage import head, leaves
from registry_server.storage.errors import RegisterError, StorageError, StorageFault

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import ExitStack

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from registry_server.sequencing.committed import Committed
    from registry_server.sequencing.publish import Publisher
    from registry_server.sequencing.state import State
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = ["STANDBY_FIGURES", "Standby", "StandbyFault", "StandbyUnusableError"]

# Name, and what it is.
STANDBY_FIGURES: Mapping[str, str] = {
    "registry_standby_up": "1 where the standby can be read in place of the primary, else 0.",
    "registry_standby_leaves": "Leaves of the log that the standby was last seen to hold.",
    "registry_standby_age_seconds": "Seconds for which the standby has lacked something that was signed, else 0.",
}

# How often a call that waits for the standby looks whether it has caught up.
_POLL_SECONDS = 0.005
# How long a standby that failed is left alone: each try may take as long as a connection.
_PAUSE_SECONDS = 5.0
# When the register was seen to grow, some minutes back: by it the age of a standby is told.
_SIGHTINGS = 512
_SIGHTING_SECONDS = 0.5
_log = structlog.get_logger("registry.standby")


class StandbyFault(StrEnum):
    """Why a standby is not read."""

    BEHIND = "behind"
    BUSY = "busy"
    UNREACHABLE = "unreachable"
    # It holds another history than the primary, or what it holds does not fit together.
    DIVERGED = "diverged"
    # The checkpoint register cannot be read: nobody knows what was signed.
    REGISTER = "register"


class StandbyUnusableError(Exception):
    """The standby cannot be read now.

    Attributes:
        fault: why.
    """

    def __init__(self, fault: StandbyFault) -> None:
        super().__init__(fault)
        self.fault = fault


class Standby:
    """Reads a standby, and says how old it is; thread-safe.

    Args:
        database: the standby, or any server of the cluster.
        committed: what this process knows of the log.
        publisher: signs what is shown, and knows the register.
        max_lag_seconds: how far behind a standby may be that is waited for.
    """

    def __init__(self, database: Database, committed: Committed, publisher: Publisher, max_lag_seconds: float) -> None:
        self._database = database
        self._committed = committed
        self._publisher = publisher
        self._max_lag = max_lag_seconds
        self._served: Served | None = None
        self._noting = threading.Lock()
        self._sightings: deque[tuple[int, float]] = deque(maxlen=_SIGHTINGS)
        # The size that the standby was last seen at, and since when.
        self._at: tuple[int, float] = (0, time.monotonic())
        self._left_until = float("-inf")
        self._fault: StandbyFault | None = None
        # Reads by why the primary was read instead; None for those from the standby.
        self._reads: dict[str | None, int] = dict.fromkeys((None, *StandbyFault), 0)

    def enter(self, stack: ExitStack) -> View | None:
        """Open a view that ends with the stack; None where the primary must be read, which is counted."""
        fault: StandbyFault | None = None
        view: View | None = None
        try:
            view = stack.enter_context(self.view())
        except StandbyUnusableError as error:
            fault = error.fault
        with self._noting:
            self._reads[fault] += 1
        return view

    @contextmanager
    def view(self) -> Iterator[View]:
        """Yield what the standby holds.

        Raises:
            StandbyUnusableError: it lacks what the register holds, holds something else, or one of them fails.
            StorageError: it failed while it was read; it is left alone for some seconds.
        """
        if time.monotonic() < self._left_until:
            raise StandbyUnusableError(StandbyFault.UNREACHABLE)
        entered = False
        try:
            with self._caught_up() as (state, work):
                trees = self._committed.log, self._committed.inquiries
                view = View(self._shown(state), work, *trees, self._committed.map_cache, of_standby=True)
                entered = True
                self._tell(None)
                yield view
        except (StandbyUnusableError, StorageError, InconsistentError, FormatError) as error:
            fault = _fault_of(error)
            if fault is StandbyFault.UNREACHABLE:
                self._left_until = time.monotonic() + _PAUSE_SECONDS
            if entered:
                raise
            self._tell(fault)
            raise StandbyUnusableError(fault) from None

    def tile(self, tree: str, level: int, index: int) -> bytes | None:
        """Return the hashes of a tile of one of the trees; None where there is none.

        Raises:
            StorageError: the standby fails, or does not hold what this process knows.
        """
        with self._database.snapshot(reserved=True) as work:
            row = head.read(work)
            if row is None or self._known(row) is None:
                raise StorageError(StorageFault.GONE, "neither the primary nor its standby can be read")
            return leaves.tile(work, tree, level, index)

    def figures(self) -> Mapping[str, float]:
        """Return by name what the operator is shown, after a look at the standby."""
        try:
            with self.view():
                pass
        except (StandbyUnusableError, StorageError):
            up = 0
        else:
            up = 1
        size = self._at[0]
        return {"registry_standby_up": up, "registry_standby_leaves": size, "registry_standby_age_seconds": self.age()}

    def age(self) -> float:
        """Return for how many seconds the standby has lacked something that the register holds, as last seen."""
        with self._noting:
            return self._age(*self._at)

    def reads(self) -> Mapping[str | None, int]:
        """Return how many reads the standby has answered (None), and by why how many went to the primary."""
        with self._noting:
            return dict(self._reads)

    @contextmanager
    def _caught_up(self) -> Iterator[tuple[State, UnitOfWork]]:
        """Yield a commit of the standby that is not below the register, and the snapshot that shows it."""
        began = time.monotonic()
        held = self._registered()
        while True:
            with self._database.snapshot() as work:
                row = head.read(work)
                if row is None:
                    raise StandbyUnusableError(StandbyFault.BEHIND)
                age = self._saw(row.size)
                if row.size > held.size:
                    # Committed since the look at the register, which may have moved as well.
                    held = self._registered()
                state = self._state(work, row, held)
                if state is not None:
                    yield state, work
                    return
            if age > self._max_lag or time.monotonic() - began > self._max_lag:
                raise StandbyUnusableError(StandbyFault.BEHIND)
            time.sleep(_POLL_SECONDS)

    def _state(self, work: UnitOfWork, row: HeadRow, held: Checkpoint) -> State | None:
        """Return the commit that a standby shows, if it may be served; None where it may be later."""
        root, log = _root(row), self._committed.log
        known = held.root if row.size == held.size else log.root_of(row.size) if row.size <= log.size else root
        if root != known:
            raise StandbyUnusableError(StandbyFault.DIVERGED)
        if row.size < held.size:
            return None
        if row.size == held.size > self._committed.state.size:
            # Another process has appended; its commit is signed, so the standby's rows are as good as the primary's.
            self._follow(work, row)
        return self._known(row)

    def _follow(self, work: UnitOfWork, row: HeadRow) -> None:
        """Take over a registered commit, unless the writer holds the log for longer than a call may wait."""
        if not self._committed.lock.acquire(timeout=self._max_lag):
            return
        try:
            if row.size > self._committed.state.size:
                follow(self._committed, work, row)
        finally:
            self._committed.lock.release()

    def _known(self, row: HeadRow) -> State | None:
        """Return the commit of a head row, if it is one of the last that this process has seen."""
        for state in reversed(self._committed.recent):
            if state.size == row.size:
                return state if state.head_leaf == row.leaf and state.root == _root(row) else None
        return None

    def _shown(self, state: State) -> Served:
        served = self._served
        if served is None or served.state is not state:
            path = self._committed.log.inclusion(state.size - 1, state.size)
            served = self._served = Served(state, self._publisher.checkpoint(state), path)
        return served

    def _registered(self) -> Checkpoint:
        held = self._publisher.registered()
        now = time.monotonic()
        with self._noting:
            seen = self._sightings
            if not seen or held.size > seen[-1][0]:
                if len(seen) > 1 and seen[-1][1] - seen[-2][1] < _SIGHTING_SECONDS:
                    seen.pop()
                seen.append((held.size, now))
        return held

    def _saw(self, size: int) -> float:
        """Note the size of the standby; return its age in seconds."""
        with self._noting:
            if size != self._at[0]:
                self._at = (size, time.monotonic())
            return self._age(*self._at)

    def _age(self, size: int, since: float) -> float:
        """Return how long ago the register was first seen to hold more; if it always did, since when nothing came."""
        lacked = [at for seen, at in self._sightings if seen > size]
        if not lacked:
            return 0.0
        first = min(since, lacked[0]) if len(lacked) == len(self._sightings) else lacked[0]
        return time.monotonic() - first

    def _tell(self, fault: StandbyFault | None) -> None:
        """Write one line where the standby is no longer read, and one where it is read again."""
        with self._noting:
            before, self._fault = self._fault, fault
        if fault is before:
            return
        if fault is StandbyFault.DIVERGED:
            _log.critical("the standby holds another history and is not read", reason=fault.value)
        else:
            _log.info("standby", read=fault is None, reason=fault or "")


def _fault_of(error: Exception) -> StandbyFault:
    match error:
        case StandbyUnusableError():
            return error.fault
        case RegisterError() | RegisterMismatchError():
            return StandbyFault.REGISTER
        case StorageError(fault=StorageFault.BUSY):
            return StandbyFault.BUSY
        case StorageError():
            return StandbyFault.UNREACHABLE
        case _:
            return StandbyFault.DIVERGED


def _root(row: HeadRow) -> bytes:
    """Return the root of the log that a head row ends.

    Raises:
        FormatError: it holds no frontier.
    """
    return Frontier.from_bytes(row.frontier).root()
