"""A registry that lies about who asked, or about the history of a record, gets no report."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import subject_access_pb2

from client_sdk import Client
from client_sdk._protocol.annotation import record_ref
from client_sdk._protocol.hidden import HiddenLeaves
from client_sdk._protocol.subject_access import Askers, RecordLeaves
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.words import Purpose, Role
from client_sdk.models import (
    AnnotationFlag,
    CollectionStage,
    RecordKey,
    Standing,
    Unopened,
    Verdict,
    written_consent,
)
from tests.client_sdk.sdk_samples import default_facts, default_report, person, request_of
from tests.support.overlays import REPAIR

if TYPE_CHECKING:
    from client_sdk._steps import Flow
    from client_sdk.models import SubjectRecord
    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"request", given_on=date(2025, 1, 1))
NOW = datetime.now(UTC)
OFFICE = "lied-to-office"
AskersLie = Callable[[subject_access_pb2.ListAskersResponse], None]
LeavesLie = Callable[[subject_access_pb2.ListRecordLeavesResponse], None]


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Iterator[Client]:
    registry.enrol(OFFICE, Role.REPRESENTATIVE)
    with Client(registry.config("lender-1")) as lender:
        receipt = lender.report(default_report(8101))
        lender.open_dispute("lender-1", receipt.record_id, evidence=[b"\xa5" * 32])
        lender.report(default_report(8101, facts=default_facts(contract="HT-8101", as_of=date(2025, 5, 31), days=60)))
        for purpose in (Purpose.LOAN_APPROVAL, Purpose.POST_LOAN_REVIEW):
            lender.check(person(8101), purpose=purpose, consent=CONSENT, officer="clerk")
        lender.check(person(8102), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk")
    with Client(registry.config(OFFICE)) as client:
        yield client


def put(office: Client, number: int) -> Askers:
    """Ask about a person, and fetch who asked."""
    member = office._member
    question, answers = office._run(
        member._put([person(number)], Purpose.SUBJECT_ACCESS, request_of(person(number)), "desk-1")
    )
    askers = Askers(answers[0].inquiry_id, question.names[0])
    office._run(member._fetch_askers(askers))
    return askers


def read_askers(office: Client, lie: AskersLie | None = None) -> int:
    askers = put(office, 8101)
    if lie is not None:
        lie(askers.pages[0])
    directory = office._run(office._member.following.refresh())
    return len(askers.read(directory, office._member.session.log_key))


def hide_own(page: subject_access_pb2.ListAskersResponse) -> None:
    del page.inquiries[0]


def twice(page: subject_access_pb2.ListAskersResponse) -> None:
    last = page.inquiries[-1]
    page.inquiries.append(last)


def turned(page: subject_access_pb2.ListAskersResponse) -> None:
    items = list(page.inquiries)[::-1]
    del page.inquiries[:]
    page.inquiries.extend(items)


def other_signature(page: subject_access_pb2.ListAskersResponse) -> None:
    page.inquiries[-1].inquiry.signature = page.inquiries[0].inquiry.signature


def other_time(page: subject_access_pb2.ListAskersResponse) -> None:
    leaf = bytearray(page.inquiries[-1].leaf)
    leaf[-1] ^= 1
    page.inquiries[-1].leaf = bytes(leaf)


def no_opening(page: subject_access_pb2.ListAskersResponse) -> None:
    page.inquiries[-1].person.opening = bytes(32)


def other_place(page: subject_access_pb2.ListAskersResponse) -> None:
    page.inquiries[-1].inclusion.index = 0
    page.inquiries[-1].inclusion.path = b""


def invented_head(page: subject_access_pb2.ListAskersResponse) -> None:
    page.head_path = page.head_path[32:]


ASKERS_LIES: dict[AskersLie, str] = {
    hide_own: "askers.own",
    twice: "askers.once",
    turned: "askers.order",
    other_signature: "signature.invalid",
    other_time: "inquiry.digest",
    no_opening: "commitment.opens",
    other_place: "",
    invented_head: "",
}


@pytest.mark.parametrize("lie", ASKERS_LIES)
def test_a_lie_about_who_asked_is_found(office: Client, lie: AskersLie) -> None:
    with pytest.raises(VerificationError) as found:
        read_askers(office, lie)
    assert ASKERS_LIES[lie] in {"", found.value.rule}


def test_an_inquiry_about_another_person_is_found(office: Client) -> None:
    of_another = put(office, 8102).pages[0].inquiries[1]
    with pytest.raises(VerificationError) as found:
        read_askers(office, lambda page: page.inquiries.add().CopyFrom(of_another))
    assert found.value.rule == "askers.person"


def test_the_truth_is_read(office: Client) -> None:
    assert read_askers(office) >= 3


def leaf_gone(page: subject_access_pb2.ListRecordLeavesResponse) -> None:
    del page.leaves[0]


def leaf_last_gone(page: subject_access_pb2.ListRecordLeavesResponse) -> None:
    del page.leaves[-1]


def leaf_changed(page: subject_access_pb2.ListRecordLeavesResponse) -> None:
    leaf = page.leaves[0].leaf
    page.leaves[0].leaf = leaf[:-1] + bytes([leaf[-1] ^ 1])


def leaf_twice(page: subject_access_pb2.ListRecordLeavesResponse) -> None:
    last = page.leaves[-1]
    page.leaves.append(last)


def without_proof(page: subject_access_pb2.ListRecordLeavesResponse) -> None:
    page.log_proof = b""


@pytest.mark.parametrize("lie", [leaf_gone, leaf_last_gone, leaf_changed, leaf_twice, without_proof])
def test_a_lie_about_the_history_is_found(office: Client, lie: LeavesLie) -> None:
    member = office._member
    _, (answer,) = office._run(member._put([person(8101)], Purpose.SUBJECT_ACCESS, request_of(person(8101)), "desk-1"))
    (leaves,) = office._run(member._fetch_histories(answer))
    directory, key = office._run(member.following.refresh()), member.session.log_key
    assert [event.version for event in leaves.read(directory, key, NOW).history] == [1, None, 2]
    lie(leaves.pages[0])
    with pytest.raises(VerificationError):
        leaves.read(directory, key, NOW)


def test_a_history_with_a_gap_is_found_though_every_leaf_is_in_the_log(office: Client) -> None:
    member = office._member
    _, (answer,) = office._run(member._put([person(8101)], Purpose.SUBJECT_ACCESS, request_of(person(8101)), "desk-1"))
    whole = RecordLeaves(answer.records[0])
    request = subject_access_pb2.ListRecordLeavesRequest(
        inquiry_id=answer.inquiry_id, record=record_ref(whole.key), skip=1
    )
    whole.pages.append(member.services.subject_access.ListRecordLeaves(request))
    directory = office._run(member.following.refresh())
    with pytest.raises(VerificationError) as found:
        whole.read(directory, member.session.log_key, NOW)
    assert found.value.rule == "history.annotation"


def test_a_carried_dispute_that_is_hidden_in_part_is_found(office: Client, registry: TestRegistry) -> None:
    with Client(registry.config("lender-1")) as seller, Client(registry.config("lender-2")) as buyer:
        sold = seller.report(default_report(8103))
        office.open_dispute("lender-1", sold.record_id, code="not-mine", evidence=[b"\xa5" * 32])
        office.add_statement("lender-1", sold.record_id, person(8103), "I never had this card.")
        gone = replace(default_facts(contract="HT-8103"), as_of=date(2025, 5, 31), ended_on=date(2025, 5, 31))
        seller.report(replace(default_report(8103, standing=Standing.TRANSFERRED, facts=gone), transferee="lender-2"))
        bought = default_report(8103, facts=replace(gone, ended_on=None))
        buyer.report(replace(bought, continues=RecordKey("lender-1", sold.record_id)))
    member = office._member
    _, (answer,) = office._run(member._put([person(8103)], Purpose.SUBJECT_ACCESS, request_of(person(8103)), "desk-1"))
    (leaves,) = office._run(member._fetch_histories(answer))
    directory, key = office._run(member.following.refresh()), member.session.log_key
    assert leaves.read(directory, key, NOW).disputed_by == OFFICE
    request = subject_access_pb2.ListRecordLeavesRequest(
        inquiry_id=answer.inquiry_id, record=record_ref(leaves.key), skip=1
    )
    leaves.pages[:] = [member.services.subject_access.ListRecordLeaves(request)]
    with pytest.raises(VerificationError) as found:
        leaves.read(directory, key, NOW)
    assert found.value.rule == "history.annotation"


@pytest.fixture(scope="module")
def hidden(office: Client, registry: TestRegistry) -> RecordKey:
    """A record of person 8104 that an overlay hides."""
    overlay = replace(REPAIR, hides_until=date(2090, 1, 1))
    with Client(registry.config("admin-1")) as first, Client(registry.config("admin-2")) as second:
        body = RulebookBody(replace(first.directory().rulebook, overlays=(overlay,)))
        assert second.approve(first.propose(body).proposal).logged
    repaid = replace(
        default_facts(contract="HT-8104"),
        as_of=date(2025, 6, 30),
        days_past_due=0,
        collection_stage=CollectionStage.ENDED,
        ended_on=date(2025, 6, 30),
    )
    with Client(registry.config("lender-1")) as lender:
        receipt = lender.report(default_report(8104))
        office.add_statement("lender-1", receipt.record_id, person(8104), "I paid it all.")
        lender.report(default_report(8104, standing=Standing.CURED, facts=repaid))
        assert lender.hide(receipt.record_id, person(8104), overlay.name) is not None
    return RecordKey("lender-1", receipt.record_id)


def read_hidden(office: Client, lie: Callable[[HiddenLeaves], None] | None = None) -> SubjectRecord:
    member = office._member
    question, (answer,) = office._run(
        member._put([person(8104)], Purpose.SUBJECT_ACCESS, request_of(person(8104)), "desk-1")
    )
    assert answer.records == ()
    askers = Askers(answer.inquiry_id, question.names[0])
    office._run(member._fetch_askers(askers))
    (item,) = askers.pages[0].hidden
    (leaves,) = office._run(member._fetch_histories(answer, [HiddenLeaves(item, question.names[0])]))
    assert isinstance(leaves, HiddenLeaves)
    if lie is not None:
        lie(leaves)
    return leaves.read(office._run(member.following.refresh()), member.session.log_key, NOW)


def test_a_hidden_record_is_shown_to_its_person_alone(office: Client, hidden: RecordKey) -> None:
    report = office.subject_report(person(8104), mandate=request_of(person(8104)), officer="desk-1")
    assert report.answer.verdict is Verdict.CLEAR
    (item,) = report.records
    assert (item.record.issuer, item.record.record_id, item.hidden_under) == (*hidden, REPAIR.name)
    assert item.record.facts is not None
    assert item.record.subject_statement == "I paid it all."
    assert item.history[-1].flags == frozenset((AnnotationFlag.HIDDEN, AnnotationFlag.STATEMENT))
    assert office.subject_report(person(8102), mandate=request_of(person(8102)), officer="desk-1").records == ()


def test_a_record_that_is_shown_and_hidden_again_meanwhile_begins_the_report_anew(
    office: Client, hidden: RecordKey, registry: TestRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    member, changes = office._member, ["hide", "show"]
    fetch = member._fetch_askers

    def overtaken(askers: Askers) -> Flow[None]:
        change = changes.pop() if changes else ""
        if change == "show":
            lender.show_again(hidden.record_id)
        elif change == "hide":
            lender.hide(hidden.record_id, person(8104), REPAIR.name)
        return (yield from fetch(askers))

    before = len(office.subject_report(person(8104), mandate=request_of(person(8104)), officer="desk-1").asked)
    monkeypatch.setattr(member, "_fetch_askers", overtaken)
    with Client(registry.config("lender-1")) as lender:
        report = office.subject_report(person(8104), mandate=request_of(person(8104)), officer="desk-1")
    assert changes == []
    assert [item.hidden_under for item in report.records] == [REPAIR.name]
    # One inquiry, answered three times.
    assert len(report.asked) == before + 1


def of_another(leaves: HiddenLeaves) -> None:
    leaves.hidden.opening = bytes(32)


def without_hiding(leaves: HiddenLeaves) -> None:
    page = leaves.pages[0]
    del page.leaves[-1]


def other_text(leaves: HiddenLeaves) -> None:
    leaves.hidden.text_disclosure += b"x"


def other_record(leaves: HiddenLeaves) -> None:
    leaves.hidden.record.record_id = bytes.fromhex("00000000000080008000000000000000")


@pytest.mark.usefixtures("hidden")
@pytest.mark.parametrize("lie", [of_another, without_hiding, other_text, other_record])
def test_a_lie_about_a_hidden_record_is_found(office: Client, lie: Callable[[HiddenLeaves], None]) -> None:
    with pytest.raises(VerificationError):
        read_hidden(office, lie)


@pytest.mark.usefixtures("hidden")
def test_other_sealed_facts_of_a_hidden_record_are_told_as_such(office: Client) -> None:
    def other_facts(leaves: HiddenLeaves) -> None:
        leaves.hidden.disclosure = bytes(64)

    assert read_hidden(office, other_facts).record.unopened is Unopened.DISCLOSURE_MISMATCH
