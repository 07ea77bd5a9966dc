"""Programs of the registry on this machine: commands that are run to their end, and servers that are stopped again.

with Programs(folder) as programs:
    programs.run(["registry-server", "init", ...])
    programs.start(Server("registry", ["registry-server", "serve", ...], port))
"""

from __future__ import annotations

import os
import shlex
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, NamedTuple, Self

from client_sdk.errors import ConfigError
from client_sdk.testing.loader import loader
from client_sdk.testing.ports import listens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk.testing.loader import Forked

__all__ = ["Programs", "Server"]

# Seconds.
_RUN_LIMIT = 300.0
_START_LIMIT = 60.0
_STOP_LIMIT = 20.0
_LOOK = 0.01
_CHECK = 0.5
_TAIL_LINES = 20
# Commands that run side by side: as many as a small machine has processors.
_AT_ONCE = 2


class Server(NamedTuple):
    """A server to be started.

    Attributes:
        name: for people, and of its log.
        command: name of a program and its arguments.
        port: of this machine, on which it will listen.
    """

    name: str
    command: Sequence[str]
    port: int


class Programs:
    """Runs programs in one folder; used as a context, it stops its servers however the block ends.

    Args:
        folder: in which all programs run; the servers' logs are written there.
        environment: added to the environment of the programs.

    Attributes:
        behind: how far the clocks of the programs that are started from now on are behind the machine's, so that weeks
            pass for a registry that is stopped and started again. Programs that run keep their time. No setting of the
            registry does this: its own programs, where they are not started from here, read the machine's clocks.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.behind = timedelta()
        self._environment = {**os.environ, **(environment or {})}
        self._loader = loader()
        self._running: dict[str, Forked] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_all()

    def run(self, command: Sequence[str], *, expected: int = 0) -> str:
        """Run a command to its end and return what it wrote to standard output.

        Args:
            command: name of a program and its arguments.
            expected: exit code.

        Raises:
            ConfigError: it ended otherwise, or not in time; the text holds the command and what it said.
        """
        done = self.complete(command)
        if done.returncode != expected:
            said = done.stderr or done.stdout
            raise ConfigError(f"{shlex.join(command)}\nended with {done.returncode}, not {expected}:\n{said}")
        return done.stdout

    def complete(self, command: Sequence[str]) -> CompletedProcess[str]:
        """Run a command to its end, however it ends.

        Raises:
            ConfigError: it did not end in time.
        """
        with tempfile.TemporaryDirectory(prefix="credit-registry-") as temporary:
            output, errors = Path(temporary, "output"), Path(temporary, "errors")
            forked = self._loader.fork(command, self.folder, output, errors, self._environment, self.behind)
            try:
                forked.ended.wait(_RUN_LIMIT)
                if forked.code is None:
                    raise ConfigError(f"{shlex.join(command)}\ndid not end within {_RUN_LIMIT:.0f} s")
            finally:
                self._loader.send_signal(forked, signal.SIGKILL)
            return CompletedProcess(command, forked.code, _read(output), _read(errors))

    def run_all(self, commands: Sequence[Sequence[str]]) -> list[str]:
        """Run commands, some at a time; return what each wrote.

        Raises:
            ConfigError: as ``run``, of the first that failed.
        """
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self.run, commands))

    def start(self, *servers: Server) -> None:
        """Start servers, and wait until each takes connections.

        Raises:
            ConfigError: one is running already, ended, or does not listen in time, in which case its log is part of the
                message; or another program listens on its port.
        """
        for server in servers:
            if server.name not in self._running and listens(server.port):
                raise ConfigError(f"{server.name} cannot listen on port {server.port}: another program does")
            self.launch(server.name, server.command)
        deadline = time.monotonic() + _START_LIMIT
        for server in servers:
            while not listens(server.port):
                self._check(server.name)
                if time.monotonic() > deadline:
                    raise ConfigError(
                        f"{server.name} does not listen after {_START_LIMIT:.0f} s; its log is {self.log(server.name)}"
                    )
                time.sleep(_LOOK)
            # What listens could be another program that was faster.
            self._check(server.name)

    def load(self, module: str) -> None:
        """Have a module loaded once for all programs that need it, which are started from now on; return at once.

        Raises:
            ConfigError: the process that loads programs has ended.
        """
        self._loader.load(module)

    def launch(self, name: str, command: Sequence[str]) -> None:
        """Start a server, and wait for nothing.

        Raises:
            ConfigError: it is running already.
        """
        if name in self._running:
            raise ConfigError(f"{name} is running already")
        log = self.log(name)
        log.touch(0o600)
        self._running[name] = self._loader.fork(command, self.folder, log, log, self._environment, self.behind)

    def stop(self, *names: str, by: signal.Signals = signal.SIGTERM, patience: float = _STOP_LIMIT) -> list[int | None]:
        """Stop servers, and wait until they have ended; one that does not run is left alone.

        Args:
            names: of the servers.
            by: SIGKILL ends them at once, as a crash would.
            patience: seconds after which one that goes on is ended by SIGKILL.

        Returns:
            The exit code of each that ran.
        """
        if not self._loader.is_usable:
            # They have ended with it, or are another process's, from which this one was forked.
            self._running.clear()
            return []
        stopping = [self._running.pop(name) for name in names if name in self._running]
        for forked in stopping:
            self._loader.send_signal(forked, by)
        for forked in stopping:
            if not forked.ended.wait(patience):
                self._loader.send_signal(forked, signal.SIGKILL)
                forked.ended.wait(_STOP_LIMIT)
        return [forked.code for forked in stopping]

    def stop_all(self) -> None:
        """Stop all servers."""
        self.stop(*self._running)

    def check(self) -> None:
        """Check that every server runs.

        Raises:
            ConfigError: one has ended by itself; its log is part of the message.
        """
        for name in self._running:
            self._check(name)

    def wait(self) -> None:
        """Wait until a server ends.

        Raises:
            ConfigError: one has ended; its log is part of the message.
        """
        while True:
            self.check()
            time.sleep(_CHECK)

    def pid(self, name: str) -> int:
        """Return the process id of a server that runs.

        Raises:
            KeyError: it does not run.
        """
        return self._running[name].pid

    def log(self, name: str) -> Path:
        """Return the file for everything that a server writes."""
        return self.folder / f"{name}.log"

    def _check(self, name: str) -> None:
        code = self._running[name].code
        if code is not None:
            log = self.log(name)
            tail = "\n".join(_read(log).splitlines()[-_TAIL_LINES:])
            raise ConfigError(f"{name} ended with {code}; its log is {log}:\n{tail}")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
