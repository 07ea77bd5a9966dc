"""One check a call, 16 in flight, by the desk's HTTP API against the SDK that it wraps."""

from __future__ import annotations

import json
import subprocess
import sys
from statistics import median

from benchmarks import world
from benchmarks.table import Row
from client_sdk.desk.api.tokens import TokenFile
from client_sdk.desk.rights import ApiScope
from tests.support.desk import RunningDesk

ROUNDS = 3
CALLS = 1_200
WARM = 200
IN_FLIGHT = 16
GOAL = 0.7


def measure() -> Row:
    """Return calls a second of the desk over those of the SDK, turn by turn; each is a lender of its own."""
    with world.registry() as running:
        home = running.home("lender-1")
        token, _ = TokenFile(running.home("lender-2")).add("benchmark", [ApiScope.CHECK], 2)
        with RunningDesk(running.home("lender-2"), running.folder / "desk") as desk:
            sides = {"sdk": (str(home), ""), "desk": (str(desk.port), token)}
            for kind, (place, given) in sides.items():
                _rate(kind, place, given, WARM, 0)
            rates: dict[str, list[float]] = {kind: [] for kind in sides}
            for turn in range(ROUNDS):
                for kind, (place, given) in sides.items():
                    rates[kind].append(_rate(kind, place, given, CALLS, WARM + turn * CALLS))
    ours, theirs = median(rates["desk"]), median(rates["sdk"])
    return Row("desk-check", ours, theirs, "calls/s", ours / theirs, GOAL)


def _rate(kind: str, place: str, given: str, count: int, first: int) -> float:
    words = [sys.executable, "-m", "benchmarks.desk_asking", kind, place, str(count), str(first), str(IN_FLIGHT)]
    told = subprocess.run(words, input=given, text=True, check=True, stdout=subprocess.PIPE)
    rate: float = json.loads(told.stdout)
    return rate
