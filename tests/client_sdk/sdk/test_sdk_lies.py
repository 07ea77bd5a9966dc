"""A registry that lies gets UNVERIFIABLE, never CLEAR (P2); one that goes back or forks is found out (P6)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import check_pb2, submission_pb2

from client_sdk import Client
from client_sdk._answer_page import Page
from client_sdk._protocol.own_record import read_held, version_of
from client_sdk._protocol.receipt import read_receipt, read_result
from client_sdk._protocol.statement import RecordEnd, sign_ending
from client_sdk.acts import next_act
from client_sdk.errors import RefusedError, RollbackError, VerificationError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import ClockBody, RulebookBody
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.leaf import TIME_END_MS, Approval, StatementLeaf
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.kernel.formats.moment import milliseconds
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import KeyUse, Standing, WithdrawalReason
from client_sdk.kernel.ledger.head_time import check_head_time
from client_sdk.models import Answer, Outcome, Purpose, ReasonId, Unopened, Verdict, written_consent
from client_sdk.models.proposal import ProposalView
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.copied_home import copied_home

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk._protocol.inquiry import Question
    from client_sdk.kernel.formats.act import Body
    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))
Change = Callable[[check_pb2.CheckResponse], None]


@pytest.fixture
def asker(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-2")) as client:
        yield client


@pytest.fixture(scope="session", autouse=True)
def listed(registry: TestRegistry) -> None:
    with Client(registry.config("lender-1")) as lender:
        lender.report(default_report(600))
        lender.report(default_report(601))


def question(client: Client, *numbers: int) -> Question:
    people = [person(number) for number in numbers]
    names = client._run(client._member.names(people, KeyUse.INQUIRE, Purpose.LOAN_APPROVAL))
    pairs = list(zip(people, names, strict=True))
    return client._member.session.ask(pairs, Purpose.LOAN_APPROVAL, CONSENT, "clerk-7")


def answered(client: Client, asked: Question, change: Change | None = None) -> list[Answer]:
    page = Page(client._member.session, asked)
    request = page.request()
    assert request is not None
    response = client._member.services.inquiries.Check(request)
    if change is not None:
        change(response)
    page.read(response)
    assert page.request() is None
    return page.answers


def hide_record(response: check_pb2.CheckResponse) -> None:
    del response.evidence.persons[0].subjects[0].records[:]


def hide_person(response: check_pb2.CheckResponse) -> None:
    del response.evidence.persons[0]


def hide_acts(response: check_pb2.CheckResponse) -> None:
    del response.evidence.acts[:]


def hide_institution(response: check_pb2.CheckResponse) -> None:
    del response.evidence.institutions[0]


def cut_proof(response: check_pb2.CheckResponse) -> None:
    proof = response.evidence.map_proof
    proof.siblings = proof.siblings[32:]


def other_opening(response: check_pb2.CheckResponse) -> None:
    response.evidence.persons[0].subjects[0].records[0].opening = bytes(32)


def other_leaf(response: check_pb2.CheckResponse) -> None:
    leaf = bytearray(response.evidence.persons[0].subjects[0].records[0].leaf)
    leaf[-1] ^= 1
    response.evidence.persons[0].subjects[0].records[0].leaf = bytes(leaf)


def other_signature(response: check_pb2.CheckResponse) -> None:
    note = response.evidence.checkpoint
    response.evidence.checkpoint = note.replace(note[-10:-6], b"AAAA")


def other_version(response: check_pb2.CheckResponse) -> None:
    response.evidence.version = 2


def claim_more_pages(response: check_pb2.CheckResponse) -> None:
    response.next_position = 1
    del response.evidence.persons[:]


@pytest.mark.parametrize(
    "change",
    [
        hide_record,
        hide_person,
        hide_acts,
        hide_institution,
        cut_proof,
        other_opening,
        other_leaf,
        other_signature,
        other_version,
        claim_more_pages,
    ],
)
def test_a_lie_is_unverifiable_for_everybody_asked(asker: Client, change: Change) -> None:
    answers = answered(asker, question(asker, 600, 699), change)
    assert [answer.verdict for answer in answers] == [Verdict.UNVERIFIABLE] * 2
    for answer in answers:
        assert answer.failure is not None
        assert answer.failure.part
        assert answer.evidence == b""
        assert answer.assess().outcome is Outcome.REFER
        with pytest.raises(VerificationError, match="no evidence"):
            answer.save("/nowhere")


def test_a_disclosure_that_was_not_signed_is_the_registrys_fault(asker: Client) -> None:
    def other_disclosure(response: check_pb2.CheckResponse) -> None:
        record = response.evidence.persons[0].subjects[0].records[0]
        record.disclosure = record.disclosure[:-1] + bytes((record.disclosure[-1] ^ 1,))

    (answer,) = answered(asker, question(asker, 600), other_disclosure)
    assert answer.verdict is Verdict.LISTED
    assert answer.records[0].unopened is Unopened.DISCLOSURE_MISMATCH
    assessment = answer.assess()
    assert assessment.outcome is Outcome.REFER
    assert [reason.id for reason in assessment.reasons] == [ReasonId.DISCLOSURE_MISMATCH]


def test_an_answer_from_before_is_a_rollback(registry: TestRegistry, asker: Client) -> None:
    asked = question(asker, 698)
    (before,) = answered(asker, asked)
    page = Page(asker._member.session, asked)
    request = page.request()
    assert request is not None
    old = asker._member.services.inquiries.Check(request)
    with Client(registry.config("lender-1")) as lender:
        lender.report(default_report(602))
    asker.status()
    late = Page(asker._member.session, asked)
    late.read(old)
    assert late.answers[0].verdict is Verdict.UNVERIFIABLE
    assert late.answers[0].failure is not None
    assert late.answers[0].failure.rule == "log.rollback"
    # Of an answer that was on its way before the newer one was seen, nothing is wrong.
    page.read(old)
    assert page.answers[0].verdict is before.verdict is Verdict.CLEAR


def test_another_history_signed_by_the_log_is_found(registry: TestRegistry, tmp_path: Path) -> None:
    signer = Ed25519Signer.from_pkcs8_pem((registry.registry_home / "log-key.pem").read_bytes())
    config = copied_home(registry, "lender-2", tmp_path)
    with Client(config) as asker:
        asker.status()
        seen = asker._member.session.newest_seen()
        assert seen is not None

        def prove(size: int, root: bytes, by: Ed25519Signer = signer) -> None:
            note = sign_checkpoint(seen.origin, size, root, by)
            asker._run(asker._member.prove(asker._member.session.proving(note)))

        def removed() -> None:
            """Move the proof away, as a person does."""
            (proof,) = config.state_folder.glob("contradiction-*.proof")
            with pytest.raises(RollbackError, match=r"log\.fork-proved"):
                asker.report(default_report(606))
            with Client(config) as another, pytest.raises(RollbackError, match=r"log\.fork-proved"):
                another.status()
            proof.rename(tmp_path / proof.name)

        tree = MemoryTree(place.to_bytes(32) for place in range(seen.size - 1))
        with pytest.raises(RollbackError, match=r"log\.fork"):
            prove(tree.size, tree.root())
        removed()
        with pytest.raises(RollbackError, match=r"log\.fork") as caught:
            prove(seen.size, bytes(32))
        assert "two trees" in str(caught.value)
        removed()
        with pytest.raises(RollbackError, match=r"log\.rollback"):
            prove(seen.size + 1_000, bytes(32))
        with pytest.raises(VerificationError):
            prove(seen.size, seen.root, Ed25519Signer.generate())
        assert asker._member.session.newest_seen() == seen


def test_a_receipt_that_proves_nothing_is_refused(registry: TestRegistry) -> None:
    with Client(registry.config("lender-1")) as lender:
        receipt = lender.report(default_report(603))
        key = RecordKey("lender-1", receipt.record_id)
        result = submission_pb2.SubmissionResult(
            outcome=submission_pb2.OUTCOME_ACCEPTED, logged_at=milliseconds(receipt.logged_at)
        )
        result.inclusion.index = receipt.index
        result.inclusion.path = b"".join(receipt.path)
        signed = submission_pb2.Submission().statement
        with pytest.raises(VerificationError):
            read_result(signed, key, 1, result, receipt.checkpoint, lender._member.session.log_key)
        result.logged_at = TIME_END_MS
        with pytest.raises(VerificationError, match=r"leaf\.time"):
            read_result(signed, key, 1, result, receipt.checkpoint, lender._member.session.log_key)


def test_what_is_of_another_issuer_than_was_asked_for_is_refused(registry: TestRegistry) -> None:
    with Client(registry.config("lender-1")) as lender:
        mine = lender.report(default_report(604)).record_id
        request = submission_pb2.ListRecordsRequest(record_ids=[mine])
        pages = list(lender._member.services.records.ListRecords(request))
        assert lender._member.session.read_records(pages, lender.directory(), request)
        request.issuer = "lender-2"
        with pytest.raises(VerificationError, match=r"record\.issuer"):
            lender._member.session.read_records(pages, lender.directory(), request)
        shown = lender._member.services.records.GetReceipt(
            submission_pb2.GetReceiptRequest(record_id=mine, version=1)
        ).receipt
        known = lender.config.name, lender._member.session.log_key
        assert read_receipt(shown, RecordKey("lender-1", mine), 1, *known).record_id == mine
        with pytest.raises(VerificationError, match=r"receipt\.record"):
            read_receipt(shown, RecordKey("lender-2", mine), 1, *known)


def test_what_somebody_who_is_no_successor_signed_is_refused(registry: TestRegistry, asker: Client) -> None:
    with Client(registry.config("lender-1")) as lender:
        mine = lender.report(default_report(605)).record_id
        (held,) = lender._run(lender._member.held([mine]))
        directory = lender.directory()
        stranger = asker._member.session.issuer(directory)
        ended, _ = sign_ending(
            stranger,
            held.key,
            version_of(held, None),
            RecordEnd(Standing.WITHDRAWN, WithdrawalReason.ERROR),
            issued_at=held.logged_at // 1000 * 1000,
        )
        signed = ended.statement
        leaf = StatementLeaf(held.logged_at, dsse.STATEMENT, signed.payload, signed.key_id, signed.signature)
        shown = submission_pb2.OwnRecord(
            record_id=mine, index=held.index + 1, leaf=leaf.encode(), state=submission_pb2.RECORD_STATE_ENDED
        )
        with pytest.raises(VerificationError, match=r"record\.signer"):
            read_held(shown, directory, "lender-1")


NOW = 1_800_000_000_000


def test_a_clock_that_is_off_is_unverifiable(registry: TestRegistry) -> None:
    with Client(registry.config("lender-2")) as client:
        asked = question(client, 696)
        client._member.session.config = replace(client.config, max_age=0.000_001)
        (answer,) = answered(client, asked)
    assert answer.verdict is Verdict.UNVERIFIABLE
    assert answer.failure is not None
    assert answer.failure.rule == "head.age"


def test_a_log_in_the_future_hinders_no_act_that_corrects_its_time(registry: TestRegistry) -> None:
    impatient = replace(registry.config("admin-1"), max_age=0.000_001)
    now = time.time_ns() // 1_000_000
    with Client(impatient) as client:
        with pytest.raises(VerificationError, match="head"):
            client.propose(RulebookBody(Rulebook()))
        assert client.proposals() == ()
        # It comes to the registry, whose log is not in the future.
        for not_before, rule in ((now - 60_000, "clock.log-ahead"), (now + 600_000, "clock.not-before")):
            with pytest.raises(RefusedError) as refused:
                client.propose(ClockBody(not_before))
            assert (refused.value.reason, refused.value.rule) == ("CORRECTION_INVALID", rule)
        # So do the signatures of administrators, their own and those that another brings.
        waiting = unknown_proposal(client, ClockBody(now - 60_000))
        for add in (client.approve, lambda proposal: client.bring_approval(proposal, Approval(bytes(32), bytes(64)))):
            with pytest.raises(RefusedError) as refused:
                add(waiting)
            assert refused.value.field == "proposal_id"


def unknown_proposal(client: Client, body: Body) -> ProposalView:
    """A proposal of the next act that the registry does not know."""
    now = datetime.now(UTC)
    act = next_act(client._member.session.follower.directory, body, milliseconds(now))
    return ProposalView(
        proposal_id=bytes(32),
        payload=act.encode(),
        act=act,
        approvals=(),
        approved_by=(),
        threshold=2,
        proposed_at=now,
        lapses_at=now,
    )


@pytest.mark.parametrize(
    ("off_ms", "rule", "got"),
    [
        (300_001, "head.ahead", "this machine's clock 5 min behind the registry's newest HEAD"),
        (-7_258_332, "head.age", "this machine's clock 2 h 58 s ahead of the registry's newest HEAD"),
    ],
)
def test_a_head_that_is_off_tells_which_clock_is_ahead(off_ms: int, rule: str, got: str) -> None:
    with pytest.raises(FormatError) as refused:
        check_head_time(NOW + off_ms, NOW)
    assert (refused.value.rule, refused.value.got) == (rule, got)
    check_head_time(NOW + 300_000, NOW)
    check_head_time(NOW - 300_000, NOW)
