"""Checks of 100 subjects a call, answered with evidence, against GETs by subject of the plain alternative."""

from __future__ import annotations

from benchmarks import checked, world
from benchmarks.plain.running import plain
from benchmarks.table import Row

READS = 6_000
CALLS = 240
WARM = 8
GROUP = 100
GOAL = 4.0


def measure() -> Row:
    """Return subjects a second in groups of 100 over reads a second; both generators are one process."""
    with world.registry() as running, plain(running) as other:
        listed = checked.fill(running)
        subjects = checked.fill_plain(other)
        checked.rate(running, listed, WARM, GROUP, checked.IN_FLIGHT)
        other.drive(other.questions(subjects[: WARM * GROUP]), checked.IN_FLIGHT)
        ours = checked.rate(running, listed, CALLS, GROUP, checked.IN_FLIGHT) * GROUP
        theirs = other.drive(other.questions(subjects[:READS]), checked.IN_FLIGHT)
    return Row("check-many", ours, theirs, "subjects/s", ours / theirs, GOAL)
