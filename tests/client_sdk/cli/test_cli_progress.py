"""How far work has come is shown on a terminal, and nowhere else."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from client_sdk.testing import TestRegistry

LIMIT = 120


def shown(*words: str) -> str:
    """What a command writes to its standard error, where that is a terminal of 200 columns."""
    program = str(Path(sys.executable).with_name("credit-registry"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    environ = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen([program, *words], stdout=subprocess.PIPE, stderr=theirs, env=environ) as process:
        os.close(theirs)
        said = bytearray()
        # The end of a terminal whose other side is closed is an error.
        try:
            while data := os.read(ours, 65_536):
                said += data
        except OSError:
            pass
        os.close(ours)
        assert process.wait(LIMIT) == 0, said
    return said.decode()


@pytest.mark.parametrize(("language", "words"), [("en", ("verifying", "leaves")), ("zh", ("正在核实", "日志条数"))])
def test_an_audit_shows_how_many_leaves_are_verified(
    registry: TestRegistry, tmp_path: Path, language: str, words: tuple[str, str]
) -> None:
    audit = ("--home", str(registry.home("auditor")), "--lang", language, "audit", "--jobs", "1")
    said = shown(*audit, "--state", str(tmp_path / "state"))
    assert all(word in said for word in words), said
    assert "\x1b[" not in shown("--json", *audit, "--state", str(tmp_path / "other"))
