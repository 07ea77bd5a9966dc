"""Disputes and statements through the SDK against a real registry: opened, found, answered, taken back, refused."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from client_sdk import AsyncClient, Auditor, Client
from client_sdk._member import disputing
from client_sdk._protocol.annotation import AnnotationDraft
from client_sdk.errors import (
    ConflictError,
    CreditRegistryError,
    InvalidError,
    PreflightError,
    QuotaError,
    VerificationError,
)
from client_sdk.kernel.formats.words import Role
from client_sdk.models import (
    AnnotationFlag,
    DisputeOutcome,
    Identity,
    ListedRecord,
    Purpose,
    Receipt,
    RecordKey,
    Standing,
    Unopened,
    written_consent,
)
from tests.client_sdk.sdk_samples import SIGNED_ON, default_facts, default_report, person, request_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from creditregistry.v1 import dispute_pb2

    from client_sdk.testing import TestRegistry

REQUEST = written_consent(document=b"the subject's signed request", given_on=SIGNED_ON)
ASKED, LETTER, CONTRACT = (sha256(name).digest() for name in (b"request", b"letter", b"contract"))
OFFICE = "consumer-office"


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Iterator[Client]:
    registry.enrol(OFFICE, Role.REPRESENTATIVE)
    with Client(registry.config(OFFICE)) as client:
        yield client


@pytest.fixture(scope="module")
def lender(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


def reported(lender: Client, number: int) -> Receipt:
    return lender.report(default_report(number))


def shown(client: Client, identity: Identity, purpose: Purpose = Purpose.SUBJECT_ACCESS) -> ListedRecord:
    answer = client.check(identity, purpose=purpose, consent=request_of(identity), officer="desk-1")
    (record,) = answer.records
    return record


def test_a_representative_asks_for_a_subject_and_for_nothing_else(office: Client, lender: Client) -> None:
    reported(lender, 7001)
    assert shown(office, person(7001)).issuer == "lender-1"
    with pytest.raises(PreflightError) as refused:
        office.check(person(7001), purpose=Purpose.LOAN_APPROVAL, consent=REQUEST, officer="desk-1")
    assert refused.value.violations[0].rule == "inquiry.purpose"
    with pytest.raises(PreflightError) as refused:
        lender.check(person(7001), purpose=Purpose.SUBJECT_ACCESS, consent=REQUEST, officer="desk-1")
    assert "LOAN_APPROVAL" in refused.value.violations[0].want


def test_a_representative_never_reports(office: Client) -> None:
    with pytest.raises(CreditRegistryError) as refused:
        office.report(default_report(7002))
    assert "record-id.secret" in str(refused.value)


def test_a_dispute_is_shown_to_all_and_found_by_its_furnisher(office: Client, lender: Client) -> None:
    receipt = reported(lender, 7003)
    opened = office.open_dispute("lender-1", receipt.record_id, code="paid-in-time", evidence=[LETTER])
    assert (opened.number, opened.issuer, opened.record_id) == (1, "lender-1", receipt.record_id)
    record = shown(lender, person(7003), Purpose.POST_LOAN_REVIEW)
    assert record.disputed
    assert record.remark == "paid-in-time"
    (dispute,) = [one for one in lender.disputes() if one.record_id == receipt.record_id]
    assert (dispute.opened_by, dispute.code, dispute.evidence) == (OFFICE, "paid-in-time", (LETTER,))
    assert dispute.due_on is not None
    assert 20 <= (dispute.due_on - dispute.annotated_at.date()).days <= 23
    assert dispute.due_on.isoweekday() <= 5
    assert [one.record_id for one in office.disputes(opened=True) if one.record_id == receipt.record_id]
    assert office.disputes() == ()


def test_an_answer_ends_a_dispute(office: Client, lender: Client) -> None:
    receipt = reported(lender, 7004)
    office.open_dispute("lender-1", receipt.record_id, evidence=[ASKED])
    with pytest.raises(PreflightError) as early:
        lender.answer_dispute(receipt.record_id, "CONFIRMED", evidence=[])
    assert early.value.violations[0].rule == "outcome.evidence"
    with pytest.raises(ConflictError) as uncorrected:
        lender.answer_dispute(receipt.record_id, "CORRECTED", evidence=[CONTRACT])
    assert uncorrected.value.rule == "annotation.corrected"
    # A version of the same content at a later date corrects nothing.
    lender.report(default_report(7004, facts=replace(default_facts(contract="HT-7004"), as_of=date(2025, 5, 15))))
    with pytest.raises(ConflictError) as unchanged:
        lender.answer_dispute(receipt.record_id, "CORRECTED", evidence=[CONTRACT])
    assert unchanged.value.rule == "annotation.corrected"
    lender.report(default_report(7004, facts=default_facts(contract="HT-7004", as_of=date(2025, 5, 31), days=60)))
    answered = lender.answer_dispute(receipt.record_id, DisputeOutcome.CORRECTED, evidence=[CONTRACT])
    assert answered.number == 2
    assert not shown(office, person(7004)).disputed
    assert receipt.record_id not in {one.record_id for one in lender.disputes()}
    with pytest.raises(ConflictError) as again:
        office.open_dispute("lender-1", receipt.record_id)
    assert again.value.rule == "annotation.reopened"
    with pytest.raises(ConflictError) as same:
        office.open_dispute("lender-1", receipt.record_id, evidence=[CONTRACT])
    assert (same.value.rule, same.value.got) == ("annotation.reopened", "documents that were named before")
    (ended,) = [one for one in lender.disputes(ended=True) if one.record_id == receipt.record_id]
    assert (ended.stands, ended.outcome, ended.answered_by) == (False, DisputeOutcome.CORRECTED, "lender-1")
    assert (ended.opened_by, ended.answer_evidence, ended.due_on) == (OFFICE, (CONTRACT,), None)
    assert ended.answered_at is not None
    assert ended.opened_at <= ended.answered_at
    assert receipt.record_id in {one.record_id for one in office.disputes(opened=True, ended=True)}
    office.open_dispute("lender-1", receipt.record_id, evidence=[LETTER])
    assert receipt.record_id not in {one.record_id for one in lender.disputes(ended=True)}


def test_what_cannot_be_confirmed_stays_disputed_and_waits_for_nothing(office: Client, lender: Client) -> None:
    receipt = reported(lender, 7005)
    office.open_dispute("lender-1", receipt.record_id, evidence=[ASKED])
    lender.answer_dispute(receipt.record_id, "UNCONFIRMED", evidence=[CONTRACT])
    (dispute,) = [one for one in lender.disputes() if one.record_id == receipt.record_id]
    assert dispute.due_on is None
    assert shown(office, person(7005)).disputed


def test_a_dispute_is_taken_back_by_who_opened_it_alone(office: Client, lender: Client) -> None:
    receipt = reported(lender, 7006)
    office.open_dispute("lender-1", receipt.record_id, evidence=[ASKED])
    with pytest.raises(ConflictError) as refused:
        lender.withdraw_dispute("lender-1", receipt.record_id)
    assert refused.value.rule == "annotation.withdrawn"
    office.withdraw_dispute("lender-1", receipt.record_id)
    assert not shown(office, person(7006)).disputed


def test_a_request_of_one_person_disputes_no_record_of_another(office: Client, lender: Client) -> None:
    mine, theirs = (reported(lender, number) for number in (7031, 7032))
    paper = sha256(b"signed by 7031 alone").digest()
    mandate = replace(REQUEST, digest=paper)
    office.check(person(7031), purpose=Purpose.SUBJECT_ACCESS, consent=mandate, officer="desk-1")
    with pytest.raises(InvalidError) as refused:
        office.open_dispute("lender-1", theirs.record_id, evidence=[paper, LETTER])
    assert (refused.value.reason, refused.value.field, refused.value.rule) == (
        *("CONSENT_MISSING", "evidence"),
        "request.one-person",
    )
    assert theirs.record_id not in {one.record_id for one in lender.disputes()}
    office.open_dispute("lender-1", mine.record_id, evidence=[paper, LETTER])
    # Nor beside what stands already.
    office.open_dispute("lender-1", theirs.record_id, evidence=[ASKED])
    with pytest.raises(InvalidError):
        office.open_dispute("lender-1", theirs.record_id, evidence=[paper])


def test_one_lender_neither_joins_to_end_nor_rewrites_what_another_said(office: Client, registry: TestRegistry) -> None:
    with Client(registry.config("lender-1")) as lender, Client(registry.config("lender-2")) as other:
        receipt = reported(lender, 7011)
        office.open_dispute("lender-1", receipt.record_id, code="not-mine", evidence=[LETTER])
        office.add_statement("lender-1", receipt.record_id, person(7011), "I never had this card.")
        (dispute,) = [one for one in lender.disputes() if one.record_id == receipt.record_id]
        assert (dispute.code, dispute.evidence) == ("not-mine", (LETTER,))
        for client in (lender, other):
            with pytest.raises(ConflictError) as refused:
                client.remove_statement("lender-1", receipt.record_id)
            assert refused.value.rule == "annotation.statement-kept"
            with pytest.raises(ConflictError) as refused:
                client.open_dispute("lender-1", receipt.record_id, code="frivolous")
            assert refused.value.rule == "annotation.repeated"
        office.open_dispute("lender-1", receipt.record_id, evidence=[CONTRACT])
        (dispute,) = [one for one in lender.disputes() if one.record_id == receipt.record_id]
        assert (dispute.code, dispute.evidence) == ("not-mine", tuple(sorted((LETTER, CONTRACT))))
        assert shown(other, person(7011), Purpose.POST_LOAN_REVIEW).subject_statement == "I never had this card."


def test_a_statement_of_another_person_is_refused_and_replaces_nothing(office: Client, lender: Client) -> None:
    receipt = reported(lender, 7012)
    office.add_statement("lender-1", receipt.record_id, person(7012), "I never had this card.")
    with pytest.raises(InvalidError) as refused:
        office.add_statement("lender-1", receipt.record_id, person(7013), "Not about this person.")
    assert (refused.value.reason, refused.value.rule) == ("SUBJECT_CHANGED", "record.person")
    record = shown(lender, person(7012), Purpose.POST_LOAN_REVIEW)
    assert record.subject_statement == "I never had this card."


def test_a_statement_sealed_to_another_person_is_told_as_such(
    office: Client, lender: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt = reported(lender, 7023)
    # A program of the office's own may seal under any key.
    monkeypatch.setattr(
        disputing, "AnnotationDraft", lambda **given: AnnotationDraft(**(given | {"seal_key": bytes(range(32))}))
    )
    office.add_statement("lender-1", receipt.record_id, person(7023), "Not for this person.")
    record = shown(lender, person(7023), Purpose.POST_LOAN_REVIEW)
    assert (record.subject_statement, record.statement_unopened) == ("", Unopened.DISCLOSURE_UNOPENABLE)


def test_nobody_disputes_for_a_person_without_the_person_s_request(
    registry: TestRegistry, office: Client, lender: Client
) -> None:
    receipt = reported(lender, 7025)
    with Client(registry.config("lender-2")) as other:
        for client in (office, other):
            with pytest.raises(ConflictError) as refused:
                client.open_dispute("lender-1", receipt.record_id, code="not-mine")
            assert (refused.value.field, refused.value.rule) == ("evidence", "annotation.requested")
            assert (refused.value.got, refused.value.want[:33]) == ("none", "the SHA-256 of the person's reque")
    assert not shown(office, person(7025)).disputed
    office.open_dispute("lender-1", receipt.record_id, code="not-mine", evidence=[ASKED])
    # What an issuer says against its own record rests on its own books.
    own = reported(lender, 7026)
    assert lender.open_dispute("lender-1", own.record_id).number == 1
    assert Auditor.from_home(registry.home("auditor")).audit().clean


def test_the_same_dispute_is_opened_once(office: Client, lender: Client) -> None:
    receipt = reported(lender, 7024)
    office.open_dispute("lender-1", receipt.record_id, code="not-mine", evidence=[ASKED])
    with pytest.raises(ConflictError) as refused:
        office.open_dispute("lender-1", receipt.record_id, code="not-mine")
    assert (refused.value.rule, refused.value.got) == ("annotation.repeated", "is disputed already, code not-mine")
    # Another code would be shown nowhere: the lender answers what was disputed first.
    with pytest.raises(ConflictError) as refused:
        office.open_dispute("lender-1", receipt.record_id, code="paid", evidence=[LETTER])
    assert (refused.value.rule, refused.value.got) == ("annotation.repeated", "is disputed already, code not-mine")
    assert refused.value.want == "that code or none, and further documents"


def test_further_documents_join_those_of_the_dispute_also_once_it_is_answered(office: Client, lender: Client) -> None:
    receipt = reported(lender, 7027)
    opened = office.open_dispute("lender-1", receipt.record_id, code="paid", evidence=[ASKED])
    office.open_dispute("lender-1", receipt.record_id, code="paid", evidence=[LETTER])
    office.add_statement("lender-1", receipt.record_id, person(7027), "I never had this card.")
    both = tuple(sorted((ASKED, LETTER)))
    (dispute,) = [one for one in lender.disputes() if one.record_id == receipt.record_id]
    assert (dispute.opened_at, dispute.code, dispute.evidence) == (opened.logged_at, "paid", both)
    lender.answer_dispute(receipt.record_id, "UNCONFIRMED", evidence=[CONTRACT])
    (dispute,) = [one for one in office.disputes(opened=True) if one.record_id == receipt.record_id]
    assert (dispute.code, dispute.evidence, dispute.answer_evidence) == ("paid", both, (CONTRACT,))
    lender.answer_dispute(receipt.record_id, "CONFIRMED", evidence=[CONTRACT])
    (dispute,) = [one for one in lender.disputes(ended=True) if one.record_id == receipt.record_id]
    assert (dispute.code, dispute.evidence, dispute.answer_evidence) == ("paid", both, (CONTRACT,))


def test_one_member_annotates_one_record_so_often_a_day(office: Client, lender: Client) -> None:
    receipt = reported(lender, 7014)
    for _ in range(10):
        office.open_dispute("lender-1", receipt.record_id, evidence=[ASKED])
        office.withdraw_dispute("lender-1", receipt.record_id)
    with pytest.raises(QuotaError) as refused:
        office.open_dispute("lender-1", receipt.record_id, evidence=[ASKED])
    assert refused.value.rule == "annotation.daily"


def test_a_statement_is_sealed_to_the_subject_and_shown_with_the_record(office: Client, lender: Client) -> None:
    receipt = reported(lender, 7007)
    office.add_statement("lender-1", receipt.record_id, person(7007), "I was in hospital; 已全部还清。")
    record = shown(lender, person(7007), Purpose.POST_LOAN_REVIEW)
    assert record.subject_statement == "I was in hospital; 已全部还清。"
    # A dispute keeps it, and its removal keeps the dispute.
    office.open_dispute("lender-1", receipt.record_id, evidence=[ASKED])
    record = shown(office, person(7007))
    assert record.flags == {AnnotationFlag.DISPUTED, AnnotationFlag.STATEMENT}
    assert record.subject_statement == "I was in hospital; 已全部还清。"
    office.remove_statement("lender-1", receipt.record_id)
    with pytest.raises(ConflictError) as refused:
        office.remove_statement("lender-1", receipt.record_id)
    assert (refused.value.rule, refused.value.want) == (
        "annotation.stated",
        "a record with the person's own statement",
    )
    record = shown(office, person(7007))
    assert record.flags == {AnnotationFlag.DISPUTED}
    assert record.subject_statement == ""


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "text.length"),
        ("x" * 501, "text.length"),
        ("bell\a", "text.characters"),
        ("two\u2028lines", "text.characters"),
        ("what nobody sees\U000e0031\U000e0031\U000e0030", "text.shapeless"),
        ("my number is 11010519491231002X", "statement.number"),
        ("card 6222 0212 3456 7890 123", "statement.number"),
        ("我因糖尿病住院", "C04"),
    ],
)
def test_a_statement_that_nobody_may_read_is_refused(office: Client, text: str, rule: str) -> None:
    with pytest.raises(PreflightError) as refused:
        office.add_statement("lender-1", bytes(16), person(7008), text)
    assert refused.value.violations[0].rule == rule
    assert text not in str(refused.value) or not text


def test_a_dispute_of_nothing_is_refused(office: Client, lender: Client) -> None:
    unknown = bytes.fromhex("00000000000080008000000000000000")
    with pytest.raises(ConflictError) as refused:
        office.open_dispute("lender-1", unknown)
    assert refused.value.reason == "RECORD_UNKNOWN"
    receipt = reported(lender, 7009)
    with pytest.raises(ConflictError) as nothing:
        lender.answer_dispute(receipt.record_id, "CONFIRMED", evidence=[CONTRACT])
    assert nothing.value.rule == "annotation.outcome"
    lender.withdraw(receipt.record_id)
    with pytest.raises(ConflictError) as ended:
        office.open_dispute("lender-1", receipt.record_id)
    assert ended.value.reason == "RECORD_ENDED"


def test_asyncio_disputes_as_well(registry: TestRegistry, office: Client, lender: Client) -> None:
    receipt = reported(lender, 7010)

    async def dispute() -> None:
        async with AsyncClient(registry.config(OFFICE)) as client:
            await client.open_dispute("lender-1", receipt.record_id, code="not-mine", evidence=[ASKED])

    asyncio.run(dispute())
    assert shown(office, person(7010)).remark == "not-mine"


def test_a_dispute_and_a_statement_go_with_the_debt(registry: TestRegistry, office: Client, lender: Client) -> None:
    sold = reported(lender, 7020)
    office.open_dispute("lender-1", sold.record_id, code="not-mine", evidence=[LETTER])
    office.add_statement("lender-1", sold.record_id, person(7020), "I never had this card.")
    (before,) = [one for one in lender.disputes() if one.record_id == sold.record_id]
    facts = default_facts(contract="HT-7020")
    gone = replace(facts, as_of=date(2025, 5, 31), ended_on=date(2025, 5, 31))
    lender.report(replace(default_report(7020, standing=Standing.TRANSFERRED, facts=gone), transferee="lender-2"))
    with Client(registry.config("lender-2")) as buyer:
        facts = replace(facts, as_of=date(2025, 5, 31))
        report = replace(default_report(7020, facts=facts), continues=RecordKey("lender-1", sold.record_id))
        bought = buyer.report(report)
        record = shown(buyer, person(7020), Purpose.POST_LOAN_REVIEW)
        assert (record.issuer, set(record.flags)) == ("lender-2", {AnnotationFlag.DISPUTED, AnnotationFlag.STATEMENT})
        assert (record.remark, record.subject_statement) == ("not-mine", "I never had this card.")
        (after,) = [one for one in buyer.disputes() if one.record_id == bought.record_id]
        assert (after.due_on, after.opened_by, after.evidence) == (before.due_on, OFFICE, (LETTER,))
        (item,) = office.subject_report(person(7020), mandate=request_of(person(7020)), officer="desk-1").records
        assert (item.due_on, item.disputed_by) == (before.due_on, OFFICE)
        events = [(event.by, event.version) for event in item.history]
        assert events == [(OFFICE, None), (OFFICE, None), ("lender-2", 1)]
        assert sold.record_id not in {one.record_id for one in lender.disputes()}
        with pytest.raises(ConflictError) as uncorrected:
            buyer.answer_dispute(bought.record_id, "CORRECTED", evidence=[CONTRACT])
        assert uncorrected.value.rule == "annotation.corrected"
        buyer.answer_dispute(bought.record_id, "CONFIRMED", evidence=[CONTRACT])
        record = shown(buyer, person(7020), Purpose.POST_LOAN_REVIEW)
        assert (set(record.flags), record.subject_statement) == ({AnnotationFlag.STATEMENT}, "I never had this card.")
    assert Auditor.from_home(registry.home("auditor")).audit().clean


class RepeatedPages:
    """ListDisputes of a registry that gives its first page again and again.

    Args:
        method: of the honest registry.
    """

    def __init__(self, method: Callable[[dispute_pb2.ListDisputesRequest], dispute_pb2.ListDisputesResponse]) -> None:
        self._method = method

    def future(self, request: dispute_pb2.ListDisputesRequest, **_: object) -> Future[dispute_pb2.ListDisputesResponse]:
        first, request.first = request.first, 0
        answer = self._method(request)
        answer.next = first + 1
        done: Future[dispute_pb2.ListDisputesResponse] = Future()
        done.set_result(answer)
        return done


def test_a_list_of_disputes_that_repeats_itself_over_its_pages_is_refused(
    office: Client, lender: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.open_dispute("lender-1", reported(lender, 7022).record_id, evidence=[ASKED])
    stub = lender._member.services.disputes
    monkeypatch.setattr(stub, "ListDisputes", RepeatedPages(stub.ListDisputes))
    with pytest.raises(VerificationError) as found:
        lender.disputes()
    assert found.value.rule == "disputes.once"


def test_a_member_that_annotates_all_the_time_keeps_nobody_from_answering(
    registry: TestRegistry, office: Client, lender: Client
) -> None:
    receipt = reported(lender, 7021)
    office.open_dispute("lender-1", receipt.record_id, evidence=[ASKED])
    crowding, over = threading.Event(), threading.Event()

    def crowd() -> None:
        with Client(registry.config("lender-2")) as other:
            while not over.is_set():
                try:
                    other.open_dispute("lender-1", receipt.record_id)
                except QuotaError:
                    over.set()
                except ConflictError:
                    pass
                crowding.set()

    threads = [threading.Thread(target=crowd) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert crowding.wait(30)
        lender.answer_dispute(receipt.record_id, "UNCONFIRMED", evidence=[CONTRACT])
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    (dispute,) = [one for one in lender.disputes() if one.record_id == receipt.record_id]
    assert (dispute.outcome, dispute.due_on) == (DisputeOutcome.UNCONFIRMED, None)
