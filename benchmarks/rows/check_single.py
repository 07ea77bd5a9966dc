"""One check a call, 16 in flight, answered with evidence, against a GET by subject of the plain alternative."""

from __future__ import annotations

from benchmarks import checked, world
from benchmarks.empty import empty_rate
from benchmarks.plain.running import plain
from benchmarks.table import Row

CALLS = 6_000
WARM = 800
GOAL = 0.6


def measure() -> Row:
    """Return calls a second over GETs a second; both generators are one process."""
    with world.registry() as running, plain(running) as other:
        listed = checked.fill(running)
        subjects = checked.fill_plain(other)
        checked.rate(running, listed, WARM, 1, checked.IN_FLIGHT)
        other.drive(other.questions(subjects[:WARM]), checked.IN_FLIGHT)
        ours = checked.rate(running, listed, CALLS, 1, checked.IN_FLIGHT)
        theirs = other.drive(other.questions(subjects[:CALLS]), checked.IN_FLIGHT)
        bare = empty_rate(running.registry_home, running.folder / "load", checked.IN_FLIGHT)
    note = f"a gRPC call that does nothing: {bare:,.0f}/s, {bare / theirs:.2f} of the plain alternative"
    return Row("check-single", ours, theirs, "calls/s", ours / theirs, GOAL, note=note)
