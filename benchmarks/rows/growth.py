"""Streamed reports with 300,000 records in the log against the same with 10,000."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import prepare, world
from benchmarks.table import Row

if TYPE_CHECKING:
    from client_sdk.testing import TestRegistry

SMALL = 10_000
LARGE = 300_000
# Records of one measurement, and of one load between the two.
MEASURED_EACH = 4_000
LOAD_EACH = 17_000
ROUNDS = 2
GOAL = 0.8


def measure() -> Row:
    """Return the rate late over the rate early, each the mean of some rounds."""
    with world.registry() as running:
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        world.stream(running, prepare.submissions(lenders, SMALL // len(lenders)))
        early = _rate(running, lenders)
        records = SMALL + ROUNDS * MEASURED_EACH * len(lenders)
        while records < LARGE:
            world.stream(running, prepare.submissions(lenders, LOAD_EACH))
            records += LOAD_EACH * len(lenders)
        late = _rate(running, lenders)
    return Row("growth", late, early, "records/s", late / early, GOAL)


def _rate(running: TestRegistry, lenders: list[prepare.Lender]) -> float:
    rates = [world.stream(running, prepare.submissions(lenders, MEASURED_EACH)) for _ in range(ROUNDS)]
    return sum(rates) / ROUNDS
