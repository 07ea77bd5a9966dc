"""Requests for certificates, claims about TLS keys, and lists of certificates (certificate.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import certificate_pb2 as pb

from client_sdk.kernel.formats.tls_key import SignedClaim
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from registry_server.usecases.standing import TlsStanding

if TYPE_CHECKING:
    from registry_server.usecases.certificates import Listed

__all__ = ["issued_certificate", "request_of", "revocation_of"]

_STANDINGS = {
    TlsStanding.RUNNING: pb.TLS_KEY_STANDING_RUNNING,
    TlsStanding.NOT_VOUCHED: pb.TLS_KEY_STANDING_NOT_VOUCHED,
    TlsStanding.REVOKED: pb.TLS_KEY_STANDING_REVOKED,
    TlsStanding.ENDED_BY_ACT: pb.TLS_KEY_STANDING_ENDED_BY_ACT,
}


def request_of(message: pb.IssueCertificateRequest) -> CertificateRequest:
    """Return a request for a certificate; nothing of it is checked yet."""
    return CertificateRequest(message.institution, message.csr, SignedClaim.of(message.vouch))


def revocation_of(message: pb.RevokeTlsKeyRequest) -> SignedClaim:
    """Return a revocation; nothing of it is checked yet."""
    return SignedClaim.of(message.revocation)


def issued_certificate(listed: Listed) -> pb.IssuedCertificate:
    """Return a certificate of a list, with all that the caller may know of it."""
    issued = listed.issued
    message = pb.IssuedCertificate(
        institution=issued.institution, spki_hash=issued.spki_hash, issued_at=issued.issued_at
    )
    if listed.standing is not None:
        message.not_after = issued.not_after
        message.vouching_key_id = issued.vouching_key_id
        message.carried_by = issued.carried_by
        message.standing = _STANDINGS[listed.standing]
        message.revoked_at = listed.revoked_at
    return message
