"""Streamed reports to a registry with many records against the same to one with few, turn by turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import prepare, world
from benchmarks.grown import grown
from benchmarks.table import Row

if TYPE_CHECKING:
    from client_sdk.testing import TestRegistry

__all__ = ["measure"]

SMALL = 10_000
MEASURED_EACH = 3_000
# Enough that the checking processes have started and the choice between them and threads is made.
WARM_EACH = 3_000
ROUNDS = 3


def measure(name: str, count: int, goal: float) -> Row:
    """Return the rate with so many records over the rate with 10,000, each over all rounds."""
    with grown(SMALL) as small, grown(count) as large:
        for running in (small, large):
            running.start_registry()
            _stream(running, WARM_EACH)
        # What the machine does beside it falls on both alike.
        rounds = [(_stream(small, MEASURED_EACH), _stream(large, MEASURED_EACH)) for _ in range(ROUNDS)]
    early, late = (ROUNDS / sum(1 / rate for rate in rates) for rates in zip(*rounds, strict=True))
    return Row(name, late, early, "records/s", late / early, goal)


def _stream(running: TestRegistry, each: int) -> float:
    lenders = [world.lender(running, institution) for institution in world.LENDERS]
    return world.stream(running, prepare.submissions(lenders, each))
