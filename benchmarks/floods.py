"""How long other members wait, and how much memory a server takes, while one client floods it.

    python -m benchmarks.floods [KIND ...]

Prints one line of JSON a flood: milliseconds of a lender's checks and memory of the flooded program before, during and
after. The kinds are those of ``tests.support.flood``.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

from benchmarks.prepare import identity
from client_sdk import Client, Purpose, written_consent
from client_sdk.testing import TestRegistry

CHECKS = 150
# Memory is looked at this much later; what was freed has gone back to the system by then.
SETTLED_SECONDS = 25.0
CONSENT = written_consent(document=b"consent", given_on=date(2026, 1, 2))
LENDER, ROGUE, AUDITOR = "lender-1", "lender-2", "auditor"
REGISTRY, KEY_SERVICE = "registry", "key-service-a"
# Kind, who floods, what.
FLOODS = (
    ("watch", AUDITOR, KEY_SERVICE),
    ("held", ROGUE, KEY_SERVICE),
    ("held", ROGUE, REGISTRY),
    ("unread", ROGUE, REGISTRY),
    ("large", AUDITOR, REGISTRY),
    ("large", ROGUE, REGISTRY),
    ("silent", ROGUE, REGISTRY),
    ("cancelled", ROGUE, REGISTRY),
)


def _memory_mb(running: TestRegistry, program: str) -> int:
    pages = Path(f"/proc/{running.process_id(program)}/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize() // 1_000_000


def _waits(client: Client) -> list[float]:
    """Return the milliseconds of checks, ascending."""
    taken: list[float] = []
    for number in range(CHECKS):
        started = time.perf_counter()
        client.check(identity(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="bench")
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)


def _quantiles(taken: list[float]) -> dict[str, float]:
    return {"p50": round(taken[len(taken) // 2], 1), "p99": round(taken[len(taken) * 99 // 100], 1)}


def _measure(running: TestRegistry, client: Client, kind: str, who: str, program: str) -> dict[str, object]:
    before, memory = _waits(client), _memory_mb(running, program)
    tls = running.home(who) / "tls"
    command = [sys.executable, "-m", "tests.support.flood", kind, running.address_of(program), str(tls)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as flood:
        # Measured from the first moment on: some floods are over as soon as they are under way.
        during = _waits(client)
        meanwhile = _memory_mb(running, program)
        said, _ = flood.communicate()
    time.sleep(SETTLED_SECONDS)
    return {
        "flood": kind,
        "by": who,
        "of": program,
        "before_ms": _quantiles(before),
        "during_ms": _quantiles(during),
        "memory_mb": {"before": memory, "during": meanwhile, "after": _memory_mb(running, program)},
        "ended": said.splitlines()[1:],
    }


def main() -> None:
    """Measure the floods that are named, or all."""
    wanted = set(sys.argv[1:])
    with TestRegistry() as running, Client(running.config(LENDER)) as client:
        for kind, who, program in FLOODS:
            if not wanted or kind in wanted:
                print(json.dumps(_measure(running, client, kind, who, program)), flush=True)


if __name__ == "__main__":
    main()
