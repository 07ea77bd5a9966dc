"""Starts the process that loads the programs of the registry (see ``forking``), and has it run commands."""

from __future__ import annotations

import atexit
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

from client_sdk.errors import ConfigError
from client_sdk.testing import forking

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Forked", "Loader", "loader"]

# Seconds.
_LOAD_LIMIT = 120.0
_FORK_LIMIT = 60.0


class Forked:
    """A process that was forked for a command.

    Attributes:
        pid: its process id; 0 until it runs.
        code: how it ended, negative for a signal; None while it runs.
        ended: set as soon as it has ended.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.pid = 0
        self.code: int | None = None
        self.runs = threading.Event()
        self.ended = threading.Event()

    def end(self, code: int) -> None:
        """Note how it ended."""
        self.code = code
        self.runs.set()
        self.ended.set()


class Loader:
    """Has commands run in processes that are forked from one that has loaded them; thread-safe."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._connection, theirs = socket.socketpair()
        with theirs:
            # A session of its own: an interrupt from the keyboard is for this process, which stops its programs.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", f"from {forking.__name__} import main; main()"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
                start_new_session=True,
            )
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._running: dict[int, Forked] = {}
        self._ready = threading.Event()
        self._failure = ""
        self._listener = threading.Thread(target=self._listen, name="programs", daemon=True)
        self._listener.start()

    @property
    def is_usable(self) -> bool:
        """Whether it belongs to this process and has not ended."""
        return self._owner == os.getpid() and not self._failure

    def close(self) -> None:
        """End it, and with it all programs that still run; not from a process that was forked from its owner."""
        if self.is_usable:
            self._connection.shutdown(socket.SHUT_WR)
            self._listener.join()
            self._connection.close()

    def fork(
        self,
        command: Sequence[str],
        folder: Path,
        output: Path,
        errors: Path,
        environment: Mapping[str, str],
        behind: timedelta = timedelta(),
        given: str = os.devnull,
    ) -> Forked:
        """Have a command run; return as soon as it does.

        Args:
            command: name of a program and its arguments.
            folder: in which it runs.
            output: file to which its standard output is added.
            errors: file to which its standard error is added; may be the same.
            environment: all of it.
            behind: how long ago it is for a program of the registry.
            given: file from which it reads its standard input.

        Raises:
            ConfigError: the programs cannot be loaded, or the process that loads them has ended.
        """
        if not self._ready.wait(_LOAD_LIMIT):
            raise ConfigError(f"the programs of the registry were not loaded within {_LOAD_LIMIT:.0f} s")
        with self._lock:
            self._check()
            forked = Forked(next(self._numbers))
            self._running[forked.number] = forked
            self._send(
                start=forked.number,
                command=list(command),
                folder=str(folder),
                input=given,
                output=str(output),
                errors=str(errors),
                environment=dict(environment),
                behind_ns=behind // timedelta(microseconds=1) * 1_000,
            )
        if not forked.runs.wait(_FORK_LIMIT):
            raise ConfigError(f"{command[0]} was not started within {_FORK_LIMIT:.0f} s")
        return forked

    def load(self, module: str) -> None:
        """Have a module loaded before what is forked from now on; return at once.

        Raises:
            ConfigError: the process that loads programs has ended.
        """
        with self._lock:
            self._check()
            self._send(load=module)

    def send_signal(self, forked: Forked, number: signal.Signals) -> None:
        """Send a signal to a process, unless it has ended.

        Raises:
            ConfigError: the process that loads programs has ended.
        """
        with self._lock:
            if forked.code is None:
                self._send(signal=int(number), program=forked.number)

    def _check(self) -> None:
        if self._failure:
            raise ConfigError(f"the programs of the registry cannot be loaded:\n{self._failure}")

    def _send(self, **request: object) -> None:
        try:
            self._connection.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise ConfigError(f"the process that starts programs has ended: {error.strerror}") from error

    def _listen(self) -> None:
        """Take reports until there are no more, in a thread of its own."""
        with self._connection.makefile("rb") as reports:
            for line in reports:
                self._take(json.loads(line))
        with self._process:
            _, said = self._process.communicate()
        with self._lock:
            self._failure = said.decode(errors="replace") or "the process that loads them has ended"
            self._ready.set()
            for forked in self._running.values():
                forked.end(-signal.SIGKILL)

    def _take(self, report: Mapping[str, int]) -> None:
        if "ready" in report:
            self._ready.set()
        elif "pid" in report:
            forked = self._running[report["program"]]
            forked.pid = report["pid"]
            forked.runs.set()
        else:
            self._running.pop(report["program"]).end(report["code"])


_lock = threading.Lock()
_kept: list[Loader] = []


def loader() -> Loader:
    """Return the loader of this process, which stays until the process ends; the first call starts it."""
    with _lock:
        if not _kept or not _kept[-1].is_usable:
            _kept[:] = [Loader()]
            atexit.register(_kept[-1].close)
        return _kept[-1]
