"""A start with 3,000,000 live subjects: the seconds until it serves, and its peak memory."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.grown import kept
from benchmarks.table import Row

RECORDS = 3_000_000
GOAL_SECONDS = 5.0
GOAL_MEGABYTES = 500


def measure() -> Row:
    """Return the seconds until it is ready; where the peak is above its goal, the row counts as the peak does."""
    home = kept(RECORDS) / "registry"
    program = Path(sys.executable).with_name("registry-server")
    command = [str(program), "serve", "--home", str(home), "--listen", "127.0.0.1:0"]
    started = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            if server.stdout is None or "ready" not in server.stdout.readline():
                raise RuntimeError("the registry did not start")
            seconds, megabytes = time.monotonic() - started, _peak(server.pid)
        finally:
            server.terminate()
    note = f"peak memory {megabytes:,.0f} MB, goal <= {GOAL_MEGABYTES} MB"
    worse = max(seconds / GOAL_SECONDS, megabytes / GOAL_MEGABYTES)
    return Row("start", seconds, GOAL_SECONDS, "s", worse * GOAL_SECONDS, GOAL_SECONDS, at_most=True, note=note)


def _peak(pid: int) -> float:
    """Return the peak memory in MB of a process so far, as Linux tells it."""
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if peak is None:
        raise RuntimeError("the system tells no peak of memory")
    return int(peak[1]) / 1000
