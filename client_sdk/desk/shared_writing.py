"""Writing by turns: of the threads that have something to write at the same time, one writes for all.

A thread that waits for the disk or for a lock leaves the interpreter to others, and has to get it back. So each thread
for which another one writes sleeps once, until its own item is written.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["SharedWriting"]

T = TypeVar("T")
R = TypeVar("R")


class _Turn(Generic[T, R]):
    """One item, and what became of it.

    Args:
        item: to be written.

    Attributes:
        results: of the item, one, as soon as it is written.
        is_over: whether another thread has written it, or has failed to.
    """

    __slots__ = ("_asleep", "is_over", "item", "results")

    def __init__(self, item: T) -> None:
        self.item = item
        self.results: list[R] = []
        self.is_over = False
        self._asleep = threading.Lock()
        self._asleep.acquire()

    def sleep(self) -> None:
        """Wait until the item is written, or until it is for this thread to write."""
        self._asleep.acquire()

    def wake(self) -> None:
        """Let the thread go on."""
        self._asleep.release()


class SharedWriting(Generic[T, R]):
    """Writes the items of any number of threads in the order in which they came.

    Args:
        write: writes items, and returns the result of each; one thread at a time calls it. An error that is foreseen is
            a result too.
    """

    def __init__(self, write: Callable[[Sequence[T]], Sequence[R]]) -> None:
        self._write = write
        # Held while the list is looked at, and never while something is written.
        self._lock = threading.Lock()
        self._waiting: list[_Turn[T, R]] = []
        self._is_writing = False

    def put(self, item: T) -> R:
        """Return the result of an item once it is written, with all that wait at that time.

        Raises:
            RuntimeError: the thread that was to write it has raised an error.
        """
        turn: _Turn[T, R] = _Turn(item)
        with self._lock:
            self._waiting.append(turn)
            is_first, self._is_writing = not self._is_writing, True
        if not is_first:
            turn.sleep()
        if not turn.is_over:
            self._write_all(turn)
        if not turn.results:
            raise RuntimeError("another thread was to write this, and has failed")
        return turn.results[0]

    def _write_all(self, own: _Turn[T, R]) -> None:
        """Write what waits now, and leave what comes meanwhile to the first thread of that."""
        with self._lock:
            turns, self._waiting = self._waiting, []
        try:
            for turn, result in zip(turns, self._write([turn.item for turn in turns]), strict=True):
                turn.results.append(result)
        finally:
            with self._lock:
                following = self._waiting[:1]
                self._is_writing = bool(following)
            for turn in turns:
                turn.is_over = True
            for turn in (*following, *turns):
                if turn is not own:
                    turn.wake()
