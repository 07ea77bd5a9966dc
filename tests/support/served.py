"""Processes of the tests, forked from one that has loaded our programs, and what they write."""

from __future__ import annotations

import re
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from client_sdk.testing.programs import Programs
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["Served", "module", "serving"]

NAME = "served"


class Served:
    """A process that goes on until it is stopped or ends by itself.

    Args:
        folder: in which it runs; its log is kept there.
        command: name of a program and its arguments; of this Python with ``-m`` for a module of the tests.
        environment: added to its environment.
    """

    def __init__(self, folder: Path, command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self._programs = Programs(folder, environment)
        self._programs.launch(NAME, command)

    @property
    def said(self) -> str:
        """All that it has written, to whichever stream."""
        return self._programs.log(NAME).read_text(encoding="utf-8")

    def wait_for(self, pattern: str, count: int = 1) -> list[str]:
        """Wait until it has written what a pattern finds that many times; return what it finds."""

        def found() -> list[str]:
            return re.findall(pattern, self.said, re.MULTILINE)

        def is_there() -> bool:
            if len(found()) >= count:
                return True
            self._programs.check()
            return False

        wait_until(is_there, lambda: self.said)
        return found()

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int | None:
        """Stop it; return its exit code, or None where it was stopped before."""
        return next(iter(self._programs.stop(NAME, by=by)), None)


@contextmanager
def serving(folder: Path, command: Sequence[str], environment: Mapping[str, str] | None = None) -> Iterator[Served]:
    """Run a process while the block lasts; it is killed at the end."""
    served = Served(folder, command, environment)
    try:
        yield served
    finally:
        served.stop(signal.SIGKILL)


def module(name: str, *words: str) -> list[str]:
    """Return the command that runs a module of the tests."""
    return [sys.executable, "-m", name, *words]
