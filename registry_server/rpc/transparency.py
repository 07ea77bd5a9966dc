"""TransparencyService: checkpoints, tiles, leaves and proofs, with which the registry is verified."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import transparency_pb2 as pb
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceServicer

from registry_server.rpc.convert import transparency as convert
from registry_server.rpc.threads import in_thread, pages_from
from registry_server.serving.call import current_call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from registry_server.rpc.threads import Threads
    from registry_server.usecases.replays import Replays
    from registry_server.usecases.statistics import ReportedCounts
    from registry_server.usecases.transparency import DirectoryAnswer, Transparency

__all__ = ["TransparencyServicer"]


class TransparencyServicer(TransparencyServiceServicer):
    """Serves TransparencyService.

    Args:
        transparency: use case.
        statistics: use case.
        replays: use case.
        threads: that do what blocks.
    """

    def __init__(
        self,
        transparency: Transparency,
        statistics: ReportedCounts,
        replays: Replays,
        threads: Threads,
    ) -> None:
        self._transparency = transparency
        self._statistics = statistics
        self._replays = replays
        self._executor = threads.calls
        self._reading = threads.reading
        self._pages = threads.pages

    async def GetCheckpoint(
        self,
        request: pb.GetCheckpointRequest,
        _context: object,
    ) -> pb.GetCheckpointResponse:
        """Return the newest checkpoint."""
        known, to, cosigned = request.known_size, request.to_size, request.cosigned
        ask = partial(self._transparency.checkpoint, known, to, cosigned=cosigned)
        return convert.checkpoint(await in_thread(self._reading, ask))

    async def GetTile(self, request: pb.GetTileRequest, _context: object) -> pb.GetTileResponse:
        """Return a tile of the log."""
        ask = partial(self._transparency.tile, request.level, request.index)
        return pb.GetTileResponse(hashes=await in_thread(self._reading, ask))

    async def GetDirectoryProof(
        self,
        request: pb.GetDirectoryProofRequest,
        _context: object,
    ) -> pb.GetDirectoryProofResponse:
        """Return directory entries with proofs."""
        holder = current_call().holder
        caller = "" if holder is None else holder.uri
        reader = current_call().institution if request.contributions else ""
        ask = partial(self._directory, request, caller, reader)
        return convert.directory_proof(await in_thread(self._reading, ask))

    def _directory(self, request: pb.GetDirectoryProofRequest, caller: str, reader: str) -> DirectoryAnswer:
        # First, so that a log that stood still for want of a clock goes on before it is shown.
        self._transparency.vouch_for_clock(caller, request.sent_at)
        return self._transparency.directory(list(request.institutions), request.known_size, reader)

    async def GetStatistics(
        self,
        request: pb.GetStatisticsRequest,
        _context: object,
    ) -> pb.GetStatisticsResponse:
        """Return counts of what was reported."""
        reader = current_call().institution if request.quality else ""
        ask = partial(self._statistics.rows, request.first_month, request.last_month, reader)
        return convert.statistics(await in_thread(self._executor, ask))

    async def ListLeaves(
        self,
        request: pb.ListLeavesRequest,
        _context: object,
    ) -> AsyncIterator[pb.ListLeavesResponse]:
        """Stream leaves."""
        async for page in pages_from(self._pages, partial(self._transparency.leaves, request.start, request.end)):
            yield convert.leaves(page)

    async def ListLiveBindings(
        self,
        _request: pb.ListLiveBindingsRequest,
        _context: object,
    ) -> AsyncIterator[pb.ListLiveBindingsResponse]:
        """Stream the openings of live records."""
        async for page in pages_from(self._pages, self._transparency.live_bindings):
            yield convert.live_bindings(page)

    async def ListInquiryLeaves(
        self,
        request: pb.ListInquiryLeavesRequest,
        _context: object,
    ) -> AsyncIterator[pb.ListInquiryLeavesResponse]:
        """Stream leaves of the inquiry tree with their inquiries."""
        listing = partial(self._transparency.inquiries, request.start, request.end)
        async for page in pages_from(self._pages, listing):
            yield convert.inquiry_leaves(page)

    async def PublishReplay(
        self,
        request: pb.PublishReplayRequest,
        _context: object,
    ) -> pb.PublishReplayResponse:
        """Take up the cosignature of an auditor that has rebuilt the log."""
        await in_thread(self._executor, partial(self._replays.publish, request.checkpoint))
        return pb.PublishReplayResponse()
