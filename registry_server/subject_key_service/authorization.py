"""Authorization of calls to a key service by method and certificate, before the request is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import InstitutionStatus, purposes_of
from client_sdk.kernel.ledger.holder import HolderKind
from client_sdk.kernel.ledger.tls_key import check_not_ended
from registry_server.errors import RegistryError
from registry_server.serving.guard import HEALTH_METHODS
from registry_server.subject_key_service.admission import check_fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.following import DirectoryView
    from client_sdk.kernel.ledger.holder import Peer

__all__ = ["EVALUATE", "SERVICE", "LenderAuthorizer"]

SERVICE = "creditregistry.v1.SubjectKeyService"
EVALUATE = f"/{SERVICE}/Evaluate"


class LenderAuthorizer:
    """Decides by the directory that the service follows.

    Args:
        view: returns the newest directory; None where none was followed yet.
        now_ms: the clock, ms since 1970 UTC.
    """

    def __init__(self, view: Callable[[], DirectoryView | None], now_ms: Callable[[], int]) -> None:
        self._view = view
        self._now_ms = now_ms

    def is_current(self, _method: str, _peer: Peer) -> bool:
        """Whether what is known in memory is enough: always, as the service follows the directory by itself."""
        return True

    def refresh(self) -> None:
        """Do nothing: there is no newer knowledge to ask for."""

    def check(self, method: str, peer: Peer) -> bool:
        """Let a call through; return True, as key services ask for no vouch.

        Health is shown to members and to key services, whose operators watch them with their own certificates. Before
        the first directory nobody is known yet: health says so, the status is empty, and nothing is evaluated.

        Raises:
            RuleError: INSTITUTION_UNKNOWN, or TLS_KEY_REVOKED where an act has ended the TLS key.
            RegistryError: CERTIFICATE_UNKNOWN, INSTITUTION_TERMINATED, NOT_A_LENDER or DIRECTORY_STALE.
        """
        view, holder = self._view(), peer.holder
        if holder.kind is HolderKind.KEY_SERVICE:
            if method not in HEALTH_METHODS:
                want = "the certificate of an institution"
                raise RegistryError("CERTIFICATE_UNKNOWN", "certificate", "holder.kind", got=holder.kind, want=want)
            if view is not None and not view.directory.state.has_key_service(holder.name):
                want = "a key service of a live version of the subject keys"
                raise RegistryError("CERTIFICATE_UNKNOWN", "certificate", "holder.key-service", want=want)
            return True
        if view is None:
            if method == EVALUATE:
                check_fresh(view, self._now_ms())
            return True
        state = view.directory.institution(holder.name)
        if state.status is InstitutionStatus.TERMINATED:
            raise RegistryError("INSTITUTION_TERMINATED", "certificate", "institution.status", want="a member")
        check_not_ended(state, peer.spki_hash)
        if method == EVALUATE and not purposes_of(state.roles):
            got, want = ", ".join(role.name for role in state.roles), "LENDER or REPRESENTATIVE"
            raise RegistryError("NOT_A_LENDER", "certificate", "institution.roles", got=got, want=want)
        return True
