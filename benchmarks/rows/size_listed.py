"""Size of an evidence of LISTED with one record at 1,000,000 subjects."""

from __future__ import annotations

from benchmarks.evidence_size import listed_bytes
from benchmarks.table import Row

GOAL_BYTES = 4_800


def measure() -> Row:
    """Return the size in bytes."""
    size = listed_bytes()
    return Row("size-listed", size, GOAL_BYTES, "bytes", size, GOAL_BYTES, at_most=True)
