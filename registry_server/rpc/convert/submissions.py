"""Submissions, what became of them, and a lender's own records (proto/creditregistry/v1/submission.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import submission_pb2 as pb

from registry_server.rpc.convert.proofs import inclusion_proof
from registry_server.usecases.submission import Alias, BasisSent, Binding, FactsSent, Submission

if TYPE_CHECKING:
    from collections.abc import Iterable

    from registry_server.errors import Refusal
    from registry_server.usecases.records import OwnRecord
    from registry_server.usecases.submit import SubmittedRecord

__all__ = ["own_record", "results", "submission"]

_OUTCOMES = {
    "ACCEPTED": pb.OUTCOME_ACCEPTED,
    "REPEATED": pb.OUTCOME_REPEATED,
    "REFUSED": pb.OUTCOME_REFUSED,
}


def submission(message: pb.Submission) -> Submission:
    """Return a submission as it was sent, nothing of it checked."""
    signed = message.statement
    return Submission(
        signed.payload,
        signed.key_id,
        signed.signature,
        _binding(message.binding) if message.HasField("binding") else None,
        _facts(message.facts) if message.HasField("facts") else None,
        message.disclosure,
        _facts(message.previous) if message.HasField("previous") else None,
        _basis(message.basis) if message.HasField("basis") else None,
        tuple(Alias(alias.subject_key_version, alias.subject, alias.debt_ref) for alias in message.aliases),
    )


def _binding(message: pb.Binding) -> Binding:
    return Binding(message.subject, message.opening, message.debt_ref)


def _facts(message: pb.OpenedFacts) -> FactsSent:
    return FactsSent(message.opening, message.facts)


def _basis(message: pb.Basis) -> BasisSent:
    newest = _facts(message.newest) if message.HasField("newest") else None
    return BasisSent(message.record.issuer, message.record.record_id, newest)


def results(records: Iterable[SubmittedRecord], first: int = 0) -> list[pb.SubmissionResult]:
    """Return a result for each submission.

    Args:
        records: in order.
        first: place of the first one in its stream, counted from 0.
    """
    return [_result(position, record) for position, record in enumerate(records, first)]


def _result(position: int, record: SubmittedRecord) -> pb.SubmissionResult:
    outcome = _OUTCOMES[record.outcome.name]
    if record.place is not None:
        place = record.place
        inclusion = inclusion_proof(place.leaf_index, place.path)
        return pb.SubmissionResult(position=position, outcome=outcome, logged_at=place.logged_at, inclusion=inclusion)
    violation = None if record.refusal is None else _violation(record.refusal)
    return pb.SubmissionResult(position=position, outcome=outcome, violation=violation, stored_leaf=record.stored_leaf)


def _violation(refusal: Refusal) -> pb.Violation:
    return pb.Violation(
        reason=refusal.reason, field=refusal.field, rule=refusal.rule, got=refusal.got, want=refusal.want
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
        message.binding.CopyFrom(pb.Binding(subject=row.subject, opening=row.opening, debt_ref=row.debt_ref))
    return message
