"""An end for one exchange with a server, however slowly it answers."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ATTEMPT_SECONDS", "Deadline", "ended_by"]

# One attempt, from the first connection to the last byte; each wait within it is no longer either.
ATTEMPT_SECONDS = 15.0


class Deadline:
    """Whether the time of an exchange was over before it had ended."""

    def __init__(self) -> None:
        self.over = False


@contextmanager
def ended_by(seconds: float, current: Callable[[], socket.socket | None]) -> Iterator[Deadline]:
    """Yield a deadline that shuts a connection down when it is over: a read that waits then fails at once.

    Args:
        seconds: from now.
        current: returns the connection as it is then; None where there is none.
    """
    deadline = Deadline()

    def end() -> None:
        deadline.over = True
        connection = current()
        if connection is not None:
            with suppress(OSError):
                # Below TLS, whose own end would wait for the peer.
                socket.socket.shutdown(connection, socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield deadline
    finally:
        timer.cancel()
