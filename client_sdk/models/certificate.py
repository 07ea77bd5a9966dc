"""Certificates that the registry issued."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["CertificateView", "TlsKeyStanding"]


class TlsKeyStanding(StrEnum):
    """Status of a TLS key at the registry."""

    RUNNING = "RUNNING"
    NOT_VOUCHED = "NOT_VOUCHED"
    REVOKED = "REVOKED"
    ENDED_BY_ACT = "ENDED_BY_ACT"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView(Plain):
    """A certificate that the registry issued, as it tells its owner; an administrator learns the first three of others.

    Attributes:
        institution: whose it is.
        spki_hash: SHA-256 of the SubjectPublicKeyInfo of its TLS key, 32 bytes.
        issued_at: when it was issued, UTC.
        not_after: end of its validity, UTC; None where the certificate is another member's.
        vouching_key_id: of the signing key that vouched for it, 32 bytes; empty likewise.
        carried_by: id of the institution that brought the request; empty for the founding ceremony, and likewise.
        standing: of the TLS key now; None likewise.
        revoked_at: when the owner revoked the TLS key, UTC; None while it has not, and likewise.
    """

    institution: str
    spki_hash: bytes
    issued_at: datetime
    not_after: datetime | None
    vouching_key_id: bytes
    carried_by: str
    standing: TlsKeyStanding | None
    revoked_at: datetime | None
