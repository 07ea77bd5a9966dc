"""A start with 1,000,000 live records: the processor time until it serves, and its peak memory."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmarks.grown import kept
from benchmarks.table import Row

RECORDS = 1_000_000
GOAL_SECONDS = 8.0
GOAL_MEGABYTES = 600


def measure() -> Row:
    """Return the processor seconds; where the peak is above its goal, the row counts as the peak does."""
    home = kept(RECORDS) / "registry"
    program = Path(sys.executable).with_name("registry-server")
    command = [str(program), "serve", "--home", str(home), "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        try:
            if server.stdout is None or "ready" not in server.stdout.readline():
                raise RuntimeError("the registry did not start")
            seconds, megabytes = _used(server.pid)
        finally:
            server.terminate()
    note = f"peak memory {megabytes:,.0f} MB, goal <= {GOAL_MEGABYTES} MB"
    worse = max(seconds / GOAL_SECONDS, megabytes / GOAL_MEGABYTES)
    return Row("start-million", seconds, GOAL_SECONDS, "s", worse * GOAL_SECONDS, GOAL_SECONDS, at_most=True, note=note)


def _used(pid: int) -> tuple[float, float]:
    """Return processor seconds and peak memory in MB of a process so far; Linux tells both."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    if peak is None:
        raise RuntimeError("the system tells no peak of memory")
    return (int(ticks[11]) + int(ticks[12])) / 100, int(peak[1]) / 1000
