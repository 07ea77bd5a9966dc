"""Flows about TLS keys and certificates: issue, renew, list, revoke."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import certificate_pb2

from client_sdk._member.core import Core
from client_sdk._protocol import arguments, certificates
from client_sdk._steps import ask, beside
from client_sdk.errors import ConfigError, RefusedError
from client_sdk.home import create_next_tls_key, install_certificate, request_certificate
from client_sdk.kernel.formats.moment import moment

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import TypeVar

    from client_sdk._steps import Flow
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
    from client_sdk.models.certificate import CertificateView

    R = TypeVar("R")

__all__ = ["Certifying"]


class Certifying(Core):
    """What a member does with certificates of its TLS key."""

    def issue_certificate(self, request: CertificateRequest) -> Flow[bytes]:
        """Have a certificate issued."""
        asked = certificates.issue_request(arguments.request_of(request))
        response = yield from ask(self.services.directory.IssueCertificate, asked)
        return response.certificate

    def renew_certificate(self, *, new_key: bool) -> Flow[bytes]:
        """Vouch for the own TLS key anew, have a certificate issued, and write it into the home folder."""
        arguments.flag_of(new_key, "new_key")
        config = self.session.config
        read = partial(create_next_tls_key, config) if new_key else config.tls_key_pem
        tls_key = yield from beside(read)
        now = moment(self.session.now_ms())

        def issue(signer: Signer) -> Flow[bytes]:
            request = yield from beside(partial(request_certificate, config, tls_key, signer, now))
            return (yield from self.issue_certificate(request))

        certificate = yield from self._with_running_key(issue)
        yield from beside(partial(self._install, certificate))
        return certificate

    def _install(self, certificate: bytes) -> None:
        config = self.session.config
        install_certificate(config.home, certificate, secret=config.secret)
        # Further calls of this client show it; others on this home look by themselves.
        self.session.tls.look()

    def revoke_tls_key(self, spki_hash: bytes) -> Flow[datetime]:
        """End a TLS key of the own institution; return when it was first revoked, UTC."""
        config = self.session.config
        claim = certificates.revocation(
            config.name, config.institution, arguments.spki_hash_of(spki_hash), self.session.now_ms()
        )

        def revoke(signer: Signer) -> Flow[certificate_pb2.RevokeTlsKeyResponse]:
            request = yield from beside(partial(certificates.revoke_request, claim, signer))
            return (yield from ask(self.services.directory.RevokeTlsKey, request))

        response = yield from self._with_running_key(revoke)
        return moment(response.revoked_at)

    def certificates(self, institution: str) -> Flow[tuple[CertificateView, ...]]:
        """Return the newest certificates that were issued for an institution."""
        named = arguments.institution_of(institution, "institution")
        request = certificate_pb2.ListCertificatesRequest(institution=named)
        response = yield from ask(self.services.directory.ListCertificates, request)
        return certificates.listed(response)

    def _with_running_key(self, call: Callable[[Signer], Flow[R]]) -> Flow[R]:
        """Make a call with each signing key of the member in turn, until one is running.

        A member whose TLS key is not vouched for any more cannot ask the directory which of its keys still run.

        Raises:
            ConfigError: there is no signing key.
            RefusedError: none is running, or the registry refuses for another reason.
        """
        refused: RefusedError | None = None
        for signer in self.session.signers.values():
            try:
                return (yield from call(signer))
            except RefusedError as error:
                if not certificates.key_has_ended(error):
                    raise
                refused = error
        raise refused or ConfigError("this home has no signing key that could speak for a TLS key")
