"""P5, Lawful: what the law asks for is held by code on every write and every read, as far as it is built."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import check_pb2
from creditregistry.v1 import submission_pb2 as pb

from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import AnnotationFlag, Purpose, Standing
from client_sdk.kernel.ledger.inquiry_tree import InquiryLeaf
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.facts import Consent, ConsentForm, LegalBasis
from registry_server.usecases.housekeeping import Housekeeping
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support.handmade_log import seed
from tests.support.registry import inquire, refusal, running_registry
from tests.support.registry_world import NOW, World

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.rules.facts import DefaultFacts
    from tests.support.registry import RunningRegistry

HOUR_MS = 3_600_000
OPEN = samples.DEFAULT


def noticed(at: int) -> DefaultFacts:
    return replace(OPEN, notice=replace(samples.NOTICE, sent_at=moment(at)))


def consented(**changes: object) -> DefaultFacts:
    return replace(OPEN, consent=replace(samples.CONSENT, **changes))  # type: ignore[arg-type]  # the test names fields


# Facts that no lender may report, and what the registry says to them.
UNLAWFUL = {
    "no notice": (replace(OPEN, notice=None), "NOTICE_MISSING", "facts.notice", "C06"),
    "notice after submission": (noticed(NOW + HOUR_MS), "NOTICE_LATE", "facts.notice.sent_at", "C06"),
    "notice of the same minute": (noticed(NOW), "NOTICE_LATE", "facts.notice.sent_at", "C06"),
    "no consent": (replace(OPEN, consent=None), "CONSENT_MISSING", "facts.consent", "C03"),
    "verbal consent": (consented(form=ConsentForm.VERBAL), "CONSENT_MISSING", "facts.consent.form", "C20"),
    "consent of tomorrow": (consented(date=date(2025, 10, 2)), "CONSENT_MISSING", "facts.consent.date", "C20"),
    "a default public by law": (
        replace(OPEN, legal_basis=LegalBasis.LEGALLY_PUBLIC),
        "FACTS_INVALID",
        "facts.legal_basis",
        "C03",
    ),
    "nobody approved": (replace(OPEN, approver=""), "APPROVER_MISSING", "facts.approver", "F33"),
}


@pytest.mark.parametrize("name", UNLAWFUL)
def test_p5_nothing_is_reported_without_notice_and_consent(running: RunningRegistry, name: str) -> None:
    """Lawful. Notice before reporting, consent and purpose for every inquiry, disputes in 20 days, 5 years' retention:
    their form, dates and signatures, quotas and clocks, by code on every write and read. A lender receives the kinds of
    facts that it gives.
    """
    facts, reason, field, rule = UNLAWFUL[name]
    message = running.world.report("lender-1", "loan", facts=facts)
    result = running.records("lender-1").Submit(pb.SubmitRequest(submission=message)).result
    violation = result.violation
    assert (result.outcome, violation.reason, violation.field) == (pb.OUTCOME_REFUSED, reason, field)
    assert violation.rule.startswith(rule)
    with running.app.ledger.view() as view:
        assert view.stored_record(running.world.key("lender-1", "loan")) is None


TODAY = day_of(NOW, "Asia/Shanghai")
# What nobody may ask with.
UNASKED = {
    "verbal consent": {"consent": Consent(form=ConsentForm.VERBAL, date=TODAY, digest=seed("consent"))},
    "consent of tomorrow": {
        "consent": Consent(form=ConsentForm.WRITTEN, date=TODAY + timedelta(days=1), digest=seed("consent"))
    },
    "consent for another purpose": {
        "consent": Consent(
            form=ConsentForm.WRITTEN, date=TODAY, digest=seed("consent"), purposes=(Purpose.GUARANTEE_REVIEW,)
        )
    },
    "a purpose that is none": {"purpose": Purpose.REPORTING},
    "no officer": {"officer": ""},
}


@pytest.mark.parametrize("name", UNASKED)
def test_p5_nobody_asks_without_consent_and_purpose(running: RunningRegistry, name: str) -> None:
    request = inquire(running.world, "lender-2", ["A"], **UNASKED[name])  # type: ignore[arg-type]  # named above
    refused = refusal(lambda: running.inquiries("lender-2").Check(request))
    assert refused.status in ("FAILED_PRECONDITION", "INVALID_ARGUMENT", "PERMISSION_DENIED")
    assert refused.reason
    assert refused.field
    assert refused.rule
    # An inquiry that is refused is logged as what it was.
    running.world.clock.now += 61_000
    running.app.ledger.heartbeat().result()
    with running.app.ledger.view() as view:
        assert [InquiryLeaf.parse(shown.leaf).outcome for shown in view.signed_inquiries(0, 9)] == [refused.reason]


def test_p5_every_answer_has_its_signed_inquiry(running: RunningRegistry) -> None:
    request = inquire(running.world, "lender-2", ["A"])
    running.inquiries("lender-2").Check(request)
    assert refusal(lambda: running.inquiries("lender-2").Check(check_pb2.CheckRequest())).reason == "MALFORMED"
    with running.app.ledger.view() as view:
        stored = view.inquiry("lender-2", seed("question id", 16))
    assert stored is not None
    assert (stored.payload, stored.signature) == (request.inquiry.payload, request.inquiry.signature)


def test_p5_a_dispute_is_answered_in_twenty_days_or_restricted(running: RunningRegistry) -> None:
    """In every answer from the next commit; after the period of silence a lapse takes the record out of the count."""
    world, ledger = running.world, running.app.ledger
    running.records("lender-1").Submit(pb.SubmitRequest(submission=world.report("lender-1", "loan")))
    key = world.key("lender-1", "loan")
    disputed = world.annotate("lender-2", key, AnnotationFlag.DISPUTED)
    ledger.append([disputed]).result()
    assert flags(running, "first") == {AnnotationFlag.DISPUTED}
    pass_days(running, 19)
    assert flags(running, "second") == {AnnotationFlag.DISPUTED}
    pass_days(running, 2)
    assert flags(running, "third") == {AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED}


def pass_days(running: RunningRegistry, days: int) -> None:
    """Let days pass, and do what is due: a question is asked under a HEAD of its own time."""
    running.world.clock.pass_days(days)
    running.app.ledger.heartbeat().result()
    Housekeeping(running.app.ledger).tidy()


def flags(running: RunningRegistry, name: str) -> set[AnnotationFlag]:
    request = inquire(running.world, "lender-3", ["person of loan"], name)
    verified = running.verify(request, running.inquiries("lender-3").Check(request))
    (record,) = verified.persons[0].records
    assert record.annotation is not None
    return set(record.annotation.flags)


def test_p5_what_has_ended_is_kept_for_five_years(running: RunningRegistry) -> None:
    world, ledger = running.world, running.app.ledger
    stub = running.records("lender-1")
    stub.Submit(pb.SubmitRequest(submission=world.report("lender-1", "loan")))
    longer = world.report("lender-1", "loan", Standing.CURED, retain_until="2030-10-01")
    refused = stub.Submit(pb.SubmitRequest(submission=longer)).result
    assert (refused.outcome, refused.violation.reason) == (pb.OUTCOME_REFUSED, "RETENTION_INVALID")
    del world.newest[world.key("lender-1", "loan")]
    world.report("lender-1", "loan")
    cured = stub.Submit(pb.SubmitRequest(submission=world.report("lender-1", "loan", Standing.CURED))).result
    assert cured.outcome == pb.OUTCOME_ACCEPTED
    assert samples.CURED.ended_on == date(2025, 9, 30)
    for days, kept in ((5 * 365 - 1, 1), (1, 0)):
        pass_days(running, days)
        with ledger.view() as view:
            assert len(list(view.live_bindings())) == kept


def test_p5_nobody_asks_about_everybody(tmp_path: Path, database_url: str) -> None:
    """The rulebook limits how many persons a lender asks about in a day."""
    world = World(Rulebook(daily_inquired_subjects=3))
    with running_registry(tmp_path, database_url, world) as running:
        asker = running.inquiries("lender-2")
        asker.Check(inquire(world, "lender-2", ["A", "B"], "first"))
        refused = refusal(lambda: asker.Check(inquire(world, "lender-2", ["C", "D"], "second")))
        assert (refused.status, refused.reason) == ("RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")
        running.inquiries("lender-1").Check(inquire(world, "lender-1", ["C", "D"], "third"))
        running.verify_log()
