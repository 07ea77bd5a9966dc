"""The start of the command: ``credit-registry --help`` against a Python that does nothing."""

from __future__ import annotations

import resource
import subprocess
import sys
from pathlib import Path

from benchmarks.table import Row

ROUNDS = 7
GOAL = 6.0


def measure() -> Row:
    """Return processor time over processor time, each the best of some, in turn."""
    program = str(Path(sys.executable).with_name("credit-registry"))
    rounds = [(_seconds([program, "--help"]), _seconds([sys.executable, "-c", "pass"])) for _ in range(ROUNDS)]
    ours, bare = (min(times) for times in zip(*rounds, strict=True))
    return Row("start-cli", ours * 1e3, bare * 1e3, "ms", ours / bare, GOAL, at_most=True)


def _seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
