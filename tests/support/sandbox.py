"""A sandbox as a newcomer starts it, and what it has said."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from client_sdk.testing.desks import LINK
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ENDS", "RunningSandbox", "started_sandbox"]

# The last line of a sandbox that is ready.
ENDS = "Ctrl-C ends it."
_LIMIT = 300
_DESK = re.compile(r"^ +desk +http://127\.0\.0\.1:(\d+)$", re.MULTILINE)
_CONSENT = re.compile(r"\((\S+)/consent\.txt is")
_PERSON = re.compile(r"^ +(\d{17}[\dX]) +(\w+), (\w+): (.+)$", re.MULTILINE)


class RunningSandbox:
    """A sandbox that runs.

    Args:
        process: whose standard error is read.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def await_said(self, text: str) -> None:
        """Wait until it has said something; fail where it ends before."""

        def told() -> bool:
            assert self._reader.is_alive() or text in self.said, self.said
            return text in self.said

        wait_until(told, lambda: self.said)

    def end(self, by: signal.Signals = signal.SIGINT) -> int:
        """End it; return its exit code."""
        self.process.send_signal(by)
        code = self.process.wait(_LIMIT)
        self._reader.join(_LIMIT)
        return code

    @property
    def folder(self) -> Path:
        (found,) = _CONSENT.findall(self.said)
        return Path(found)

    @property
    def ports(self) -> list[int]:
        """Of the desks, in order."""
        return [int(port) for port in _DESK.findall(self.said)]

    @property
    def links(self) -> list[str]:
        """Of the desks, in order."""
        return [found[0] for found in LINK.finditer(self.said)]

    @property
    def people(self) -> list[tuple[str, str, str, str]]:
        """Number, verdict, assessment and story of those to ask about."""
        return [(number, verdict, outcome, story) for number, verdict, outcome, story in _PERSON.findall(self.said)]


@contextmanager
def started_sandbox(temporary: Path, *words: str) -> Iterator[RunningSandbox]:
    """Start ``credit-registry sandbox``, whose temporary files are in this folder."""
    temporary.mkdir(exist_ok=True)
    program = Path(sys.executable).with_name("credit-registry")
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [str(program), "sandbox", *words]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield RunningSandbox(process)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(_LIMIT)
                finally:
                    process.kill()
