"""Conversion of the messages in proto/creditregistry/v1/transparency.proto."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2
from creditregistry.v1 import transparency_pb2 as pb

from registry_server.usecases.proofs import map_proof

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.quality import QualityRow
    from client_sdk.kernel.ledger.statistics import MonthRow
    from registry_server.usecases.statistics import StatisticsAnswer
    from registry_server.usecases.transparency import (
        BindingPage,
        CheckpointAnswer,
        DirectoryAnswer,
        InquiryPage,
        LeafPage,
    )

__all__ = ["checkpoint", "directory_proof", "inquiry_leaves", "leaves", "live_bindings", "quality_row", "statistics"]


def checkpoint(answer: CheckpointAnswer) -> pb.GetCheckpointResponse:
    """Return the newest checkpoint."""
    return pb.GetCheckpointResponse(
        checkpoint=answer.head.checkpoint,
        consistency=b"".join(answer.consistency),
        head=answer.head.leaf,
        head_path=b"".join(answer.head.path),
        known_root=answer.known_root,
        cosigned=answer.cosigned,
        replayed=answer.replayed,
    )


def directory_proof(answer: DirectoryAnswer) -> pb.GetDirectoryProofResponse:
    """Return proved states of the directory."""
    head = answer.head
    return pb.GetDirectoryProofResponse(
        checkpoint=head.checkpoint,
        head=head.leaf,
        head_path=b"".join(head.path),
        registry_state=answer.registry_state,
        map_proof=map_proof(answer.proof),
        institutions=answer.institutions,
        consistency=b"".join(answer.consistency),
        contributions=answer.contributions,
    )


def leaves(page: LeafPage) -> pb.ListLeavesResponse:
    """Return some leaves."""
    return pb.ListLeavesResponse(start=page.start, leaves=page.leaves)


def inquiry_leaves(page: InquiryPage) -> pb.ListInquiryLeavesResponse:
    """Return some leaves of the inquiry tree with their inquiries."""
    response = pb.ListInquiryLeavesResponse(start=page.start)
    for leaf, payload, key_id, signature in page.inquiries:
        signed = evidence_pb2.SignedPayload(payload=payload, key_id=key_id, signature=signature)
        response.inquiries.add(leaf=leaf, inquiry=signed)
    return response


def live_bindings(page: BindingPage) -> pb.ListLiveBindingsResponse:
    """Return some live bindings."""
    bindings = [
        pb.LiveBinding(index=index, subject=subject, opening=opening) for index, subject, opening in page.bindings
    ]
    return pb.ListLiveBindingsResponse(
        begun_at=page.begun_at, size=page.size, bindings=bindings, checkpoint=page.checkpoint
    )


def statistics(answer: StatisticsAnswer) -> pb.GetStatisticsResponse:
    """Return rows of the statistics."""
    return pb.GetStatisticsResponse(
        size=answer.size,
        before=answer.before,
        rows=map(_row, answer.rows),
        quality=map(quality_row, answer.quality),
    )


def quality_row(row: QualityRow) -> pb.QualityRow:
    """Return the quality of what a member reported in a month."""
    counts = [
        pb.QualityCount(event=pb.QualityEvent.ValueType(event.number), rule=rule, count=count)
        for event, rule, count in row.counts
    ]
    return pb.QualityRow(month=row.month, member=row.member, counts=counts, score=row.score)


def _row(row: MonthRow) -> pb.StatisticsRow:
    cells = [pb.StatisticsCell() if count is None else pb.StatisticsCell(count=count) for count in row.counts]
    breakdown = pb.Breakdown.ValueType(row.breakdown.number)
    message = pb.StatisticsRow(month=row.month, breakdown=breakdown, cells=cells)
    if row.total is not None:
        message.total = row.total
    return message
