"""Results of submissions, and a lender's own records (proto/creditregistry/v1/submission.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb

from registry_server.usecases.proofs import inclusion_proof

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.complaint import Complaint
    from registry_server.usecases.records import OwnRecord
    from registry_server.usecases.submit import Result

__all__ = ["own_record", "results"]

_OUTCOMES = {
    "ACCEPTED": pb.OUTCOME_ACCEPTED,
    "REPEATED": pb.OUTCOME_REPEATED,
    "REFUSED": pb.OUTCOME_REFUSED,
}


def results(outcomes: Iterable[Result], first: int = 0) -> list[pb.SubmissionResult]:
    """Return a result for each submission.

    Args:
        outcomes: in order.
        first: place of the first one in its stream, counted from 0.
    """
    return [_result(position, outcome) for position, outcome in enumerate(outcomes, first)]


def _result(position: int, result: Result) -> pb.SubmissionResult:
    outcome = _OUTCOMES[result.outcome.name]
    if result.place is not None:
        place = result.place
        inclusion = inclusion_proof(place.leaf_index, place.path)
        return pb.SubmissionResult(position=position, outcome=outcome, logged_at=place.logged_at, inclusion=inclusion)
    violation = None if result.complaint is None else _violation(result.complaint)
    return pb.SubmissionResult(position=position, outcome=outcome, violation=violation, stored_leaf=result.stored_leaf)


def _violation(complaint: Complaint) -> pb.Violation:
    return pb.Violation(
        reason=complaint.reason,
        field=complaint.field,
        rule=complaint.rule,
        got=complaint.got,
        want=complaint.want,
    )


def own_record(held: OwnRecord) -> pb.OwnRecord:
    """Return what is held of a record."""
    chain = held.record.chain
    message = pb.OwnRecord(record_id=chain.key.record_id, index=chain.index, leaf=held.leaf)
    if chain.erased:
        message.state = pb.RECORD_STATE_ERASED
    elif held.sealed is None:
        message.state = pb.RECORD_STATE_ENDED
    else:
        row = held.sealed.row
        message.state = pb.RECORD_STATE_LIVE
        message.disclosure = held.sealed.disclosure
        message.hidden = row.hidden
        message.annotation_hash = row.mapped.annotation_hash
        message.binding.CopyFrom(pb.Binding(subject=row.subject, opening=row.opening, debt_ref=row.debt_ref))
    return message
