"""A follower that is a day behind: an auditor fetches and verifies 100,000 leaves, against bare verifications of them.

The auditor has audited what came before, as `audit --follow` has. All of a round is timed: two processes start and
verify beside the one that replays, the log is fetched, map and directory are rebuilt, and the state is written.
"""

from __future__ import annotations

import time

from benchmarks import prepare, world
from benchmarks.limits import auditor_verifications
from benchmarks.table import Row
from client_sdk.auditing.auditor import Auditor

BEFORE_EACH = 1_000
EACH = 25_000
PROCESSES = 2
GOAL = 1.3


def measure() -> Row:
    """Return the seconds of the audit over those of bare verifications, one a leaf, by the auditor's own verifier."""
    with world.registry() as running:
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        auditor = Auditor.from_home(running.home("auditor"))
        world.stream(running, prepare.submissions(lenders, BEFORE_EACH))
        before = auditor.audit(jobs=PROCESSES)
        world.stream(running, prepare.submissions(lenders, EACH))
        rate = auditor_verifications()
        started = time.perf_counter()
        report = auditor.audit(jobs=PROCESSES)
        seconds = time.perf_counter() - started
        rate = (rate + auditor_verifications()) / 2
    leaves = report.size - before.size
    if report.findings or leaves < len(world.LENDERS) * EACH:
        raise RuntimeError(f"{leaves} leaves were audited, {len(report.findings)} findings")
    bare = leaves / rate
    note = f"{leaves:,} leaves; {seconds / bare * 2:.2f} x those of two cores"
    return Row("follow-behind", seconds, bare, "s", seconds / bare, GOAL, at_most=True, note=note)
