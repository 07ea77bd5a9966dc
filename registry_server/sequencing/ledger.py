"""The ledger: what the rest of the server sees of log, map and database.

    with Ledger.open(database, register, signer) as ledger:
        appended = ledger.append(items).result()
        with ledger.view() as view:
            ...

Thread-safe. What ``append`` has acknowledged is committed, in a signed checkpoint, and in every later view.
"""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Self

from client_sdk.kernel.ledger.closing import is_over
from client_sdk.kernel.rules.dates import day_of
from registry_server.sequencing.batches import Batches
from registry_server.sequencing.clock import SystemClocks, Timekeeper
from registry_server.sequencing.errors import ClockError, InconsistentError, LedgerClosedError, NoGenesisError
from registry_server.sequencing.follow import follow
from registry_server.sequencing.map_cache import DEFAULT_BYTES, StoredBlocks
from registry_server.sequencing.map_trail import MapTrail
from registry_server.sequencing.publish import Publisher
from registry_server.sequencing.recover import recover
from registry_server.sequencing.refusals import Refusals
from registry_server.sequencing.standby import Standby
from registry_server.sequencing.view import Served, View
from registry_server.storage import head, lost
from registry_server.storage.errors import StorageError
from registry_server.storage.schema import INQUIRY_TREE, LOG_TREE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from client_sdk.kernel.formats.complaint import Complaint
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.clock import Clocks
    from registry_server.sequencing.committed import Committed
    from registry_server.sequencing.items import Appended, InquiryItem, InquiryResult, Item
    from registry_server.sequencing.state import State
    from registry_server.storage.head import HeadRow
    from registry_server.storage.register import Register
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = ["Ledger"]

# So many callers must agree before their word counts: one alone could be wrong, or lie.
_VOUCHERS = 2
# States that are kept where there is a standby, which shows an earlier one; they share what is equal.
_RECENT_STATES = 8
# How often a view is opened for a screening, until no other process has appended meanwhile.
_HELD_VIEWS = 16


