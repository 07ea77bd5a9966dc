"""Acts that wait for an approver: another person than their author sees them, and approves or returns them.

They are kept in memory alone, with the identity numbers without which nothing can be sent: bounded, for hours, and gone
with the program. The journal names each by its id.
"""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from client_sdk.clock import clock_ms
from client_sdk.desk.users import is_same_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.desk.journal import DeskAct
    from client_sdk.desk.prepared import Prepared

__all__ = ["ApprovalRequest", "ApprovalRequests", "ApprovalState", "ApprovalStateError", "TooManyApprovalRequestsError"]

MOST = 200
MOST_OF_ONE = 50
_HOUR = 3_600.0
_ID_BYTES = 16


class ApprovalState(StrEnum):
    """How far a request for approval is."""

    WAITING = "WAITING"
    # Being sent at this moment, for an approver.
    SENDING = "SENDING"
    APPROVED = "APPROVED"
    RETURNED = "RETURNED"


class TooManyApprovalRequestsError(Exception):
    """So many wait that none more is taken."""


class ApprovalStateError(Exception):
    """A request waits no more, or this person may not decide on it."""


@dataclass(slots=True, repr=False)
class ApprovalRequest:
    """One act that waits, or was decided on.

    Attributes:
        id: random, hexadecimal.
        author: name of who has prepared it.
        act: what waits.
        prepared: the act; kept until it is approved.
        asked_at: when it was made, UTC.
        until: when it is forgotten, UTC.
        ends: the same, in seconds of the clock.
        state: how far it is.
        decided_by: name of who has approved or returned it; empty for nobody.
        word: why it was returned; empty where it was not.
        record: number of the record, once it is known.
        is_signed: whether it was signed and may be logged: the answer to it did not come, or could not be read.
    """

    id: str
    author: str
    act: DeskAct
    prepared: Prepared | None
    asked_at: datetime
    until: datetime
    ends: float
    state: ApprovalState = ApprovalState.WAITING
    decided_by: str = ""
    word: str = field(default="", repr=False)
    record: str = ""
    is_signed: bool = False

    def is_of(self, name: str) -> bool:
        """Whether a person has prepared it."""
        return is_same_name(self.author, name)

    @property
    def waits(self) -> bool:
        """Whether it can be decided on."""
        return self.state is ApprovalState.WAITING


class ApprovalRequests:
    """All requests for approval of a desk; thread-safe.

    Args:
        hours: for which each is kept.
        lapsed: called with each that was forgotten before it was decided on.
        clock: seconds, never going back.
    """

    def __init__(
        self, hours: int, lapsed: Callable[[ApprovalRequest], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._hours, self._lapsed, self._clock = hours, lapsed, clock
        self._lock = threading.Lock()
        self._all: dict[str, ApprovalRequest] = {}

    def add(self, author: str, prepared: Prepared) -> ApprovalRequest:
        """Let an act wait; the same one again is the same request, unless that was returned.

        Raises:
            TooManyApprovalRequestsError: so many wait already, of all or of this person.
        """
        self.forget_old()
        now = datetime.fromtimestamp(clock_ms() / 1_000, UTC)
        with self._lock:
            same = (one for one in self._all.values() if one.prepared is prepared)
            if found := next((one for one in same if one.state is not ApprovalState.RETURNED), None):
                return found
            own = sum(1 for one in self._all.values() if one.is_of(author))
            if len(self._all) >= MOST or own >= MOST_OF_ONE:
                raise TooManyApprovalRequestsError
            request = ApprovalRequest(
                secrets.token_hex(_ID_BYTES),
                author,
                prepared.act,
                prepared,
                now,
                now + timedelta(hours=self._hours),
                self._clock() + self._hours * _HOUR,
                record="" if prepared.record is None else str(prepared.record),
            )
            self._all[request.id] = request
            return request

    def find(self, key: str) -> ApprovalRequest | None:
        """Return a request; None where there is none of that id, or none any more."""
        self.forget_old()
        with self._lock:
            return self._all.get(key)

    def all(self) -> list[ApprovalRequest]:
        """Return all of them, the oldest first."""
        self.forget_old()
        with self._lock:
            return list(self._all.values())

    def waiting_for(self, name: str) -> list[ApprovalRequest]:
        """Return those that wait and are another person's, whom this one may decide for; the oldest first."""
        return [one for one in self.all() if one.waits and not one.is_of(name)]

    @contextmanager
    def approving(self, request: ApprovalRequest, name: str) -> Iterator[Prepared]:
        """Let the block send a request for an approver; where the block fails, it waits as before.

        Raises:
            ApprovalStateError: it waits no more, or the approver is its author.
        """
        prepared = self._decide(request, name, ApprovalState.SENDING)
        try:
            yield prepared
        except BaseException:
            with self._lock:
                request.state, request.decided_by = ApprovalState.WAITING, ""
            raise
        with self._lock:
            # Its number and facts are needed no more.
            request.state, request.prepared = ApprovalState.APPROVED, None

    def give_back(self, request: ApprovalRequest, name: str, word: str) -> None:
        """Return a request to its author with a word.

        Raises:
            ApprovalStateError: as ``approving``; or it is signed.
        """
        _check_unsigned(request)
        self._decide(request, name, ApprovalState.RETURNED)
        request.word = word

    def drop(self, request: ApprovalRequest, name: str) -> None:
        """Forget a request of one's own that waits, or was returned.

        Raises:
            ApprovalStateError: it is another person's, or is being sent; or it is signed.
        """
        with self._lock:
            _check_unsigned(request)
            if not request.is_of(name) or request.state not in (ApprovalState.WAITING, ApprovalState.RETURNED):
                raise ApprovalStateError
            self._all.pop(request.id, None)

    def forget_old(self) -> None:
        """Forget what is over."""
        now = self._clock()
        self._forget(lambda one: now >= one.ends)

    def close(self) -> None:
        """Forget all, as the program ends."""
        self._forget(lambda _: True)

    def _forget(self, is_over: Callable[[ApprovalRequest], bool]) -> None:
        with self._lock:
            over = [one for one in self._all.values() if is_over(one) and one.state is not ApprovalState.SENDING]
            for one in over:
                del self._all[one.id]
        for one in over:
            if one.waits:
                self._lapsed(one)

    def _decide(self, request: ApprovalRequest, name: str, state: ApprovalState) -> Prepared:
        with self._lock:
            prepared = request.prepared
            if not request.waits or request.is_of(name) or prepared is None or request.id not in self._all:
                raise ApprovalStateError
            request.state, request.decided_by = state, name
            return prepared


def _check_unsigned(request: ApprovalRequest) -> None:
    if request.is_signed:
        raise ApprovalStateError
