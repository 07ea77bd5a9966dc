"""Records erased and logged after their time, against streamed reports."""

from __future__ import annotations

from benchmarks import retention
from benchmarks.table import Row

GOAL = 0.5


def measure() -> Row:
    """Return records erased a second over records reported by stream a second."""
    run = retention.measure()
    note = f"p99 of a report {run.beside * 1e3:.1f} ms meanwhile, {run.before * 1e3:.1f} ms before"
    return Row("retention", run.erased, run.streamed, "records/s", run.erased / run.streamed, GOAL, note=note)
