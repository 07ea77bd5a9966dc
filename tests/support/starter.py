"""Starts our programs in a fraction of the usual time: a process that has imported them, and forks.

with Starter() as starter:
    process = starter.start("registry-server", home, log)
    os.kill(process, signal.SIGKILL)
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Self

import registry_server.app
import registry_server.cli
import registry_server.subject_key_service.commands
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Starter"]

_PROGRAMS = {
    "registry-server": registry_server.cli.main,
    "subject-key-service": registry_server.subject_key_service.commands.run,
}


class Starter:
    """Starts programs; what it started is killed with it."""

    def __init__(self) -> None:
        self._started: list[int] = []

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.starter"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._started:
            self.kill(process)
        self._process.communicate()

    def start(self, program: str, home: Path, log: Path) -> int:
        """Start a program of ours with ``serve``; return its process id."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([program, str(home), str(log)]) + "\n")
        self._process.stdin.flush()
        process = int(self._process.stdout.readline())
        self._started.append(process)
        return process

    def kill(self, process: int) -> None:
        """End a program at once, as a crash would, whether it stands still or not."""
        if process in self._started:
            self._started.remove(process)
            os.kill(process, signal.SIGKILL)
            wait_until(lambda: not _is_there(process))


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def _serve(program: str, home: str, log: str) -> None:
    os.setsid()
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), 1)
    os.dup2(1, 2)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = [program, "serve", "--home", home]
    _PROGRAMS[program]()


def _main() -> None:
    # Nobody waits for the children.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while line := sys.stdin.readline():
        process = os.fork()
        if process == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _serve(*json.loads(line))
            return
        sys.stdout.write(f"{process}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _main()
