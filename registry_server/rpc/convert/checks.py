"""Inquiries and their answers (proto/creditregistry/v1/check.proto, evidence.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import check_pb2 as pb
from creditregistry.v1 import evidence_pb2

from client_sdk.kernel.ledger.inquiry import InquiryOpening
from registry_server.rpc.convert.proofs import inclusion_proof, map_proof, proved_institution
from registry_server.usecases.check import Question

if TYPE_CHECKING:
    from registry_server.usecases.evidence import (
        Evidence,
        HeadAnswer,
        PersonAnswer,
        ProvedState,
        RecordAnswer,
        SubjectAnswer,
    )

__all__ = ["EvidenceWriter", "question"]

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


class EvidenceWriter:
    """Makes messages of answers; what all answers under one HEAD share is made once for it."""

    def __init__(self) -> None:
        self._head: HeadAnswer | None = None
        self._shared = evidence_pb2.Evidence()
        self._institutions: dict[bytes, evidence_pb2.ProvedInstitution] = {}

    def response(self, answer: Evidence) -> pb.CheckResponse:
        """Return a page of an answer; the inquiry is left out, as its asker has it."""
        if self._head is None or self._head.registry is not answer.head.registry:
            self._begin(answer.head)
        response = pb.CheckResponse(evidence=self._shared, next_position=answer.next_position)
        evidence = response.evidence
        evidence.institutions.extend(map(self._institution, answer.institutions))
        evidence.acts.extend(answer.acts)
        evidence.rulebook = answer.rulebook
        evidence.persons.extend(map(_person, answer.persons))
        return response

    def _begin(self, head: HeadAnswer) -> None:
        self._head = head
        self._institutions = {}
        self._shared = evidence_pb2.Evidence(
            version=VERSION,
            checkpoint=head.checkpoint,
            head=head.head,
            head_path=b"".join(head.head_path),
            registry_state=head.registry.state,
            registry_proof=map_proof(head.registry.proof),
        )

    def _institution(self, proved: ProvedState) -> evidence_pb2.ProvedInstitution:
        message = self._institutions.get(proved.state)
        if message is None:
            message = self._institutions[proved.state] = proved_institution(proved)
        return message


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
