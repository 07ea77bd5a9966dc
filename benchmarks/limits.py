"""The limits that rows are held against: what the parts can do with nothing around them, on one thread."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor
from hashlib import sha256
from multiprocessing import get_context
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from voprf import ristretto

from client_sdk._helper_process import processors
from client_sdk.kernel.formats import dsse, keys
from client_sdk.kernel.subjects.oprf import KEY_INFO

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "all_core_verifications",
    "auditor_verifications",
    "hash_seconds",
    "openssl_verifications",
    "seconds_each",
    "sign_seconds",
    "voprf_seconds",
]

# About the length of a statement.
MESSAGE = bytes(250)
# Long enough that a figure repeats within some percent.
MEASURE_SECONDS = 1.0


def seconds_each(work: Callable[[], object], count: int = 1, seconds: float = MEASURE_SECONDS) -> float:
    """Return the seconds of one of ``count`` operations that a call of ``work`` does, best of the time given."""
    best = float("inf")
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        started = time.perf_counter()
        work()
        best = min(best, (time.perf_counter() - started) / count)
    return best


def _rate(work: Callable[[], object]) -> float:
    """Return operations a second over the whole time, not the best of it: a limit must not be a lucky moment."""
    done = 0
    started = time.perf_counter()
    while (passed := time.perf_counter() - started) < MEASURE_SECONDS:
        for _ in range(100):
            work()
        done += 100
    return done / passed


def openssl_verifications() -> float:
    """Return bare Ed25519 verifications a second of one thread with ``cryptography``."""
    private = Ed25519PrivateKey.generate()
    signature = private.sign(MESSAGE)
    public = Ed25519PublicKey.from_public_bytes(private.public_key().public_bytes_raw())
    return _rate(lambda: public.verify(signature, MESSAGE))


def auditor_verifications() -> float:
    """Return bare Ed25519 verifications a second of one thread with the verifier that this project uses."""
    signer = keys.Ed25519Signer.generate()
    message = dsse.pae(dsse.STATEMENT, MESSAGE)
    signature, public = signer.sign(message), signer.public_key.raw
    return _rate(lambda: keys.verify(public, message, signature))


def all_core_verifications() -> float:
    """Return the same of all processors together, a process on each."""
    count = processors()
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as executor:
        # Started before the clock of any of them runs.
        list(executor.map(abs, range(4 * count)))
        return sum(future.result() for future in [executor.submit(auditor_verifications) for _ in range(count)])


def sign_seconds() -> float:
    """Return the seconds of one signature."""
    signer = keys.Ed25519Signer.generate()
    return seconds_each(lambda: signer.sign(MESSAGE), seconds=MEASURE_SECONDS / 2)


def voprf_seconds(batch: int) -> tuple[float, float, float]:
    """Return the seconds of blinding, evaluating and finalising one element in batches of that size.

    They are the wheel's own calls, with nothing of ours around them.
    """
    evaluator = ristretto.Evaluator.from_seed(bytes(32), KEY_INFO)
    inputs = [index.to_bytes(8) for index in range(batch)]
    blind = seconds_each(lambda: [ristretto.Client.blind(item) for item in inputs], batch)
    clients, elements = zip(*(ristretto.Client.blind(item) for item in inputs), strict=True)
    blinded = list(elements)
    evaluate = seconds_each(lambda: evaluator.evaluate_batch(blinded), batch)
    evaluated, waiting = evaluator.evaluate_batch(blinded), list(clients)
    finalise = seconds_each(lambda: ristretto.Client.finalize_batch(waiting, evaluated, evaluator.public_key), batch)
    return blind, evaluate, finalise


def hash_seconds(count: int) -> float:
    """Return the seconds of hashing that many inner nodes of the map."""
    left, right = bytes(32), bytes(32)

    def work() -> None:
        for _ in range(count):
            sha256(b"\x03" + left + right).digest()

    return seconds_each(work)
