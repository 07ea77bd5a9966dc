"""Who may call which method of a key service: decided by method and certificate, before anything sent is read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.formats.words import InstitutionStatus, Role
from client_sdk.ledger.holder import HolderKind
from registry_server.errors import RegistryError
from registry_server.serving.guard import HEALTH_METHODS
from registry_server.subject_key_service.admission import check_fresh

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.auditing.follower import DirectoryView
    from client_sdk.ledger.holder import Holder

__all__ = ["EVALUATE", "SERVICE", "Authorizer"]

SERVICE = "creditregistry.v1.SubjectKeyService"
EVALUATE = f"/{SERVICE}/Evaluate"


class Authorizer:
    """Decides by the directory that the service follows.

    Args:
        view: returns the newest directory; None where none was followed yet.
        now_ms: the clock, ms since 1970 UTC.
    """

    def __init__(self, view: Callable[[], DirectoryView | None], now_ms: Callable[[], int]) -> None:
        self._view = view
        self._now_ms = now_ms

    def check(self, method: str, holder: Holder) -> None:
        """Let a call through.

        Health is told to members and to key services, whose operators watch them with their own certificates.

        Raises:
            RuleError: INSTITUTION_UNKNOWN.
            RegistryError: CERTIFICATE_UNKNOWN, INSTITUTION_TERMINATED, NOT_A_LENDER or DIRECTORY_STALE.
        """
        if holder.kind is not HolderKind.INSTITUTION:
            if method in HEALTH_METHODS:
                return
            want = "the certificate of an institution"
            raise RegistryError("CERTIFICATE_UNKNOWN", "certificate", "holder.kind", got=holder.kind, want=want)
        view = self._view()
        if view is None:
            # Nobody is known yet: health says so, the status is empty, and nothing is evaluated.
            if method == EVALUATE:
                check_fresh(view, self._now_ms())
            return
        state = view.directory.institution(holder.name)
        if state.status is InstitutionStatus.TERMINATED:
            raise RegistryError("INSTITUTION_TERMINATED", "certificate", "institution.status", want="a member")
        if method == EVALUATE and Role.LENDER not in state.roles:
            got = ", ".join(role.name for role in state.roles)
            raise RegistryError("NOT_A_LENDER", "certificate", "institution.roles", got=got, want="LENDER")
