"""Blinding in processes of their own: most of the work of naming a portfolio, and it holds the interpreter's lock.

processes = BlindingProcesses(count)
blinders = processes.start()        none where no process can be started: LocalBlinder does the same
processes.stop()
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from client_sdk._helper_process import HelperProcess
from client_sdk._protocol.blinding import BlinderLostError, BlindRequest, FinalizeRequest
from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk._protocol.blinding import BlindedBatch, Blinder

__all__ = ["BlindingProcesses"]

# A batch takes some hundredths of a second; on a machine that is short of processors, some tenths.
ANSWER_SECONDS = 30.0


class _RemoteBatch:
    def __init__(self, blinder: _ProcessBlinder, number: int, elements: bytes) -> None:
        self._blinder = blinder
        self._number = number
        self.elements = elements

    def finalize(self, evaluated: Sequence[bytes], proof: bytes, public_key: bytes) -> list[bytes]:
        result = self._blinder.ask(FinalizeRequest(self._number, list(evaluated), proof, public_key))
        if isinstance(result, FormatError):
            raise result
        if not isinstance(result, list):
            raise BlinderLostError
        return result


class _ProcessBlinder:
    """Blinds in a process of its own; used by one thread at a time."""

    def __init__(self) -> None:
        self.process = HelperProcess(
            "client_sdk._blinding_process", answer_seconds=ANSWER_SECONDS, settings="CREDIT_REGISTRY_"
        )
        self._next = 0

    def blind(self, inputs: Sequence[bytes], answers: int) -> BlindedBatch:
        number, self._next = self._next, self._next + 1
        elements = self.ask(BlindRequest(number, list(inputs), answers))
        if not isinstance(elements, bytes):
            raise BlinderLostError
        return _RemoteBatch(self, number, elements)

    def ask(self, request: BlindRequest | FinalizeRequest) -> bytes | list[bytes] | FormatError | None:
        """Return its answer; None where it gives none."""
        try:
            answer = self.process.ask(pickle.dumps(request, -1))
        except (EOFError, OSError) as error:
            raise BlinderLostError from error
        result: bytes | list[bytes] | FormatError | None = (
            pickle.loads(answer) if answer else None  # noqa: S301 - from our own process
        )
        return result


class BlindingProcesses:
    """Processes that blind, from ``start`` to ``stop``.

    Args:
        count: how many.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        self._blinders: list[_ProcessBlinder] = []

    def start(self) -> Sequence[Blinder]:
        """Start them and wait until they are ready; return none where one of them cannot be started."""
        try:
            for _ in range(self._count):
                self._blinders.append(_ProcessBlinder())
            for blinder in self._blinders:
                blinder.process.await_ready()
        except (EOFError, OSError):
            self.stop()
        return tuple(self._blinders)

    def stop(self) -> None:
        """End them."""
        while self._blinders:
            self._blinders.pop().process.stop()
