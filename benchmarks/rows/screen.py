"""A screening from identity numbers, key services included, against its bare VOPRF on both cores."""

from __future__ import annotations

import json

from benchmarks import checked, world
from benchmarks.generator import output_of
from benchmarks.limits import voprf_seconds
from benchmarks.table import Row

CUSTOMERS = 100_000
SERVICES = 2
CORES = 2
BATCH = 1_000
GOAL = 1.4
MOST_MEGABYTES = 500


def measure() -> Row:
    """Return the seconds of a screening over the bare seconds of its evaluations, over the cores.

    Raises:
        RuntimeError: it took more memory than it may.
    """
    blind, evaluate, finalise = voprf_seconds(BATCH)
    # Blinded once for both services; each evaluates, and each answer is finalised.
    bare = CUSTOMERS * (blind + SERVICES * (evaluate + finalise)) / CORES
    with world.registry() as running:
        checked.fill(running)
        took = json.loads(output_of("benchmarks.screening", str(running.home("lender-1")), str(CUSTOMERS)))
    seconds, megabytes = took["seconds"], took["megabytes"]
    if megabytes > MOST_MEGABYTES:
        raise RuntimeError(f"{megabytes:.0f} MB, at most {MOST_MEGABYTES}")
    note = f"{megabytes:.0f} MB at most, {took['pages']} pages"
    return Row("screen", seconds, bare, "s", seconds / bare, GOAL, at_most=True, note=note)
