"""Whether a caller may: its roles by the directory of now, held against the table of permissions."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from client_sdk.formats.words import InstitutionStatus
from client_sdk.ledger.holder import HolderKind
from registry_server.errors import Reason, RegistryError
from registry_server.rpc.permissions import PERMISSIONS, Caller
from registry_server.serving.guard import HEALTH_METHODS

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.formats.state import InstitutionState
    from client_sdk.formats.words import Role
    from client_sdk.ledger.holder import Holder

__all__ = ["Authorizer"]


class Authorizer:
    """Decides by method and caller alone; what a signed request may do is decided where it is read.

    Args:
        find: returns an institution of the newest directory, None where no act has enrolled it.
    """

    def __init__(self, find: Callable[[str], InstitutionState | None]) -> None:
        self._find = find

    def check(self, method: str, holder: Holder) -> None:
        """Let a call through.

        Raises:
            RegistryError: CERTIFICATE_UNKNOWN, INSTITUTION_TERMINATED or NOT_PERMITTED.
        """
        held = self._callers(holder)
        if method in HEALTH_METHODS:
            return
        allowed = PERMISSIONS.get(method, frozenset())
        if held.isdisjoint(allowed):
            got, want = ", ".join(sorted(held)), " or ".join(sorted(allowed)) or "nobody"
            raise RegistryError(Reason.NOT_PERMITTED, "method", "permissions", got=got, want=want)

    def _callers(self, holder: Holder) -> frozenset[Caller]:
        if holder.kind is HolderKind.KEY_SERVICE:
            return frozenset((Caller.KEY_SERVICE,))
        state = self._find(holder.name)
        if state is None:
            raise RegistryError(Reason.CERTIFICATE_UNKNOWN, "certificate", "design-2.institution", want="a member")
        if state.status is InstitutionStatus.TERMINATED:
            raise RegistryError("INSTITUTION_TERMINATED", "certificate", "design-2.state", want="a member")
        return _callers_of(state.roles)


@lru_cache(maxsize=16)
def _callers_of(roles: tuple[Role, ...]) -> frozenset[Caller]:
    return frozenset(map(Caller.of, roles))
