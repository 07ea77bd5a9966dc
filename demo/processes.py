"""The servers of the registry as child processes that are stopped again, however the demo ends."""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "LOOPBACK",
    "ServiceError",
    "Services",
    "free_port",
    "interruptible",
    "listens",
    "program",
]

# Seconds.
_START_LIMIT = 30
_STOP_LIMIT = 15
_POLL = 0.05
_TAIL_LINES = 15
LOOPBACK = "127.0.0.1"
_PORTS = range(20_000, 32_768)


class ServiceError(RuntimeError):
    """A service did not start, or ended by itself; the text says where its log is."""


def free_port() -> int:
    """Return a port that nobody listens on, outside the range that systems hand out to others by themselves."""
    while True:
        port = secrets.choice(_PORTS)
        if not listens(port):
            return port


def listens(port: int) -> bool:
    """Whether somebody takes connections on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def program(name: str) -> str:
    """Return the path of one of our programs, installed beside the Python that runs."""
    return str(Path(sys.executable).with_name(name))


@dataclass(frozen=True, slots=True)
class _Service:
    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def check(self) -> None:
        code = self.process.poll()
        if code is not None:
            lines = self.log.read_text(errors="replace").splitlines()[-_TAIL_LINES:]
            raise ServiceError("\n".join([f"{self.name} ended with {code}; its log is {self.log}:", *lines]))


class Services:
    """Services that run beside the demo; used as a context, it stops them in reverse order however the demo ends."""

    def __init__(self) -> None:
        self._running: list[_Service] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self._running.clear()

    def start(self, name: str, command: Sequence[str], log: Path, port: int) -> None:
        """Start a service in the folder of its log, and wait until it takes connections.

        Args:
            name: for people.
            command: name of one of our programs, and its arguments.
            log: file for everything that it writes.
            port: on which it will listen.

        Raises:
            ServiceError: it ended, or does not listen in time.
        """
        with log.open("ab") as output:
            # A group of its own: Ctrl-C reaches the demo alone, which then stops its services in order.
            process = subprocess.Popen(
                [program(command[0]), *command[1:]],
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        service = _Service(name, process, log)
        self._running.append(service)
        self._stack.callback(_stop, process)
        deadline = time.monotonic() + _START_LIMIT
        while not listens(port):
            service.check()
            if time.monotonic() > deadline:
                raise ServiceError(f"{name} does not listen after {_START_LIMIT} s; its log is {log}")
            time.sleep(_POLL)

    def check(self) -> None:
        """Raise if one of them has ended.

        Raises:
            ServiceError: one has.
        """
        for service in self._running:
            service.check()

    def wait(self) -> None:
        """Wait until somebody interrupts, or a service ends.

        Raises:
            ServiceError: one has ended.
        """
        while True:
            self.check()
            time.sleep(1)


@contextmanager
def interruptible() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does, so that services are stopped then too."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(_STOP_LIMIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
