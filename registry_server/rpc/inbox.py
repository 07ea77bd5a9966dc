"""InboxService: members read, follow and acknowledge what concerns them."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import common_pb2, statement_pb2
from creditregistry.v1 import inbox_pb2 as pb
from creditregistry.v1.inbox_service_pb2_grpc import InboxServiceServicer

from registry_server.rpc.threads import in_thread
from registry_server.serving.call import current_call
from registry_server.usecases.inbox import ReceivedAcknowledgement
from registry_server.usecases.proofs import inclusion_proof

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from concurrent.futures import Executor

    from registry_server.usecases.inbox import Inbox, InboxPage, PlacedNotice

__all__ = ["InboxServicer"]

# A stream that follows ends by itself after so long, and its client begins the next one.
FOLLOWED_SECONDS = 300.0
# How often a stream looks whether the log has grown; the database is asked only where it has.
LOOK_SECONDS = 1.0
# An empty message after so long without a notice shows that the connection stands, and that the caller may still call.
SILENCE_SECONDS = 15.0


class InboxServicer(InboxServiceServicer):
    """The service.

    Args:
        inbox: use case.
        executor: whose threads do what blocks.
        pages: whose threads read the pages of streams.
    """

    def __init__(self, inbox: Inbox, executor: Executor, pages: Executor) -> None:
        self._inbox = inbox
        self._executor = executor
        self._pages = pages
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End the streams that follow, so that the server need not wait for them."""
        self._stopping.set()

    async def ListNotices(self, request: pb.ListNoticesRequest, _context: object) -> pb.ListNoticesResponse:
        """Return some notices of the caller."""
        peer = current_call().institution
        listing = partial(self._inbox.notices, peer, request.after, waiting=not request.all, stale=request.stale)
        return _page(await in_thread(self._executor, listing))

    async def FollowNotices(
        self, request: pb.FollowNoticesRequest, _context: object
    ) -> AsyncIterator[pb.ListNoticesResponse]:
        """Stream the notices of the caller that wait, and further ones as they come."""
        peer, after = current_call().institution, request.after
        loop = asyncio.get_running_loop()
        end, last_sent, seen = loop.time() + FOLLOWED_SECONDS, float("-inf"), -1
        while loop.time() < end and not self._stopping.is_set():
            size = self._inbox.size
            if size != seen or loop.time() - last_sent >= SILENCE_SECONDS:
                page = await in_thread(self._pages, partial(self._inbox.notices, peer, after, waiting=True))
                if page.notices or loop.time() - last_sent >= SILENCE_SECONDS:
                    yield _page(page)
                    last_sent = loop.time()
                after = max([after, *(notice.index for notice in page.notices)])
                if page.next:
                    continue
                seen = size
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), LOOK_SECONDS)

    async def Acknowledge(self, request: pb.AcknowledgeRequest, _context: object) -> pb.AcknowledgeResponse:
        """Log one acknowledgement."""
        signed = request.acknowledgement
        sent = ReceivedAcknowledgement(signed.payload, signed.key_id, signed.signature, request.number, request.opening)
        peer = current_call().institution
        logged = await in_thread(self._executor, partial(self._inbox.acknowledge, peer, sent))
        return pb.AcknowledgeResponse(
            inclusion=inclusion_proof(logged.index, logged.path),
            leaf=logged.leaf,
            opening=logged.opening,
            checkpoint=logged.checkpoint,
        )


def _page(page: InboxPage) -> pb.ListNoticesResponse:
    return pb.ListNoticesResponse(
        notices=map(_notice, page.notices),
        checkpoint=page.checkpoint,
        next=page.next,
        waiting=page.waiting,
        stale=page.stale,
    )


def _notice(notice: PlacedNotice) -> pb.Notice:
    key = notice.record
    return pb.Notice(
        record=None if key is None else common_pb2.RecordRef(issuer=key.issuer, record_id=key.record_id),
        reason=statement_pb2.NoticeReason.ValueType(notice.reason.number),
        inclusion=inclusion_proof(notice.index, notice.path),
        leaf=notice.leaf,
        inquiry_id=notice.inquiry_id,
        asked_at=notice.asked_at,
        shown_index=notice.shown_index,
        acknowledged_index=notice.acknowledged_index,
    )
