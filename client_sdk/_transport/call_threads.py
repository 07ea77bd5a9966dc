"""Threads that make blocking calls for others, who wait for so long and no longer.

Cancelling does not end every call: gRPC may report the end of a stream and yet never wake up who reads from it. Nobody
but the thread inside of such a call can wait for it then, so it must not be the caller's. Threads are kept for the next
call, as starting one costs more than a call. They are daemons: one that hangs does not hold up the program's end.
"""

from __future__ import annotations

import _thread
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

    An interrupt (Ctrl-C) may end a caller between any two of its steps, and reaches no other thread than the main one.
    So a caller does no more than put its job into a queue, and the threads themselves count how many they are. They are
    begun without ``threading``, whose ``start`` waits in the caller for the thread to run, under locks that an
    interrupt could leave taken (ADR 0015).

    Args:
        most: how many calls are made at once; further ones wait for their turn.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        # Held while jobs are looked at or a count is changed.
        self._turn = threading.Lock()
        self._jobs: deque[Job[object]] = deque()
        self._threads = 0
        self._idle = 0
        self._closed = False
        # An item for each job that a thread which is there is to take; one too many wakes a thread for nothing.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._let_go: deque[object] = deque()

    def let_go(self, held: object) -> None:
        """Drop the reference to an object in a thread, as its finalizer may block; at the next call, or at the end.

        Takes no lock, so that it may be called from ``__del__``.
        """
        self._let_go.append(held)

    def start(self, work: Callable[[], T], seconds: float) -> Job[T]:
        """Have a call made by a thread; its result is waited for so many seconds from now on."""
        job = Job(work, seconds)
        try:
            handed_over = self._hand_over(job)  # type: ignore[arg-type]  # who runs a job does not look at its result
        except BaseException:
            # Interrupted: nobody will wait for it.
            job.cancel()
            raise
        if not handed_over:
            job.run()
        return job

    def close(self) -> None:
        """Let the threads end as soon as they are idle."""
        with self._turn:
            self._closed = True
            for _ in range(self._idle):
                self._wake.put(None)

    def _hand_over(self, job: Job[object]) -> bool:
        """Give a job to a thread; False where none can be had, such as while the interpreter ends."""
        with self._turn:
            self._jobs.append(job)
            if len(self._jobs) <= self._idle or self._threads >= self._most:
                self._wake.put(None)
                return True
            try:
                _thread.start_new_thread(self._run, ())
            except RuntimeError:
                self._jobs.pop()
                return False
        return True

    def _run(self) -> None:
        with self._turn:
            # Others may have begun since this thread was.
            if self._threads >= self._most:
                return
            self._threads += 1
        while (job := self._next()) is not None:
            job.run()
            del job
            self._let_go.clear()

    def _next(self) -> Job[object] | None:
        """Return the next job; None where this thread ends."""
        with self._turn:
            self._idle += 1
        over = False
        while True:
            with self._turn:
                if self._jobs or over or self._closed:
                    self._idle -= 1
                    if self._jobs:
                        return self._jobs.popleft()
                    self._threads -= 1
                    return None
            try:
                self._wake.get(timeout=IDLE_SECONDS)
            except Empty:
                over = True


def _cancelled() -> NoReturn:
    raise OverdueError
