"""The verifiable oblivious pseudorandom function of the key services: RFC 9497, ristretto255-SHA512, mode 1 (VOPRF).

A thin typed wrapper of the ``voprf`` wheel (curve25519-dalek): no group arithmetic of our own. A client blinds an
input, the key service evaluates what it cannot read, and the client checks the proof and unblinds. Every failure of
the wheel becomes a FormatError or a ProofError; what it panics with is caught too.

A batch has 1 to 1,000 elements. Elements and public keys are 32 bytes, a proof is 64, an output 64.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, NoReturn

from voprf import ristretto

from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.voprf_key import parse_voprf_key

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "ELEMENT_BYTES",
    "MAX_BATCH",
    "OUTPUT_BYTES",
    "PROOF_BYTES",
    "SEED_BYTES",
    "Blinding",
    "EvaluationKey",
    "finalize",
]

ELEMENT_BYTES = 32
PROOF_BYTES = 64
OUTPUT_BYTES = 64
SEED_BYTES = 32
MAX_BATCH = 1_000
# RFC 9497 1.2: inputs have a length of two bytes.
MAX_INPUT_BYTES = 0xFFFF
# Key info of DeriveKeyPair (RFC 9497 3.2.1); public.
KEY_INFO = b"creditregistry/key-service/v1"


class Blinding:
    """One input, blinded; it can be finalised only by the object that blinded it, and shows nothing."""

    __slots__ = ("_client", "element")

    def __init__(self, client: ristretto.Client, element: bytes) -> None:
        self._client = client
        self.element = element

    def __repr__(self) -> str:
        return "Blinding(...)"

    @classmethod
    def of(cls, data: bytes) -> Blinding:
        """Blind an input under a fresh random scalar (RFC 9497 3.3.2, Blind).

        Args:
            data: ``Identity.voprf_input()``.

        Raises:
            FormatError: it is empty, or longer than 65,535 bytes.
        """
        if not 0 < len(data) <= MAX_INPUT_BYTES:
            raise FormatError("voprf input", "voprf.input", got=f"{len(data)} bytes", want=f"1 to {MAX_INPUT_BYTES}")
        client, blinded = ristretto.Client.blind(data)
        return cls(client, blinded.serialize())


class EvaluationKey:
    """The secret key of a key service, derived from a 32-byte seed (RFC 9497 3.2.1, DeriveKeyPair)."""

    __slots__ = ("_evaluator", "_seed", "public_key")

    def __init__(self, seed: bytes, info: bytes = KEY_INFO) -> None:
        if len(seed) != SEED_BYTES:
            raise FormatError("evaluation key", "seed.length", got=f"{len(seed)} bytes", want=f"{SEED_BYTES} bytes")
        try:
            self._evaluator = ristretto.Evaluator.from_seed(seed, info)
        except ValueError:
            raise FormatError("evaluation key", "voprf.key", want="a seed that gives a key") from None
        self._seed = seed
        self.public_key: bytes = self._evaluator.public_key.serialize()

    def __repr__(self) -> str:
        return "EvaluationKey(...)"

    @classmethod
    def generate(cls) -> EvaluationKey:
        """Return a fresh random key."""
        return cls(secrets.token_bytes(SEED_BYTES))

    @classmethod
    def from_seed(cls, seed: bytes, info: bytes = KEY_INFO) -> EvaluationKey:
        """Return the key of a 32-byte random seed; the same seed and info give the same key.

        Raises:
            FormatError: the seed has another length.
        """
        return cls(seed, info)

    def to_bytes(self) -> bytes:
        """Return the seed, to be kept in a file that only the key service can read."""
        return self._seed

    def evaluate(self, elements: Sequence[bytes]) -> tuple[list[bytes], bytes]:
        """Evaluate blinded elements and prove that all were evaluated under this key (RFC 9497 3.3.2, BlindEvaluate).

        Args:
            elements: 1 to 1,000 blinded elements, 32 bytes each.

        Returns:
            The evaluated elements in the same order, and one proof for all of them.

        Raises:
            FormatError: another number of elements, or one that is no element, not canonical, or the identity.
        """
        _check_count(len(elements), "blinded elements")
        blinded = [_blinded(element) for element in elements]
        raw = bytes(self._evaluator.evaluate_batch(blinded).serialize())
        evaluated = [raw[start : start + ELEMENT_BYTES] for start in range(PROOF_BYTES, len(raw), ELEMENT_BYTES)]
        return evaluated, raw[:PROOF_BYTES]


def finalize(blindings: Sequence[Blinding], evaluated: Sequence[bytes], proof: bytes, public_key: bytes) -> list[bytes]:
    """Check the proof of a batch and unblind its outputs (RFC 9497 3.3.2, Finalize).

    Args:
        blindings: in the order in which their elements were sent.
        evaluated: what the key service answered, in that order, 32 bytes each.
        proof: 64 bytes, for the whole batch.
        public_key: of the key service, from an act, never from an answer.

    Returns:
        One output of 64 bytes for each input.

    Raises:
        FormatError: a wrong number of elements, or bytes that are no element, no proof or no key.
        ProofError: the batch was not evaluated under that key, or not in that order.
    """
    _check_count(len(blindings), "blindings")
    if len(evaluated) != len(blindings):
        raise FormatError(
            "evaluation", "voprf.count", got=f"{len(evaluated)} elements", want=f"{len(blindings)} elements"
        )
    if len(proof) != PROOF_BYTES:
        raise FormatError("evaluation", "voprf.proof", got=f"{len(proof)} bytes", want=f"{PROOF_BYTES} bytes")
    if any(len(element) != ELEMENT_BYTES for element in evaluated):
        raise FormatError("evaluation", "voprf.element", want=f"{ELEMENT_BYTES} bytes each")
    key = parse_voprf_key(public_key)
    if len(blindings) == 1:
        return [_finalize_one(blindings[0], evaluated[0], proof, key)]
    try:
        batch = ristretto.VerifiableBatchOutput.deserialize(proof + b"".join(evaluated))
    except ValueError:
        raise _malformed() from None
    clients = [blinding._client for blinding in blindings]  # noqa: SLF001 - the two halves of one protocol
    try:
        return ristretto.Client.finalize_batch(clients, batch, key)
    except ValueError:
        raise _unproved() from None
    except BaseException as error:  # noqa: BLE001 - see _raise_panic
        _raise_panic(error)


def _finalize_one(blinding: Blinding, evaluated: bytes, proof: bytes, key: ristretto.PublicKey) -> bytes:
    # The same protocol; but here the wheel raises where it panics, and writes to standard error, for a batch.
    try:
        output = ristretto.VerifiableOutput.deserialize(proof + evaluated)
    except ValueError:
        raise _malformed() from None
    try:
        return blinding._client.finalize(output, key)  # noqa: SLF001 - the two halves of one protocol
    except ValueError:
        raise _unproved() from None


def _blinded(element: bytes) -> ristretto.BlindedInput:
    try:
        return ristretto.BlindedInput.deserialize(element)
    except ValueError:
        raise FormatError("blinded element", "voprf.element", want="a canonical element, no identity") from None


def _check_count(count: int, part: str) -> None:
    if not 0 < count <= MAX_BATCH:
        raise FormatError(part, "voprf.count", got=str(count), want=f"1 to {MAX_BATCH}")


def _malformed() -> FormatError:
    return FormatError("evaluation", "voprf.element", want="canonical elements and scalars, no identity")


def _unproved() -> ProofError:
    return ProofError("evaluation", "voprf.proof", want="a proof of this batch under the key service's key")


def _raise_panic(error: BaseException) -> NoReturn:
    """Turn a panic of the wheel into a ProofError: version 0.2.0 panics where the proof of a batch does not verify.

    The class of a panic derives from BaseException, so that ``except Exception`` lets it through, and cannot be
    imported; interrupts and exits go on as they are.
    """
    if type(error).__name__ == "PanicException":
        raise _unproved() from None
    raise error
