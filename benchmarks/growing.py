"""Reports and checks at a registry with many records against the same at one with few, turn by turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb

from benchmarks import checked, prepare, world
from benchmarks.grown import grown
from benchmarks.table import Row

if TYPE_CHECKING:
    from client_sdk.testing import TestRegistry

__all__ = ["measure", "measure_checks"]

SMALL = 10_000
MEASURED_EACH = 3_000
# Enough that the checking processes have started and the choice between them and threads is made.
WARM_EACH = 3_000
ROUNDS = 3
CHECKS = 2_000


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


def measure_checks(name: str, count: int, goal: float) -> Row:
    """Return the rate of single checks with so many records over the rate with 10,000, each over all rounds."""
    with grown(SMALL) as small, grown(count) as large:
        listed: list[list[bytes]] = []
        for running in (small, large):
            running.start_registry()
            made = _made(running, WARM_EACH)
            world.stream(running, made)
            listed.append([pb.Submission.FromString(item).binding.subject for items in made for item in items])
            _check(running, listed[-1])
        rounds = [(_check(small, listed[0]), _check(large, listed[1])) for _ in range(ROUNDS)]
    few, many = (ROUNDS / sum(1 / rate for rate in rates) for rates in zip(*rounds, strict=True))
    return Row(name, many, few, "calls/s", many / few, goal)


def _check(running: TestRegistry, listed: list[bytes]) -> float:
    return checked.rate(running, listed, CHECKS, 1, checked.IN_FLIGHT)


def _stream(running: TestRegistry, each: int) -> float:
    return world.stream(running, _made(running, each))


def _made(running: TestRegistry, each: int) -> list[list[bytes]]:
    return prepare.submissions([world.lender(running, institution) for institution in world.LENDERS], each)
