"""DisputeService: members annotate records for their subjects, and furnishers find what waits for their answer."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import common_pb2
from creditregistry.v1 import dispute_pb2 as pb
from creditregistry.v1.dispute_service_pb2_grpc import DisputeServiceServicer

from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.ledger.submission import OpenedFacts
from registry_server.rpc.convert.submissions import results
from registry_server.rpc.threads import in_thread
from registry_server.serving.call import current_call
from registry_server.usecases.disputes import ReceivedAnnotation
from registry_server.usecases.proofs import inclusion_proof

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Executor

    from registry_server.usecases.disputes import Disputes, ListedDispute, PlacedLeaf

__all__ = ["DisputeServicer"]


class DisputeServicer(DisputeServiceServicer):
    """The service.

    Args:
        disputes: use case.
        executor: whose threads do what blocks.
    """

    def __init__(self, disputes: Disputes, executor: Executor) -> None:
        self._disputes = disputes
        self._executor = executor

    async def Annotate(self, request: pb.AnnotateRequest, _context: object) -> pb.AnnotateResponse:
        """Log one annotation."""
        signed = request.annotation
        facts = OpenedFacts(request.facts.opening, request.facts.facts) if request.HasField("facts") else None
        came = (signed.payload, signed.key_id, signed.signature)
        sent = ReceivedAnnotation(*came, request.text_disclosure, facts, request.subject)
        peer = current_call().institution
        appended = await in_thread(self._executor, partial(self._disputes.annotate, peer, sent))
        (result,) = results(appended.results)
        return pb.AnnotateResponse(result=result, checkpoint=appended.checkpoint)

    async def GetAnnotation(self, request: pb.GetAnnotationRequest, _context: object) -> pb.GetAnnotationResponse:
        """Return the end of a record's annotation chain."""
        key = RecordKey(request.record.issuer, request.record.record_id)
        end = await in_thread(self._executor, partial(self._disputes.end, key))
        return pb.GetAnnotationResponse(
            leaves=_leaves(end.leaves),
            checkpoint=end.checkpoint,
            subject_key_version=end.subject_key_version,
            version_index=end.version_index,
        )

    async def ListDisputes(self, request: pb.ListDisputesRequest, _context: object) -> pb.ListDisputesResponse:
        """Return disputes that stand, or that have ended."""
        peer, first = current_call().institution, request.first
        listing = (
            partial(self._disputes.opened, peer, first, ended=request.ended)
            if request.opened
            else partial(self._disputes.about, peer, request.issuer, first, ended=request.ended)
        )
        page = await in_thread(self._executor, listing)
        return pb.ListDisputesResponse(
            disputes=map(_dispute, page.disputes), checkpoint=page.checkpoint, next=page.next
        )


def _dispute(dispute: ListedDispute) -> pb.Dispute:
    key = dispute.key
    return pb.Dispute(
        record=common_pb2.RecordRef(issuer=key.issuer, record_id=key.record_id),
        opened_by=dispute.opened_by,
        due_on=dispute.due_on,
        leaves=_leaves(dispute.leaves),
        begun=_link(dispute.begun),
        answered=None if dispute.answered is None else _link(dispute.answered),
        named=None if dispute.named is None else _link(dispute.named),
    )


def _leaves(placed: Iterable[PlacedLeaf]) -> list[pb.AnnotationLink]:
    return [_link(item) for item in placed]


def _link(item: PlacedLeaf) -> pb.AnnotationLink:
    return pb.AnnotationLink(inclusion=inclusion_proof(item.index, item.path), leaf=item.leaf)
