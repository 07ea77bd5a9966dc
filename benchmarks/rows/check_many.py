"""Checks of 100 subjects a call against single checks."""

from __future__ import annotations

from benchmarks import checked, world
from benchmarks.table import Row

SINGLE_CALLS = 4_000
MANY_CALLS = 240
GROUP = 100
WARM = 400
IN_FLIGHT = 16
GOAL = 4.0


def measure() -> Row:
    """Return subjects a second in groups of 100 over subjects a second one by one."""
    with world.registry() as running:
        listed = checked.fill(running)
        checked.rate(running, listed, WARM, 1, IN_FLIGHT)
        single = checked.rate(running, listed, SINGLE_CALLS, 1, IN_FLIGHT)
        many = checked.rate(running, listed, MANY_CALLS, GROUP, IN_FLIGHT) * GROUP
    return Row("check-many", many, single, "subjects/s", many / single, GOAL)
