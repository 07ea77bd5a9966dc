"""Work that outlives the page that began it: jobs of the people and systems at the desk, bounded for each and in all.

    def send(job: DeskJob) -> BatchReport:
        return client.report_many(rows, lambda step: job.tell(step.phase.value, step.done, step.total))

    job = jobs.start("anna", JobKind.REPORT_FILE, send)

Jobs of one kind go one after another, in the order in which they came; kinds go beside each other. A job lives in
memory alone: it ends with the desk at the latest, and what it has found is forgotten half an hour after its end.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from concurrent.futures import Future, wait
from enum import StrEnum
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeVar

from client_sdk.errors import CreditRegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DeskJob", "JobKind", "JobState", "JobStoppedError", "Jobs", "JobsFullError"]

T = TypeVar("T")

# After its end.
KEPT_SECONDS = 30 * 60.0
# Waiting or running.
MOST_LIVE, MOST_LIVE_OF_ONE = 8, 2
# In all, and with what those that have ended have found.
_MOST, _MOST_OF_ONE = 40, 8
_MOST_BYTES = 384 * 1024 * 1024


class JobKind(StrEnum):
    """What a job does, for a person or a program; stable words."""

    # A portfolio is held against the rules.
    CHECK_FILE = "CHECK_FILE"
    # A portfolio is sent, or held against the rules for a program that asks for a dry run.
    REPORT_FILE = "REPORT_FILE"
    # The customers of a file are screened.
    SCREEN = "SCREEN"
    # A program asks about many persons.
    CHECKS = "CHECKS"


class JobState(StrEnum):
    """How a job stands."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    DONE = "DONE"
    # An error of the SDK ended it.
    FAILED = "FAILED"
    # Its owner, or the end of the desk, has stopped it.
    STOPPED = "STOPPED"


class JobStoppedError(Exception):
    """Ends the work of a job that is to stop."""


class JobsFullError(CreditRegistryError):
    """There are too many jobs, or they hold too much.

    Attributes:
        reason: stable word.
    """

    reason = "JOBS_FULL"


class DeskJob:
    """One job; thread-safe, as each attribute is written by one thread alone.

    Args:
        owner: who began it, and alone may see it.
        kind: of its work.
        held: bytes that it keeps in memory, such as those of a file.

    Attributes:
        key: random; names the job in addresses.
        state: how it stands.
        phase: what it is doing, a word of its work.
        done: of ``total``, which is 0 as long as nobody knows it.
        error: that ended it; None else.
    """

    def __init__(self, owner: str, kind: JobKind, held: int) -> None:
        self.key = secrets.token_urlsafe(18)
        self.owner, self.kind, self.held = owner, kind, held
        self.state = JobState.WAITING
        self.phase = ""
        self.done = self.total = 0
        self.error: CreditRegistryError | None = None
        self.ended_at: float | None = None
        self._result: object = None
        self._stopping = threading.Event()

    def __repr__(self) -> str:
        """Say nothing of what it has found."""
        return f"DeskJob({self.kind}, {self.state})"

    @property
    def is_live(self) -> bool:
        """Whether it waits or runs."""
        return self.state in (JobState.WAITING, JobState.RUNNING)

    @property
    def is_stopping(self) -> bool:
        """Whether it was told to stop, and has not ended yet."""
        return self.is_live and self._stopping.is_set()

    def tell(self, phase: str, done: int, total: int) -> None:
        """Tell how far the work is; the work calls it between steps that may be the last.

        Raises:
            JobStoppedError: the job is to stop.
        """
        self.phase, self.done, self.total = phase, done, total
        if self._stopping.is_set():
            raise JobStoppedError

    def stop(self) -> None:
        """Stop it before its next step."""
        self._stopping.set()

    def keep(self, found: object) -> None:
        """Keep what the work has found so far, also where it does not come to its end."""
        self._result = found

    def result(self, kind: type[T]) -> T | None:
        """Return what its work has returned or kept; None where it has not, or is of another kind."""
        return self._result if isinstance(self._result, kind) else None

    def run(self, work: Callable[[DeskJob], object], clock: Callable[[], float]) -> None:
        """Do the work, and keep how it ended."""
        state = JobState.FAILED
        try:
            self.state = JobState.RUNNING
            self.tell(self.phase, 0, 0)
            found = work(self)
            self._result = self._result if found is None else found
            state = JobState.DONE
        except JobStoppedError:
            state = JobState.STOPPED
        except CreditRegistryError as error:
            # What it waited for may have been ended because it is to stop.
            state = JobState.STOPPED if self._stopping.is_set() else JobState.FAILED
            self.error = None if self._stopping.is_set() else error
        finally:
            # Also by a mistake of the work, which the desk tells of.
            self.held = self.held if state is JobState.DONE or self._result is not None else 0
            self.ended_at, self.state = clock(), state


