"""An audit, map and directory rebuilt, against bare verifications on two cores.

Two processes verify and compute the map beside the one that replays; only the offline part is timed, after the fetch.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor

from benchmarks import prepare, world
from benchmarks.audited import FetchedAudit
from benchmarks.limits import auditor_verifications
from benchmarks.table import Row

EACH = 15_000
PROCESSES = 2
GOAL = 0.6


def measure() -> Row:
    """Return leaves a second of the offline part over twice the bare verifications of the auditor's verifier."""
    with world.registry() as running:
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        world.stream(running, prepare.submissions(lenders, EACH))
        fetched = FetchedAudit(running)
        spawn = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as executor:
            list(executor.map(abs, range(PROCESSES * 4)))
            rate = fetched.rate(executor)
    limit = 2 * auditor_verifications()
    return Row("audit", rate, limit, "leaves/s", rate / limit, GOAL)
