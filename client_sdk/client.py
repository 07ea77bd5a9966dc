"""The client of a member: asks, reports, decides, and verifies every answer before it returns it.

    with Client.from_home("lender-1") as client:
        answer = client.check(identity, purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")
        assessment = answer.assess()

One client serves any number of threads of one process; a process that was forked opens its own. ``AsyncClient`` does
the same for asyncio: both run the same flows, and hold no logic of their own. Every method also raises PreflightError
where an argument is of another type, and ConfigError where the client is closed, before the call or during it, or was
made in another process.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from client_sdk._blocking.administering import AdministeringMethods
from client_sdk._blocking.asking import AskingMethods
from client_sdk._blocking.reporting import ReportingMethods
from client_sdk._blocking.speaking import SpeakingMethods
from client_sdk._steps import run
from client_sdk.config import ClientConfig

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Client"]


class Client(AskingMethods, ReportingMethods, SpeakingMethods, AdministeringMethods):
    """A member's connection to the registry and its key services.

    Args:
        config: of the member.

    Raises:
        ConfigError: settings, trust root, TLS files or keys are not in order, or what is kept of the directory is
            damaged.
    """

    @classmethod
    def from_home(cls, path: str | Path) -> Self:
        """Return the client of a member's home folder; errors as for the class."""
        return cls(ClientConfig.from_home(path))

    @classmethod
    def from_env(cls) -> Self:
        """Return the client of the folder that ``CREDIT_REGISTRY_HOME`` names; errors as for the class."""
        return cls(ClientConfig.from_env())

    def __enter__(self) -> Self:
        self._member.session.owner.check()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close connections and outbox; calls under way in other threads raise ConfigError: the client is closed.

        What they have signed waits in the outbox; whether the registry has logged it is not known.
        """
        run(self._member.close())
