"""Reports from identity numbers, key services included, against their bare cryptography on both cores."""

from __future__ import annotations

import subprocess
import sys

from benchmarks import world
from benchmarks.limits import openssl_verifications, sign_seconds, voprf_seconds
from benchmarks.table import Row

LENDERS = world.LENDERS[:2]
EACH = 4_000
SERVICES = 2
CORES = 2
BATCH = 1_000
GOAL = 0.75


def measure() -> Row:
    """Return records a second times the bare seconds of a record, over the cores."""
    blind, evaluate, finalise = voprf_seconds(BATCH)
    # Blinded once for all services; each evaluates, and each answer is finalised.
    bare = blind + SERVICES * (evaluate + finalise) + sign_seconds() + 1 / openssl_verifications()
    with world.registry() as running:
        lenders = [
            subprocess.Popen(
                [sys.executable, "-m", "benchmarks.reporting", str(running.home(name)), str(at * EACH), str(EACH)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for at, name in enumerate(LENDERS)
        ]
        for lender in lenders:
            if lender.stdout is None or lender.stdout.readline() != "ready\n":
                raise RuntimeError("a lender did not start")
        seconds = max(float(lender.communicate("go\n")[0]) for lender in lenders)
    rate = EACH * len(LENDERS) / seconds
    limit = CORES / bare
    return Row("report-many", rate, limit, "records/s", rate / limit, GOAL)
