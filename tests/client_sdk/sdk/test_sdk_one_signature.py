"""Batch litigation against a real registry: one signature over many records, each proved, corrected and ended alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from client_sdk import AsyncClient, Auditor, Client, Verdict, verify, written_consent
from client_sdk.kernel.formats.batch_signature import BatchSignature
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.words import Role
from client_sdk.models import AnnotationFlag, DisputeOutcome, NoticeReason, Purpose, RecordKey, Standing
from client_sdk.testing import TestRegistry
from tests.client_sdk.sdk_samples import default_facts, default_report, history, person, request_of, suit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk import ListedRecord
    from client_sdk.models import Receipt, Report

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))


@pytest.fixture
def own(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


def carried(receipt: Receipt) -> BatchSignature:
    leaf = parse_leaf(receipt.leaf)
    assert isinstance(leaf, StatementLeaf)
    return BatchSignature.parse(leaf.signature)


def record_id(client: Client, row: Report) -> bytes:
    assert row.name is not None
    return client.record_id(row.name)


def ask(registry: TestRegistry, number: int) -> bytes:
    with Client(registry.config("lender-2")) as other:
        answer = other.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    assert answer.verdict is Verdict.LISTED
    return answer.evidence


def shown(client: Client, number: int) -> ListedRecord:
    answer = client.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    (record,) = answer.records
    return record


def test_each_record_of_a_batch_is_proved_alone(registry: TestRegistry, own: Client) -> None:
    rows = [row for number in range(30_000, 30_008) for row in suit(number)[:3]]
    done = own.report_many(rows, one_signature=True)
    assert (done.accepted, done.signatures) == (len(rows), 1)
    ids = {record_id(own, row) for row in rows}
    views = [view for view in own.records() if view.record_id in ids]
    receipts = [own.receipt(view.record_id, version) for view in views for version in range(1, view.version + 1)]
    assert len(receipts) == len(rows)
    assert len({carried(receipt).signature for receipt in receipts}) == 1
    assert {carried(receipt).size for receipt in receipts} == {len(rows)}
    for number in (30_000, 30_007):
        evidence = ask(registry, number)
        (again,) = verify(evidence, registry.trust_root)
        assert again.verdict is Verdict.LISTED


def test_a_record_of_a_batch_is_corrected_and_ended_alone(registry: TestRegistry, own: Client) -> None:
    rows = [row for number in range(30_020, 30_024) for row in history(number, cured=False)]
    own.report_many(rows, one_signature=True)
    own.correct(default_report(30_021, facts=default_facts(contract="HT-30021", as_of=date(2025, 6, 1), days=61)))
    own.withdraw(record_id(own, rows[4]))
    again = own.report_many(rows[:2] + rows[6:], one_signature=True)
    assert (again.repeated, again.signatures) == (4, 0)
    assert ask(registry, 30_020)
    with Client(registry.config("lender-2")) as other:
        answer = other.check(person(30_022), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        assert answer.verdict is Verdict.CLEAR


async def test_the_client_for_asyncio_signs_together_too(registry: TestRegistry) -> None:
    rows = [row for number in range(30_040, 30_045) for row in history(number)]
    async with AsyncClient(registry.config("lender-1")) as lender:
        done = await lender.report_many(rows, one_signature=True)
    assert (done.accepted, done.signatures) == (len(rows), 1)
    assert ask(registry, 30_041)


def test_the_audit_finds_nothing_about_batches() -> None:
    with TestRegistry(lenders=("lender-1", "lender-2")) as running:
        with Client(running.config("lender-1")) as lender:
            rows = [row for number in range(1, 31) for row in history(number, cured=number % 2 == 0)]
            assert lender.report_many(rows, one_signature=True).signatures == 1
        report = Auditor(running.config("auditor")).audit()
    assert report.clean, [str(found.finding) for found in report.findings]


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Iterator[Client]:
    registry.enrol("batch-office", Role.REPRESENTATIVE)
    with Client(registry.config("batch-office")) as client:
        yield client


def test_a_person_gets_the_report_of_a_record_of_a_batch(own: Client, office: Client) -> None:
    own.report_many([row for number in range(30_060, 30_064) for row in history(number)], one_signature=True)
    report = office.subject_report(person(30_061), mandate=request_of(person(30_061)), officer="desk-1")
    (item,) = report.records
    assert [event.version for event in item.history] == [1, 2, 3]


def test_a_correction_in_a_batch_is_told_to_who_was_shown_the_record(registry: TestRegistry, own: Client) -> None:
    numbers = (30_070, 30_071)
    own.report_many([default_report(number) for number in numbers], one_signature=True)
    ask(registry, 30_070)
    corrected = [default_report(number, facts=default_facts(contract=f"HT-{number}", days=28)) for number in numbers]
    assert own.report_many(corrected, one_signature=True).accepted == 2
    with Client(registry.config("lender-2")) as other:
        (notice,) = [one for one in other.inbox() if one.record_id == record_id(own, corrected[0])]
    assert notice.reason is NoticeReason.CORRECTED


def test_a_disputed_debt_that_was_bought_in_a_batch_is_answered_for(
    registry: TestRegistry, own: Client, office: Client
) -> None:
    sold = []
    for number in (30_080, 30_081):
        key = RecordKey("lender-1", own.report(default_report(number)).record_id)
        office.open_dispute("lender-1", key.record_id, code="paid-in-time", evidence=[sha256(b"letter").digest()])
        gone = replace(default_facts(contract=f"HT-{number}"), ended_on=default_facts().as_of)
        own.report(replace(default_report(number, standing=Standing.TRANSFERRED, facts=gone), transferee="lender-2"))
        sold.append(replace(default_report(number), continues=key))
    with Client(registry.config("lender-2")) as buyer:
        assert buyer.report_many(sold, one_signature=True).signatures == 1
        assert AnnotationFlag.DISPUTED in shown(own, 30_080).flags
        buyer.answer_dispute(
            record_id(buyer, sold[0]), DisputeOutcome.CONFIRMED, evidence=[sha256(b"contract").digest()]
        )
        assert AnnotationFlag.DISPUTED not in shown(own, 30_080).flags
