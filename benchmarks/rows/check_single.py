"""One check a call, 16 in flight, answered with evidence, against a GET by subject of the plain alternative."""

from __future__ import annotations

from benchmarks import checked, world
from benchmarks.plain.drive import drive
from benchmarks.plain.running import plain
from benchmarks.table import Row

CALLS = 6_000
WARM = 800
IN_FLIGHT = 16
PLAIN_RECORDS = 20_000
GOAL = 1.0


def measure() -> Row:
    """Return calls a second over GETs a second; both generators are one process."""
    with world.registry() as running, plain() as other:
        listed = checked.fill(running)
        requests, subjects = other.reports(PLAIN_RECORDS)
        drive(other.port, requests, 64)
        checked.rate(running, listed, WARM, 1, IN_FLIGHT)
        drive(other.port, other.questions(subjects[:WARM]), IN_FLIGHT)
        ours = checked.rate(running, listed, CALLS, 1, IN_FLIGHT)
        theirs = drive(other.port, other.questions(subjects[:CALLS]), IN_FLIGHT)
    return Row("check-single", ours, theirs, "calls/s", ours / theirs, GOAL)
