"""Streamed reports with 300,000 records in the log against the same with 10,000."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import growing

if TYPE_CHECKING:
    from benchmarks.table import Row

GOAL = 0.9


def measure() -> Row:
    """Return the rate late over the rate early."""
    return growing.measure("growth", 300_000, GOAL)
