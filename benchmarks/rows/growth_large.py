"""Streamed reports with 3,000,000 records in the log against the same with 10,000."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import growing

if TYPE_CHECKING:
    from benchmarks.table import Row

GOAL = 0.8


def measure() -> Row:
    """Return the rate late over the rate early."""
    return growing.measure("growth-large", 3_000_000, GOAL)
