"""Certificates of members: for those that an act has enrolled, asked for by administrators or by themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.formats.words import InstitutionStatus, Role
from client_sdk.rules.errors import RuleError
from registry_server.errors import Reason, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.sequencing.ledger import Ledger
    from registry_server.usecases.authority import CertificateAuthority

__all__ = ["Certificates"]


class Certificates:
    """The use case.

    Args:
        ledger: who is enrolled.
        authority: what signs.
        clock: ms since 1970 UTC, as the machines have it that will verify the certificates.
    """

    def __init__(self, ledger: Ledger, authority: CertificateAuthority, clock: Callable[[], int]) -> None:
        self._ledger = ledger
        self._authority = authority
        self._clock = clock

    def issue(self, peer: str, institution: str, request: bytes) -> bytes:
        """Return a certificate with its chain, PEM, leaf first.

        Args:
            peer: institution id of who asks.
            institution: whose certificate it is to be; the peer's own, or any where the peer is an administrator.
            request: PKCS#10, PEM.

        Raises:
            RegistryError: NOT_PERMITTED or CERTIFICATE_REQUEST_INVALID.
            RuleError: INSTITUTION_UNKNOWN or INSTITUTION_TERMINATED.
        """
        with self._ledger.view() as view:
            directory = view.directory
        if institution != peer and Role.ADMINISTRATOR not in directory.institution(peer).roles:
            raise RegistryError(
                Reason.NOT_PERMITTED, "institution", "permissions", got=institution[:64], want="the caller's own id"
            )
        if directory.institution(institution).status is InstitutionStatus.TERMINATED:
            raise RuleError("INSTITUTION_TERMINATED", "institution", "design-2.state", want="a member")
        certificate = self._authority.issue_for_institution(request, institution, self._clock())
        return certificate + self._authority.certificate
