"""Group commit: one thread that writes, and takes at once whatever waits for it.

While one transaction commits, the next ones gather; so they do while another process has its turn, until this one's
begins. A call is never split over two transactions.
"""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from registry_server.sequencing import inquire
from registry_server.sequencing.append import append
from registry_server.sequencing.decisions import corrects_time
from registry_server.sequencing.errors import (
    ClockError,
    InconsistentError,
    LedgerClosedError,
    MapDamagedError,
    NoGenesisError,
)
from registry_server.sequencing.items import Appended, InquiryItem, InquiryResult, Item, LapseItem
from registry_server.storage import schema
from registry_server.storage.errors import StorageError, StorageFault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from registry_server.sequencing.clock import Timekeeper
    from registry_server.sequencing.committed import Committed
    from registry_server.sequencing.publish import Publisher
    from registry_server.storage.unit_of_work import Database

__all__ = ["MAX_BATCH_ITEMS", "Batches"]

MAX_BATCH_ITEMS = 1_024
_EXPECTED = (StorageError, ClockError, InconsistentError, NoGenesisError)


@dataclass(frozen=True, slots=True)
class _Append:
    items: Sequence[Item]
    future: Future[Appended]
    beat: bool = False
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class _Inquire:
    items: Sequence[InquiryItem]
    future: Future[list[InquiryResult]]


_Job: TypeAlias = "_Append | _Inquire"
_J = TypeVar("_J", _Append, _Inquire)
_R = TypeVar("_R")


