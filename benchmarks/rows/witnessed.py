"""What a registry does with three witnesses and its log as files, against the same without them.

The checkpoint register is moved before each signature on either side: a registry cannot do without.
"""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb

from benchmarks import checked, prepare, processes, world
from benchmarks.table import Row
from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import free_address
from client_sdk.testing.programs import Programs
from client_sdk.witness import WitnessFolder
from tests.support.witnesses import found_witnesses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WITNESSES = ("witness-1", "witness-2", "witness-3")
ROUNDS = 5
STREAMED_EACH, SINGLE_EACH, CHECKS = 2_000, 500, 1_500
_WARM_EACH = 300
GOAL = 0.9


def measure() -> Row:
    """Return the rate with all of them over the rate without, of what loses most."""
    with world.registry() as bare, _witnessed() as full:
        sides = [_kinds(bare), _kinds(full)]
        rates = {kind: (list[float](), list[float]()) for kind in sides[0]}
        for number in range(ROUNDS):
            for kind, (without, having) in rates.items():
                # Each comes first as often as the other.
                turn = [(sides[0], without), (sides[1], having)]
                for side, found in turn if number % 2 else reversed(turn):
                    found.append(side[kind]())
    ratios = {kind: median(having) / median(without) for kind, (without, having) in rates.items()}
    worst = min(ratios, key=ratios.__getitem__)
    without, having = rates[worst]
    note = ", ".join(f"{kind} {ratio:.2f}" for kind, ratio in ratios.items())
    return Row("witnessed", median(having), median(without), f"{worst}/s", ratios[worst], GOAL, note=note)


@contextmanager
def _witnessed() -> Iterator[TestRegistry]:
    """Yield a registry whose checkpoints three witnesses cosign, and which serves its log as files."""
    with tempfile.TemporaryDirectory(prefix="witnessed-") as folder:
        policy = Path(folder, "witnesses")
        policy.write_text("quorum none\n")
        environment = {"REGISTRY_WITNESS_POLICY": str(policy), "REGISTRY_TILES_LISTEN": free_address()}
        with (
            TestRegistry(lenders=world.LENDERS, environment=environment) as running,
            Programs(running.folder) as programs,
        ):
            found = found_witnesses(programs, running.trust_root, WITNESSES)
            programs.start(*found.servers.values())
            policy.write_text(found.policy)
            running.stop("registry")
            running.start_registry()
            yield running
            for name in WITNESSES:
                witness = WitnessFolder(running.folder / name)
                row = witness.rows().read(witness.settings().logs[0].name)
                if row is None or row.size < len(world.LENDERS) * STREAMED_EACH:
                    raise RuntimeError(f"{name} has cosigned nothing of what was reported")


def _kinds(running: TestRegistry) -> dict[str, Callable[[], float]]:
    """Return what measures a registry, warmed up: records, reports one by one and checks a second."""
    lenders = [world.lender(running, institution) for institution in world.LENDERS]
    made = prepare.submissions(lenders, _WARM_EACH)
    world.stream(running, made)
    listed = [pb.Submission.FromString(item).binding.subject for items in made for item in items]
    return {
        "records": lambda: processes.streams(running, lenders, STREAMED_EACH, running.address),
        "reports": lambda: processes.singles(running, lenders, SINGLE_EACH, running.address),
        "checks": lambda: checked.rate(running, listed, CHECKS, 1, checked.IN_FLIGHT),
    }
