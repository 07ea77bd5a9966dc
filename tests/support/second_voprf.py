"""A second implementation of RFC 9497's VOPRF, written from the RFC over libsodium's ristretto255.

The ``voprf`` wheel is held against it: what either of the two blinds, evaluates or proves, the other one understands.
Names and order of steps are those of the RFC; suite ristretto255-SHA512, mode 1 (VOPRF).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import rbcl

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTEXT = b"OPRFV1-\x01-ristretto255-SHA512"
_BLOCK_BYTES = 128
_ONE = (1).to_bytes(32, "little")
GENERATOR: bytes = rbcl.crypto_scalarmult_ristretto255_base(_ONE)


class Blinded(NamedTuple):
    """An input, the scalar that blinds it, and the blinded element."""

    data: bytes
    blind: bytes
    element: bytes


def blind(data: bytes, scalar: bytes | None = None) -> Blinded:
    """RFC 9497 3.3.2, Blind; under a fresh random scalar unless one is given."""
    scalar = rbcl.crypto_core_ristretto255_scalar_random() if scalar is None else scalar
    return Blinded(data, scalar, _times(scalar, _hash_to_group(data)))


def derive_key(seed: bytes, info: bytes) -> tuple[bytes, bytes]:
    """RFC 9497 3.2.1, DeriveKeyPair; returns secret and public key."""
    for counter in range(256):
        secret = _hash_to_scalar(seed + _sized(info) + bytes([counter]), b"DeriveKeyPair" + CONTEXT)
        if any(secret):
            return secret, rbcl.crypto_scalarmult_ristretto255_base(secret)
    raise AssertionError("DeriveKeyPairError")


def evaluate(secret: bytes, elements: Sequence[bytes], random_scalar: bytes | None = None) -> tuple[list[bytes], bytes]:
    """RFC 9497 3.3.2, BlindEvaluate; with the proof of 2.2.1, GenerateProof."""
    evaluated = [_times(secret, element) for element in elements]
    public = rbcl.crypto_scalarmult_ristretto255_base(secret)
    weights = _weights(public, elements, evaluated)
    m = _sum(weights, elements)
    z = _times(secret, m)
    r = rbcl.crypto_core_ristretto255_scalar_random() if random_scalar is None else random_scalar
    c = _challenge(public, m, z, _times(r, GENERATOR), _times(r, m))
    s = rbcl.crypto_core_ristretto255_scalar_sub(r, rbcl.crypto_core_ristretto255_scalar_mul(c, secret))
    return evaluated, c + s


def is_proved(public: bytes, elements: Sequence[bytes], evaluated: Sequence[bytes], proof: bytes) -> bool:
    """RFC 9497 2.2.2, VerifyProof."""
    c, s = proof[:32], proof[32:]
    weights = _weights(public, elements, evaluated)
    m, z = _sum(weights, elements), _sum(weights, evaluated)
    t2 = _plus(_times(s, GENERATOR), _times(c, public))
    t3 = _plus(_times(s, m), _times(c, z))
    return _challenge(public, m, z, t2, t3) == c


def finalize(blinded: Blinded, evaluated: bytes) -> bytes:
    """RFC 9497 3.3.2, Finalize, after the proof was verified."""
    unblinded = _times(rbcl.crypto_core_ristretto255_scalar_invert(blinded.blind), evaluated)
    return hashlib.sha512(_sized(blinded.data) + _sized(unblinded) + b"Finalize").digest()


def _weights(public: bytes, elements: Sequence[bytes], evaluated: Sequence[bytes]) -> list[bytes]:
    # ComputeComposites: the factor of each pair of elements.
    seed = hashlib.sha512(_sized(public) + _sized(b"Seed-" + CONTEXT)).digest()
    return [
        _hash_to_scalar(_sized(seed) + place.to_bytes(2) + _sized(one) + _sized(other) + b"Composite")
        for place, (one, other) in enumerate(zip(elements, evaluated, strict=True))
    ]


def _challenge(public: bytes, *elements: bytes) -> bytes:
    return _hash_to_scalar(_sized(public) + b"".join(map(_sized, elements)) + b"Challenge")


def _sum(weights: Sequence[bytes], elements: Sequence[bytes]) -> bytes:
    first, *others = (_times(weight, element) for weight, element in zip(weights, elements, strict=True))
    for other in others:
        first = _plus(first, other)
    return first


def _times(scalar: bytes, element: bytes) -> bytes:
    product: bytes = rbcl.crypto_scalarmult_ristretto255(scalar, element)
    return product


def _plus(one: bytes, other: bytes) -> bytes:
    total: bytes = rbcl.crypto_core_ristretto255_add(one, other)
    return total


def _hash_to_group(data: bytes) -> bytes:
    element: bytes = rbcl.crypto_core_ristretto255_from_hash(_expand(data, b"HashToGroup-" + CONTEXT))
    return element


def _hash_to_scalar(data: bytes, tag: bytes = b"HashToScalar-" + CONTEXT) -> bytes:
    scalar: bytes = rbcl.crypto_core_ristretto255_scalar_reduce(_expand(data, tag))
    return scalar


def _expand(data: bytes, tag: bytes) -> bytes:
    # RFC 9380 5.3.1, expand_message_xmd with SHA-512; 64 bytes are one block.
    suffix = tag + bytes([len(tag)])
    first = hashlib.sha512(bytes(_BLOCK_BYTES) + data + (64).to_bytes(2) + b"\0" + suffix).digest()
    return hashlib.sha512(first + b"\1" + suffix).digest()


def _sized(data: bytes) -> bytes:
    return len(data).to_bytes(2) + data