class Batches:
    """The writer.

    Args:
        database: where it writes.
        committed: what it keeps up to date.
        publisher: signs what it has committed.
        timekeeper: says what time it is.
    """

    def __init__(self, database: Database, committed: Committed, publisher: Publisher, timekeeper: Timekeeper) -> None:
        self._database = database
        self._committed = committed
        self._publisher = publisher
        self._timekeeper = timekeeper
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        # What was taken from the queue and could not join the appends under way: the next to be done.
        self._put_by: list[_Job | None] = []
        self._closing = threading.Lock()
        self._closed = False
        self._freed = False
        # Why the last write failed; until one succeeds, each heartbeat tries to log a HEAD.
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._thread.start()

    def append(self, items: Sequence[Item], *, beat: bool = False, at_once: bool = False) -> Future[Appended]:
        """Append items in one transaction, some time soon.

        The future fails with StorageError, ClockError or InconsistentError; nothing is then known of the items,
        and the same ones may be sent again.

        Raises:
            LedgerClosedError: the ledger takes nothing any more.
        """
        future: Future[Appended] = _running(Future())
        self._put(_Append(items, future, beat, at_once))
        return future

    def record_inquiries(self, items: Sequence[InquiryItem]) -> Future[list[InquiryResult]]:
        """Keep inquiries, some time soon; they are durable when the future is done. It fails as ``append``.

        Raises:
            LedgerClosedError: the ledger takes nothing any more.
        """
        future: Future[list[InquiryResult]] = _running(Future())
        self._put(_Inquire(items, future))
        return future

    def close(self) -> None:
        """Finish what was taken, then stop."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)
        self._thread.join()

    def _put(self, job: _Job) -> None:
        with self._closing:
            if self._closed:
                raise LedgerClosedError
            self._jobs.put(job)

    def _run(self) -> None:
        running = True
        while running:
            first = self._put_by.pop() if self._put_by else self._jobs.get()
            jobs = [] if first is None else [first]
            running = first is not None
            count = sum(len(job.items) for job in jobs)
            while running and count < MAX_BATCH_ITEMS and not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    running = False
                else:
                    jobs.append(job)
                    count += len(job.items)
            # Inquiries first: they are interactive.
            self._do_inquiries([job for job in jobs if isinstance(job, _Inquire)])
            together, lapses = list[_Append](), list[_Append]()
            for job in [job for job in jobs if isinstance(job, _Append)]:
                # The log's time may go back with such an act, and with nothing else.
                if corrects_time(job.items):
                    self._do_appends([job])
                elif _of_lapses(job):
                    lapses.append(job)
                else:
                    together.append(job)
            self._do_appends(together, gathering=True)
            # Nobody waits for them, and one commit of many is slow: what members say does not go with them.
            self._do_appends(lapses)

    def _gather(self, jobs: list[_Append]) -> list[Item]:
        """Add the appends that have come since to those of a transaction whose turn begins; return all their items."""
        count = sum(len(job.items) for job in jobs)
        while count < MAX_BATCH_ITEMS and not self._put_by and not self._jobs.empty():
            job = self._jobs.get()
            if isinstance(job, _Append) and not corrects_time(job.items) and not _of_lapses(job):
                jobs.append(job)
                count += len(job.items)
            else:
                self._put_by.append(job)
        return _items_of(jobs)

    def _do_inquiries(self, jobs: list[_Inquire]) -> None:
        if not jobs:
            return
        state = self._committed.state
        items = [item for job in jobs for item in job.items]
        try:
            self._publisher.check_served()
            now = self._timekeeper.moment(state.logged_at).now
            results = inquire.record(self._database, state.directory.rulebook, now, items)
        except Exception as error:  # noqa: BLE001 - the writer outlives whatever one job does
            self._failed(jobs, error, self._do_inquiries)
        else:
            for job in jobs:
                count = len(job.items)
                job.future.set_result(results[:count])
                results = results[count:]

    def _do_appends(self, jobs: list[_Append], *, gathering: bool = False) -> None:
        if not jobs:
            return
        take = partial(self._gather if gathering else _items_of, jobs)
        beat = any(job.beat for job in jobs)
        try:
            at_once = self.failure is not None or any(job.at_once for job in jobs)
            # Before the commit as well: a database that may not be signed does not grow either.
            self._publisher.check()
            signed = self._publisher.newest
            batch = append(
                self._database, self._committed, self._timekeeper, take, beat=beat, at_once=at_once, signed=signed
            )
            # Not stored in a commit of its own, for which the next append would wait: that one stores it.
            checkpoint = (self._publisher.store if beat else self._publisher.checkpoint)(batch.state)
            if batch.logged:
                self.failure = None
            self._freed |= batch.freed
            if self._freed and (batch.erased or beat):
                self._purge()
            paths = self._committed.log.paths(batch.state.size)
            results = [result.proved(paths) for result in batch.results]
        except Exception as error:  # noqa: BLE001 - the writer outlives whatever one job does
            if beat and not isinstance(error, StorageError):
                self._store()
            self._failed(jobs, error, self._do_appends)
        else:
            for job in jobs:
                count = len(job.items)
                job.future.set_result(Appended(checkpoint, tuple(results[:count])))
                results = results[count:]

    def _store(self) -> None:
        """Store the checkpoint of what is committed, though nothing can be logged, as while a clock is wrong."""
        with suppress(StorageError, InconsistentError):
            self._publisher.store(self._committed.state)

    def _purge(self) -> None:
        """Take what was deleted out of the files; where something is in the way, the next heartbeat tries again."""
        with suppress(StorageError):
            self._freed = not self._database.purge(schema.FORGOTTEN_FROM)

    def _failed(self, jobs: list[_J], error: Exception, do: Callable[[list[_J]], None]) -> None:
        """Fail every job where nothing can be written, whatever the jobs are; else find the one that is to blame."""
        if isinstance(error, _EXPECTED) and not _is_of_a_job(error):
            self.failure = error
            _fail(jobs, error)
        else:
            if isinstance(error, MapDamagedError):
                # The operator is told until something is logged, which need not bear on the same persons.
                self.failure = error
            self._isolate(jobs, error, do)

    @staticmethod
    def _isolate(jobs: list[_J], error: Exception, do: Callable[[list[_J]], None]) -> None:
        """Do jobs one by one after they have failed together, so that only the bad one fails."""
        if len(jobs) == 1:
            _fail(jobs, error)
            return
        for job in jobs:
            do([job])


def _of_lapses(job: _Append) -> bool:
    """Whether nobody waits for it: housekeeping appends lapses."""
    return bool(job.items) and all(isinstance(item, LapseItem) for item in job.items)


def _items_of(jobs: Sequence[_Append]) -> list[Item]:
    return [item for job in jobs for item in job.items]


def _is_of_a_job(error: Exception) -> bool:
    """Whether the database refused what one of the jobs gave it, or one of them needs what is damaged of the map."""
    return isinstance(error, MapDamagedError) or (isinstance(error, StorageError) and error.fault is StorageFault.VALUE)


def _running(future: Future[_R]) -> Future[_R]:
    """Return a future that its waiter can no longer cancel: what is queued will be done."""
    future.set_running_or_notify_cancel()
    return future


def _fail(jobs: Sequence[_Job], error: Exception) -> None:
    for job in jobs:
        job.future.set_exception(error)
