"""The processor time that one check costs its asker, and that of what it cannot do without; a process of its own.

    python -m benchmarks.asking HOME CALLS

Prints JSON: ``cold`` and ``warm``, each with microseconds of ``check``, and of ``voprf``, ``signatures`` and ``calls``.
Cold, they are measured turn by turn: between two checks a processor waits for disks and does other programs' work, and
comes back with cold caches. Warm, each is measured in a loop of its own. VOPRF is the wheel's own calls.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

import grpc
from voprf import ristretto

from benchmarks.prepare import CONSENT, identity
from client_sdk import Client, Purpose
from client_sdk._transport.channels import TlsMaterial
from client_sdk.kernel.formats import keys
from client_sdk.kernel.subjects.oprf import KEY_INFO

if TYPE_CHECKING:
    from collections.abc import Callable

# Key services in the benchmark's registry.
SERVICES = 2
# The inquiry's. All these checks are answered under one HEAD: its checkpoint and the acts were verified with an earlier
# answer, so the reference is not charged for them.
SIGNATURES = 1
CALLS_A_CHECK = 3
HEALTH = "/grpc.health.v1.Health/Check"


def _cpu(parts: dict[str, Callable[[int], object]], count: int) -> dict[str, float]:
    """Return microseconds of processor time of each part in turn, all threads of this process included."""
    spent = dict.fromkeys(parts, 0.0)
    for number in range(count):
        for name, work in parts.items():
            started = time.process_time()
            work(number)
            spent[name] += time.process_time() - started
    return {name: seconds / count * 1e6 for name, seconds in spent.items()}


def _voprf(count: int) -> Callable[[int], object]:
    evaluator = ristretto.Evaluator.from_seed(bytes(32), KEY_INFO)
    ready = []
    for number in range(SERVICES * count):
        client, blinded = ristretto.Client.blind(number.to_bytes(8))
        ready.append((client, evaluator.evaluate(blinded)))

    def work(number: int) -> None:
        # Blinded once for all services; each answer is finalised.
        ristretto.Client.blind(number.to_bytes(8))
        for _ in range(SERVICES):
            client, evaluated = ready.pop()
            client.finalize(evaluated, evaluator.public_key)

    return work


def _signatures() -> Callable[[int], object]:
    signer, message = keys.Ed25519Signer.generate(), bytes(300)
    signature, public = signer.sign(message), signer.public_key.raw

    def work(_: int) -> None:
        for _ in range(SIGNATURES):
            keys.verify(public, message, signature)

    return work


def main() -> None:
    """Measure and print."""
    home, count = sys.argv[1], int(sys.argv[2])
    with Client.from_home(home) as client:
        people = [identity(number) for number in range(count)]
        credentials = TlsMaterial.from_folder(client.config.tls_key.parent).channel_credentials()
        with grpc.secure_channel(client.config.registry, credentials) as bare:
            call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = bare.unary_unary(HEALTH)

            def check(number: int) -> None:
                client.check(people[number], purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="staff-17")

            def calls(_: int) -> None:
                for _ in range(CALLS_A_CHECK):
                    call(b"", timeout=5)

            _cpu({"check": check, "calls": calls}, count // 5)
            parts = {"check": check, "voprf": _voprf(2 * count), "signatures": _signatures(), "calls": calls}
            cold = _cpu(parts, count)
            warm = {name: _cpu({name: work}, count)[name] for name, work in parts.items()}
            print(json.dumps({"cold": cold, "warm": warm}))


if __name__ == "__main__":
    main()
