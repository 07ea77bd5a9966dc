"""What opens an inquiry, and what a directory proof proves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import transparency_pb2 as pb
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import HeadLeaf, parse_leaf
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.ledger.answer import Verifier
from client_sdk.kernel.ledger.asked import ShownInquiry
from client_sdk.kernel.ledger.directory_proof import verify_directory
from client_sdk.kernel.ledger.examination import Examination, verify_signatures
from client_sdk.kernel.ledger.findings import FindingId, Findings
from client_sdk.kernel.ledger.inquiry import Inquiry, InquiryOpening, PersonOpening, Screening
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from tests.support.evidence_maker import consent_of, inquiry_of, make_evidence, pseudonyms
from tests.support.handmade_log import HandmadeLog, seed, signer
from tests.support.lies import LIES, Lie, honest_log
from tests.support.naive_inquiries import wrong_inquiries
from tests.support.transparency_server import HandmadeRegistry, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PERSONS = ["person of running", "nobody"]


@pytest.fixture(scope="module")
def log() -> HandmadeLog:
    return honest_log()


@pytest.fixture
def inquiry(log: HandmadeLog) -> Inquiry:
    return inquiry_of(log, "lender-3", PERSONS)


@pytest.fixture
def opening(log: HandmadeLog) -> InquiryOpening:
    persons = tuple(PersonOpening(seed(f"ask {person}"), tuple(pseudonyms(log, person))) for person in PERSONS)
    return InquiryOpening(
        persons, seed("consent opening"), consent_of("lender-3"), seed("officer opening"), "officer of lender-3"
    )


def test_an_opening_opens_its_inquiry(inquiry: Inquiry, opening: InquiryOpening) -> None:
    opening.check(inquiry, (1,))
    assert InquiryOpening.of(opening.message()) == opening


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"screening": Screening(0, 1, 1)}, "screening.persons"),
        ({"screening": Screening(1, 0, 1)}, "screening.depth"),
        ({"screening": Screening(1, 25, 1)}, "screening.depth"),
        ({"screening": Screening(9, 3, 5)}, "screening.pages"),
        ({"screening": Screening(9, 3, 0)}, "screening.pages"),
        ({"subject_commitments": (bytes(32),)}, "inquiry.persons"),
        ({"screening": None}, "inquiry.persons"),
        ({"consent_commitment": b""}, "inquiry.commitment-length"),
    ],
)
def test_a_screening_names_persons_and_pages_and_nobody(
    inquiry: Inquiry, changes: dict[str, object], rule: str
) -> None:
    screening = replace(inquiry, subject_commitments=(), screening=Screening(9, 3, 4))
    assert Inquiry.parse(screening.encode()) == screening
    assert screening.persons == 9
    with pytest.raises(FormatError) as refused:
        Inquiry.parse(replace(screening, **changes).encode())  # type: ignore[arg-type]  # by name
    assert refused.value.rule == rule


def test_with_a_screening_comes_the_opening_of_its_officer_alone(inquiry: Inquiry, opening: InquiryOpening) -> None:
    screening = replace(inquiry, subject_commitments=(), screening=Screening(9, 3, 4))
    officer = replace(opening, persons=(), consent=b"", consent_opening=b"")
    officer.check(screening, (1,))
    for more in (
        opening,
        replace(officer, consent=opening.consent),
        replace(officer, consent_opening=opening.consent_opening),
        replace(officer, persons=opening.persons),
    ):
        with pytest.raises(FormatError, match=r"screening\.opening"):
            more.check(screening, (1,))
    with pytest.raises(FormatError, match=r"commitment\.opens"):
        replace(officer, officer="somebody else").check(screening, (1,))


@pytest.mark.parametrize(
    ("terms", "rule"),
    [
        (("", "", (Purpose.LOAN_APPROVAL,)), "consent-terms.days"),
        (("2025-02-30", "2025-02-30", (Purpose.LOAN_APPROVAL,)), "consent-terms.days"),
        (("1899-12-31", "1899-12-31", (Purpose.LOAN_APPROVAL,)), "consent-terms.days"),
        (("2025-01-02", "2025-01-01", (Purpose.LOAN_APPROVAL,)), "consent-terms.days"),
        (("2025-01-01", "2025-01-02", (Purpose.LOAN_APPROVAL,)), "consent-terms.days"),
        (("2025-01-01", "2025-01-01", ()), "consent-terms.purposes"),
        (("2025-01-01", "2025-01-01", (Purpose.COLLECTION, Purpose.LOAN_APPROVAL)), "consent_terms.purposes.order"),
    ],
)
def test_an_inquiry_says_day_and_purposes_of_its_consent(inquiry: Inquiry, terms: tuple[str, ...], rule: str) -> None:
    said = ConsentTerms(*terms)  # type: ignore[arg-type]  # the wrong ones
    with pytest.raises(FormatError) as refused:
        Inquiry.parse(replace(inquiry, consent_terms=said).encode())
    assert refused.value.rule == rule


def test_an_inquiry_for_a_person_s_own_report_is_about_one_person(inquiry: Inquiry) -> None:
    own = replace(inquiry, purpose=Purpose.SUBJECT_ACCESS)
    assert len(own.subject_commitments) > 1
    with pytest.raises(FormatError, match=r"inquiry\.one-person"):
        Inquiry.parse(own.encode())
    alone = replace(own, subject_commitments=own.subject_commitments[:1])
    assert Inquiry.parse(alone.encode()) == alone


def test_its_consent_is_the_one_that_an_inquiry_says(inquiry: Inquiry, opening: InquiryOpening) -> None:
    for terms in (
        ConsentTerms.on(date(2025, 12, 30), Purpose.LOAN_APPROVAL),
        ConsentTerms.on(date(2025, 12, 31), Purpose.LOAN_APPROVAL, Purpose.COLLECTION),
    ):
        with pytest.raises(FormatError, match=r"consent\.terms"):
            opening.check(replace(inquiry, consent_terms=terms), (1,))


def test_no_evidence_rests_on_a_consent_for_another_purpose(log: HandmadeLog, inquiry: Inquiry) -> None:
    evidence = make_evidence(log, "lender-3", PERSONS)
    own = signer("lender-3 INQUIRE")
    payload = replace(inquiry, purpose=Purpose.COLLECTION).encode()
    evidence.inquiry.payload, evidence.inquiry.signature = payload, dsse.sign(own, dsse.INQUIRY, payload)
    with pytest.raises(FormatError, match=r"inquiry\.consent-purpose"):
        Verifier(log.trust_root).check(evidence)


@pytest.mark.parametrize(
    "lie", [lie for lie in LIES if lie.found & {FindingId.INQUIRY, FindingId.CONSENT}], ids=lambda lie: lie.name
)
def test_a_second_reading_finds_the_same_inquiries_wrong(lie: Lie) -> None:
    log = honest_log()
    assert wrong_inquiries(log.leaves, log.inquiries, log.asked) == []
    before, registry = len(log.inquiries), HandmadeRegistry(log)
    lie.commit(log, registry)
    shown = log.inquiries if registry.inquiries is None else registry.inquiries
    assert wrong_inquiries(log.leaves, shown, log.asked) == [len(shown) - 1]
    assert found_by_an_audit(log, shown) == [f"inquiry {len(shown) - 1}"]
    assert before < len(shown)


def found_by_an_audit(log: HandmadeLog, shown: Sequence[bytes]) -> list[str]:
    """Where an audit finds an inquiry wrong."""
    findings = Findings()
    examination = Examination(findings, genesis=log.trust_root.genesis)
    examination.feed(log.leaves)
    asked = [
        ShownInquiry(leaf, signed.payload, signed.key_id, signed.signature)
        for leaf, signed in zip(shown, log.asked, strict=True)
    ]
    for finding in verify_signatures(list(examination.check_asked(0, asked))):
        findings.add(finding)
    return [finding.field for finding in findings.kept()]


def test_what_was_refused_is_no_fault_of_the_registry() -> None:
    log = honest_log()
    log.inquire("elsewhere", "REGISTRY_OTHER", registry="another.example")
    log.inquire("with a key for reports", "KEY_USAGE", by="lender-2 REPORT")
    log.inquire("late", "INQUIRY_STALE", issued_at=log.logged_at - 3_600_000)
    log.head()
    assert wrong_inquiries(log.leaves, log.inquiries, log.asked) == []
    assert found_by_an_audit(log, log.inquiries) == []


def test_no_evidence_rests_on_a_screening(log: HandmadeLog, inquiry: Inquiry) -> None:
    evidence = make_evidence(log, "lender-3", PERSONS)
    own = signer("lender-3 INQUIRE")
    payload = replace(inquiry, subject_commitments=(), screening=Screening(2, 1, 1)).encode()
    evidence.inquiry.payload, evidence.inquiry.signature = payload, dsse.sign(own, dsse.INQUIRY, payload)
    with pytest.raises(FormatError, match=r"inquiry\.position"):
        Verifier(log.trust_root).check(evidence)


def _swapped(opening: InquiryOpening) -> InquiryOpening:
    return replace(opening, persons=opening.persons[::-1])


def _another_opening(opening: InquiryOpening) -> InquiryOpening:
    first, *others = opening.persons
    return replace(opening, persons=(first._replace(opening=seed("another")), *others))


def _short_opening(opening: InquiryOpening) -> InquiryOpening:
    first, *others = opening.persons
    return replace(opening, persons=(first._replace(opening=b"short"), *others))


def _another_version(opening: InquiryOpening) -> InquiryOpening:
    first, *others = opening.persons
    return replace(opening, persons=(first._replace(pseudonyms=((2, seed("subject")),)), *others))


def _person_twice(opening: InquiryOpening) -> InquiryOpening:
    return replace(opening, persons=(*opening.persons, opening.persons[0]))


def _short_pseudonym(opening: InquiryOpening) -> InquiryOpening:
    first, *others = opening.persons
    return replace(opening, persons=(first._replace(pseudonyms=((1, b"short"),)), *others))


OPENINGS: list[tuple[Callable[[InquiryOpening], InquiryOpening], str]] = [
    (_swapped, "inquiry"),
    (_another_opening, "inquiry"),
    (_short_opening, "inquiry opening"),
    (_another_version, "inquiry"),
    (_person_twice, "inquiry"),
    (_short_pseudonym, "subject"),
    (lambda opening: replace(opening, persons=()), "inquiry"),
    (lambda opening: replace(opening, consent=consent_of("another")), "consent"),
    (lambda opening: replace(opening, consent=b"\x08\x01\x08\x01"), "consent"),
    (lambda opening: replace(opening, consent_opening=seed("another")), "consent"),
    (lambda opening: replace(opening, officer="somebody else"), "officer"),
    (lambda opening: replace(opening, officer=""), "officer"),
    (lambda opening: replace(opening, officer="x" * 201), "officer"),
    (lambda opening: replace(opening, officer="clerk-1234567"), "officer"),
    (lambda opening: replace(opening, officer="clerk\ufe0f"), "officer"),
    (lambda opening: replace(opening, officer_opening=seed("another")), "officer"),
]


@pytest.mark.parametrize(("change", "part"), OPENINGS, ids=[str(place) for place in range(len(OPENINGS))])
def test_another_opening_is_refused(
    inquiry: Inquiry, opening: InquiryOpening, change: Callable[[InquiryOpening], InquiryOpening], part: str
) -> None:
    with pytest.raises(FormatError) as caught:
        change(opening).check(inquiry, (1,))
    assert caught.value.part == part


def test_a_leaf_of_the_inquiry_tree_holds_no_pseudonym(log: HandmadeLog, inquiry: Inquiry) -> None:
    leaf = InquiryLeaf.of(log.logged_at, "ANSWERED", inquiry.encode(), bytes(64))
    assert InquiryLeaf.parse(leaf.encode()) == leaf
    subject = log.subject("person of running")
    assert subject not in leaf.encode() + inquiry.encode()


# Directory proofs


@pytest.fixture(scope="module")
def proof(log: HandmadeLog) -> pb.GetDirectoryProofResponse:
    registry = HandmadeRegistry(log)
    with serve(registry) as channel:
        stub = TransparencyServiceStub(channel)
        return stub.GetDirectoryProof(pb.GetDirectoryProofRequest(institutions=["admin-1", "lender-1"]), timeout=30)


def test_a_directory_proof_proves_states_under_one_head(log: HandmadeLog, proof: pb.GetDirectoryProofResponse) -> None:
    proved = verify_directory(proof, log.trust_root.log_key)
    assert proved.registry == log.state.directory.state
    assert [state.id for state in proved.institutions] == ["admin-1", "lender-1"]
    assert proved.institutions[1] == log.state.directory.institution("lender-1")
    assert (proved.checkpoint.size, proved.logged_at) == (len(log.leaves), log.logged_at)
    newest = parse_leaf(log.leaves[-1])
    assert isinstance(newest, HeadLeaf)
    assert proved.head == newest.head


def _states_swapped(proof: pb.GetDirectoryProofResponse) -> None:
    proof.institutions[0], proof.institutions[1] = proof.institutions[1], proof.institutions[0]


def _out_of_order(proof: pb.GetDirectoryProofResponse) -> None:
    shown = list(proof.institutions)[::-1]
    del proof.institutions[:]
    proof.institutions.extend(shown)


def _statement_as_head(proof: pb.GetDirectoryProofResponse) -> None:
    proof.head = honest_log().leaves[6]


def _no_checkpoint(proof: pb.GetDirectoryProofResponse) -> None:
    proof.checkpoint = b""


def _path_cut(proof: pb.GetDirectoryProofResponse) -> None:
    proof.head_path = proof.head_path[:-32]


def _proof_cut(proof: pb.GetDirectoryProofResponse) -> None:
    proof.map_proof.siblings = proof.map_proof.siblings[:-1]


def _proof_of_more(proof: pb.GetDirectoryProofResponse) -> None:
    del proof.institutions[0]


def _registry_state_of_a_member(proof: pb.GetDirectoryProofResponse) -> None:
    proof.registry_state = proof.institutions[0]


@pytest.mark.parametrize(
    "change",
    [
        _states_swapped,
        _out_of_order,
        _statement_as_head,
        _no_checkpoint,
        _path_cut,
        _proof_cut,
        _proof_of_more,
        _registry_state_of_a_member,
    ],
)
def test_another_directory_proof_is_refused(
    log: HandmadeLog, proof: pb.GetDirectoryProofResponse, change: Callable[[pb.GetDirectoryProofResponse], None]
) -> None:
    changed = pb.GetDirectoryProofResponse()
    changed.CopyFrom(proof)
    change(changed)
    with pytest.raises(FormatError):
        verify_directory(changed, log.trust_root.log_key)


def test_a_directory_proof_under_another_key_is_refused(log: HandmadeLog, proof: pb.GetDirectoryProofResponse) -> None:
    changed = pb.GetDirectoryProofResponse()
    changed.CopyFrom(proof)
    changed.checkpoint = log.checkpoint(key=signer("another log"))
    with pytest.raises(FormatError):
        verify_directory(changed, log.trust_root.log_key)
