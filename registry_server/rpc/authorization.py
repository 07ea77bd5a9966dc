"""Authorization of calls: the caller's TLS key and roles, compared with the table of permissions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.kernel.ledger.holder import HolderKind
from registry_server.errors import RefusalReason, RegistryError
from registry_server.rpc.permissions import PERMISSIONS, UNVOUCHED, Caller
from registry_server.serving.guard import HEALTH_METHODS

if TYPE_CHECKING:
    from client_sdk.kernel.formats.words import Role
    from client_sdk.kernel.ledger.holder import Peer
    from registry_server.usecases.standing import PeerStanding

__all__ = ["Authorizer"]


class Authorizer:
    """Decides by method and caller alone; what a signed request may do is decided where it is read.

    Args:
        standing: what is known of members, key services and TLS keys; asked in memory, each call.
    """

    def __init__(self, standing: PeerStanding) -> None:
        self._standing = standing

    def is_current(self, method: str, peer: Peer) -> bool:
        """Whether what is known in memory is enough to judge a call; else ``refresh`` comes first.

        Health calls are decided on older knowledge too: they are made when the database is away.
        """
        return (method in HEALTH_METHODS or self._standing.fresh) and self._knows(peer)

    def refresh(self) -> None:
        """Read what is known from the database, in a thread that may wait for it.

        Raises:
            StorageError: the database does not answer.
            InconsistentError: what it holds does not fit together.
        """
        self._standing.refresh()

    def check(self, method: str, peer: Peer) -> bool:
        """Let a call through; return whether the caller's TLS key is vouched for.

        Raises:
            RegistryError: CERTIFICATE_UNKNOWN, INSTITUTION_TERMINATED, TLS_KEY_NOT_VOUCHED, TLS_KEY_REVOKED or
                NOT_PERMITTED.
            RuleError: TLS_KEY_REVOKED; an act has ended the caller's TLS key.
        """
        if peer.holder.kind is HolderKind.KEY_SERVICE:
            self._check_key_service(peer.holder.name)
            held, vouched = frozenset((Caller.KEY_SERVICE,)), True
        else:
            held, vouched = self._check_member(method, peer)
        allowed = PERMISSIONS.get(method, frozenset())
        if held.isdisjoint(allowed):
            got, want = ", ".join(sorted(held)), " or ".join(sorted(allowed)) or "nobody"
            raise RegistryError(RefusalReason.NOT_PERMITTED, "method", "permissions", got=got, want=want)
        return vouched

    def admit(self, method: str, peer: Peer) -> None:
        """Refresh what is known where that is needed, and check; blocks. Raises as both."""
        if not self.is_current(method, peer):
            self.refresh()
        self.check(method, peer)

    def _knows(self, peer: Peer) -> bool:
        name = peer.holder.name
        if peer.holder.kind is HolderKind.KEY_SERVICE:
            return self._standing.directory.state.has_key_service(name)
        return self._standing.find(name) is not None and self._standing.knows(name, peer.spki_hash)

    def _check_key_service(self, name: str) -> None:
        if not self._standing.directory.state.has_key_service(name):
            want = "a key service of a live version of the subject keys"
            raise RegistryError(RefusalReason.CERTIFICATE_UNKNOWN, "certificate", "holder.key-service", want=want)

    def _check_member(self, method: str, peer: Peer) -> tuple[frozenset[Caller], bool]:
        state = self._standing.find(peer.holder.name)
        if state is None:
            raise RegistryError(RefusalReason.CERTIFICATE_UNKNOWN, "certificate", "institution.member", want="a member")
        if state.status is InstitutionStatus.TERMINATED:
            raise RegistryError("INSTITUTION_TERMINATED", "certificate", "institution.state", want="a member")
        vouched = self._standing.check_tls_key(state, peer.spki_hash, vouched=method not in UNVOUCHED)
        return _callers_of(state.roles), vouched


@lru_cache(maxsize=16)
def _callers_of(roles: tuple[Role, ...]) -> frozenset[Caller]:
    return frozenset(map(Caller.of, roles))