class _JobLane:
    """One thread for the jobs of a kind, one after another.

    One of an executor would be waited for at the end of the program, also where a job never ends.

    Args:
        name: of the thread.
    """

    def __init__(self, name: str) -> None:
        self._waiting: SimpleQueue[tuple[Future[None], Callable[[], None]] | None] = SimpleQueue()
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def submit(self, run: Callable[[], None]) -> Future[None]:
        """Run it once those that came before have ended."""
        future: Future[None] = Future()
        self._waiting.put((future, run))
        return future

    def close(self) -> None:
        """End the thread behind the last job."""
        self._waiting.put(None)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            future, run = item
            future.set_running_or_notify_cancel()
            try:
                run()
            except BaseException as error:  # noqa: BLE001 - told by the future
                future.set_exception(error)
            else:
                future.set_result(None)


class Jobs:
    """All jobs of a desk; thread-safe.

    Args:
        failed: called with an error of some work that is none of the SDK: a mistake of the program.
        clock: seconds, never going back.
    """

    def __init__(self, failed: Callable[[BaseException], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._failed, self._clock = failed, clock
        self._lock = threading.Lock()
        self._jobs: OrderedDict[str, DeskJob] = OrderedDict()
        self._lanes: dict[JobKind, _JobLane] = {}
        self._futures: set[Future[None]] = set()
        self._is_closed = False

    def start(
        self,
        owner: str,
        kind: JobKind,
        work: Callable[[DeskJob], object],
        *,
        held: int = 0,
        ended: Callable[[DeskJob], None] | None = None,
    ) -> DeskJob:
        """Start a job; it runs once those of its kind that came before have ended.

        Args:
            owner: who begins it.
            kind: of the work.
            work: told the job, whose ``tell`` it calls; returns what the job is to keep.
            held: bytes that it keeps in memory.
            ended: called with the job once it has ended, however it did.

        Raises:
            JobsFullError: too many wait or run, of this owner or in all; or they hold too much; or the desk ends.
        """
        job = DeskJob(owner, kind, held)
        with self._lock:
            self._forget(self._clock())
            live = [one for one in self._jobs.values() if one.is_live]
            mine = [one for one in live if one.owner == owner]
            if self._is_closed or len(live) >= MOST_LIVE or len(mine) >= MOST_LIVE_OF_ONE:
                raise JobsFullError("too many jobs wait or run")
            self._make_room(job)
            self._jobs[job.key] = job
            if kind not in self._lanes:
                self._lanes[kind] = _JobLane(f"desk-{kind}")
            future = self._lanes[kind].submit(partial(job.run, work, self._clock))
            self._futures.add(future)
        future.add_done_callback(self._ended)
        if ended is not None:
            future.add_done_callback(lambda _: ended(job))
        return job

    def find(self, owner: str, key: str) -> DeskJob | None:
        """Return a job of an owner; None where there is none, or no more."""
        self.forget_old()
        with self._lock:
            job = self._jobs.get(key)
        return job if job is not None and job.owner == owner else None

    def ended(self, kind: JobKind) -> list[DeskJob]:
        """Return the jobs of a kind that were done, of all owners, the oldest first."""
        self.forget_old()
        with self._lock:
            return [job for job in self._jobs.values() if job.kind == kind and job.state is JobState.DONE]

    def of(self, owner: str) -> list[DeskJob]:
        """Return the jobs of an owner, the newest first."""
        self.forget_old()
        with self._lock:
            return [job for job in reversed(self._jobs.values()) if job.owner == owner]

    def forget_old(self) -> None:
        """Forget jobs that ended long ago, with what they have found."""
        with self._lock:
            self._forget(self._clock())

    def forget(self, job: DeskJob) -> None:
        """Forget a job that has ended."""
        with self._lock:
            if not job.is_live:
                self._jobs.pop(job.key, None)

    def close(self, seconds: float, interrupt: Callable[[], None] = lambda: None) -> bool:
        """Take no more jobs, stop those that wait or run, and wait for their end; return whether all have ended.

        Args:
            seconds: to wait at most; one that has not ended then ends with the program.
            interrupt: ends what jobs may wait for.
        """
        with self._lock:
            self._is_closed = True
            for job in self._jobs.values():
                job.stop()
            futures = set(self._futures)
            for lane in self._lanes.values():
                lane.close()
        interrupt()
        return not wait(futures, timeout=seconds).not_done

    def _ended(self, future: Future[None]) -> None:
        with self._lock:
            self._futures.discard(future)
        error = future.exception()
        if error is not None:
            self._failed(error)

    def _forget(self, now: float) -> None:
        over = [
            job.key for job in self._jobs.values() if job.ended_at is not None and now - job.ended_at >= KEPT_SECONDS
        ]
        for key in over:
            del self._jobs[key]

    def _make_room(self, new: DeskJob) -> None:
        """Forget the oldest jobs that have ended, those of this owner first, until there is room for another."""
        ended = [job for job in self._jobs.values() if not job.is_live]
        for job in sorted(ended, key=lambda one: one.owner != new.owner):
            mine = sum(one.owner == new.owner for one in self._jobs.values())
            fits = sum(one.held for one in self._jobs.values()) + new.held <= _MOST_BYTES
            if fits and len(self._jobs) < _MOST and mine < _MOST_OF_ONE:
                return
            del self._jobs[job.key]
        if sum(one.held for one in self._jobs.values()) + new.held > _MOST_BYTES:
            raise JobsFullError("the files of jobs fill the memory that they may take")
