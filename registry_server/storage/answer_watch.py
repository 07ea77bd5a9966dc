"""An end to waiting for a database server that keeps its connections and answers nothing, such as one that hangs.

The driver waits as long as the connection stands, and a machine that is alive keeps it. What takes too long is ended by
cutting its connection, upon which the driver gives up at once.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

__all__ = ["AnswerWatch"]


class AnswerWatch:
    """Cuts connections that are used for too long. Thread-safe; its thread begins with the first of them.

    Args:
        seconds: how long one may be used.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._changed = threading.Condition()
        # Socket and end of each use, in the order of their ends.
        self._uses: dict[object, tuple[int, float]] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def over(self, connection: Connection) -> Iterator[None]:
        """Watch over the use of a connection, which its transaction ends with."""
        raw = connection.connection.driver_connection
        if raw is None:
            yield
            return
        use = object()
        with self._changed:
            self._uses[use] = (raw.fileno(), time.monotonic() + self._seconds)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="answer-watch", daemon=True)
                self._thread.start()
            elif len(self._uses) == 1:
                self._changed.notify()
        try:
            try:
                yield
            finally:
                # While it is watched: the pool, which does the same, then has nothing left to wait for.
                connection.rollback()
        finally:
            with self._changed:
                self._uses.pop(use, None)

    def close(self) -> None:
        """Watch over nothing any more."""
        with self._changed:
            self._closed = True
            self._uses.clear()
            self._changed.notify()

    def _run(self) -> None:
        with self._changed:
            while not self._closed:
                first = next(iter(self._uses), None)
                if first is None:
                    self._changed.wait()
                    continue
                number, until = self._uses[first]
                left = until - time.monotonic()
                if left > 0:
                    self._changed.wait(left)
                else:
                    del self._uses[first]
                    _cut(number)


def _cut(number: int) -> None:
    """End both directions of a socket, which its owner closes; one that the other side has reset is at its end."""
    with socket.socket(fileno=os.dup(number)) as cut, suppress(OSError):
        cut.shutdown(socket.SHUT_RDWR)
