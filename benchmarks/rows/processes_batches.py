"""Streamed reports through two processes on one PostgreSQL against one."""

from __future__ import annotations

from benchmarks import processes
from benchmarks.table import Row

GOAL = 1.1


def measure() -> Row:
    """Return the ratio of records a second."""
    two, one, note = processes.compare(processes.streams, processes.STREAMED_EACH)
    return Row("processes-batches", two, one, "records/s", two / one, GOAL, note=note)
