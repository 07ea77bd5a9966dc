"""A network, process table and mounts of their own: what runs there is ended by the kernel, however the tool ends."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["mount", "run_apart"]

# Dies with the tool, and everything that it holds with it. The shell collects what others leave behind, as the first
# process of a process table must: a dead database server whose place is not cleared keeps the next one from starting.
_APART = ("setpriv", "--pdeathsig", "KILL", "unshare", *(f"--{name}" for name in ("mount", "net", "pid")))
_CHILD = ("--fork", "--kill-child", "--mount-proc")
_FIRST = 'ip link set lo up && "$@"; exit $?'


def run_apart(command: Sequence[str]) -> int:
    """Run a command where no port is taken and nothing outside of this machine can be reached; return its exit code.

    Raises:
        RuntimeError: this user may not, or a program is missing.
    """
    missing = [program for program in ("setpriv", "unshare", "ip", "mount") if shutil.which(program) is None]
    if missing:
        raise RuntimeError(f"not on this machine: {', '.join(missing)} (Debian: util-linux, iproute2)")
    if os.geteuid() != 0:
        raise RuntimeError("namespaces and a disk of its own need root: run it as root, or in a privileged container")
    apart = subprocess.Popen((*_APART, *_CHILD, "sh", "-c", _FIRST, "sh", *command), start_new_session=True)
    try:
        return apart.wait()
    finally:
        apart.send_signal(signal.SIGKILL)
        apart.wait()


def mount(*options: str | Path) -> None:
    """Mount something in these namespaces."""
    subprocess.run(
        (shutil.which("mount") or "/bin/mount", *map(str, options)), check=True, capture_output=True, timeout=30
    )
