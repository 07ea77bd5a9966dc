"""Flows of a member's inbox: notices page by page and as they come, acknowledgements, and how all of it stands."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import inbox_pb2, transparency_pb2

from client_sdk._member.core import Core
from client_sdk._protocol import arguments
from client_sdk._protocol.notice import read_acknowledged, read_notices, sign_acknowledgement
from client_sdk._protocol.reciprocity import read_reciprocity
from client_sdk._steps import ask, beside, message, open_stream, pause
from client_sdk.errors import TransportError
from client_sdk.kernel.formats.words import ANNOTATING, KeyUsage, Role
from client_sdk.models.notice import Notice

if TYPE_CHECKING:
    from client_sdk._steps import Call, Flow
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.models.notice import AcknowledgementReceipt
    from client_sdk.models.reciprocity import Reciprocity
    from client_sdk.models.replayed import Replayed
    from client_sdk.models.status import Status

__all__ = ["InboxPages", "Notified"]

# Longer than a registry lets a stream go on that follows, so that it is the one to end it.
FOLLOW_SECONDS = 420.0
# A connection that breaks is tried again after 1, 2, 4 ... seconds, at most 30, some ten minutes in all.
_ATTEMPTS = 24
_LONGEST_PAUSE = 30.0
# The contract writes numbers in 64 bits; the registry's database takes no higher ones.
_LAST_NUMBER = 2**63 - 1


class Notified(Core):
    """The inbox: notices about records that the member was shown, and about its own records."""

    def inbox(self, after: int, *, everything: bool, follow: bool) -> InboxPages:
        """Return what reads the notices above a number."""
        arguments.number_of(after, "after", 0, _LAST_NUMBER)
        arguments.flag_of(everything, "everything")
        arguments.flag_of(follow, "follow")
        return InboxPages(self, after, everything=everything, follow=follow)

    def acknowledge(self, notice: Notice) -> Flow[AcknowledgementReceipt]:
        """Sign that a notice was taken note of, and have that logged."""
        arguments.of_type(notice, Notice, "notice", "a Notice")
        session = self.session
        request = sign_acknowledgement(
            notice, session.config.name, session.config.institution, self._signer(), session.now_ms()
        )
        response = yield from ask(self.services.inbox.Acknowledge, request)
        directory = yield from self.directory()
        receipt = yield from beside(partial(read_acknowledged, request, response, notice, directory, session.log_key))
        yield from self.prove(session.proving(receipt.checkpoint))
        return receipt

    def _waiting(self, directory: Directory) -> Flow[tuple[int | None, int | None]]:
        """Return how many notices wait, None without an inbox, and own records are stale, None if it does not lend.

        Each is counted up to 10,000.
        """
        own = directory.institutions.get(self.session.config.institution)
        if own is None or ANNOTATING.isdisjoint(own.roles):
            return None, None
        lends = Role.LENDER in own.roles
        request = inbox_pb2.ListNoticesRequest(after=_LAST_NUMBER, stale=lends)
        response = yield from ask(self.services.inbox.ListNotices, request)
        return response.waiting, response.stale if lends else None

    def status(self) -> Flow[Status]:
        """Follow the directory now, and return how registry, key services and the own inbox stand."""
        directory = yield from self.following.refresh()
        waiting, stale = yield from self._waiting(directory)
        services = yield from self.keys.statuses(directory)
        reciprocity = yield from self._reciprocity(directory)
        rebuilt = yield from self._replayed(directory)
        return self.session.status(directory, services, waiting, stale, reciprocity, rebuilt)

    def _replayed(self, directory: Directory) -> Flow[Replayed | None]:
        """Return how far auditors have rebuilt the log that this home was shown; None if the rulebook names none."""
        known, view = self.session.follower.checkpoint, self.session.follower.view
        if directory.rulebook.replaying is None or known is None or view is None:
            return None
        return (yield from self.rebuilt(known, view.as_of_ms))

    def _reciprocity(self, directory: Directory) -> Flow[Reciprocity | None]:
        """Return what this member gives and receives, proved under the newest HEAD; None if it does not lend."""
        own = directory.institutions.get(self.session.config.institution)
        if own is None or Role.LENDER not in own.roles:
            return None
        request = transparency_pb2.GetDirectoryProofRequest(institutions=[own.id], contributions=True)
        response = yield from ask(self.services.transparency.GetDirectoryProof, request)
        yield from self.prove(self.session.proving(response.checkpoint))
        return read_reciprocity(response, own.id, directory.rulebook, self.session.log_key)

    def _signer(self) -> Signer:
        signers = self.session.signers
        return signers.get(KeyUsage.INQUIRE) or self.session.signer(KeyUsage.REPORT)


class InboxPages:
    """Notices of one inbox in order of their numbers, each once, over any number of streams.

    Args:
        member: whose inbox.
        after: number; only higher ones.
        everything: also those that were acknowledged, of those there are at the beginning.
        follow: go on with those that come.
    """

    def __init__(self, member: Core, after: int, *, everything: bool, follow: bool) -> None:
        self._member = member
        self._after = after
        self._everything = everything
        self._listing = everything or not follow
        self._follow = follow
        self._stream: Call[inbox_pb2.ListNoticesResponse] | None = None
        self._failures = 0

    def next(self) -> Flow[tuple[Notice, ...] | None]:
        """Return some further notices, and none of them twice; None after the last.

        Raises:
            TransportError: the registry is away; where it is followed, for more than ten minutes.
            RefusedError: the registry refuses.
            VerificationError: what the registry answers does not verify.
        """
        while self._listing or self._follow:
            found = yield from (self._list() if self._listing else self._followed())
            if found:
                return found
        return None

    def close(self) -> None:
        """End the stream, if one is open."""
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()

    def _list(self) -> Flow[tuple[Notice, ...]]:
        request = inbox_pb2.ListNoticesRequest(after=self._after, all=self._everything)
        response = yield from ask(self._member.services.inbox.ListNotices, request)
        found = yield from self._read(response)
        self._listing = bool(response.next)
        return found

    def _followed(self) -> Flow[tuple[Notice, ...]]:
        """Return what the stream brings next; nothing where it ended or broke, and has to be begun again."""
        try:
            response = yield from self._message()
            found = () if response is None else (yield from self._read(response))
        except TransportError as error:
            self.close()
            self._failures += 1
            # A client that was closed is away for good.
            self._member.session.owner.check_open()
            if self._failures >= _ATTEMPTS or not error.retryable:
                raise
            yield from pause(min(2.0 ** (self._failures - 1), _LONGEST_PAUSE))
            return ()
        self._failures = 0
        if response is None:
            self.close()
            yield from pause(1.0)
        return found

    def _message(self) -> Flow[inbox_pb2.ListNoticesResponse | None]:
        if self._stream is None:
            request = inbox_pb2.FollowNoticesRequest(after=self._after)
            self._stream = yield from open_stream(self._member.services.inbox.FollowNotices, request, FOLLOW_SECONDS)
        return (yield from message(self._stream))

    def _read(self, response: inbox_pb2.ListNoticesResponse) -> Flow[tuple[Notice, ...]]:
        if not response.notices and not response.next:
            return ()
        member = self._member
        # A key that signed one of the leaves may be younger than the directory.
        directory = yield from member.following.refresh()
        own = member.session.config.institution
        reading = partial(read_notices, response, self._after, own, directory, member.session.log_key)
        found = yield from beside(reading)
        yield from member.prove(member.session.proving(response.checkpoint))
        self._after = found[-1].number
        return found
