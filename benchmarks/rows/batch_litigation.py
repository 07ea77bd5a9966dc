"""Judgments of a batch litigation: streamed under one signature of 10,000, against the same signed one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks import prepare, world
from benchmarks.table import Row

if TYPE_CHECKING:
    from client_sdk.testing import TestRegistry

# Of each lender, under one signature.
EACH = 10_000
# The first records are not measured: caches warm up, and the choice is made between checking processes and threads.
WARM_EACH = 5_000
GOAL = 2.0


def measure(each: int = EACH, warm: int = WARM_EACH) -> Row:
    """Return judgments a second under one signature over judgments a second with a signature each."""
    with world.registry() as running:
        _rate(running, warm, together=False)
        # Each comes first and last once, as the log grows meanwhile.
        rates: dict[bool, list[float]] = {False: [], True: []}
        for together in (False, True, True, False):
            rates[together].append(_rate(running, each, together=together))
    ours, reference = (sum(rates[together]) / len(rates[together]) for together in (True, False))
    note = f"4 lenders, one signature of {each:,} each"
    return Row("batch-litigation", ours, reference, "judgments/s", ours / reference, GOAL, note=note)


def _rate(running: TestRegistry, each: int, *, together: bool) -> float:
    lenders = [world.lender(running, institution) for institution in world.LENDERS]
    return world.stream(running, prepare.judgments(lenders, each, together=together))
