"""Size of an evidence of CLEAR at 1,000,000 subjects."""

from __future__ import annotations

from benchmarks.evidence_size import clear_bytes
from benchmarks.table import Row

GOAL_BYTES = 3_600


def measure() -> Row:
    """Return the size in bytes."""
    size = clear_bytes()
    return Row("size-clear", size, GOAL_BYTES, "bytes", size, GOAL_BYTES, at_most=True)
