"""The processor time that one check costs its asker, and that of what it cannot do without; a process of its own.

    python -m benchmarks.asking HOME CALLS

Prints JSON: microseconds of ``check``, and of ``voprf``, ``signatures`` and ``calls`` measured beside it.
"""

from __future__ import annotations

import json
import sys
import time
from typing import TYPE_CHECKING

from benchmarks.prepare import CONSENT, identity
from client_sdk import Client, Purpose
from client_sdk._transport import TlsMaterial, channel
from client_sdk.formats import keys
from client_sdk.subjects import oprf

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc

# Key services in the benchmark's registry.
SERVICES = 2
# The inquiry's. All these checks are answered under one HEAD: its checkpoint and the acts were verified with an earlier
# answer, so the reference is not charged for them.
SIGNATURES = 1
CALLS_A_CHECK = 3
HEALTH = "/grpc.health.v1.Health/Check"


def _cpu(work: Callable[[int], object], count: int) -> float:
    """Return microseconds of processor time of one turn, all threads of this process included."""
    started = time.process_time()
    for number in range(count):
        work(number)
    return (time.process_time() - started) / count * 1e6


def _voprf() -> Callable[[int], object]:
    key = oprf.EvaluationKey.from_seed(bytes(32))
    ready = []
    for number in range(2_000):
        blinding = oprf.Blinding.of(number.to_bytes(8))
        ready.append((blinding, *key.evaluate([blinding.element])))

    def work(number: int) -> None:
        # Blinded once for all services; each answer is finalised.
        oprf.Blinding.of(number.to_bytes(8))
        for _ in range(SERVICES):
            blinding, evaluated, proof = ready.pop()
            oprf.finalize([blinding], evaluated, proof, key.public_key)

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

        def check(number: int) -> None:
            client.check(people[number], purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="staff-17")

        _cpu(check, count // 5)
        costs = {"check": _cpu(check, count)}
        costs["voprf"] = _cpu(_voprf(), min(count, 500))
        costs["signatures"] = _cpu(_signatures(), 2_000)
        config = client.config
    with channel(config.registry, TlsMaterial.from_folder(config.tls_key.parent)) as bare:
        call: grpc.UnaryUnaryMultiCallable[bytes, bytes] = bare.unary_unary(HEALTH)
        _cpu(lambda _: call(b"", timeout=5), 200)
        costs["calls"] = CALLS_A_CHECK * _cpu(lambda _: call(b"", timeout=5), 1_000)
    print(json.dumps(costs))


if __name__ == "__main__":
    main()
