"""The inbox through the SDK against a real registry: who hears of what, once, and what acknowledging it proves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import inbox_pb2

from client_sdk import AsyncClient, Client
from client_sdk.errors import InvalidError, NotPermittedError, PreflightError, VerificationError
from client_sdk.kernel.formats.words import Role
from client_sdk.models import DisputeOutcome, Identity, Notice, NoticeReason, Product, Purpose, Receipt
from tests.client_sdk.sdk_samples import default_facts, default_report, person, request_of, suit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.testing import TestRegistry

LETTER = sha256(b"letter").digest()
OFFICE = "ombudsman"


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Iterator[Client]:
    registry.enrol(OFFICE, Role.REPRESENTATIVE)
    with Client(registry.config(OFFICE)) as client:
        yield client


@pytest.fixture(scope="module")
def lender(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


@pytest.fixture(scope="module")
def asker(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-2")) as client:
        yield client


def ask(client: Client, identity: Identity, purpose: Purpose = Purpose.LOAN_APPROVAL) -> None:
    assert client.check(identity, purpose=purpose, consent=request_of(identity), officer="desk-1").records


def correct(lender: Client, number: int, days: int) -> Receipt:
    """Report something else of the same day."""
    return lender.report(default_report(number, facts=default_facts(contract=f"HT-{number}", days=days)))


def about(client: Client, record_id: bytes, *, everything: bool = False) -> list[Notice]:
    return [notice for notice in client.inbox(everything=everything) if notice.record_id == record_id]


def test_who_was_shown_a_version_hears_once_that_it_was_corrected(
    lender: Client, asker: Client, office: Client
) -> None:
    receipt = lender.report(default_report(7401))
    ask(asker, person(7401))
    ask(asker, person(7401))
    corrected = correct(lender, 7401, 28)
    (notice,) = about(asker, receipt.record_id)
    assert (notice.reason, notice.number, notice.issuer) == (NoticeReason.CORRECTED, corrected.index, "lender-1")
    assert (notice.logged_at, notice.shown_index, notice.leaf) == (corrected.logged_at, receipt.index, corrected.leaf)
    assert notice.asked_at is not None
    assert asker.inquiry_receipt(notice.inquiry_id).asker == "lender-2"
    # Nobody else: neither who corrects, nor who was shown nothing.
    assert about(lender, receipt.record_id) == about(office, receipt.record_id) == []


def test_what_another_day_brings_is_no_correction(lender: Client, asker: Client) -> None:
    receipt = lender.report(default_report(7402))
    ask(asker, person(7402))
    later = default_facts(contract="HT-7402", as_of=date(2025, 5, 31), days=60)
    lender.report(default_report(7402, facts=later))
    assert about(asker, receipt.record_id) == []
    lender.report(default_report(7402, facts=replace(later, as_of=date(2025, 6, 30), product=Product.CAR_LOAN)))
    (notice,) = about(asker, receipt.record_id)
    assert notice.reason is NoticeReason.CORRECTED


def test_who_was_shown_the_corrected_version_hears_of_nothing(lender: Client, asker: Client) -> None:
    receipt = lender.report(default_report(7403))
    correct(lender, 7403, 28)
    ask(asker, person(7403))
    assert about(asker, receipt.record_id) == []
    assert lender.withdraw(receipt.record_id).index == about(asker, receipt.record_id)[0].number


def test_an_answer_that_a_version_corrects_a_record_is_told_where_the_version_was_not(
    lender: Client, asker: Client, office: Client
) -> None:
    receipt = lender.report(default_report(7404))
    told = lender.report(default_report(7405))
    for number in (7404, 7405):
        ask(asker, person(number))
    for record in (receipt, told):
        office.open_dispute("lender-1", record.record_id, code="wrong", evidence=[b"\xa5" * 32])
    later = default_facts(contract="HT-7404", as_of=date(2025, 5, 31), days=60)
    lender.report(default_report(7404, facts=later))
    correct(lender, 7405, 28)
    answers = [lender.answer_dispute(one.record_id, "CORRECTED", evidence=[LETTER]) for one in (receipt, told)]
    (notice,) = about(asker, receipt.record_id)
    assert (notice.reason, notice.number) == (NoticeReason.CORRECTED, answers[0].index)
    (notice,) = about(asker, told.record_id)
    assert (notice.reason, notice.number) != (NoticeReason.CORRECTED, answers[1].index)


def test_a_furnisher_finds_a_dispute_at_once_and_once(lender: Client, asker: Client, office: Client) -> None:
    receipt = lender.report(default_report(7406))
    opened = office.open_dispute("lender-1", receipt.record_id, code="paid", evidence=[b"\xa5" * 32])
    (notice,) = about(lender, receipt.record_id)
    assert (notice.reason, notice.number) == (NoticeReason.DISPUTED, opened.index)
    assert (notice.inquiry_id, notice.asked_at, notice.shown_index) == (b"", None, None)
    asker.open_dispute("lender-1", receipt.record_id, code="paid", evidence=[b"\x11" * 32])
    assert [one.number for one in about(lender, receipt.record_id)] == [opened.index]
    lender.answer_dispute(receipt.record_id, "UNCONFIRMED", evidence=[LETTER])
    again = office.open_dispute("lender-1", receipt.record_id, evidence=[b"\x5a" * 32])
    assert [one.number for one in about(lender, receipt.record_id)] == [opened.index, again.index]
    # Its own dispute is no news to it.
    own = lender.report(default_report(7407))
    lender.open_dispute("lender-1", own.record_id)
    assert about(lender, own.record_id) == []


def test_who_opened_a_dispute_hears_of_its_answer_alone(lender: Client, asker: Client, office: Client) -> None:
    told = lender.report(default_report(7413))
    ask(office, person(7413), Purpose.SUBJECT_ACCESS)
    office.open_dispute("lender-1", told.record_id, evidence=[b"\xa5" * 32])
    # Neither a word of another member nor a version is an answer; who was shown the record hears of the version.
    asker.open_dispute("lender-1", told.record_id, evidence=[b"\x11" * 32])
    unsure = lender.answer_dispute(told.record_id, "UNCONFIRMED", evidence=[LETTER])
    (first,) = about(office, told.record_id)
    assert (first.reason, first.number, first.outcome) == (
        *(NoticeReason.ANSWERED, unsure.index),
        DisputeOutcome.UNCONFIRMED,
    )
    assert (first.inquiry_id, first.asked_at, first.shown_index, first.version) == (b"", None, None, None)
    office.open_dispute("lender-1", told.record_id, evidence=[b"\x5a" * 32])
    corrected = correct(lender, 7413, 28)
    answered = lender.answer_dispute(told.record_id, "CORRECTED", evidence=[LETTER])
    assert [(one.reason, one.number, one.outcome) for one in about(office, told.record_id)] == [
        (NoticeReason.ANSWERED, unsure.index, DisputeOutcome.UNCONFIRMED),
        (NoticeReason.CORRECTED, corrected.index, None),
        (NoticeReason.ANSWERED, answered.index, DisputeOutcome.CORRECTED),
    ]
    assert about(asker, told.record_id) == []
    assert office.acknowledge(first).number == unsure.index
    # What is taken back was answered by nobody.
    office.open_dispute("lender-1", told.record_id, evidence=[b"\x3c" * 32])
    office.withdraw_dispute("lender-1", told.record_id)
    assert [one.number for one in about(office, told.record_id)] == [corrected.index, answered.index]
    # A lender that has opened a dispute of its own record answers itself.
    own = lender.report(default_report(7414))
    lender.open_dispute("lender-1", own.record_id)
    lender.answer_dispute(own.record_id, "CONFIRMED", evidence=[LETTER])
    assert about(lender, own.record_id) == []


def test_an_acknowledgement_is_logged_once_and_ends_the_waiting(lender: Client, asker: Client) -> None:
    receipt = lender.report(default_report(7408))
    ask(asker, person(7408))
    lender.withdraw(receipt.record_id)
    (notice,) = about(asker, receipt.record_id)
    assert notice.reason is NoticeReason.WITHDRAWN
    before = asker.status().notices_waiting
    first = asker.acknowledge(notice)
    again = asker.acknowledge(notice)
    assert (first.repeated, again.repeated, again.index, again.leaf) == (False, True, first.index, first.leaf)
    assert first.number == notice.number < first.index
    assert str(first.index) in first.tlog_proof()
    assert receipt.record_id not in first.leaf
    assert about(asker, receipt.record_id) == []
    (kept,) = about(asker, receipt.record_id, everything=True)
    assert (kept.acknowledged_index, kept.waits) == (first.index, False)
    assert before is not None
    assert asker.status().notices_waiting == before - 1
    # Nobody acknowledges what another was told, nor what nobody was told.
    for stranger, number in ((lender, notice.number), (asker, receipt.index)):
        with pytest.raises(InvalidError) as refused:
            stranger.acknowledge(replace(notice, number=number))
        assert (refused.value.reason, refused.value.rule) == ("NOTICE_UNKNOWN", "notice.own")
    assert "opening" not in first.to_dict()


def test_the_client_for_asyncio_reads_and_acknowledges(registry: TestRegistry, lender: Client, asker: Client) -> None:
    receipt = lender.report(default_report(7409))
    ask(asker, person(7409))
    lender.withdraw(receipt.record_id)

    async def read() -> tuple[list[Notice], int]:
        async with AsyncClient(registry.config("lender-2")) as client:
            found = [notice async for notice in client.inbox() if notice.record_id == receipt.record_id]
            return found, (await client.acknowledge(found[0])).index

    found, index = asyncio.run(read())
    assert [notice.reason for notice in found] == [NoticeReason.WITHDRAWN]
    assert about(asker, receipt.record_id, everything=True)[0].acknowledged_index == index


def test_an_inbox_is_read_in_order_from_a_number_on(lender: Client, asker: Client) -> None:
    receipts = [lender.report(default_report(number)) for number in (7410, 7411)]
    for number in (7410, 7411):
        ask(asker, person(number))
    ended = [lender.withdraw(receipt.record_id).index for receipt in receipts]
    everything = [notice.number for notice in asker.inbox(everything=True)]
    assert everything == sorted(set(everything))
    assert [notice.number for notice in asker.inbox(after=ended[0])] == [ended[1]]
    assert list(asker.inbox(after=ended[1])) == []
    with pytest.raises(PreflightError):
        asker.inbox(after=-1)


def test_a_registry_whose_pages_go_on_without_a_notice_is_refused(lender: Client) -> None:
    pages = lender._member.inbox(0, everything=True, follow=False)
    with pytest.raises(VerificationError) as found:
        lender._run(pages._read(inbox_pb2.ListNoticesResponse(next=5)))
    assert found.value.rule == "notices.next"


def test_an_auditor_has_no_inbox(registry: TestRegistry) -> None:
    with Client(registry.config("auditor")) as auditor:
        assert auditor.status().notices_waiting is None
        with pytest.raises(NotPermittedError):
            list(auditor.inbox())


def test_following_brings_what_waits_and_then_what_comes(registry: TestRegistry, lender: Client, asker: Client) -> None:
    receipts = [lender.report(default_report(number)) for number in (7412, 7413)]
    for number in (7412, 7413):
        ask(asker, person(number))
    first = lender.withdraw(receipts[0].record_id)
    follower = asker.inbox(follow=True, after=first.index - 1)
    assert next(follower).number == first.index
    second = lender.withdraw(receipts[1].record_id)
    assert next(follower).number == second.index
    follower.close()  # type: ignore[attr-defined]  # it is a generator

    async def follow() -> list[int]:
        async with AsyncClient(registry.config("lender-2")) as client:
            found = []
            async for notice in client.inbox(follow=True, after=first.index - 1):
                found.append(notice.number)
                if len(found) == 2:
                    return found
        return found

    assert asyncio.run(asyncio.wait_for(follow(), 60)) == [first.index, second.index]


def test_a_judgment_that_a_court_sets_aside_is_told(lender: Client, asker: Client) -> None:
    opened, updated, judgment, *_ = suit(7414)
    lender.report(opened)
    lender.report(updated)
    receipt = lender.report(judgment)
    ask(asker, person(7414))
    ended = lender.set_aside(receipt.record_id)
    (notice,) = about(asker, receipt.record_id)
    assert (notice.reason, notice.number) == (NoticeReason.SET_ASIDE, ended.index)
