"""Inquiries and their answers (proto/creditregistry/v1/check.proto, evidence.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import check_pb2 as pb
from creditregistry.v1 import evidence_pb2

from client_sdk.ledger.inquiry import InquiryOpening
from registry_server.rpc.convert.proofs import inclusion_proof, map_proof, proved_institution
from registry_server.usecases.check import Question

if TYPE_CHECKING:
    from registry_server.usecases.evidence import Evidence, PersonAnswer, RecordAnswer, SubjectAnswer

__all__ = ["check_response", "question"]

VERSION = 1


def question(request: pb.CheckRequest, peer: str) -> Question:
    """Return a question of an institution, as it came."""
    return Question(
        peer=peer,
        payload=request.inquiry.payload,
        key_id=request.inquiry.key_id,
        signature=request.inquiry.signature,
        opening=InquiryOpening.of(request.opening),
        opening_bytes=request.opening.SerializeToString(deterministic=True),
        from_position=request.from_position,
        at_size=request.at_size,
    )


def check_response(answer: Evidence) -> pb.CheckResponse:
    """Return a page of an answer; the inquiry is left out, as its asker has it."""
    response = pb.CheckResponse(next_position=answer.next_position)
    evidence = response.evidence
    head = answer.head
    evidence.version = VERSION
    evidence.checkpoint = head.checkpoint
    evidence.head = head.head
    evidence.head_path = b"".join(head.head_path)
    evidence.registry_state = head.registry.state
    evidence.registry_proof.CopyFrom(map_proof(head.registry.proof))
    evidence.institutions.extend(proved_institution(state) for state in answer.institutions)
    evidence.acts.extend(answer.acts)
    evidence.rulebook = answer.rulebook
    evidence.persons.extend(_person(person) for person in answer.persons)
    return response


def _person(person: PersonAnswer) -> evidence_pb2.PersonAnswer:
    subjects = [_subject(subject) for subject in person.subjects]
    return evidence_pb2.PersonAnswer(position=person.position, opening=person.opening, subjects=subjects)


def _subject(answer: SubjectAnswer) -> evidence_pb2.SubjectAnswer:
    return evidence_pb2.SubjectAnswer(
        subject_key_version=answer.subject_key_version,
        subject=answer.subject,
        proof=map_proof(answer.proof),
        records=[_record(record) for record in answer.records],
    )


def _record(record: RecordAnswer) -> evidence_pb2.LiveRecord:
    annotations = [
        evidence_pb2.AnnotationLeaf(inclusion=inclusion_proof(shown.leaf_index, shown.path), leaf=shown.leaf)
        for shown in record.annotations
    ]
    return evidence_pb2.LiveRecord(
        index=record.leaf_index,
        leaf=record.leaf,
        opening=record.opening,
        disclosure=record.disclosure,
        annotations=annotations,
        text_disclosure=record.text_disclosure,
    )
