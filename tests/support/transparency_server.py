"""TransparencyService over a handmade log, on a real socket: what an auditor talks to when a registry lies."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import grpc
from creditregistry.v1 import evidence_pb2
from creditregistry.v1 import transparency_pb2 as pb
from creditregistry.v1.transparency_service_pb2_grpc import (
    TransparencyServiceServicer,
    add_TransparencyServiceServicer_to_server,
)

from client_sdk.kernel.ledger.quality import rows_of
from client_sdk.kernel.ledger.statistics import COLUMNS
from registry_server.rpc.convert.transparency import quality_row
from tests.support.proofs import prove_directory

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from client_sdk.kernel.formats.contribution import Contribution
    from client_sdk.kernel.formats.state import InstitutionState, RegistryState
    from client_sdk.kernel.ledger.quality import QualityRow
    from tests.support.handmade_log import HandmadeLog

PAGE = 3


def honest_quality(log: HandmadeLog) -> tuple[QualityRow, ...]:
    """What the log itself tells of the quality of its members, of months that are over."""
    state = log.state
    counts = {key: count for key, count in state.quality.counts.items() if key.month < state.tally.before}
    return rows_of(counts, rules=False)


class HandmadeRegistry(TransparencyServiceServicer):
    """Serves a log as it is now. Whatever a test wants to lie about is an attribute."""

    def __init__(self, log: HandmadeLog) -> None:
        self.log = log
        # Ranges of leaves that were asked for.
        self.asked: list[tuple[int, int]] = []
        # What auditors have cosigned.
        self.published: list[bytes] = []
        # What is served instead of the truth.
        self.size: int | None = None
        self.bindings_size: int | None = None
        self.bindings_begun_at: int | None = None
        self.bindings_checkpoint: bytes | None = None
        self.bindings: Sequence[tuple[int, bytes, bytes]] | None = None
        self.inquiries: Sequence[bytes] | None = None
        self.leaves: Sequence[bytes] | None = None
        self.checkpoint: bytes | None = None
        self.registry_state: RegistryState | None = None
        self.institutions: Mapping[str, InstitutionState] | None = None
        self.contributions: Mapping[str, Contribution] | None = None
        self.entries: Mapping[bytes, bytes] | None = None
        self.statistics: pb.GetStatisticsResponse | None = None
        self.quality: Sequence[QualityRow] | None = None

    @property
    def _size(self) -> int:
        return len(self.log.leaves) if self.size is None else self.size

    def GetCheckpoint(  # noqa: N802 - the name of the method in the contract
        self, request: pb.GetCheckpointRequest, context: grpc.ServicerContext
    ) -> pb.GetCheckpointResponse:
        tree, size = self.log.tree, self._size
        if request.known_size > size:
            context.abort(grpc.StatusCode.OUT_OF_RANGE, "the log is shorter")
        consistency = tree.consistency_proof(request.known_size, size) if request.known_size else []
        return pb.GetCheckpointResponse(
            checkpoint=self.checkpoint or self.log.checkpoint(size),
            consistency=b"".join(consistency),
            known_root=tree.root(request.known_size) if request.known_size else b"",
            head=self.log.leaves[size - 1],
            head_path=b"".join(tree.inclusion_proof(size - 1, size)),
        )

    def GetTile(  # noqa: N802 - the name of the method in the contract
        self, request: pb.GetTileRequest, _context: grpc.ServicerContext
    ) -> pb.GetTileResponse:
        first, width = 256 * request.index, self._size >> 8 * request.level
        hashes = [self.log.tree.node(8 * request.level, at) for at in range(first, min(first + 256, width))]
        return pb.GetTileResponse(hashes=b"".join(hashes))

    def GetStatistics(  # noqa: N802 - the name of the method in the contract
        self, request: pb.GetStatisticsRequest, _context: grpc.ServicerContext
    ) -> pb.GetStatisticsResponse:
        response = self._statistics()
        if request.quality:
            rows = honest_quality(self.log) if self.quality is None else self.quality
            del response.quality[:]
            response.quality.extend(map(quality_row, rows))
        return response

    def _statistics(self) -> pb.GetStatisticsResponse:
        if self.statistics is not None:
            return self.statistics
        size, tally = self.bindings_begun_at or self.bindings_size or self._size, self.log.state.tally
        # Whatever was reported may be withheld.
        rows = [
            pb.StatisticsRow(
                month=month,
                breakdown=pb.Breakdown.ValueType(breakdown.number),
                cells=[pb.StatisticsCell()] * len(columns),
            )
            for month in sorted({key.month for key in tally.counts if key.month < tally.before})
            for breakdown, columns in COLUMNS.items()
        ]
        return pb.GetStatisticsResponse(size=size, before=tally.before, rows=rows)

    def ListLeaves(  # noqa: N802 - the name of the method in the contract
        self, request: pb.ListLeavesRequest, _context: grpc.ServicerContext
    ) -> Iterator[pb.ListLeavesResponse]:
        self.asked.append((request.start, request.end))
        leaves = self.log.leaves if self.leaves is None else self.leaves
        for at in range(request.start, request.end, PAGE):
            yield pb.ListLeavesResponse(start=at, leaves=leaves[at : min(at + PAGE, request.end)])

    def ListLiveBindings(  # noqa: N802 - the name of the method in the contract
        self, _request: pb.ListLiveBindingsRequest, _context: grpc.ServicerContext
    ) -> Iterator[pb.ListLiveBindingsResponse]:
        bindings = self.log.bindings() if self.bindings is None else self.bindings
        size = self.bindings_size or self._size
        yield pb.ListLiveBindingsResponse(begun_at=self.bindings_begun_at or size)
        for at in range(0, len(bindings), PAGE):
            items = [
                pb.LiveBinding(index=index, subject=subject, opening=opening)
                for index, subject, opening in bindings[at : at + PAGE]
            ]
            yield pb.ListLiveBindingsResponse(bindings=items)
        checkpoint = self.bindings_checkpoint or self.checkpoint or self.log.checkpoint(size)
        yield pb.ListLiveBindingsResponse(size=size, checkpoint=checkpoint)

    def PublishReplay(  # noqa: N802 - the name of the method in the contract
        self, request: pb.PublishReplayRequest, _context: grpc.ServicerContext
    ) -> pb.PublishReplayResponse:
        self.published.append(request.checkpoint)
        return pb.PublishReplayResponse()

    def ListInquiryLeaves(  # noqa: N802 - the name of the method in the contract
        self, request: pb.ListInquiryLeavesRequest, _context: grpc.ServicerContext
    ) -> Iterator[pb.ListInquiryLeavesResponse]:
        leaves = self.log.inquiries if self.inquiries is None else self.inquiries
        # A lie of no form has nothing that was signed.
        asked = self.log.asked + [evidence_pb2.SignedPayload()] * (len(leaves) - len(self.log.asked))
        shown = [pb.LoggedInquiry(leaf=leaf, inquiry=signed) for leaf, signed in zip(leaves, asked, strict=False)]
        for at in range(request.start, min(request.end, len(shown)), PAGE):
            yield pb.ListInquiryLeavesResponse(start=at, inquiries=shown[at : min(at + PAGE, request.end)])

    def GetDirectoryProof(  # noqa: N802 - the name of the method in the contract
        self, request: pb.GetDirectoryProofRequest, _context: grpc.ServicerContext
    ) -> pb.GetDirectoryProofResponse:
        directory, size = self.log.state.directory, self._size
        registry = self.registry_state or directory.state
        members = directory.institutions if self.institutions is None else self.institutions
        entries = self.entries or self.log.entries()
        shown = [id_ for id_ in request.institutions if id_ in members]
        contributions = directory.contributions if self.contributions is None else self.contributions
        givers = [id_ for id_ in shown if request.contributions and id_ in contributions]
        return pb.GetDirectoryProofResponse(
            checkpoint=self.checkpoint or self.log.checkpoint(size),
            head=self.log.leaves[size - 1],
            head_path=b"".join(self.log.tree.inclusion_proof(size - 1, size)),
            registry_state=registry.encode(),
            map_proof=prove_directory(entries, shown, givers=givers),
            institutions=[members[id_].encode() for id_ in shown],
            contributions=[contributions[id_].encode() for id_ in givers],
        )


@contextmanager
def serve(registry: HandmadeRegistry) -> Iterator[grpc.Channel]:
    """Serve a registry while the block lasts; yield a channel to it."""
    with listening(registry) as port, grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel


@contextmanager
def listening(registry: HandmadeRegistry) -> Iterator[int]:
    """Serve a registry while the block lasts; yield its port."""
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    add_TransparencyServiceServicer_to_server(registry, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(grace=None).wait()