class Ledger:
    """The log with everything that hangs on it; ``open`` makes it.

    Args:
        database: where it is.
        committed: the newest commit.
        publisher: signs checkpoints.
        timekeeper: says what time it is.
    """

    def __init__(self, database: Database, committed: Committed, publisher: Publisher, timekeeper: Timekeeper) -> None:
        self.database = database
        self._timekeeper = timekeeper
        self._committed = committed
        self._publisher = publisher
        self._batches = Batches(database, committed, publisher, timekeeper)
        self._served: Served | None = None
        self.standby: Standby | None = None
        # Whether the primary did not answer when it was last asked for a view.
        self._primary_away = False
        self._trail = MapTrail(database, committed.map_cache)
        self.refusals = Refusals()
        # Set where rows that lead to persons were deleted: housekeeping takes them out of the database's files.
        self.deleted = threading.Event()

    @classmethod
    def open(
        cls,
        database: Database,
        register: Register,
        signer: Signer,
        clocks: Clocks | None = None,
        *,
        map_cache_bytes: int = DEFAULT_BYTES,
    ) -> Self:
        """Open the ledger of a database, and publish its newest commit if a crash has left it unsigned.

        Args:
            database: migrated and founded; the caller closes it after the ledger.
            register: of the log; the caller closes it after the ledger.
            signer: of the log's key.
            clocks: of this machine; its own where none are given.
            map_cache_bytes: how much of the map is kept in memory.

        Raises:
            NoGenesisError: there is no genesis yet.
            InconsistentError: what is stored does not fit together, or the signer is none of the log's.
            RegisterMismatchError: the database is older than the register, holds another history, or there is none.
            StorageError: the database or the register failed.
        """
        committed = recover(database, map_cache_bytes=map_cache_bytes)
        publisher = Publisher(database, signer, register, committed)
        publisher.store(committed.state)
        with database.snapshot() as work:
            timekeeper = Timekeeper(clocks or SystemClocks(), _head_row(work))
        return cls(database, committed, publisher, timekeeper)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Finish what was taken, then stop."""
        self._batches.close()
        self._trail.close()

    @property
    def directory(self) -> Directory:
        """The directory as this process knows it; a view's is the one that agrees with its HEAD."""
        return self._committed.state.directory

    @property
    def size(self) -> int:
        """Size of the log as this process knows it; what other processes append is known within a second or two."""
        return self._committed.state.size

    @property
    def write_failure(self) -> Exception | None:
        """Why the last write failed; None where it succeeded, or where one has succeeded since.

        Until one does, each heartbeat tries to log a HEAD.
        """
        return self._batches.failure

    def append(self, items: Sequence[Item]) -> Future[Appended]:
        """Append items in one transaction, together with whatever else waits (see ``batches``).

        The future fails with StorageError, ClockError or InconsistentError; nothing is then known of the items,
        and the same ones may be sent again.

        Args:
            items: checked as far as ``items`` says; at most 1,024, versions of one record in their order.

        Raises:
            LedgerClosedError: the ledger takes nothing any more.
        """
        return self._batches.append(items)

    def count_refusals(self, member: str, complaints: Iterable[Complaint]) -> None:
        """Count what was refused of what a member sent; housekeeping stores it. After the last day nothing counts."""
        state = self._committed.state
        day = day_of(state.logged_at, state.directory.rulebook.time_zone).isoformat()
        if not is_over(state.directory.closing, day):
            self.refusals.take(member, day[:7], complaints)

    def sign_erasure(self, payload: bytes) -> tuple[bytes, bytes]:
        """Return key id and signature of the log's key over an Erasure.

        Raises:
            RegisterMismatchError: this is not the database that was signed last.
        """
        return self._publisher.sign_erasure(payload)

    def record_inquiries(self, items: Sequence[InquiryItem]) -> Future[list[InquiryResult]]:
        """Keep inquiries; they are durable when the future is done. It fails as that of ``append``.

        Raises:
            LedgerClosedError: the ledger takes nothing any more.
        """
        return self._batches.record_inquiries(items)

    def heartbeat(self, *, at_once: bool = False) -> Future[Appended]:
        """Log a HEAD if the newest is older than the rulebook's heartbeat; it also sequences waiting inquiries.

        Args:
            at_once: log it however young the newest is.

        Raises:
            LedgerClosedError: the ledger takes nothing any more.
        """
        return self._batches.append((), beat=True, at_once=at_once)

    @contextmanager
    def view(self, *, reserved: bool = False) -> Iterator[View]:
        """Yield the newest commit, from memory and from one snapshot of the database.

        It is to be left before anything is sent: see ``Database.snapshot``.

        Args:
            reserved: for what the registry asks for its own sake, however many read.

        Raises:
            InconsistentError: another process has appended what does not fit together.
            RegisterMismatchError: the register has shown that another database was signed last.
            StorageError: the database failed, or the register before a new commit was signed.
        """
        self._publisher.check_served()
        self._trail.go_on()
        with ExitStack() as stack:
            try:
                work = stack.enter_context(self.database.snapshot(reserved=reserved))
                served = self._agreeing(work)
            except StorageError:
                self._primary_away = True
                raise
            self._primary_away = False
            committed = self._committed
            yield View(served, work, committed.log, committed.inquiries, committed.map_cache)

    @contextmanager
    def held_view(self, seconds: float) -> Iterator[View]:
        """Yield the newest commit as ``view`` does; its map can be read for so long, as far as memory allows.

        Raises:
            Exception: as ``view``.
        """
        self._committed.map_cache.hold(seconds)
        for left in reversed(range(_HELD_VIEWS)):
            with self.view() as view:
                # Another process may append between this view and the trail's first snapshot.
                if self._trail.begin(view.head.map_root) or not left:
                    yield view
                    return

    @contextmanager
    def map_blocks(self) -> Iterator[StoredBlocks]:
        """Yield the blocks of the map: of the newest commit, and of older ones that are kept or have not changed.

        Raises:
            StorageError: the database failed.
        """
        with self.database.snapshot() as work:
            yield StoredBlocks(self._committed.map_cache, work, partial(self._trail.go_on, at_once=True))

    def read_also(self, standby: Database, max_lag_seconds: float) -> None:
        """Read from a standby of the database too, where that is enough; before the ledger is shared.

        Args:
            standby: the caller closes it after the ledger.
            max_lag_seconds: how far behind it may be that it is waited for.
        """
        self.standby = Standby(standby, self._committed, self._publisher, max_lag_seconds)
        self._committed.kept = _RECENT_STATES
        self._committed.log.load_also(partial(self.standby.tile, LOG_TREE))
        self._committed.inquiries.load_also(partial(self.standby.tile, INQUIRY_TREE))

    @contextmanager
    def recent(self) -> Iterator[View]:
        """Yield a commit no older than any that was shown when this began: of the standby, else as ``view``.

        Not for what is decided or written by it, and not for what is not of the log.

        Raises:
            InconsistentError, RegisterMismatchError, StorageError: as ``view``.
        """
        self._publisher.check_served()
        with ExitStack() as stack:
            found = None if self.standby is None else self.standby.enter(stack)
            yield found or stack.enter_context(self.view())

    @contextmanager
    def surviving(self) -> Iterator[View]:
        """Yield the newest commit, or where the primary does not answer what ``recent`` does; from the reserve.

        Raises:
            InconsistentError, RegisterMismatchError, StorageError: as ``view``.
        """
        self._publisher.check_served()
        with ExitStack() as stack:
            yield self._surviving(stack)

    def _surviving(self, stack: ExitStack) -> View:
        # A machine that is gone is waited for: it is not asked before the standby as long as it was away last.
        if self.standby is not None and self._primary_away and (found := self.standby.enter(stack)) is not None:
            return found
        try:
            return stack.enter_context(self.view(reserved=True))
        except StorageError:
            found = None if self.standby is None else self.standby.enter(stack)
            if found is None:
                raise
            return found

    def check_register(self) -> None:
        """Look at the register: whether this database is still the one that was signed last.

        Raises:
            RegisterMismatchError: it is not; nothing is served until it is.
            StorageError: the register cannot be used.
        """
        self._publisher.check()

    def misses_records(self) -> bool:
        """Return whether a restore has not brought back every live record: answers would leave some out.

        Raises:
            StorageError: the database failed.
        """
        if self._committed.awaits:
            with self.database.snapshot() as work:
                self._committed.awaits = lost.any_left(work)
        return self._committed.awaits

    def clock(self) -> int:
        """Return what time it is, ms since 1970 UTC.

        Raises:
            ClockError: that is not known.
            StorageError: the database failed.
        """
        with suppress(ClockError):
            return self._timekeeper.now()
        # An operator may have confirmed it meanwhile.
        with self.database.snapshot() as work:
            self._timekeeper.saw(_head_row(work))
        return self._timekeeper.now()

    def check_clock(self) -> None:
        """Check that something could be logged now, as far as its time goes.

        Raises:
            ClockError: what time it is is not known, or the newest leaf lies in the future.
            StorageError: the database failed.
        """
        self.clock()
        self._timekeeper.moment(self._committed.state.logged_at)

    def vouch_for_clock(self, caller: str, stated: int) -> None:
        """Take note of the time that a caller says it is; where enough agree, the log goes on at once.

        Args:
            caller: that states the time, as its certificate names it.
            stated: ms since 1970 UTC.
        """
        directory = self.directory
        # Before anything was decided there is little to spoil, and there may be no second one to ask.
        needed = min(_VOUCHERS, len(directory.institutions)) if directory.state.act_number else 1
        if self._timekeeper.vouch(caller, stated, needed):
            # A failure is logged by the next heartbeat.
            with suppress(ClockError, StorageError, InconsistentError, LedgerClosedError):
                self.heartbeat().result()

    def _agreeing(self, work: UnitOfWork) -> Served:
        """Return the commit that the snapshot shows; does not block on a commit in progress."""
        row = _head_row(work)
        served = self._served
        if served is not None and served.state.head_leaf == row.leaf:
            return served
        with self._committed.lock:
            if row.size < self._committed.state.size:
                # Memory has gone on since the snapshot began; while the lock is held it cannot again.
                work.renew()
                row = _head_row(work)
            follow(self._committed, work, row)
            # Also of another process that died before it had signed this commit, or that is just about to.
            return self._serve()

    def _serve(self) -> Served:
        """Return the newest commit with what all its answers share; the caller holds the lock."""
        state: State = self._committed.state
        if self._served is None or self._served.state is not state:
            checkpoint = self._publisher.checkpoint(state)
            self._served = Served(state, checkpoint, self._committed.log.inclusion(state.size - 1, state.size))
        return self._served


def _head_row(work: UnitOfWork) -> HeadRow:
    row = head.read(work)
    if row is None:
        raise NoGenesisError
    return row
