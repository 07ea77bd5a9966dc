"""An end for one exchange with a server, however slowly its name is resolved, or it answers."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["ATTEMPT_SECONDS", "Deadline", "connect", "ended_by", "resolve"]

# One attempt, from the first connection to the last byte; each wait within it is no longer either.
ATTEMPT_SECONDS = 15.0
# For one address, where the time for all is over.
_LEAST_SECONDS = 0.05


class Deadline:
    """Whether the time of an exchange was over before it had ended."""

    def __init__(self) -> None:
        self.over = False

    def check(self) -> None:
        """Check that the time is not over; to be called for each new connection, once ``current`` returns it.

        One that was made, or took the place of another, just when the time was over was shut down by nobody.

        Raises:
            TimeoutError: it is over.
        """
        if self.over:
            raise TimeoutError


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


def resolve(host: str, port: int, seconds: float) -> list[str]:
    """Return the addresses of a host, in the system's order, each once.

    The system's resolver has no end of its own: it is asked in a thread, which is left alone once the time is over.

    Raises:
        TimeoutError: no answer within so many seconds.
        OSError: the name is not known.
        UnicodeError: it cannot be a name.
    """
    found: Future[list[str]] = Future()

    def ask() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            found.set_result(list(dict.fromkeys(str(entry[4][0]) for entry in entries)))
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            found.set_exception(error)

    threading.Thread(target=ask, name="resolve", daemon=True).start()
    return found.result(seconds)


def connect(addresses: Sequence[str], port: int, seconds: float) -> socket.socket:
    """Return a connection to the first of some addresses that takes one; each wait on it is no longer than that time.

    Args:
        addresses: of one host, at least one.
        port: of all.
        seconds: for all attempts together; each has its share of what is left.

    Raises:
        OSError: none takes one; that of the last.
    """
    ends = time.monotonic() + seconds
    for left in range(len(addresses), 0, -1):
        share = max((ends - time.monotonic()) / left, _LEAST_SECONDS)
        try:
            connection = socket.create_connection((addresses[-left], port), share)
        except OSError:
            if left == 1:
                raise
            continue
        # Without any time a read would not wait at all, and fail by another error than one whose time is over.
        connection.settimeout(max(seconds, _LEAST_SECONDS))
        return connection
    raise ValueError("no address")
