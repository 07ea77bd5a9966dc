"""One report a call, 64 in flight, through two processes on one PostgreSQL against one."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.table import Row

GOAL = 0.95


def measure() -> Row:
    """Return the ratio of calls a second."""
    two, one, note = processes.compare(processes.singles, processes.SINGLE_EACH)
    return Row("processes-singles", two, one, "calls/s", two / one, GOAL, note=note)
