"""Helper processes: a program of ours that computes for another one, over a socket pair, one request after the other.

Standard library alone, and a program of its own instead of ``multiprocessing``: that would import the main module of an
integrator's program once more, or fork a process that has threads.

    frame = 4 bytes of length, big-endian, then so many bytes
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HelperProcess", "helper_environment", "processors", "serve"]

START_SECONDS = 60.0
STOP_SECONDS = 5.0
_LENGTH = struct.Struct(">I")


def processors() -> int:
    """Return how many processors this process may use."""
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class HelperProcess:
    """One process, from its start to its end; used by one thread at a time.

    Args:
        module: is run as ``python -m``; it calls ``serve``.
        answer_seconds: how long a request may take.
        settings: beginning of the names of environment variables that it does not get.

    Raises:
        OSError: it cannot be started.
    """

    def __init__(self, module: str, *, answer_seconds: float, settings: str) -> None:
        self._answer_seconds = answer_seconds
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._popen = subprocess.Popen(
                    [sys.executable, "-P", "-m", module],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    env=helper_environment(settings),
                )
            except BaseException:
                ours.close()
                raise
        self._end = ours
        self._end.settimeout(START_SECONDS)

    def await_ready(self) -> None:
        """Wait until it takes requests; raises as ``ask``."""
        _receive(self._end)
        self._end.settimeout(self._answer_seconds)

    def ask(self, request: bytes) -> bytes:
        """Return the answer to a request.

        Raises:
            EOFError: it has ended.
            OSError: likewise, or it does not answer in time.
        """
        _send(self._end, request)
        return _receive(self._end)

    def kill(self) -> None:
        """Terminate the process at once; pending requests fail."""
        self._popen.kill()

    def stop(self) -> None:
        """Wait until it has ended, as it does when the socket does; it is killed where it does not."""
        self._end.close()
        try:
            self._popen.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Answer requests from standard input, one end of the socket pair, until the other end is closed.

    Args:
        answer: makes the answer to a request; raises nothing.
    """
    # An interrupt at a terminal reaches the whole group: the program that asks decides when the work has ended.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(fileno=0) as end, contextlib.suppress(EOFError, OSError):
        # The first frame says that it is ready.
        _send(end, b"")
        while True:
            _send(end, answer(_receive(end)))


def helper_environment(settings: str) -> dict[str, str]:
    """Return our environment without settings, and with the path on which this program was found.

    Args:
        settings: beginning of their names.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def _send(end: socket.socket, data: bytes) -> None:
    end.sendall(_LENGTH.pack(len(data)))
    end.sendall(data)


def _receive(end: socket.socket) -> bytes:
    (length,) = _LENGTH.unpack(_exactly(end, _LENGTH.size))
    return _exactly(end, length)


def _exactly(end: socket.socket, length: int) -> bytes:
    data = bytearray(length)
    rest = memoryview(data)
    while rest:
        count = end.recv_into(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return bytes(data)
