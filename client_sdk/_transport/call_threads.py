"""Threads that make blocking calls for others, who wait for so long and no longer.

Cancelling does not end every call: gRPC may report the end of a stream and yet never wake up who reads from it. Nobody
but the thread inside of such a call can wait for it then, so it must not be the caller's. Threads are kept for the next
call, as starting one costs more than a call. They are daemons: one that hangs does not hold up the program's end.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

from client_sdk._transport.deadlines import OverdueError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CallThreads", "Job"]

T = TypeVar("T")

# How long a thread waits for its next call before it ends.
IDLE_SECONDS = 10.0


class Job(Generic[T]):
    """A call that a thread makes.

    Args:
        work: the call.
        seconds: for how long its result is waited for, from now on.
    """

    __slots__ = ("_ended", "_error", "_until", "_value", "_work")

    def __init__(self, work: Callable[[], T], seconds: float) -> None:
        self._work = work
        self._until = time.monotonic() + seconds
        self._ended = threading.Lock()
        self._ended.acquire()
        self._error: BaseException | None = None
        self._value: T

    def run(self) -> None:
        """Make the call, unless it was cancelled before."""
        work, self._work = self._work, _cancelled
        try:
            self._value = work()
        except BaseException as error:  # noqa: BLE001 - raised again where the result is waited for
            self._error = error
        finally:
            self._ended.release()

    def cancel(self) -> None:
        """Do not begin the call any more; one that has begun goes on."""
        self._work = _cancelled

    def result(self) -> T:
        """Wait for the end of the call, and return or raise what it did.

        Raises:
            OverdueError: it did not end in time.
        """
        if not self._ended.acquire(timeout=max(0.0, self._until - time.monotonic())):
            self.cancel()
            raise OverdueError
        self._ended.release()
        if self._error is not None:
            raise self._error
        return self._value


class CallThreads:
    """Threads for the calls of one connection.

    Args:
        most: how many calls are made at once; further ones wait for their turn.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._jobs: SimpleQueue[Job[object] | None] = SimpleQueue()
        self._turn = threading.Lock()
        self._threads = 0
        # Threads that wait and for which no job was put; jobs that were put although none waits.
        self._idle = 0
        self._waiting = 0
        self._let_go: deque[object] = deque()

    def let_go(self, held: object) -> None:
        """Drop the reference to an object in a thread, as its finalizer may block; at the next call, or at the end.

        Takes no lock, so that it may be called from ``__del__``.
        """
        self._let_go.append(held)

    def start(self, work: Callable[[], T], seconds: float) -> Job[T]:
        """Have a call made by a thread; its result is waited for so many seconds from now on."""
        job = Job(work, seconds)
        with self._turn:
            new = not self._idle and self._threads < self._most
            if self._idle:
                self._idle -= 1
            elif new:
                self._threads += 1
            else:
                self._waiting += 1
        if not new or self._begin():
            self._jobs.put(job)  # type: ignore[arg-type]  # who runs a job does not look at its result
        else:
            job.run()
        return job

    def close(self) -> None:
        """Let the threads end as soon as they are idle."""
        with self._turn:
            for _ in range(self._threads):
                self._jobs.put(None)

    def _begin(self) -> bool:
        """Start a thread; False where none can be had, such as while the interpreter ends."""
        try:
            threading.Thread(target=self._run, name="call", daemon=True).start()
        except RuntimeError:
            with self._turn:
                self._threads -= 1
            return False
        return True

    def _run(self) -> None:
        while (job := self._next()) is not None:
            job.run()
            del job
            self._let_go.clear()
            with self._turn:
                if self._waiting:
                    self._waiting -= 1
                else:
                    self._idle += 1

    def _next(self) -> Job[object] | None:
        """Return the next job; None where this thread ends."""
        while True:
            try:
                job = self._jobs.get(timeout=IDLE_SECONDS)
            except Empty:
                job = None
            with self._turn:
                # If no thread is counted as idle, a job is already on its way to this one.
                if job is None and self._idle > 0:
                    self._idle -= 1
                    self._threads -= 1
                    return None
            if job is not None:
                return job


def _cancelled() -> NoReturn:
    raise OverdueError
