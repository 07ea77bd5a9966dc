"""A client's view of the log over its channel: the directory followed, and every checkpoint proved to continue it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._steps import ask, relay
from client_sdk.following import Rounds

if TYPE_CHECKING:
    from client_sdk._session import Session
    from client_sdk._steps import Flow
    from client_sdk._transport.mode import Lock
    from client_sdk._transport.services import Services
    from client_sdk.following import Proving
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["Following"]


class Following:
    """Follows a registry for one client.

    Args:
        session: of the client.
        services: of the registry.
        turn: held while the directory is followed.
    """

    def __init__(self, session: Session, services: Services, turn: Lock) -> None:
        self._session = session
        self._transparency = services.transparency
        self._rounds = Rounds(session.keeper, services, turn)

    def directory(self) -> Flow[Directory]:
        """Return the directory, at most a minute old; what was signed for this home since is proved first."""
        if self._session.due:
            return (yield from self.refresh())
        yield from self.prove(self._session.proving())
        return self._session.follower.directory

    def refresh(self, *, at_any_time: bool = False) -> Flow[Directory]:
        """Follow the directory now, and prove its checkpoint and those of receipts.

        Args:
            at_any_time: whatever the time of its HEAD; for administrators who correct the log's time.

        Raises:
            RollbackError: the log went back or split in two.
            CreditRegistryError: the registry is away, refuses, or proves nothing.
        """
        yield from self._rounds.refresh()
        yield from self.prove(self._session.proving_round())
        return self._session.followed(at_any_time=at_any_time)

    def prove(self, steps: Proving) -> Flow[None]:
        """Ask the registry for the proofs that are wanted; what is proved is written beside the loop."""
        yield from relay(steps, lambda request: ask(self._transparency.GetCheckpoint, request))
