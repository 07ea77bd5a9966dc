"""Blinding of identity inputs, and unblinding of what key services answer; here, or wherever a Blinder does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from client_sdk.kernel.subjects.oprf import Blinding, finalize

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BlindRequest", "BlindedBatch", "Blinder", "BlinderLostError", "FinalizeRequest", "LocalBlinder"]


class BlinderLostError(Exception):
    """What blinded a batch is gone, and its blindings with it."""


class BlindedBatch(Protocol):
    """Inputs that were blinded together."""

    @property
    def elements(self) -> bytes:
        """The blinded elements, 32 bytes each, in the order of the inputs."""

    def finalize(self, evaluated: Sequence[bytes], proof: bytes, public_key: bytes) -> list[bytes]:
        """Verify the answer of a key service and unblind it; as ``oprf.finalize``.

        Raises:
            FormatError: as there.
            BlinderLostError: what had blinded them is gone.
        """


class Blinder(Protocol):
    """Blinds inputs."""

    def blind(self, inputs: Sequence[bytes], answers: int) -> BlindedBatch:
        """Blind a batch.

        Args:
            inputs: 1 to 1,000.
            answers: evaluations of it that will be finalised.

        Raises:
            FormatError: an input is empty or too long.
            BlinderLostError: it is gone.
        """


class _LocalBatch:
    def __init__(self, blindings: list[Blinding]) -> None:
        self._blindings = blindings
        self.elements = b"".join(blinding.element for blinding in blindings)

    def finalize(self, evaluated: Sequence[bytes], proof: bytes, public_key: bytes) -> list[bytes]:
        return finalize(self._blindings, evaluated, proof, public_key)


class LocalBlinder:
    """Blinds in the caller's thread."""

    def blind(self, inputs: Sequence[bytes], answers: int) -> BlindedBatch:  # noqa: ARG002 - part of the protocol
        """Blind a batch."""
        return _LocalBatch([Blinding.of(item) for item in inputs])


class BlindRequest(NamedTuple):
    """Inputs that another process blinds.

    Attributes:
        batch: number by which ``FinalizeRequest`` names them.
        inputs: ``Identity.voprf_input()`` each.
        answers: evaluations that are awaited; after so many the blindings are forgotten.
    """

    batch: int
    inputs: list[bytes]
    answers: int

    def __repr__(self) -> str:
        return "BlindRequest(...)"


class FinalizeRequest(NamedTuple):
    """The answer of a key service, to be verified and unblinded; as ``oprf.finalize``."""

    batch: int
    evaluated: list[bytes]
    proof: bytes
    public_key: bytes

    def __repr__(self) -> str:
        return "FinalizeRequest(...)"
