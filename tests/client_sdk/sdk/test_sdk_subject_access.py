"""A person's own report through the SDK against a real registry: what is held, its history, and who asked."""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from client_sdk import AsyncClient, Client
from client_sdk.errors import PreflightError
from client_sdk.kernel.formats.words import Role
from client_sdk.models import AnnotationFlag, DisputeOutcome, Purpose, Standing, Verdict, written_consent
from tests.client_sdk.sdk_samples import default_facts, default_report, person, request_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"you may ask about me", given_on=date(2025, 1, 1))
LETTER, CONTRACT = (sha256(name).digest() for name in (b"letter", b"contract"))
OFFICE = "report-office"


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Iterator[Client]:
    registry.enrol(OFFICE, Role.REPRESENTATIVE)
    with Client(registry.config(OFFICE)) as client:
        yield client


@pytest.fixture(scope="module")
def lender(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


def test_a_report_has_the_whole_history_of_a_record(office: Client, lender: Client) -> None:
    receipt = lender.report(default_report(8001))
    office.open_dispute("lender-1", receipt.record_id, code="paid-in-time", evidence=[LETTER])
    lender.report(default_report(8001, facts=default_facts(contract="HT-8001", as_of=date(2025, 5, 31), days=61)))
    lender.answer_dispute(receipt.record_id, DisputeOutcome.CORRECTED, evidence=[CONTRACT])
    office.open_dispute("lender-1", receipt.record_id, code="not-mine", evidence=[b"\x5a" * 32])
    office.add_statement("lender-1", receipt.record_id, person(8001), "I was in hospital; 已全部还清。")
    report = office.subject_report(person(8001), mandate=request_of(person(8001)), officer="desk-1")
    assert report.answer.verdict is Verdict.LISTED
    (item,) = report.records
    assert item.record.facts is not None
    assert item.record.subject_statement == "I was in hospital; 已全部还清。"
    assert [(event.by, event.version, event.standing, event.outcome) for event in item.history] == [
        ("lender-1", 1, Standing.OPEN, None),
        (OFFICE, None, None, None),
        ("lender-1", 2, Standing.OPEN, None),
        ("lender-1", None, None, DisputeOutcome.CORRECTED),
        (OFFICE, None, None, None),
        (OFFICE, None, None, None),
    ]
    assert item.history[-1].flags == frozenset((AnnotationFlag.DISPUTED, AnnotationFlag.STATEMENT))
    (dispute,) = [one for one in office.disputes(opened=True) if one.record_id == receipt.record_id]
    assert item.due_on == dispute.due_on
    # The facts of version 1 are not kept; version 2 is of May, counts from the end of March, and goes on.
    assert [(row.month, row.days_past_due, row.follows) for row in item.months[:3]] == [
        ("2025-03", None, False),
        ("2025-04", 30, True),
        ("2025-05", 61, False),
    ]
    assert item.months[-1].standing is Standing.OPEN
    assert item.disputed_by == OFFICE
    assert {"lender-1", OFFICE} == set(report.members)
    assert report.members["lender-1"].licence_number


def test_a_report_says_who_asked_for_what_purpose(office: Client, lender: Client, registry: TestRegistry) -> None:
    lender.check(person(8002), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-1")
    lender.check_many(
        [person(8003), person(8002)], purpose=Purpose.POST_LOAN_REVIEW, consent=CONSENT, officer="clerk-1"
    )
    lender.check(person(8003), purpose=Purpose.GUARANTEE_REVIEW, consent=CONSENT, officer="clerk-1")
    report = office.subject_report(person(8002), mandate=request_of(person(8002)), officer="desk-1")
    assert report.answer.verdict is Verdict.CLEAR
    assert report.records == ()
    assert [(one.asker, one.purpose) for one in report.asked] == [
        (OFFICE, Purpose.SUBJECT_ACCESS),
        ("lender-1", Purpose.POST_LOAN_REVIEW),
        ("lender-1", Purpose.LOAN_APPROVAL),
    ]
    assert report.asked[0].inquiry_id == report.answer.inquiry_id
    assert (report.had, report.free, report.chargeable) == (0, 2, False)
    with Client(registry.config("lender-2")) as other:
        other.check(person(8002), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-1")
    again = office.subject_report(person(8002), mandate=request_of(person(8002)), officer="desk-1")
    assert len(again.asked) == 5
    assert again.had == 0


def test_only_a_representative_with_a_mandate_gets_it(office: Client, lender: Client) -> None:
    with pytest.raises(PreflightError) as refused:
        lender.subject_report(person(8004), mandate=request_of(person(8004)), officer="desk-1")
    assert refused.value.violations[0].rule == "inquiry.purpose"
    tomorrow = written_consent(document=b"not yet", given_on=datetime.now(UTC).date() + timedelta(2))
    with pytest.raises(PreflightError):
        office.subject_report(person(8004), mandate=tomorrow, officer="desk-1")


def test_asyncio_makes_it_as_well(registry: TestRegistry, office: Client, lender: Client) -> None:
    lender.report(default_report(8005))

    async def report() -> int:
        async with AsyncClient(registry.config(OFFICE)) as client:
            made = await client.subject_report(person(8005), mandate=request_of(person(8005)), officer="desk-1")
        return len(made.records[0].history)

    assert asyncio.run(report()) == 1
