"""Certificates and TLS keys: what is signed and asked, and how the answers are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import certificate_pb2 as pb

from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.tls_key import TlsKeyClaim, sign_claim
from client_sdk.kernel.formats.words import TlsKeyAction
from client_sdk.models.certificate import CertificateView, TlsKeyStanding

if TYPE_CHECKING:
    from client_sdk.errors import RefusedError
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest

__all__ = ["issue_request", "key_has_ended", "listed", "revocation", "revoke_request"]

_STANDINGS = {
    pb.TLS_KEY_STANDING_RUNNING: TlsKeyStanding.RUNNING,
    pb.TLS_KEY_STANDING_NOT_VOUCHED: TlsKeyStanding.NOT_VOUCHED,
    pb.TLS_KEY_STANDING_REVOKED: TlsKeyStanding.REVOKED,
    pb.TLS_KEY_STANDING_ENDED_BY_ACT: TlsKeyStanding.ENDED_BY_ACT,
}


def issue_request(request: CertificateRequest) -> pb.IssueCertificateRequest:
    """Return the request that has a certificate issued."""
    return pb.IssueCertificateRequest(csr=request.csr, institution=request.institution, vouch=request.vouch.message())


def revocation(registry: str, institution: str, spki_hash: bytes, now_ms: int) -> TlsKeyClaim:
    """Return the claim that ends a TLS key.

    Args:
        registry: its name.
        institution: id of the member whose key it is.
        spki_hash: SHA-256 of the key's SubjectPublicKeyInfo, 32 bytes.
        now_ms: milliseconds since 1970 UTC.
    """
    return TlsKeyClaim(registry, institution, spki_hash, now_ms, TlsKeyAction.REVOKE)


def revoke_request(claim: TlsKeyClaim, signer: Signer) -> pb.RevokeTlsKeyRequest:
    """Return the request that ends a TLS key, signed by a signing key of its member."""
    return pb.RevokeTlsKeyRequest(revocation=sign_claim(claim, signer).message())


def key_has_ended(error: RefusedError) -> bool:
    """Whether a claim was refused because its signing key does not run, so that another one may do."""
    return error.reason in {"KEY_RANGE", "KEY_UNKNOWN"}


def listed(response: pb.ListCertificatesResponse) -> tuple[CertificateView, ...]:
    """Return the certificates of an answer."""
    return tuple(
        CertificateView(
            institution=item.institution,
            spki_hash=item.spki_hash,
            issued_at=moment(item.issued_at),
            not_after=moment(item.not_after) if item.not_after else None,
            vouching_key_id=item.vouching_key_id,
            carried_by=item.carried_by,
            standing=_STANDINGS.get(item.standing),
            revoked_at=moment(item.revoked_at) if item.revoked_at else None,
        )
        for item in response.certificates
    )
