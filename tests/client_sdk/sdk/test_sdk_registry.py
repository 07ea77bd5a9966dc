"""The SDK against a real registry: what is reported is listed, what is proved verifies, what is refused says why."""

from __future__ import annotations

import asyncio
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client, Criteria, verify
from client_sdk.errors import (
    ConfigError,
    ConflictError,
    NotPermittedError,
    OutboxError,
    PreflightError,
    RefusedError,
    TransportError,
    VerificationError,
)
from client_sdk.kernel.formats.act import RulebookBody, StateBody
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.kernel.ledger.certificate_request_file import CertificateRequest
from client_sdk.kernel.ledger.enrolment_file import EnrolmentFile
from client_sdk.lending.files import read_portfolio, write_portfolio
from client_sdk.models import (
    Consent,
    ConsentForm,
    Outcome,
    Purpose,
    ReasonId,
    RecordName,
    RecordState,
    Standing,
    Unopened,
    Verdict,
    WithdrawalReason,
    written_consent,
)
from client_sdk.signing import SecretPrompt, open_signer
from tests.client_sdk.sdk_samples import FIRST_DAY, default_facts, default_report, history, person, suit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.testing import TestRegistry

CONSENT = written_consent(document=b"consent", given_on=date(2025, 1, 1))


@pytest.fixture
def lender(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-1")) as client:
        yield client


@pytest.fixture
def other(registry: TestRegistry) -> Iterator[Client]:
    with Client(registry.config("lender-2")) as client:
        yield client


def test_one_line_of_a_loan_approval(lender: Client, other: Client) -> None:
    who = person(100)
    lender.report(default_report(100))
    assessment = other.check(who, purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7").assess()
    assert assessment.outcome is Outcome.BLACKLISTED
    assert [reason.id for reason in assessment.reasons] == [ReasonId.COUNTED]
    assert [(total.currency, total.amount) for total in assessment.totals] == [("CNY", 123_000)]


def test_facts_open_for_whoever_knows_the_number(lender: Client, other: Client) -> None:
    lender.report(default_report(101))
    answer = other.check(person(101), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    assert answer.verdict is Verdict.LISTED
    (record,) = answer.records
    assert record.unopened is None
    assert replace(record.facts or default_facts(), debt=default_facts().debt) == default_facts()
    assert (record.issuer, record.version, record.standing) == ("lender-1", 1, Standing.OPEN)
    assert person(101).number not in repr(answer)


def test_nobody_known_is_clear_and_proved_so(registry: TestRegistry, other: Client, tmp_path: Path) -> None:
    answer = other.check(person(102), purpose=Purpose.GUARANTEE_REVIEW, consent=CONSENT, officer="clerk-7")
    assert answer.verdict is Verdict.CLEAR
    (again,) = verify(answer.save(tmp_path / "clear.evidence"), registry.trust_root)
    assert (again.verdict, again.as_of, again.inquiry_id) == (Verdict.CLEAR, answer.as_of, answer.inquiry_id)


def test_evidence_verifies_offline_and_opens_for_a_member(
    registry: TestRegistry, lender: Client, other: Client, tmp_path: Path
) -> None:
    lender.report(default_report(103))
    answer = other.check(person(103), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    path = answer.save(tmp_path / "listed.evidence")
    (offline,) = verify(path, registry.trust_root)
    assert offline.verdict is Verdict.LISTED
    assert offline.records[0].unopened is Unopened.SEALED
    assert offline.assess().outcome is Outcome.REFER
    (opened,) = other.verify(path, person(103))
    assert other.verify(path.read_bytes(), person(103)) == (opened,)
    assert opened.records == answer.records
    with pytest.raises(VerificationError, match=r"person\.pseudonym"):
        other.verify(path, person(104))
    assert (tmp_path / "listed.evidence.person.json").stat().st_mode & 0o777 == 0o600
    assert person(103).number.encode() not in path.read_bytes()


def test_every_changed_byte_is_refused(registry: TestRegistry, lender: Client, other: Client) -> None:
    lender.report(default_report(105))
    answer = other.check(person(105), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    evidence = answer.evidence
    for place in range(0, len(evidence), 7):
        changed = bytearray(evidence)
        changed[place] ^= 1
        with pytest.raises(VerificationError):
            verify(bytes(changed), registry.trust_root)
    with pytest.raises(VerificationError):
        verify(evidence[:-1], registry.trust_root)


def test_many_are_asked_at_once_and_each_has_its_own_evidence(
    registry: TestRegistry, lender: Client, other: Client
) -> None:
    report = lender.report_many([row for number in range(200, 230) for row in history(number, cured=False)])
    assert report.complete
    people = [person(number) for number in range(195, 325)]
    answers = other.check_many(people, purpose=Purpose.POST_LOAN_REVIEW, consent=CONSENT, officer="clerk-7")
    assert Counter(answer.verdict for answer in answers) == {Verdict.LISTED: 30, Verdict.CLEAR: 100}
    assert [answer.identity for answer in answers] == people
    for answer in (answers[0], answers[10], answers[129]):
        (again,) = verify(answer.evidence, registry.trust_root)
        assert (again.verdict, again.position) == (answer.verdict, answer.position)


def test_a_history_from_default_to_satisfaction(lender: Client, other: Client) -> None:
    rows = suit(300)
    assert lender.report_many(rows).accepted == len(rows)
    assert lender.report_many(rows).repeated == len(rows)
    answer = other.check(person(300), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    assert [record.standing for record in answer.records] == [Standing.SATISFIED, Standing.SATISFIED, Standing.CURED]
    assert answer.assess(Criteria(forget_ended_after_days=None)).outcome is Outcome.WATCH
    assert answer.assess(Criteria(forget_ended_after_days=0)).outcome is Outcome.NOT_ADVERSE


def test_a_portfolio_is_repeated_after_the_outbox_is_gone(registry: TestRegistry, tmp_path: Path) -> None:
    path = tmp_path / "portfolio.csv"
    rows = [row for number in range(400, 420) for row in history(number)]
    write_portfolio(path, rows)
    with Client(registry.config("lender-1")) as client:
        assert client.preflight(read_portfolio(path)).violations == ()
        assert client.report_many(read_portfolio(path)).accepted == len(rows)
    for file in registry.home("lender-1").glob("outbox*"):
        file.unlink()
    with Client(registry.config("lender-1")) as client:
        report = client.report_many(read_portfolio(path))
    assert (report.repeated, report.accepted, report.rejected) == (len(rows), 0, ())


def test_the_same_report_again_gives_its_receipt(lender: Client) -> None:
    report = default_report(106)
    receipt = lender.report(report)
    assert lender.report(report).index == receipt.index
    assert lender.receipt(receipt.record_id, 1) == receipt
    assert receipt.record_id == lender.record_id(
        RecordName(kind=report.kind, reference="loan-106", first_day=FIRST_DAY)
    )
    assert receipt.tlog_proof().startswith("c2sp.org/tlog-proof@v1\n")


def test_what_rests_on_another_record_is_reported_alone(lender: Client) -> None:
    rows = suit(119)
    receipts = [lender.report(row) for row in rows]
    assert [receipt.version for receipt in receipts] == [1, 2, 1, 1, 2, 2, 3]
    for row, receipt in zip(rows[-3:], receipts[-3:], strict=True):
        assert lender.report(row).index == receipt.index


def test_a_receipt_comes_from_the_registry_where_the_outbox_lost_it(registry: TestRegistry, lender: Client) -> None:
    receipt = lender.report(default_report(107))
    config = registry.config("lender-1")
    lender.close()
    for file in registry.home("lender-1").glob("outbox*"):
        file.unlink()
    with Client(config) as client:
        again = client.receipt(receipt.record_id, 1)
        assert (again.leaf, again.index) == (receipt.leaf, receipt.index)
        with pytest.raises(RefusedError):
            client.receipt(receipt.record_id, 9)


def test_corrections_follow_and_withdrawals_end(lender: Client, other: Client) -> None:
    first, second, _ = history(108)
    receipt = lender.report(first)
    assert lender.correct(second).version == 2
    with pytest.raises(ConflictError, match="ILLEGAL_TRANSITION"):
        lender.correct(history(108)[2])
    with pytest.raises(ConflictError, match="RECORD_UNKNOWN"):
        lender.correct(default_report(109))
    (view,) = lender.records([receipt.record_id])
    assert (view.version, view.state, view.facts) == (2, RecordState.LIVE, None)
    assert lender.withdraw(receipt.record_id).version == 3
    answer = other.check(person(108), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    assert answer.verdict is Verdict.CLEAR
    with pytest.raises(ConflictError, match="RECORD_ENDED"):
        lender.withdraw(receipt.record_id)
    with pytest.raises(ConflictError, match="RECORD_ENDED"):
        lender.report(first)
    assert lender.report(replace(first, attempt=1)).version == 1


def test_a_withdrawal_says_why_and_names_what_it_rests_on(lender: Client, other: Client) -> None:
    record_id = lender.report(default_report(112)).record_id
    for given in ({"reason": "FRAUD"}, {"reason": "NONSENSE"}, {"evidence": [bytes([n]) * 32 for n in range(17)]}):
        with pytest.raises(PreflightError):
            lender.withdraw(record_id, **given)
    digests = [b"\x22" * 32, b"\x11" * 32, b"\x22" * 32]
    lender.withdraw(record_id, reason="IDENTITY_THEFT", evidence=digests)
    (view,) = lender.records([record_id])
    assert (view.standing, view.reason) == (Standing.WITHDRAWN, WithdrawalReason.IDENTITY_THEFT)
    assert view.evidence == (b"\x11" * 32, b"\x22" * 32)
    with pytest.raises(RefusedError, match=r"withdrawal\.paid-in-time"):
        lender.withdraw(lender.report(default_report(113)).record_id, reason=WithdrawalReason.PAID_IN_TIME)


def test_one_client_serves_many_threads(lender: Client, other: Client) -> None:
    def ask(number: int) -> Verdict:
        return other.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7").verdict

    numbers = range(700, 716)
    with ThreadPoolExecutor(8) as threads:
        receipts = list(threads.map(lambda number: lender.report(default_report(number)), numbers))
        assert len({receipt.index for receipt in receipts}) == len(numbers)
        assert set(threads.map(ask, numbers)) == {Verdict.LISTED}


def test_own_records_open_by_the_person(lender: Client) -> None:
    rows = history(110)
    lender.report_many([*rows, *history(111)])
    (view,) = lender.records(identity=person(110))
    assert view.facts is not None
    assert (view.standing, view.facts.as_of) == (Standing.CURED, date(2025, 6, 30))
    assert len(list(lender.records())) >= 2


def test_a_debt_has_one_running_record(lender: Client, other: Client) -> None:
    lender.report(default_report(9_112))
    with pytest.raises(ConflictError) as caught:
        other.report(default_report(9_112))
    assert caught.value.reason == "DEBT_TAKEN"


def test_nothing_is_sent_that_breaks_a_rule(lender: Client, registry: TestRegistry) -> None:
    size = lender.status().size
    bad = replace(default_report(113), facts=replace(default_facts(), notice=None))
    with pytest.raises(PreflightError) as caught:
        lender.report(bad)
    assert [(item.reason, item.rule) for item in caught.value.violations] == [("NOTICE_MISSING", "C06")]
    verbal = Consent(form=ConsentForm.VERBAL, date=date(2025, 1, 1), digest=bytes(32))
    for consent, purpose, officer in (
        (verbal, Purpose.LOAN_APPROVAL, "clerk-7"),
        (CONSENT, Purpose.REPORTING, "clerk-7"),
        (CONSENT, Purpose.LOAN_APPROVAL, ""),
    ):
        with pytest.raises(PreflightError):
            lender.check(person(113), purpose=purpose, consent=consent, officer=officer)
    assert lender.status().size <= size + 1


def test_an_inquiry_has_a_place_after_the_next_head(lender: Client, other: Client) -> None:
    answer = other.check(person(114), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
    lender.report(default_report(115))
    receipt = other.inquiry_receipt(answer.inquiry_id)
    assert (receipt.outcome, receipt.inquiry_id) == ("ANSWERED", answer.inquiry_id)
    with pytest.raises(RefusedError, match="INQUIRY_UNKNOWN"):
        other.inquiry_receipt(bytes(16))


def test_an_auditor_neither_reports_nor_asks(registry: TestRegistry) -> None:
    with Client(registry.config("auditor")) as auditor:
        assert auditor.status().registry == registry.name
        with pytest.raises(PreflightError, match="REPRESENTATIVE"):
            auditor.check(person(116), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        with pytest.raises(NotPermittedError):
            list(auditor.records())


def test_acts_need_their_threshold(registry: TestRegistry) -> None:
    with Client(registry.config("admin-1")) as first, Client(registry.config("admin-3")) as third:
        before = first.directory().state.act_number
        proposed = first.propose(RulebookBody(replace(Rulebook(), daily_statements=4_000_000)))
        assert not proposed.logged
        assert proposed.proposal.approved_by == ("admin-1",)
        (waiting,) = third.proposals()
        assert waiting.payload == proposed.proposal.payload
        approved = third.approve(waiting)
        assert approved.logged
        assert third.proposals() == ()
        assert first.status().act_number == before + 1
        assert first.directory().rulebook.daily_statements == 4_000_000
        *_, newest = first.acts()
        assert (newest.act, newest.index, newest.leaf) == (approved.proposal.act, approved.index, approved.leaf)
        assert newest.approved_by == ("admin-1", "admin-3")


def test_a_portfolio_is_reported_under_the_directory_of_now(registry: TestRegistry, lender: Client) -> None:
    before = lender.status().act_number
    with Client(registry.config("admin-1")) as first, Client(registry.config("admin-2")) as second:
        proposed = first.propose(RulebookBody(replace(Rulebook(), daily_statements=4_000_001)))
        assert second.approve(proposed.proposal).logged
    lender.report_many([default_report(119)])
    assert lender.directory().state.act_number == before + 1


def enrolled(registry: TestRegistry, institution: str) -> CertificateRequest:
    """The request that a member's enrolment file holds."""
    file = registry.home(institution) / f"{institution}.enrolment.json"
    return CertificateRequest.of(EnrolmentFile.parse(file.read_bytes()))


def test_a_lender_proposes_nothing(lender: Client, registry: TestRegistry) -> None:
    with pytest.raises(ConfigError, match="ADMINISTER"):
        lender.propose(StateBody("lender-2", InstitutionStatus.SUSPENDED))
    with pytest.raises(NotPermittedError):
        lender.proposals()
    with pytest.raises(NotPermittedError):
        lender.issue_certificate(enrolled(registry, "lender-2"))


def test_a_certificate_is_renewed_over_the_old_one(registry: TestRegistry, lender: Client) -> None:
    before = registry.config("lender-1").tls_certificate.read_bytes()
    renewed = lender.renew_certificate()
    assert renewed != before
    assert registry.config("lender-1").tls_certificate.read_bytes() == renewed
    with Client(registry.config("lender-1")) as again:
        assert again.status().institution == "lender-1"


def test_each_key_is_opened_once_whatever_it_is_used_for(registry: TestRegistry) -> None:
    config = registry.config("lender-1")
    opened: list[str] = []

    def open_key(uri: str, home: Path, secret: SecretPrompt | None) -> Signer:
        opened.append(uri)
        return open_signer(uri.replace("counted", "file"), home, secret)

    keys = {usage: uri.replace("file", "counted") for usage, uri in config.keys.items()}
    with Client(replace(config, keys=keys, schemes={"counted": open_key})) as client:
        client.renew_certificate()
        client.status()
    assert sorted(opened) == sorted(keys.values())


def test_a_folder_of_state_that_cannot_be_made_is_told_as_such(registry: TestRegistry, tmp_path: Path) -> None:
    home = shutil.copytree(registry.home("lender-1"), tmp_path / "home")
    shutil.rmtree(home / "state")
    (home / "state").write_text("no folder")
    with pytest.raises(ConfigError, match="state cannot be made"):
        Client(replace(registry.config("lender-1"), home=home))


def test_a_head_that_is_too_old_is_unverifiable(registry: TestRegistry) -> None:
    config = replace(registry.config("lender-2"), max_age=0.000_001)
    with Client(config) as client:
        answer = client.check(person(117), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        assert (answer.verdict, answer.identity) == (Verdict.UNVERIFIABLE, person(117))
        assert answer.assess().outcome is Outcome.REFER
        with pytest.raises(VerificationError, match=r"head\.age"):
            client.status()


def test_a_portfolio_is_reported_by_one_process_at_a_time(registry: TestRegistry, lender: Client) -> None:
    with (
        lender._member.session.outbox().alone(),
        Client(registry.config("lender-1")) as second,
        pytest.raises(OutboxError),
    ):
        second.report_many([default_report(118)])


def test_nobody_there_is_unavailable(registry: TestRegistry, tmp_path: Path) -> None:
    config = replace(registry.config("lender-1"), registry="127.0.0.1:9", deadline=1.0)
    with Client(config) as client, pytest.raises(TransportError) as caught:
        client.status()
    assert caught.value.status in ("UNAVAILABLE", "DEADLINE_EXCEEDED")


async def test_the_asyncio_client_does_the_same(registry: TestRegistry) -> None:
    async with registry.async_client("lender-1") as lender, registry.async_client("lender-2") as other:
        receipts = await asyncio.gather(*(lender.report(default_report(number)) for number in range(500, 510)))
        assert len({receipt.index for receipt in receipts}) == 10
        answers = await asyncio.gather(
            *(
                other.check(person(number), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
                for number in range(495, 505)
            )
        )
        assert [answer.verdict for answer in answers] == [Verdict.CLEAR] * 5 + [Verdict.LISTED] * 5
        assert (await lender.receipt(receipts[0].record_id, 1)).index == receipts[0].index
        assert (await lender.correct(history(500)[1])).version == 2
        views = [view async for view in lender.records(identity=person(500))]
        assert [view.version for view in views] == [2]
        assert (await lender.withdraw(receipts[1].record_id)).version == 2
        assert (await lender.preflight(history(520))).violations == ()
        name = history(500)[0].name
        assert name is not None
        assert lender.record_id(name) == receipts[0].record_id
        report = await lender.report_many(history(520))
        assert report.accepted == 3
        assert (await other.status()).registry == registry.name
        await other.renew_certificate()


async def test_the_asyncio_client_administers_and_verifies(registry: TestRegistry, tmp_path: Path) -> None:
    async with registry.async_client("admin-1") as first, registry.async_client("admin-2") as second:
        proposed = await first.propose(RulebookBody(replace(Rulebook(), daily_statements=3_000_000)))
        (waiting,) = await second.proposals()
        assert waiting.proposal_id == proposed.proposal.proposal_id
        assert (await second.approve(waiting)).logged
        *_, newest = await first.acts()
        assert (newest.act, newest.approved_by) == (waiting.act, ("admin-1", "admin-2"))
    async with registry.async_client("lender-1") as lender, registry.async_client("lender-2") as other:
        await lender.report(default_report(530))
        answer = await other.check(person(530), purpose=Purpose.LOAN_APPROVAL, consent=CONSENT, officer="clerk-7")
        path = answer.save(tmp_path / "evidence")
        assert (await other.verify(path))[0].records[0].unopened is Unopened.SEALED
        assert (await other.verify(path, person(530)))[0].records == answer.records
