"""How long a single report takes while records are erased after their time, against before."""

from __future__ import annotations

from benchmarks import retention
from benchmarks.table import Row

GOAL = 2.0


def measure() -> Row:
    """Return the 99th percentile of a report meanwhile over that before."""
    run = retention.measure()
    ours, before = run.beside * 1e3, run.before * 1e3
    return Row("retention-latency", ours, before, "ms", ours / before, GOAL, at_most=True)
