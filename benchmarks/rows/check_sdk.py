"""The SDK's side of a check against what it cannot do without."""

from __future__ import annotations

import json

from benchmarks import world
from benchmarks.generator import output_of
from benchmarks.table import Row

CALLS = 400
GOAL = 1.6


def measure() -> Row:
    """Return the processor time of one check over VOPRF, signatures and three bare calls, measured turn by turn."""
    with world.registry() as running:
        costs = json.loads(output_of("benchmarks.asking", str(running.home("lender-1")), str(CALLS)))
    (check, needed), (warm_check, warm_needed) = (
        (parts["check"], parts["voprf"] + parts["signatures"] + parts["calls"])
        for parts in (costs["cold"], costs["warm"])
    )
    note = f"warm, each in a loop of its own: {warm_check:,.0f} / {warm_needed:,.0f} us, {warm_check / warm_needed:.2f}"
    return Row("check-sdk", check, needed, "us", check / needed, GOAL, at_most=True, note=note)
