"""Key-requests: what a member signs to have blinded elements evaluated (proto/README.md 1)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from creditregistry.v1 import common_pb2
from creditregistry.v1 import inquiry_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_institution_id
from client_sdk.kernel.formats.words import KeyUse, Purpose, word

__all__ = ["KeyRequest", "elements_digest"]

PART = "key-request"
REQUEST_ID_BYTES = 16


def elements_digest(blinded: bytes) -> bytes:
    """Return SHA-256 over the 32-byte blinded elements, joined in order."""
    return sha256(blinded).digest()


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """Key service, subject key version, institution, time and purpose. Valid once, for 5 minutes."""

    registry: str
    service: bytes
    subject_key_version: int
    institution: str
    request_id: bytes
    issued_at: int
    use: KeyUse
    purpose: Purpose
    elements_digest: bytes

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.KeyRequest(
                registry=self.registry,
                service=self.service,
                subject_key_version=self.subject_key_version,
                institution=self.institution,
                request_id=self.request_id,
                issued_at=self.issued_at,
                use=pb.KeyUse.ValueType(self.use.number),
                purpose=common_pb2.Purpose.ValueType(self.purpose.number),
                elements_digest=self.elements_digest,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> KeyRequest:
        """Return the request that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.KeyRequest, payload, PART)
        check_institution_id(message.institution, PART, "institution")
        if len(message.service) != HASH_BYTES or len(message.elements_digest) != HASH_BYTES:
            raise FormatError(PART, "key-request.hash-length", want="32 bytes")
        if len(message.request_id) != REQUEST_ID_BYTES:
            raise FormatError(PART, "request_id.length", got=f"{len(message.request_id)} bytes", want="16 bytes")
        if not message.registry or not message.subject_key_version or not message.issued_at:
            raise FormatError(PART, "key-request.complete", want="registry, version and issued_at")
        return cls(
            message.registry,
            message.service,
            message.subject_key_version,
            message.institution,
            message.request_id,
            message.issued_at,
            word(KeyUse, message.use, PART, "use"),
            word(Purpose, message.purpose, PART, "purpose"),
            message.elements_digest,
        )
