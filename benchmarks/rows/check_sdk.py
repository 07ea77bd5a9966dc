"""The SDK's side of a check against what it cannot do without."""

from __future__ import annotations

import json
import subprocess
import sys

from benchmarks import world
from benchmarks.table import Row

CALLS = 500
GOAL = 1.6


def measure() -> Row:
    """Return the processor time of one check over VOPRF, signatures and three bare calls."""
    with world.registry() as running:
        command = [sys.executable, "-m", "benchmarks.asking", str(running.home("lender-1")), str(CALLS)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    costs = json.loads(done.stdout)
    needed = costs["voprf"] + costs["signatures"] + costs["calls"]
    return Row("check-sdk", costs["check"], needed, "us", costs["check"] / needed, GOAL, at_most=True)
