"""Asking and reading answers, without any input or output (proto/README.md 8 and 9)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import check_pb2, evidence_pb2

from client_sdk._protocol.evidence_cut import cut_evidence
from client_sdk._protocol.opening import listed
from client_sdk._protocol.replayed import NONE_NAMED, ReplayTrust, nothing_demanded, replayed
from client_sdk._protocol.witnessed import witnessed
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.assessment import digest_of_head, digest_of_question
from client_sdk.kernel.formats.commitment import OPENING_BYTES, commit_consent, commit_inquiry, commit_officer
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.ledger.head_time import check_head_time
from client_sdk.kernel.ledger.inquiry import INQUIRY_ID_BYTES, Inquiry, InquiryOpening, PersonOpening
from client_sdk.kernel.rules.consent import for_purpose, terms_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.models.answer import Answer, Failure, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk._protocol.replayed import DemandsAt
    from client_sdk.errors import VerificationError
    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
    from client_sdk.kernel.formats.words import Purpose
    from client_sdk.kernel.ledger.answer import VerifiedAnswer, Verifier
    from client_sdk.kernel.ledger.answer_reading import VerifiedPerson
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym

__all__ = ["Expectation", "Question", "ask", "read_offline", "read_page", "unproved", "unverifiable"]


@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """A signed inquiry with everything that its answer is read with.

    Attributes:
        inquiry: what was signed.
        signed: payload and signature.
        opening: what opens the commitments; travels beside it.
        identities: who is asked about, in order.
        names: pseudonyms of each of them, by version of the subject keys.
    """

    inquiry: Inquiry
    signed: evidence_pb2.SignedPayload
    opening: check_pb2.InquiryOpening
    identities: tuple[Identity, ...]
    names: tuple[Mapping[int, Pseudonym], ...]

    def request(self, from_position: int = 0, at_size: int = 0) -> check_pb2.CheckRequest:
        """Return the request for the page that begins with a person."""
        return check_pb2.CheckRequest(
            inquiry=self.signed, opening=self.opening, from_position=from_position, at_size=at_size
        )


class Expectation(NamedTuple):
    """Expected time, freshness and checkpoints of an answer.

    Attributes:
        now_ms: the asker's clock, milliseconds since 1970 UTC.
        max_age_ms: how far the HEAD may be off it, either way.
        known: the newest checkpoint that was known before the call.
        at: the checkpoint of the first page; None for that page.
        quorums: witnesses that the asker demands.
        replay: what it demands of auditors that rebuild the log.
    """

    now_ms: int
    max_age_ms: int
    known: Checkpoint | None
    at: Checkpoint | None = None
    quorums: tuple[WitnessQuorum, ...] = ()
    replay: ReplayTrust = NONE_NAMED


def ask(
    registry: str,
    asker: str,
    signer: Signer,
    people: Sequence[tuple[Identity, Mapping[int, Pseudonym]]],
    *,
    purpose: Purpose,
    consent: Consent,
    officer: str,
    issued_at: int,
    alerts_until: str = "",
) -> Question:
    """Make and sign an inquiry about 1 to 100 persons.

    Args:
        registry: its name.
        asker: institution id.
        signer: its INQUIRE key.
        people: identity and pseudonyms of each, under every live version of the subject keys.
        purpose: why.
        consent: of the persons.
        officer: the member of staff who asks, by the lender's own name.
        issued_at: milliseconds since 1970 UTC.
        alerts_until: last day of the alerts that are asked for, YYYY-MM-DD; empty for none.
    """
    persons = tuple(_person(names) for _, names in people)
    signed_consent = for_purpose(consent, purpose)
    consent_bytes = signed_consent.encode()
    opening = InquiryOpening(
        persons, secrets.token_bytes(OPENING_BYTES), consent_bytes, secrets.token_bytes(OPENING_BYTES), officer
    )
    inquiry = Inquiry(
        registry=registry,
        asker=asker,
        inquiry_id=secrets.token_bytes(INQUIRY_ID_BYTES),
        issued_at=issued_at,
        purpose=purpose,
        subject_commitments=tuple(commit_inquiry(person.opening, person.pseudonyms) for person in persons),
        consent_commitment=commit_consent(opening.consent_opening, consent_bytes),
        officer_commitment=commit_officer(opening.officer_opening, officer),
        alerts_until=alerts_until,
        consent_terms=terms_of([signed_consent]),
    )
    payload = inquiry.encode()
    signed = evidence_pb2.SignedPayload(
        payload=payload, key_id=signer.public_key.key_id, signature=dsse.sign(signer, dsse.INQUIRY, payload)
    )
    identities = tuple(identity for identity, _ in people)
    return Question(inquiry, signed, opening.message(), identities, tuple(names for _, names in people))


def _person(names: Mapping[int, Pseudonym]) -> PersonOpening:
    pseudonyms = tuple((version, names[version].subject) for version in sorted(names))
    return PersonOpening(secrets.token_bytes(OPENING_BYTES), pseudonyms)


def read_page(
    question: Question,
    response: check_pb2.CheckResponse,
    verifier: Verifier,
    expected: Expectation,
    from_position: int,
) -> tuple[list[Answer], VerifiedAnswer | None]:
    """Verify one page and return an answer for each person on it.

    A page that does not verify gives UNVERIFIABLE for its persons and all later ones, never CLEAR.

    Returns:
        The answers, and what they rest on; None where it does not verify, so that no page follows.
    """
    evidence = response.evidence
    evidence.inquiry.CopyFrom(question.signed)
    end = response.next_position or len(question.identities)
    try:
        verified = verifier.check(evidence)
        _check_expected(verified, expected, range(from_position, end))
        seen = witnessed(verified.cosigned, verified.checkpoint.size, expected.quorums, expected.now_ms)
        rebuilt = replayed(verified.replayed, verified.as_of, expected.replay)
    except (FormatError, RuleError) as error:
        failure = failure_of(error)
        positions = range(from_position, len(question.identities))
        return [unverifiable(question, position, failure) for position in positions], None
    answers = [_answer(question, verified, person, evidence) for person in verified.persons]
    return [replace(answer, witnessed=seen, replayed=rebuilt) for answer in answers], verified


def _check_expected(verified: VerifiedAnswer, expected: Expectation, positions: range) -> None:
    """Compare the proved answer with the inquiry, with checkpoints seen before, and with the clock."""
    if [person.position for person in verified.persons] != list(positions) or not positions:
        raise FormatError("person", "persons.asked", got=f"{len(verified.persons)}", want="the persons of this page")
    checkpoint, known = verified.checkpoint, expected.known
    if known is not None and checkpoint.size < known.size:
        raise FormatError("checkpoint", "log.rollback", got=str(checkpoint.size), want=f"at least {known.size}")
    if known is not None and checkpoint.size == known.size and checkpoint.root != known.root:
        raise FormatError("checkpoint", "log.fork", got="another root", want="the root that was seen before")
    if expected.at is not None and checkpoint != expected.at:
        raise FormatError("checkpoint", "page.same-head", want="the checkpoint of the first page")
    check_head_time(verified.as_of, expected.now_ms, expected.max_age_ms)


def _answer(
    question: Question, verified: VerifiedAnswer, person: VerifiedPerson, evidence: evidence_pb2.Evidence
) -> Answer:
    answer = _answer_of(verified, person, question.names[person.position], evidence)
    return answer.about(question.identities[person.position])


def _answer_of(
    verified: VerifiedAnswer,
    person: VerifiedPerson,
    names: Mapping[int, Pseudonym],
    evidence: evidence_pb2.Evidence,
) -> Answer:
    inquiry, checkpoint = verified.inquiry, verified.checkpoint
    return Answer(
        verdict=Verdict.LISTED if person.listed else Verdict.CLEAR,
        registry=inquiry.registry,
        inquiry_id=inquiry.inquiry_id,
        position=person.position,
        as_of=moment(verified.as_of),
        size=checkpoint.size,
        records=tuple(sorted((listed(record, names) for record in person.records), key=lambda item: item.index)),
        question=digest_of_question(inquiry.registry, inquiry.asker, inquiry.purpose.name, person.subjects),
        head=digest_of_head(checkpoint.size, checkpoint.root),
        rulebook=verified.registry.rulebook_digest,
        _names=names,
        _cut=partial(cut_evidence, evidence, person.position, checkpoint.size),
    )


def read_offline(
    data: bytes,
    evidence: evidence_pb2.Evidence,
    verifier: Verifier,
    names: Mapping[int, Pseudonym] | None = None,
    demands: DemandsAt = nothing_demanded,
) -> tuple[Answer, ...]:
    """Verify an evidence file and return an answer for each person in it.

    Args:
        data: bytes of the file.
        evidence: the same, parsed.
        verifier: over the trust root.
        names: pseudonyms of the person, if the caller knows the identity and asked the key services again.
        demands: of the reader, by the size of the log.

    Raises:
        FormatError: it is not canonical, or a part does not verify.
        RuleError: an act breaks a rule.
    """
    verified = verifier.verify_file(data)
    quorums, replay = demands(verified.checkpoint.size)
    seen = witnessed(verified.cosigned, verified.checkpoint.size, quorums)
    rebuilt = replayed(verified.replayed, verified.as_of, replay)
    answers = (_answer_of(verified, person, names or {}, evidence) for person in verified.persons)
    return tuple(replace(answer, witnessed=seen, replayed=rebuilt) for answer in answers)


def failure_of(error: FormatError | RuleError) -> Failure:
    """Return the failure of an UNVERIFIABLE answer for an error."""
    return Failure(part=error.field, rule=error.rule, message=error.complaint.found)


def unverifiable(question: Question, position: int, failure: Failure) -> Answer:
    """Return the UNVERIFIABLE answer about a person."""
    return Answer(
        verdict=Verdict.UNVERIFIABLE,
        registry=question.inquiry.registry,
        inquiry_id=question.inquiry.inquiry_id,
        position=position,
        failure=failure,
        identity=question.identities[position],
    )


def unproved(registry: str, identities: Sequence[Identity], error: VerificationError) -> list[Answer]:
    """Return the answers about persons who could not even be asked about, because the directory does not verify."""
    failure = Failure(part=error.part, rule=error.rule, message=error.message)
    return [
        Answer(verdict=Verdict.UNVERIFIABLE, registry=registry, position=position, failure=failure, identity=identity)
        for position, identity in enumerate(identities)
    ]
