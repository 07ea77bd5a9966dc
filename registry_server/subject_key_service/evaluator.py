"""Evaluation in worker processes, since the voprf library holds the GIL while it computes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from client_sdk.kernel.subjects.oprf import ELEMENT_BYTES, EvaluationKey
from registry_server.subject_key_service import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry_server.subject_key_service.keys import EvaluationKeys

__all__ = ["Evaluator"]

# Up to so many elements are evaluated where they arrive: below a millisecond, less than handing them over and back.
MAX_INLINE = 4

# The keys of a process that evaluates, by key id.
_keys: dict[bytes, EvaluationKey] = {}


class Evaluator:
    """Evaluates batches of blinded elements.

    Args:
        keys: of the service.
        processes: how many batches are evaluated at once; each runs on a core of its own.

    Raises:
        SetupError: this machine gives processes no shared memory.
    """

    def __init__(self, keys: EvaluationKeys, processes: int) -> None:
        self._keys = keys
        self._processes = processes
        self._pool = self._start()

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(cancel_futures=True)

    async def evaluate(self, service: bytes, blinded: bytes) -> tuple[bytes, bytes]:
        """Return the evaluated elements, joined, and the proof.

        Args:
            service: key id of one of the keys.
            blinded: elements of 32 bytes, joined.

        Raises:
            FormatError: an element is no canonical element of the group, or the identity.
        """
        if len(blinded) <= MAX_INLINE * ELEMENT_BYTES:
            key = self._keys.get(service)
            if key is not None:
                return _evaluate(key, blinded)
        loop, pool = asyncio.get_running_loop(), self._pool
        try:
            return await loop.run_in_executor(pool, _work, service, blinded)
        except BrokenProcessPool:
            # A process was killed, such as by the kernel when memory ran out: new ones take over.
            self._replace(pool)
            return await loop.run_in_executor(self._pool, _work, service, blinded)

    def _replace(self, broken: ProcessPoolExecutor) -> None:
        # All batches that were under way come here; the first one has done it.
        if self._pool is broken:
            broken.shutdown(wait=False)
            self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # Not forked: threads of gRPC and of the database would be copied half.
        context = multiprocessing.get_context("spawn")
        try:
            return ProcessPoolExecutor(self._processes, context, _set_up, (self._keys.seeds(),))
        except OSError as error:
            hint = "the processes that evaluate need shared memory; mount a writable /dev/shm"
            raise SetupError(f"{hint} ({error.strerror})") from error


def _set_up(seeds: Mapping[bytes, bytes]) -> None:
    """Prepare a process: it takes the keys by a pipe, never by a file, and ends with the one that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _keys.update((service, EvaluationKey.from_seed(seed)) for service, seed in seeds.items())
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)


def _work(service: bytes, blinded: bytes) -> tuple[bytes, bytes]:
    return _evaluate(_keys[service], blinded)


def _evaluate(key: EvaluationKey, blinded: bytes) -> tuple[bytes, bytes]:
    elements = [blinded[at : at + ELEMENT_BYTES] for at in range(0, len(blinded), ELEMENT_BYTES)]
    evaluated, proof = key.evaluate(elements)
    return b"".join(evaluated), proof
