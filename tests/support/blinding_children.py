"""Blinding processes of this test's process, found and killed as the system would."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

from tests.support.waiting import wait_until

__all__ = ["blinding_children", "kill_blinding_children"]


def blinding_children() -> list[int]:
    """Process ids; one that has ended has no command line any more."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"client_sdk._blinding_process" in (folder / "cmdline").read_bytes():
                found.append(int(folder.name))
    return found


def kill_blinding_children() -> int:
    """Kill all, wait until they are gone, and return how many there were."""
    children = blinding_children()
    for child in children:
        os.kill(child, signal.SIGKILL)
    wait_until(lambda: not blinding_children())
    return len(children)
