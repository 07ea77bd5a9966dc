"""Checks with 3,000,000 live subjects against the same with 10,000."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import growing

if TYPE_CHECKING:
    from benchmarks.table import Row

GOAL = 0.8


def measure() -> Row:
    """Return the rate with many subjects over the rate with few."""
    return growing.measure_checks("check-large", 3_000_000, GOAL)
