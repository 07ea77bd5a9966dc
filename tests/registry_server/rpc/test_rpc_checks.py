"""Asking a running registry: what is answered verifies, and what is refused says why and is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import check_pb2, evidence_pb2, submission_pb2, transparency_pb2

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import HeadLeaf, parse_leaf
from client_sdk.kernel.formats.merkle import verify_inclusion
from client_sdk.kernel.formats.words import AnnotationFlag, InstitutionStatus, Purpose, Standing
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.ledger.proving import split_hashes
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.facts import Consent, ConsentForm
from registry_server.rpc.convert.checks import ANSWER_STEP_BYTES, padded
from registry_server.usecases.evidence import EvidencePage
from tests.conftest import ON_ONE_DATABASE
from tests.support.handmade_log import seed
from tests.support.registry import Refused, RunningRegistry, inquire, refusal
from tests.support.registry_world import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.kernel.ledger.answer_reading import VerifiedPerson

    Maker = Callable[[RunningRegistry], check_pb2.CheckRequest]

MINUTE_MS = 60_000


def report(registry: RunningRegistry, issuer: str, name: str, person: str, standing: Standing = Standing.OPEN) -> None:
    submission = registry.world.report(issuer, name, standing, person=person)
    answer = registry.records(issuer).Submit(submission_pb2.SubmitRequest(submission=submission))
    assert answer.result.outcome == submission_pb2.OUTCOME_ACCEPTED, answer.result.violation


def ask(
    registry: RunningRegistry, request: check_pb2.CheckRequest, asker: str = "lender-2"
) -> tuple[VerifiedPerson, ...]:
    return registry.verify(request, registry.inquiries(asker).Check(request)).persons


def kept(registry: RunningRegistry) -> list[InquiryLeaf]:
    """What the inquiry tree says after the next HEAD."""
    registry.world.clock.now += 61_000
    registry.app.housekeeping.beat()
    with registry.app.ledger.view() as view:
        count = view.head.inquiry_count
    request = transparency_pb2.ListInquiryLeavesRequest(start=0, end=count)
    pages = registry.transparency("auditor").ListInquiryLeaves(request)
    return [InquiryLeaf.parse(item.leaf) for page in pages for item in page.inquiries]


def test_a_reported_person_is_listed_and_another_is_clear(registry: RunningRegistry) -> None:
    report(registry, "lender-1", "loan", "A")
    listed, clear = ask(registry, inquire(registry.world, "lender-2", ["A", "B"]))
    assert [record.statement.issuer for record in listed.records] == ["lender-1"]
    assert not clear.listed


def test_an_empty_registry_proves_absence(registry: RunningRegistry) -> None:
    (person,) = ask(registry, inquire(registry.world, "lender-1", ["nobody"]), "lender-1")
    assert not person.listed


def test_records_of_several_lenders_stand_in_the_order_of_the_log(registry: RunningRegistry) -> None:
    for issuer in ("lender-3", "lender-1", "lender-2"):
        report(registry, issuer, f"loan of {issuer}", "A")
    report(registry, "lender-1", "loan of lender-1", "A", Standing.CURED)
    (person,) = ask(registry, inquire(registry.world, "lender-2", ["A"]))
    assert [record.statement.issuer for record in person.records] == ["lender-3", "lender-2", "lender-1"]
    assert person.records[-1].statement.standing is Standing.CURED


def test_a_withdrawn_record_is_no_longer_shown(registry: RunningRegistry) -> None:
    report(registry, "lender-1", "loan", "A")
    report(registry, "lender-1", "loan", "A", Standing.WITHDRAWN)
    (person,) = ask(registry, inquire(registry.world, "lender-2", ["A"]))
    assert not person.listed


def test_annotations_and_the_lapse_that_rests_on_them_are_shown(registry: RunningRegistry) -> None:
    world, ledger = registry.world, registry.app.ledger
    report(registry, "lender-1", "loan", "A")
    key = world.key("lender-1", "loan")
    dispute = world.annotate("lender-2", key, AnnotationFlag.DISPUTED)
    assert ledger.append([dispute]).result().results[0].complaint is None
    (person,) = ask(registry, inquire(world, "lender-3", ["A"]), "lender-3")
    annotation = person.records[0].annotation
    assert annotation is not None
    assert annotation.flags == (AnnotationFlag.DISPUTED,)
    for _ in range(22):
        world.clock.now += DAY_MS - 1
        registry.app.housekeeping.beat()
    registry.app.housekeeping.tidy()
    (person,) = ask(registry, inquire(world, "lender-3", ["A"], "later"), "lender-3")
    annotation = person.records[0].annotation
    assert annotation is not None
    assert annotation.flags == (AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED)


def test_every_live_version_of_the_subject_keys_is_answered(registry: RunningRegistry) -> None:
    world = registry.world
    report(registry, "lender-1", "old", "A")
    before = inquire(world, "lender-2", ["A"], "before")
    world.introduce_keys(registry.app.ledger)
    report(registry, "lender-1", "new", "A")
    (person,) = ask(registry, inquire(world, "lender-2", ["A"]))
    assert [version for version, _ in person.subjects] == [1, 2]
    assert [record.statement.subject_key_version for record in person.records] == [1, 2]
    refused = refusal(lambda: registry.inquiries("lender-2").Check(before))
    assert refused[:4] == ("FAILED_PRECONDITION", "SUBJECT_KEY_VERSION", "opening.persons", "inquiry.versions")


def test_what_a_successor_has_signed_is_shown_with_both_states(registry: RunningRegistry) -> None:
    world = registry.world
    report(registry, "lender-1", "loan", "A")
    world.set_state(registry.app.ledger, "lender-1", InstitutionStatus.TERMINATED, "lender-2")
    cured = world.report("lender-1", "loan", Standing.CURED, signer="lender-2")
    answer = registry.records("lender-2").Submit(submission_pb2.SubmitRequest(submission=cured))
    assert answer.result.outcome == submission_pb2.OUTCOME_ACCEPTED, answer.result.violation
    request = inquire(world, "lender-3", ["A"])
    verified = registry.verify(request, registry.inquiries("lender-3").Check(request))
    assert verified.persons[0].records[0].statement.signer == "lender-2"
    assert [state.id for state in verified.institutions] == ["lender-1", "lender-2", "lender-3"]


def test_the_size_of_an_answer_does_not_tell_its_verdict(registry: RunningRegistry) -> None:
    """Clear, listed once, and listed by two lenders: one size on the wire."""
    report(registry, "lender-1", "loan", "A")
    for issuer in ("lender-1", "lender-3"):
        report(registry, issuer, f"loan of {issuer}", "B")
    stub, sizes, bare = registry.inquiries("lender-2"), [], []
    for person in ("C", "A", "B"):
        request = inquire(registry.world, "lender-2", [person], f"about {person}")
        response = stub.Check(request)
        sizes.append(response.ByteSize())
        bare.append(response.evidence.ByteSize())
        assert not response.padding.strip(b"\0")
        assert registry.verify(request, response).persons[0].listed is (person != "C")
    assert len(set(bare)) == len(bare)
    assert set(sizes) == {ANSWER_STEP_BYTES}, bare


@pytest.mark.parametrize("size", [1, 100, 8_060, 8_061, 8_062, 8_063, 8_190, 8_191, 8_192, 8_193, 20_000])
def test_every_answer_is_a_multiple_of_the_step(size: int) -> None:
    answer = padded(EvidencePage(evidence_pb2.Evidence(head=bytes(size)), 1, 1))
    assert answer.ByteSize() % ANSWER_STEP_BYTES == 0
    assert answer.ByteSize() < size + 2 * ANSWER_STEP_BYTES


def test_the_same_bytes_are_answered_anew_and_counted_once(registry: RunningRegistry) -> None:
    request = inquire(registry.world, "lender-2", ["A"])
    assert not ask(registry, request)[0].listed
    report(registry, "lender-1", "loan", "A")
    assert ask(registry, request)[0].listed
    assert [leaf.outcome for leaf in kept(registry)] == ["ANSWERED"]


def test_an_id_used_for_another_question_is_refused(registry: RunningRegistry) -> None:
    world = registry.world
    ask(registry, inquire(world, "lender-2", ["A"]))
    other = inquire(world, "lender-2", ["B"])
    refused = refusal(lambda: registry.inquiries("lender-2").Check(other))
    assert refused[:4] == ("ALREADY_EXISTS", "INQUIRY_TAKEN", "inquiry.inquiry_id", "inquiry.once")


def test_an_answer_is_durable_in_the_inquiry_tree_and_its_asker_gets_the_receipt(registry: RunningRegistry) -> None:
    request = inquire(registry.world, "lender-2", ["A"])
    ask(registry, request)
    inquiries = registry.inquiries("lender-2")
    wanted = check_pb2.GetInquiryReceiptRequest(inquiry_id=seed("question id", 16))
    early = refusal(lambda: inquiries.GetInquiryReceipt(wanted))
    assert early[:4] == ("UNAVAILABLE", "INQUIRY_WAITING", "inquiry_id", "inquiry.sequenced")
    (leaf,) = kept(registry)
    proved = inquiries.GetInquiryReceipt(wanted).inquiry
    assert (proved.payload, proved.signature) == (request.inquiry.payload, request.inquiry.signature)
    receipt = proved.receipt
    assert InquiryLeaf.parse(receipt.leaf) == leaf
    head = parse_leaf(receipt.head)
    assert isinstance(head, HeadLeaf)
    path = split_hashes(receipt.inclusion.path, "inquiry")
    count, root = head.head.inquiry_count, head.head.inquiry_root
    verify_inclusion(leaf_hash(receipt.leaf), receipt.inclusion.index, count, path, root)
    stranger = refusal(lambda: registry.inquiries("lender-1").GetInquiryReceipt(wanted))
    assert stranger.reason == "INQUIRY_UNKNOWN"
    short = refusal(lambda: inquiries.GetInquiryReceipt(check_pb2.GetInquiryReceiptRequest(inquiry_id=b"x")))
    assert short[:4] == ("INVALID_ARGUMENT", "MALFORMED", "inquiry_id", "inquiry_id.length")


def stale(registry: RunningRegistry) -> check_pb2.CheckRequest:
    return inquire(registry.world, "lender-2", ["A"], issued_at=registry.world.clock.now - 5 * MINUTE_MS - 1)


def early(registry: RunningRegistry) -> check_pb2.CheckRequest:
    return inquire(registry.world, "lender-2", ["A"], issued_at=registry.world.clock.now + 2 * MINUTE_MS)


def for_reporting(registry: RunningRegistry) -> check_pb2.CheckRequest:
    return inquire(registry.world, "lender-2", ["A"], purpose=Purpose.REPORTING)


def without_consent(registry: RunningRegistry) -> check_pb2.CheckRequest:
    request = inquire(registry.world, "lender-2", ["A"])
    request.opening.consent = b""
    return request


def with_verbal_consent(registry: RunningRegistry) -> check_pb2.CheckRequest:
    today = day_of(registry.world.clock.now, "Asia/Shanghai")
    consent = Consent(form=ConsentForm.VERBAL, date=today, digest=seed("consent"))
    return inquire(registry.world, "lender-2", ["A"], consent=consent)


def with_later_consent(registry: RunningRegistry) -> check_pb2.CheckRequest:
    tomorrow = day_of(registry.world.clock.now, "Asia/Shanghai") + timedelta(days=1)
    consent = Consent(form=ConsentForm.WRITTEN, date=tomorrow, digest=seed("consent"))
    return inquire(registry.world, "lender-2", ["A"], consent=consent)


def about_another(registry: RunningRegistry) -> check_pb2.CheckRequest:
    request = inquire(registry.world, "lender-2", ["A"])
    request.opening.persons[0].pseudonyms[0].subject = seed("another subject")
    return request


def with_another_opening(registry: RunningRegistry) -> check_pb2.CheckRequest:
    request = inquire(registry.world, "lender-2", ["A"])
    request.opening.persons[0].opening = seed("another opening")
    return request


def with_too_few_persons(registry: RunningRegistry) -> check_pb2.CheckRequest:
    request = inquire(registry.world, "lender-2", ["A", "B"])
    del request.opening.persons[1]
    return request


def without_officer(registry: RunningRegistry) -> check_pb2.CheckRequest:
    return inquire(registry.world, "lender-2", ["A"], officer="")


def with_a_number_for_an_officer(registry: RunningRegistry) -> check_pb2.CheckRequest:
    return inquire(registry.world, "lender-2", ["A"], officer="110105194912310021")


def for_another_registry(registry: RunningRegistry) -> check_pb2.CheckRequest:
    return inquire(registry.world, "lender-2", ["A"], registry="elsewhere")


def with_a_key_for_reports(registry: RunningRegistry) -> check_pb2.CheckRequest:
    return inquire(registry.world, "lender-2", ["A"], key="lender-2 REPORT")


REFUSED_AND_KEPT: dict[Maker, tuple[str, str, str, str]] = {
    stale: ("FAILED_PRECONDITION", "INQUIRY_STALE", "inquiry.issued_at", "inquiry.age"),
    early: ("FAILED_PRECONDITION", "INQUIRY_STALE", "inquiry.issued_at", "inquiry.ahead"),
    for_reporting: ("INVALID_ARGUMENT", "PURPOSE_INVALID", "inquiry.purpose", "inquiry.purpose"),
    without_consent: ("INVALID_ARGUMENT", "CONSENT_MISSING", "inquiry.consent", "C03"),
    with_verbal_consent: ("INVALID_ARGUMENT", "CONSENT_MISSING", "inquiry.consent.form", "C10"),
    with_later_consent: ("INVALID_ARGUMENT", "CONSENT_MISSING", "inquiry.consent.date", "C10"),
    about_another: ("INVALID_ARGUMENT", "COMMITMENT_MISMATCH", "inquiry", "commitment.opens"),
    with_another_opening: ("INVALID_ARGUMENT", "COMMITMENT_MISMATCH", "inquiry", "commitment.opens"),
    with_too_few_persons: ("INVALID_ARGUMENT", "MALFORMED", "inquiry", "inquiry.persons"),
    without_officer: ("INVALID_ARGUMENT", "MALFORMED", "officer", "officer.present"),
    with_a_number_for_an_officer: ("INVALID_ARGUMENT", "MALFORMED", "officer", "officer.digits"),
    for_another_registry: ("INVALID_ARGUMENT", "REGISTRY_OTHER", "inquiry.registry", "inquiry.registry"),
    with_a_key_for_reports: ("PERMISSION_DENIED", "KEY_USAGE", "inquiry.key_id", "key.usage"),
}


@ON_ONE_DATABASE
@pytest.mark.parametrize("make", REFUSED_AND_KEPT, ids=lambda make: make.__name__)
def test_what_is_refused_is_kept_with_its_reason(registry: RunningRegistry, make: Maker) -> None:
    request = make(registry)
    refused = refusal(lambda: registry.inquiries("lender-2").Check(request))
    assert refused[:4] == REFUSED_AND_KEPT[make]
    assert [leaf.outcome for leaf in kept(registry)] == [refused.reason]
    with registry.app.ledger.view() as view:
        stored = view.inquiry("lender-2", seed("question id", 16))
    assert stored is not None
    assert stored.opening is None


def test_a_suspended_member_is_refused_and_its_question_kept(registry: RunningRegistry) -> None:
    registry.world.set_state(registry.app.ledger, "lender-2", InstitutionStatus.SUSPENDED)
    refused = refusal(lambda: registry.inquiries("lender-2").Check(inquire(registry.world, "lender-2", ["A"])))
    assert refused == Refused(
        "PERMISSION_DENIED", "INSTITUTION_SUSPENDED", "inquiry.asker", "institution.state", "SUSPENDED", "ACTIVE"
    )
    assert [leaf.outcome for leaf in kept(registry)] == ["INSTITUTION_SUSPENDED"]


def test_a_question_that_is_not_the_peers_own_leaves_no_trace(registry: RunningRegistry) -> None:
    world = registry.world
    theirs = inquire(world, "lender-1", ["A"])
    refused = refusal(lambda: registry.inquiries("lender-2").Check(theirs))
    assert refused == Refused(
        "PERMISSION_DENIED", "PEER_MISMATCH", "inquiry.asker", "peer.match", "lender-1", "lender-2"
    )
    by_another_key = inquire(world, "lender-2", ["A"], key="lender-1 INQUIRE")
    assert refusal(lambda: registry.inquiries("lender-2").Check(by_another_key))[1:3] == (
        "KEY_OF_ANOTHER",
        "inquiry.key_id",
    )
    by_nobody = inquire(world, "lender-2", ["A"], key="nobody")
    assert refusal(lambda: registry.inquiries("lender-2").Check(by_nobody)).reason == "KEY_UNKNOWN"
    changed = inquire(world, "lender-2", ["A"])
    changed.inquiry.signature = bytes(64)
    assert refusal(lambda: registry.inquiries("lender-2").Check(changed))[:3] == (
        "PERMISSION_DENIED",
        "SIGNATURE_INVALID",
        "inquiry.signature",
    )
    garbage = inquire(world, "lender-2", ["A"])
    garbage.inquiry.payload += b"\x00"
    assert refusal(lambda: registry.inquiries("lender-2").Check(garbage)).reason == "MALFORMED"
    assert kept(registry) == []
