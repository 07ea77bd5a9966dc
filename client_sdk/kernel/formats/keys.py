"""Ed25519 public keys, key ids, signing, and signature verification by one rule (proto/README.md 1).

    key id = SHA-256("creditregistry/key/v1" 0x00 || lp(algorithm) || lp(public key))

Ed25519 (RFC 8032) is verified by libsodium through PyNaCl everywhere, because verifiers differ on edge cases and
server, client and auditor must not: S must be below L, the key canonical and not of small order, R is compared byte
for byte.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from typing import Protocol, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from nacl.bindings import crypto_core_ed25519_is_valid_point, crypto_sign_open
from nacl.exceptions import BadSignatureError

from client_sdk.kernel.formats.encoding import label, lp
from client_sdk.kernel.formats.errors import FormatError, SignatureError

__all__ = [
    "ED25519",
    "KEY_ID_BYTES",
    "PUBLIC_KEY_BYTES",
    "SEED_BYTES",
    "SIGNATURE_BYTES",
    "Ed25519Signer",
    "PublicKey",
    "Signer",
    "check_enrolable",
    "key_id",
    "verify",
]

ED25519 = "ed25519"
KEY_ID_BYTES = 32
PUBLIC_KEY_BYTES = 32
SEED_BYTES = 32
SIGNATURE_BYTES = 64

_LABEL = label("creditregistry/key/v1")
_FIELD_PRIME = 2**255 - 19
_WITHOUT_SIGN = 2**255 - 1
# The y of the eight points whose order divides 8, curve25519: 1, -1, 0 and the two of order 8 with their negatives.
_ORDER_EIGHT_Y = 0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826
_SMALL_ORDER_Y = frozenset((0, 1, _FIELD_PRIME - 1, _ORDER_EIGHT_Y, _FIELD_PRIME - _ORDER_EIGHT_Y))


@lru_cache(maxsize=4096)
def key_id(algorithm: str, public_key: bytes) -> bytes:
    """Return the name of a public key, 32 bytes (proto/README.md 1)."""
    return sha256(_LABEL + lp(algorithm) + lp(public_key)).digest()


def check_enrolable(algorithm: str, raw: bytes) -> None:
    """Refuse a public key that no honest signer has, before a directory takes it up (proto/README.md 1).

    Raises:
        FormatError: the algorithm is unknown, the length is wrong, y is not reduced, or the point is off the curve, of
            small order (every message would have a valid signature under it) or outside the prime-order group.
    """
    if algorithm != ED25519:
        raise FormatError("public key", "key.algorithm", want=ED25519)
    if len(raw) != PUBLIC_KEY_BYTES:
        raise FormatError("public key", "key.length", got=f"{len(raw)} bytes", want=f"{PUBLIC_KEY_BYTES} bytes")
    y = int.from_bytes(raw, "little") & _WITHOUT_SIGN
    if y >= _FIELD_PRIME:
        raise FormatError("public key", "key.canonical", want="y below 2^255 - 19")
    if y in _SMALL_ORDER_Y:
        raise FormatError("public key", "key.small-order", want="a point of prime order")
    if not crypto_core_ed25519_is_valid_point(raw):
        raise FormatError("public key", "key.point", want="a point of prime order on edwards25519")


def verify(public_key: bytes, message: bytes, signature: bytes) -> None:
    """Accept an Ed25519 signature or refuse it; releases the GIL while it computes.

    Raises:
        SignatureError: the lengths are wrong or the signature does not verify.
    """
    # libsodium reads 32 and 64 bytes whatever it is given: the lengths come first.
    if len(public_key) != PUBLIC_KEY_BYTES:
        raise SignatureError("signature", "signature.key-length", got=f"{len(public_key)} bytes", want="32 bytes")
    if len(signature) != SIGNATURE_BYTES:
        raise SignatureError("signature", "signature.length", got=f"{len(signature)} bytes", want="64 bytes")
    try:
        crypto_sign_open(signature + message, public_key)
    except BadSignatureError:
        raise SignatureError("signature", "signature.invalid", want="a signature by this key") from None


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public key with its algorithm and its name.

    Attributes:
        algorithm: ASCII, e.g. "ed25519".
        raw: the key's own bytes, 32 for Ed25519.
        key_id: 32 bytes, computed once.
    """

    algorithm: str
    raw: bytes
    key_id: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key_id", key_id(self.algorithm, self.raw))


class Signer(Protocol):
    """Interface of a signer: a key in memory, in a file or in a hardware module."""

    @property
    def public_key(self) -> PublicKey:
        """The key under which the signatures verify."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Return the signature over exactly these bytes."""
        ...


class Ed25519Signer:
    """A signer over an Ed25519 key in memory (RFC 8032)."""

    __slots__ = ("_private_key", "_public_key")

    def __init__(self, private_key: Ed25519PrivateKey) -> None:
        self._private_key = private_key
        self._public_key = PublicKey(ED25519, private_key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """Return a signer with a new random key."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """Return the signer of a 32-byte seed (the private key of RFC 8032 5.1.5).

        Raises:
            FormatError: the seed does not have 32 bytes.
        """
        if len(seed) != SEED_BYTES:
            raise FormatError("signing key", "key.seed", got=f"{len(seed)} bytes", want=f"{SEED_BYTES} bytes")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pkcs8_pem(cls, pem: bytes) -> Self:
        """Return the signer of an unencrypted PKCS#8 key in PEM (RFC 8410).

        Raises:
            FormatError: the bytes are no such key.
        """
        try:
            private_key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            # Not chained: the library's message may quote what it read.
            raise FormatError("signing key", "key.pem", want="an unencrypted PKCS#8 key in PEM") from None
        if not isinstance(private_key, Ed25519PrivateKey):
            raise FormatError("signing key", "key.algorithm", want=ED25519)
        return cls(private_key)

    @property
    def public_key(self) -> PublicKey:
        """The key under which the signatures verify."""
        return self._public_key

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature over exactly these bytes."""
        return self._private_key.sign(message)

    def to_pkcs8_pem(self) -> bytes:
        """Return the private key as unencrypted PKCS#8 in PEM; the caller stores it with mode 0600."""
        return self._private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
