"""Signed claims about TLS keys: a member vouches for one of its TLS keys or revokes it.

A claim with action VOUCH is called a vouch. The key is named by the SHA-256 of its SubjectPublicKeyInfo, so that one
claim holds for every certificate of that key, by any issuer.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from creditregistry.v1 import certificate_pb2 as pb
from creditregistry.v1 import evidence_pb2
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_institution_id
from client_sdk.kernel.formats.words import TlsKeyAction, word

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from client_sdk.kernel.formats.keys import Signer

__all__ = ["SPKI_HASH_BYTES", "SignedClaim", "TlsKeyClaim", "check_spki_hash", "sign_claim", "spki_hash"]

PART = "tls-key"
SPKI_HASH_BYTES = 32


def spki_hash(public_key: PublicKeyTypes) -> bytes:
    """Return SHA-256 of the DER-encoded SubjectPublicKeyInfo of a key, 32 bytes."""
    return sha256(public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()


def check_spki_hash(value: bytes, part: str) -> bytes:
    """Return the hash of a key if it has the right length.

    Raises:
        FormatError: it has not.
    """
    if len(value) != SPKI_HASH_BYTES:
        raise FormatError(part, "spki_hash.length", got=f"{len(value)} bytes", want=f"{SPKI_HASH_BYTES} bytes")
    return value


@dataclass(frozen=True, slots=True)
class TlsKeyClaim:
    """Payload of a claim about a TLS key.

    Attributes:
        registry: its name.
        institution: id.
        spki_hash: SHA-256 of the key's SubjectPublicKeyInfo, 32 bytes.
        issued_at: ms since 1970 UTC.
        action: VOUCH or REVOKE.
    """

    registry: str
    institution: str
    spki_hash: bytes
    issued_at: int
    action: TlsKeyAction

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.TlsKeyClaim(
                registry=self.registry,
                institution=self.institution,
                spki_hash=self.spki_hash,
                issued_at=self.issued_at,
                action=pb.TlsKeyAction.ValueType(self.action.number),
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> TlsKeyClaim:
        """Return the claim that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.TlsKeyClaim, payload, PART)
        check_institution_id(message.institution, PART, "institution")
        check_spki_hash(message.spki_hash, PART)
        if not message.registry or not message.issued_at:
            raise FormatError(PART, "tls-key.complete", want="registry and issued_at")
        action = word(TlsKeyAction, message.action, PART, "action")
        return cls(message.registry, message.institution, message.spki_hash, message.issued_at, action)


@dataclass(frozen=True, slots=True)
class SignedClaim:
    """A claim with its signature, as it is carried and kept.

    Attributes:
        payload: canonical TlsKeyClaim, the exact bytes that were signed.
        key_id: of the signing key, 32 bytes.
        signature: over the payload, 64 bytes.
    """

    payload: bytes
    key_id: bytes
    signature: bytes

    def message(self) -> evidence_pb2.SignedPayload:
        """Return the protobuf form."""
        return evidence_pb2.SignedPayload(payload=self.payload, key_id=self.key_id, signature=self.signature)

    @classmethod
    def of(cls, message: evidence_pb2.SignedPayload) -> SignedClaim:
        """Return the value of a parsed message; what is inside is checked where it is judged."""
        return cls(message.payload, message.key_id, message.signature)

    def encode(self) -> bytes:
        """Return the canonical bytes, for files and for storage."""
        return canonical.encode(self.message())

    @classmethod
    def parse(cls, data: bytes) -> SignedClaim:
        """Return the claim of a file.

        Raises:
            FormatError: the bytes are not canonical.
        """
        return cls.of(canonical.parse(evidence_pb2.SignedPayload, data, PART))

    @property
    def claim(self) -> TlsKeyClaim:
        """The parsed payload.

        Raises:
            FormatError: it is no claim.
        """
        return TlsKeyClaim.parse(self.payload)


def sign_claim(claim: TlsKeyClaim, signer: Signer) -> SignedClaim:
    """Sign a claim with a signing key of its institution."""
    payload = claim.encode()
    return SignedClaim(payload, signer.public_key.key_id, dsse.sign(signer, dsse.TLS_KEY, payload))
