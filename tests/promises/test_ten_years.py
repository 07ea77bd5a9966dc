"""P4 and P5 over ten years: a calendar of what befalls lenders, persons and the registry, on each kind of database.

A year is a function of events, and an event is a function; only the clock is the test's. In the end the log is in order
by fsck and by audit, what must be forgotten is held nowhere, and what was handed out still verifies.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, TypeVar

from client_sdk import Auditor, Verdict, verify, written_consent
from client_sdk.errors import KeyServiceError
from client_sdk.kernel.formats.act import EndingBody, ErasureBody, KeyEndBody, RulebookBody, StateBody, SuccessionBody
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Role
from client_sdk.models import (
    AnnotationFlag,
    ArrangementOutcome,
    DisputeOutcome,
    Kind,
    NoticeReason,
    Purpose,
    RecordKey,
    Standing,
    WithdrawalReason,
)
from client_sdk.verification import verify_erasure, verify_receipt
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from tests.support.command import Command
from tests.support.debts import Owed
from tests.support.decade import Decade
from tests.support.overlays import REPAIR
from tests.support.set_clock import registry_of
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from client_sdk.models import Consent, ListedRecord

R = TypeVar("R")

FIRST, LAST = date(2026, 1, 5), date(2036, 1, 7)
MEMBERS = {
    **dict.fromkeys(("lender-1", "lender-2", "lender-3", "lender-4"), Role.LENDER),
    "consumer-office": Role.REPRESENTATIVE,
    "auditor": Role.AUDITOR,
}
OFFICE = "consumer-office"
LETTER, CONTRACT, ORDER = (sha256(name).digest() for name in (b"letter", b"contract", b"order"))
AMNESTY = replace(
    REPAIR,
    name="amnesty-2032",
    arisen_from=date(2030, 1, 1),
    arisen_until=date(2031, 12, 31),
    repaid_until=date(2032, 6, 30),
    hides_from=date(2032, 7, 1),
    hides_until=date(2033, 1, 1),
)

AGREED = date(2026, 4, 1)

# Who owes what, and since when.
GAO = Owed(1, date(2025, 12, 1))
LI = Owed(2, date(2025, 11, 20))
WANG = Owed(3, date(2025, 12, 10), sued=date(2028, 1, 10))
ZHAO = Owed(4, date(2027, 1, 15))
SUED = [Owed(number, date(2027, 9, 1), sued=date(2028, 2, 1)) for number in range(10, 16)]
CHEN = Owed(20, date(2029, 11, 1))
YANG, HUANG = Owed(21, date(2031, 1, 10)), Owed(22, date(2031, 1, 12))
ZHOU = Owed(23, date(2031, 10, 1))
WU, XU = Owed(24, date(2032, 12, 1)), Owed(25, date(2032, 12, 2))
SUN = Owed(26, date(2033, 10, 1))


def test_ten_years_pass_and_the_law_is_kept(tmp_path: Path, local_database_url: str) -> None:
    with registry_of(tmp_path, local_database_url, MEMBERS, FIRST) as registry:
        decade = Decade(registry, local_database_url)
        for year in (
            defaults_cures_and_arrangements,
            disputes,
            the_courts,
            removals_from_the_court_list,
            a_sale_and_an_order,
            a_stolen_key,
            an_amnesty,
            two_lenders_die,
            the_rights_of_a_person,
            silence,
        ):
            year(decade)
        assert registry.today == LAST
        assert_in_order(decade)
        assert_kept_papers_verify(decade)
        assert_forgotten(decade)


# 2026


def defaults_cures_and_arrangements(decade: Decade) -> None:
    """Three fall behind. Gao pays, Li keeps an arrangement, Wang breaks one."""
    lender = decade.client("lender-1")
    for owed in (GAO, LI, WANG):
        decade.keep(lender.report(owed.default(decade.today)))
    assert ask(decade, "lender-2", GAO) is Verdict.LISTED
    pass_to(decade, 2026, 4, 1)
    decade.keep(lender.report(GAO.paid(AGREED)))
    for owed in (LI, WANG):
        lender.report(owed.arranged(AGREED, ArrangementOutcome.RUNNING, 0, AGREED))
    end = pass_to(decade, 2026, 12, 1)
    kept = LI.arranged(end, ArrangementOutcome.KEPT, 12, AGREED).facts
    assert kept is not None
    decade.keep(lender.report(LI.paid(end, arrangement=kept.arrangement)))
    lender.report(WANG.arranged(end, ArrangementOutcome.BROKEN, 3, AGREED))
    assert [record.standing for record in records(decade, WANG)] == [Standing.OPEN]


# 2027


def disputes(decade: Decade) -> None:
    """Wang's dispute is answered and what lenders saw corrected; nobody answers Zhao's, which restricts the record."""
    lender, office = decade.client("lender-1"), decade.client(OFFICE)
    today = pass_to(decade, 2027, 3, 1)
    assert ask(decade, "lender-2", WANG, Purpose.GUARANTEE_REVIEW) is Verdict.LISTED
    wang, zhao = lender.record_id(WANG.name()), decade.keep(lender.report(ZHAO.default(today))).record_id
    office.open_dispute("lender-1", wang, code="amount", evidence=[LETTER])
    office.open_dispute("lender-1", zhao, code="not-mine", evidence=[LETTER])
    office.add_statement("lender-1", zhao, ZHAO.who, "This card was never mine; 我从未办过这张卡。")
    today = pass_to(decade, 2027, 3, 15)
    corrected = WANG._replace(principal=250_000).arranged(today, ArrangementOutcome.BROKEN, 3, AGREED)
    decade.keep(lender.correct(corrected))
    lender.answer_dispute(wang, DisputeOutcome.CORRECTED, evidence=[CONTRACT])
    asker = decade.client("lender-2")
    (notice,) = [one for one in asker.inbox() if one.record_id == wang and one.reason is NoticeReason.CORRECTED]
    asker.acknowledge(notice)
    pass_to(decade, 2027, 4, 1)
    (silent,) = records(decade, ZHAO)
    assert silent.flags >= {AnnotationFlag.DISPUTED, AnnotationFlag.RESTRICTED}
    assert not records(decade, WANG)[0].disputed


# 2028


def the_courts(decade: Decade) -> None:
    """Wang is sued alone, six others under one signature; the court lists Wang and one of them."""
    lender = decade.client("lender-1")
    today = pass_to(decade, 2028, 6, 1)
    decade.keep(lender.report(WANG.judgment(today)))
    lender.report(WANG.enforcement(today))
    decade.keep(lender.report(WANG.listing(today, until=date(2030, 4, 20))))
    assert lender.report_many([owed.default(today) for owed in SUED]).accepted == len(SUED)
    batch = lender.report_many([owed.judgment(today) for owed in SUED], one_signature=True)
    assert (batch.accepted, batch.signatures) == (len(SUED), 1)
    decade.keep(lender.receipt(lender.record_id(SUED[1].name(Kind.JUDGMENT)), 1))
    lender.report(SUED[0].enforcement(today))
    lender.report(SUED[0].listing(today, until=date(2030, 4, 1)))
    assert kinds(decade, WANG) == {Kind.DEFAULT, Kind.JUDGMENT, Kind.ENFORCEMENT, Kind.LISTING}


# 2029


def removals_from_the_court_list(decade: Decade) -> None:
    """The court removes Wang from its list; the suit against another is set aside."""
    lender = decade.client("lender-1")
    pass_to(decade, 2029, 2, 1)
    listing, removed = lender.record_id(WANG.name(Kind.LISTING)), WithdrawalReason.REMOVED_ON_REQUEST
    decade.keep(lender.withdraw(listing, reason=removed, removed_on=date(2029, 1, 30)))
    assert Kind.LISTING not in kinds(decade, WANG)
    lender.set_aside(lender.record_id(SUED[2].name(Kind.JUDGMENT)))
    assert kinds(decade, SUED[2]) == {Kind.DEFAULT}


# 2030


def a_sale_and_an_order(decade: Decade) -> None:
    """A listing ends with its term, Chen's debt is sold with its dispute, and a court orders Zhao's record erased."""
    seller, buyer, office = decade.client("lender-1"), decade.client("lender-2"), decade.client(OFFICE)
    today = pass_to(decade, 2030, 1, 15)
    assert Kind.LISTING in kinds(decade, SUED[0])
    sold = decade.keep(seller.report(CHEN.default(today))).record_id
    office.open_dispute("lender-1", sold, code="not-mine", evidence=[LETTER])
    seller.report(replace(CHEN.default(today, Standing.TRANSFERRED, ended_on=today), transferee="lender-2"))
    decade.keep(buyer.report(replace(CHEN.default(today), continues=RecordKey("lender-1", sold))))
    (bought,) = records(decade, CHEN)
    assert (bought.issuer, bought.disputed) == ("lender-2", True)
    pass_to(decade, 2030, 4, 2)
    assert Kind.LISTING not in kinds(decade, SUED[0])
    zhao = seller.record_id(ZHAO.name())
    decade.registry.decide(ErasureBody((RecordKey("lender-1", zhao),), "court order"))
    decade.keep_erasure(office.erasure_proof(zhao, "lender-1", identity=ZHAO.who), ZHAO.who)
    assert ask(decade, "lender-3", ZHAO) is Verdict.CLEAR


# 2031


def once_known(call: Callable[[], R]) -> R:
    """Make a call as soon as the key services have read of the key that signs it, a moment after its act."""
    results: list[R] = []

    def is_known() -> bool:
        try:
            results.append(call())
        except KeyServiceError as error:
            if error.reason != "KEY_UNKNOWN":
                raise
        return bool(results)

    wait_until(is_known)
    return results[0]


def a_stolen_key(decade: Decade) -> None:
    """The key of lender-3 is stolen: of what it signed since, one record is confirmed and one withdrawn."""
    registry, lender = decade.registry, decade.client("lender-3")
    today = pass_to(decade, 2031, 3, 1)
    true, forged = (decade.keep(lender.report(owed.default(today))) for owed in (YANG, HUANG))
    keys = lender.directory().institution("lender-3").keys
    (stolen,) = [key.key_id for key in keys if key.usage is KeyUsage.REPORT]
    member, *administrators = (Command(registry.home(name)) for name in ("lender-3", "admin-1", "admin-2"))
    grant = member("key", "add", "--usage", "REPORT").content["grant"]
    proposed = administrators[0]("act", "propose", "key", "--grant", grant, "--yes").content["id"]
    administrators[1]("act", "approve", proposed, "--yes")
    member("key", "use", "--usage", "REPORT", "keys/report-2.pem")
    registry.renew("lender-3")
    registry.decide(KeyEndBody("lender-3", stolen, contested_from=true.index))
    lender = decade.client("lender-3")
    assert [record.contested for record in (*records(decade, YANG), *records(decade, HUANG))] == [True, True]
    decade.keep(once_known(lambda: lender.confirm(true.record_id, YANG.who)))
    lender.withdraw(forged.record_id, reason=WithdrawalReason.FRAUD, evidence=[ORDER])
    assert [record.contested for record in records(decade, YANG)] == [False]
    assert ask(decade, "lender-2", HUANG) is Verdict.CLEAR
    # Five years after the end of the conduct, and no day later.
    pass_to(decade, 2031, 3, 31)
    assert ask(decade, "lender-2", GAO) is Verdict.LISTED
    pass_to(decade, 2031, 4, 2)
    assert ask(decade, "lender-2", GAO) is Verdict.CLEAR
    furnisher = decade.client("lender-1")
    decade.keep_erasure(furnisher.erasure_proof(furnisher.record_id(GAO.name()), identity=GAO.who), GAO.who)


# 2032


def an_amnesty(decade: Decade) -> None:
    """What was small and repaid in time is hidden while an overlay lasts, and shown again when it is over."""
    registry, lender = decade.registry, decade.client("lender-2")
    today = pass_to(decade, 2032, 2, 2)
    zhou = decade.keep(lender.report(ZHOU.default(today))).record_id
    paid = pass_to(decade, 2032, 3, 1)
    lender.report(ZHOU.paid(paid))
    registry.decide(RulebookBody(replace(lender.directory().rulebook, overlays=(AMNESTY,))))
    pass_to(decade, 2032, 7, 5)
    assert ask(decade, "lender-3", ZHOU) is Verdict.LISTED
    assert lender.hide(zhou, ZHOU.who, AMNESTY.name) is not None
    assert ask(decade, "lender-3", ZHOU) is Verdict.CLEAR
    # The person alone sees it, and under which rule nobody else does.
    (item,) = decade.client(OFFICE).subject_report(ZHOU.who, mandate=request_of(decade, ZHOU), officer="desk-1").records
    assert (item.record.record_id, item.hidden_under, item.record.facts is None) == (zhou, AMNESTY.name, False)
    pass_to(decade, 2033, 1, 3)
    assert ask(decade, "lender-3", ZHOU) is Verdict.LISTED


# 2033


def two_lenders_die(decade: Decade) -> None:
    """Lender-3 has a successor, which takes a debt over; nobody speaks for lender-4 any more."""
    registry, heir = decade.registry, decade.client("lender-2")
    today = pass_to(decade, 2033, 3, 1)
    left = decade.keep(decade.client("lender-3").report(WU.default(today))).record_id
    lost = decade.keep(decade.client("lender-4").report(XU.default(today))).record_id
    registry.decide(SuccessionBody("lender-3", "lender-2", "merger"))
    registry.decide(StateBody("lender-4", InstitutionStatus.TERMINATED))
    registry.decide(EndingBody("lender-4", "insolvency"))
    today = pass_to(decade, 2033, 3, 8)
    sold = replace(WU.default(today, Standing.TRANSFERRED, ended_on=today), transferee="lender-2")
    heir.succeed(left, "lender-3", sold)
    decade.keep(heir.report(replace(WU.default(today), continues=RecordKey("lender-3", left))))
    assert [record.issuer for record in records(decade, WU)] == ["lender-2"]
    assert lost in {record.record_id for record in records(decade, XU)}


# 2034


def the_rights_of_a_person(decade: Decade) -> None:
    """Sun adds a statement, has a report, and proves that another used the name: the record is erased."""
    lender, office = decade.client("lender-1"), decade.client(OFFICE)
    today = pass_to(decade, 2034, 2, 1)
    sun = decade.keep(lender.report(SUN.default(today))).record_id
    ask(decade, "lender-2", SUN, Purpose.LOAN_APPROVAL)
    words = "Another person used my number; 有人冒用了我的证件。"
    office.add_statement("lender-1", sun, SUN.who, words)
    pass_to(decade, 2034, 2, 10)
    report = office.subject_report(SUN.who, mandate=request_of(decade, SUN), officer="desk-1")
    decade.evidence.append(report.answer.evidence)
    assert [item.record.subject_statement for item in report.records] == [words]
    asked = [(OFFICE, Purpose.SUBJECT_ACCESS), ("lender-2", Purpose.LOAN_APPROVAL)]
    assert [(one.asker, one.purpose) for one in report.asked] == asked
    lender.withdraw(sun, identity=SUN.who, reason=WithdrawalReason.IDENTITY_THEFT, evidence=[ORDER])
    decade.keep_erasure(office.erasure_proof(sun, "lender-1", identity=SUN.who), SUN.who)
    assert ask(decade, "lender-2", SUN) is Verdict.CLEAR


# 2035


def silence(decade: Decade) -> None:
    """Nobody does anything, and the clock does what is due."""
    for month in (4, 8, 12):
        pass_to(decade, 2035, month, 20)
    pass_to(decade, LAST.year, LAST.month, LAST.day)
    assert {record.kind for record in records(decade, WANG)} == {Kind.DEFAULT, Kind.JUDGMENT, Kind.ENFORCEMENT}
    assert [record.issuer for record in records(decade, CHEN)] == ["lender-2"]


# What members do again and again


def pass_to(decade: Decade, year: int, month: int, day: int) -> date:
    """Let time pass; return the day."""
    decade.remember()
    decade.registry.pass_to(date(year, month, day))
    return decade.today


def consent(decade: Decade) -> Consent:
    return written_consent(document=b"consent", given_on=decade.today - timedelta(days=1))


def request_of(decade: Decade, owed: Owed) -> Consent:
    """What a person signs: each has a document of its own, each time a new one."""
    signed_on = decade.today - timedelta(days=1)
    return written_consent(document=f"request of {owed.who.number} on {signed_on}".encode(), given_on=signed_on)


def ask(decade: Decade, asker: str, owed: Owed, purpose: Purpose = Purpose.LOAN_APPROVAL) -> Verdict:
    """Have a lender ask about a person, and keep the evidence."""
    answer = decade.client(asker).check(owed.who, purpose=purpose, consent=consent(decade), officer="clerk-7")
    decade.evidence.append(answer.evidence)
    return answer.verdict


def records(decade: Decade, owed: Owed) -> tuple[ListedRecord, ...]:
    """What lender-1 is shown of a person."""
    client, purpose = decade.client("lender-1"), Purpose.POST_LOAN_REVIEW
    return client.check(owed.who, purpose=purpose, consent=consent(decade), officer="clerk-1").records


def kinds(decade: Decade, owed: Owed) -> set[Kind]:
    return {record.kind for record in records(decade, owed)}


# At the end


def assert_in_order(decade: Decade) -> None:
    """What is stored belongs together, and an auditor who reads the whole log finds nothing."""
    with Database(decade.database_url, serving=False) as database:
        assert fsck(database, decade.registry.app.register).findings == []
    report = Auditor.from_home(decade.registry.home("auditor")).audit()
    assert report.clean, [str(found.finding) for found in report.findings]


def assert_kept_papers_verify(decade: Decade) -> None:
    """Evidence, receipts and proofs of erasure of all years, offline, by the trust root alone."""
    root = decade.registry.trust_root
    assert len(decade.evidence) > len(decade.erasures) > 0
    for evidence in decade.evidence:
        assert len(verify(evidence, root)) == 1
    for receipt in decade.receipts:
        read = verify_receipt(receipt.tlog_proof().encode(), root)
        assert (read.issuer, read.record_id, read.leaf) == (receipt.issuer, receipt.record_id, receipt.leaf)
    for proof, about in decade.erasures:
        assert verify_erasure(proof, root).names_person
        assert decade.client("lender-2").verify_erasure(proof, about).file == proof


def assert_forgotten(decade: Decade) -> None:
    """Nothing holds what was kept of a record that is gone, or an identity number; what is live is found."""
    forgotten, found = decade.forgotten(), set[str]()
    for furnisher, owed in (("lender-1", LI), ("lender-1", ZHAO), ("lender-3", HUANG), ("lender-1", SUN)):
        record_id = decade.client(furnisher).record_id(owed.name())
        assert f"disclosure 0 of {furnisher} {record_id.hex()}" in forgotten.names
    for owed in (GAO, LI, WANG, ZHAO, *SUED, CHEN, YANG, HUANG, ZHOU, WU, XU, SUN):
        forgotten.add(f"number of {owed.number}", owed.who.number)
        forgotten.add(f"contract of {owed.number}", owed.contract)
    kept = decade.kept()
    for piece in decade.pieces():
        assert forgotten.found(piece.data) == set(), piece.where
        found |= kept.found(piece.data)
    assert found == kept.names
