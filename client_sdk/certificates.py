"""Methods of ``Client`` for TLS keys and certificates: renew, list, revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import certificate_pb2

from client_sdk._protocol import certificates as calls
from client_sdk._transport.calling import calling
from client_sdk.errors import RefusedError
from client_sdk.home import create_next_tls_key, install_certificate
from client_sdk.kernel.formats.moment import moment
from client_sdk.signing import read_private

if TYPE_CHECKING:
    from datetime import datetime

    from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceStub

    from client_sdk._session import Session
    from client_sdk.config import ClientConfig
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from client_sdk.models.certificate import CertificateView

__all__ = ["CertificateMethods"]


class CertificateMethods:
    """The methods, over the connection of the class that has them."""

    config: ClientConfig
    _session: Session
    _directory: DirectoryServiceStub

    def issue_certificate(self, request: CertificateRequest) -> bytes:
        """Have a certificate issued; administrators may carry the request of any member.

        Args:
            request: the member's signing request, and its vouch for the TLS key.

        Returns:
            The chain in PEM, leaf first.

        Raises:
            RefusedError: the vouch does not count, or the TLS key was revoked.
        """
        with calling():
            return self._directory.IssueCertificate(calls.issue_request(request)).certificate

    def renew_certificate(self, *, new_key: bool = False) -> bytes:
        """Vouch for the own TLS key anew, have a certificate issued, write it into the home folder, and return it.

        Args:
            new_key: for a new TLS key, which takes the place of the old one; the old one is not revoked by that.

        Raises:
            RefusedError: no signing key of this home is running, or the TLS key was revoked.
        """
        tls_key = create_next_tls_key(self.config) if new_key else read_private(self.config.tls_key)
        refused: RefusedError | None = None
        for request in calls.renewals(self.config, tls_key, self._session.now_ms()):
            try:
                certificate = self.issue_certificate(request)
            except RefusedError as error:
                if not calls.key_has_ended(error):
                    raise
                refused = error
                continue
            install_certificate(self.config.home, certificate)
            return certificate
        raise refused or AssertionError("a member has a signing key")

    def revoke_tls_key(self, spki_hash: bytes) -> datetime:
        """End a TLS key of the own institution, at once and for good; return when it was first revoked, UTC.

        Args:
            spki_hash: SHA-256 of the key's SubjectPublicKeyInfo, 32 bytes; see ``certificates``.

        Raises:
            RefusedError: no signing key of this home is running.
        """
        refused: RefusedError | None = None
        for request in calls.revocations(self.config, spki_hash, self._session.now_ms()):
            try:
                with calling():
                    return moment(self._directory.RevokeTlsKey(request).revoked_at)
            except RefusedError as error:
                if not calls.key_has_ended(error):
                    raise
                refused = error
        raise refused or AssertionError("a member has a signing key")

    def certificates(self, institution: str = "") -> tuple[CertificateView, ...]:
        """Return the newest certificates that were issued for an institution, newest first, at most 1,000.

        Args:
            institution: its id; one's own without it. Administrators see of others for which key and when.
        """
        with calling():
            request = certificate_pb2.ListCertificatesRequest(institution=institution)
            return calls.listed(self._directory.ListCertificates(request))
