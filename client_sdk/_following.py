"""A client's view of the log over its channel: the directory followed, and every checkpoint proved to continue it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import transparency_pb2

from client_sdk._steps import ask, beside, pause, relay
from client_sdk.errors import RefusedError, RollbackError, TransportError, VerificationError
from client_sdk.following import Rounds
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import moment_text

if TYPE_CHECKING:
    from client_sdk._answer_page import Page
    from client_sdk._session import Session
    from client_sdk._steps import Flow
    from client_sdk._transport.mode import Lock
    from client_sdk._transport.services import Services
    from client_sdk.following import Proving
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.models.witnessed import Witnessed

__all__ = ["Following"]

# Between two looks at what witnesses have cosigned; the registry asks them once a second.
_WITNESSES_SECONDS = 0.5


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
        yield from self.prove(self._session.witnesses.confirming())
        return self._session.follower.directory

    def refresh(self, *, at_any_time: bool = False) -> Flow[Directory]:
        """Follow the directory now, and prove its checkpoint and those of receipts.

        Args:
            at_any_time: whatever the time of its HEAD; for administrators who correct the log's time.

        Raises:
            RollbackError: the log went back or split in two, also as witnesses see it, or this was proved before.
            CreditRegistryError: the registry is away, refuses, or proves nothing.
        """
        yield from beside(self._session.newest.check_trusted)
        yield from self._rounds.refresh()
        yield from self.prove(self._session.proving_round())
        yield from self.prove(self._session.witnesses.confirming())
        return self._session.followed(at_any_time=at_any_time)

    def prove(self, steps: Proving) -> Flow[None]:
        """Ask the registry for the proofs that are wanted; what is proved is written beside the loop."""
        yield from relay(steps, lambda request: ask(self._transparency.GetCheckpoint, request))

    def settle(self, page: Page) -> Flow[None]:
        """Hold the checkpoint of an answer against what this home and witnesses have seen; take it back where it fails.

        Under ``strict``, wait for the witnesses, as long as a call may take.
        """
        session = self._session
        try:
            if page.suspect is not None:
                note, shown = page.suspect
                for cosigned in shown:
                    yield from self.prove(session.witnesses.exposing(note, cosigned))
            if not page.note:
                return
            yield from self.prove(session.proving(page.note))
            if session.witnesses.strict:
                yield from self._await_witnesses(page)
            if page.cosigned is not None:
                yield from self.prove(session.witnesses.taking(page.cosigned))
            yield from beside(page.age)
        except RollbackError as error:
            page.refuse(error)

    def _await_witnesses(self, page: Page) -> Flow[None]:
        """Ask until a quorum has lately cosigned the whole log of an answer; take it back where time is over."""
        session = self._session
        end = time.monotonic() + session.config.deadline
        request = transparency_pb2.GetCheckpointRequest(known_size=page.size, cosigned=True)
        while missing := _missing(page.witnessed, session.config.max_age):
            if time.monotonic() >= end:
                want = "a quorum that has cosigned the whole log of the answer, lately"
                page.refuse(VerificationError("witnesses", "witnesses.strict", got=missing, want=want))
                return
            yield from pause(_WITNESSES_SECONDS)
            try:
                response = yield from ask(self._transparency.GetCheckpoint, request)
            except (RefusedError, TransportError):
                # Another process of the registry may be behind, or none be there for a moment.
                continue
            if not response.HasField("cosigned"):
                continue
            try:
                yield from beside(partial(page.confirm, response.cosigned))
            except FormatError:
                yield from self.prove(session.witnesses.exposing(page.note, response.cosigned))


def _missing(witnessed: Witnessed | None, max_age: float) -> str:
    """Return what is missing for an answer to be witnessed wholly and lately; empty for nothing."""
    if witnessed is None:
        return ""
    if witnessed.at is None:
        return "no quorum"
    age = datetime.now(UTC) - witnessed.at
    if not witnessed.whole:
        return f"{witnessed.size} leaves"
    return "" if abs(age.total_seconds()) <= max_age else f"one of {moment_text(witnessed.at)}"
