"""The pages of auditors against a real registry: audits with progress, findings, the log, forks, reports, one lock."""

from __future__ import annotations

import re
import sqlite3
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from client_sdk import Purpose, written_consent
from client_sdk.auditing.auditor import Auditor
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.tally import HeadPoint, LeafTally
from client_sdk.checkpoints import Contradiction, parse_checkpoint
from client_sdk.desk.audit_pictures import draw_bars, draw_growth
from client_sdk.desk.cosigned_times import cosigned_at
from client_sdk.desk.journal import read_journal
from client_sdk.desk.pages import ROLE_PAGES
from client_sdk.desk.rendering import clock_text
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.users import UserFile
from client_sdk.following import COSIGNED_FILE
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.keys import Ed25519Signer
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.note import Note, parse
from client_sdk.models import Role
from client_sdk.testing import TestRegistry
from client_sdk.verification import read_trust_root
from tests.client_sdk.kernel.ledger.test_ledger_cosigned import QUORUM, SECONDS, cosigned_note
from tests.client_sdk.sdk_samples import default_report, person, suit
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor
from tests.support.lies import honest_log
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.checkpoints import SignedCheckpoint


@pytest.fixture(scope="module")
def audited() -> Iterator[TestRegistry]:
    """A registry of its own, which a test damages: one lender has reported, the other one has asked."""
    with TestRegistry(auditors=("auditor", "auditor-2", "auditor-3")) as running:
        with running.client("lender-1") as client:
            for report in suit(1)[:5]:
                client.report(report)
        consent = written_consent(document=b"I agree.", given_on=date.today() - timedelta(1))  # noqa: DTZ011 - as typed
        with running.client("lender-2") as client:
            client.check(person(1), purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="clerk-7")
        # An inquiry is counted by the next HEAD.
        with running.client("lender-1") as client:
            client.report(default_report(31))
        yield running


@pytest.fixture(scope="module")
def auditors_desk(audited: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk of the auditor, where nobody has a name."""
    with RunningDesk(audited.home("auditor"), tmp_path_factory.mktemp("desk")) as running:
        yield running


@pytest.fixture(scope="module")
def auditor(auditors_desk: RunningDesk) -> Visitor:
    """Somebody who came by the one-time link, where an audit was made."""
    visitor = auditors_desk.visitor()
    visitor.get("/audit")
    audit(visitor)
    return visitor


def audit(visitor: Visitor) -> str:
    """Start an audit, and follow its progress to the end; return all that was sent."""
    assert visitor.post("/audit/start", {"follow": "no"}).headers["location"] == "/audit"
    sent = visitor.get("/audit/progress")
    assert sent.headers["content-type"].startswith("text/event-stream")
    return sent.text


def test_an_audit_tells_its_progress_until_it_has_ended(auditor: Visitor) -> None:
    sent = audit(auditor)
    assert "<progress" in sent
    assert "The audit has ended." in sent
    assert sent.endswith("event: done\ndata: \n\n")
    page = auditor.get("/audit")
    assert "Nothing was found." in page.words
    assert "Signatures a second" in page.words
    assert "lender-1 (Test lender-1) lender active in all 4: live 4, of these disputed 0; ended 0;" in page.words


def test_the_log_is_drawn_with_its_checkpoints(auditor: Visitor) -> None:
    page = auditor.get("/log")
    assert page.status == 200
    (points,) = re.findall(r'<polyline class="growth" points="([^"]+)"', page.text)
    rows = re.findall(r"<tr><td>([\d,]+)</td><td>", page.text)
    assert len(points.split()) == len(rows) > 5
    assert page.text.count('<circle class="at"') == len(rows) + 1, "each checkpoint, and this audit"
    assert "HEADs (checkpoints)" in page.words
    assert "Neither the rulebook nor this home demands witnesses" in page.words


def test_inquiries_are_counted_by_member_and_purpose(auditor: Visitor) -> None:
    page = auditor.get("/inquiries")
    assert "lender-2 to decide on a loan 1 (persons: 1) 0" in page.words
    assert "ANSWERED 1" in page.words
    assert page.text.count('class="bar"') == 1
    auditor.language = "zh"
    try:
        assert "lender-2 贷款审批 1（涉及人数：1） 0" in auditor.get("/inquiries").words
    finally:
        auditor.language = "en"


def test_the_report_is_saved_as_page_and_as_pdf_in_both_languages(auditor: Visitor) -> None:
    for language, title in (("en", "Audit of the credit registry"), ("zh", "信用登记系统审计报告")):
        auditor.language = language
        page = auditor.get("/audit/report.html")
        assert title in page.words
        assert f".{language}.html" in page.headers["content-disposition"]
        assert auditor.get("/audit/report.pdf").body.startswith(b"%PDF-")
    auditor.language = "en"
    page = auditor.get("/audit/report.html")
    for said in (
        "Fingerprint of the trust root",
        "to decide on a loan",
        "Beginning: 2 of 3 administrators",
        "admin-1, admin-2",
    ):
        assert said in page.words


def test_desk_and_command_keep_one_state_behind_one_lock(audited: TestRegistry, auditor: Visitor) -> None:
    home = audited.home("auditor")
    before = AuditHome(home / "audit").load()[0].audits
    assert Command(home)("audit", "--jobs", "1").content["clean"]
    assert AuditHome(home / "audit").load()[0].audits == before + 1
    assert f"Audits of this home so far: {before + 1}" in auditor.get("/audit").words
    with AuditHome(home / "audit").lock():
        sent = audit(auditor)
        refused = Command(home).said("audit", "--jobs", "1", code=None)
    assert "another audit is running in" in refused.err
    assert "Another audit of this home is running" in sent
    assert "AUDIT_RUNNING" in sent
    assert "another audit is running in" in sent
    page = auditor.get("/audit")
    assert "one audit at a time writes it" in page.words
    lines = [line for line, _ in read_journal(home / "desk-journal") if line.act == "AUDIT"]
    assert (lines[-1].result, lines[-1].reason) == ("FAILED", "AUDIT_RUNNING")
    assert "The audit has ended." in audit(auditor)


def test_an_audit_that_follows_the_log_goes_on_until_it_is_stopped(auditor: Visitor) -> None:
    auditor.post("/audit/start", {"follow": "yes"})
    wait_until(lambda: "The audit has ended." in auditor.get("/audit").words)
    page = auditor.get("/audit")
    assert "made again every ten minutes" in page.words
    assert "An audit of this desk is under way already." in auditor.follow(auditor.post("/audit/start")).words
    auditor.post("/audit/stop")
    assert "Audit now, then every ten minutes" in auditor.get("/audit").words


def test_an_audit_that_is_stopped_leaves_the_state_before(audited: TestRegistry, auditor: Visitor) -> None:
    home = audited.home("auditor")
    before = AuditHome(home / "audit").load()[0]
    auditor.post("/audit/start", {"follow": "no"})
    auditor.post("/audit/stop")
    assert AuditHome(home / "audit").load()[0] == before
    assert "The audit was stopped" in auditor.get("/audit").words
    assert "The audit has ended." in audit(auditor)


def signed(registry: TestRegistry, size: int, root: bytes) -> SignedCheckpoint:
    """A checkpoint that the registry's own key signs."""
    trust_root = read_trust_root(registry.trust_root)
    signer = Ed25519Signer.from_pkcs8_pem((registry.registry_home / "log-key.pem").read_bytes())
    key = trust_root.log_key
    return parse_checkpoint(sign_checkpoint(key.name, size, root, signer), key)


def test_a_fork_is_shown_as_two_branches(audited: TestRegistry, auditor: Visitor) -> None:
    assert "no proof that the log has two histories" in auditor.get("/forks").words
    one, other = signed(audited, 9, bytes(32)), signed(audited, 9, b"\x01" * 32)
    same = auditor.post("/forks", {}, {"first": one.raw, "second": one.raw})
    assert "One log: the checkpoints are the same." in same.words
    told = auditor.post("/forks", {}, {"first": one.raw, "second": other.raw})
    assert "Two histories" in told.words
    page = auditor.get("/forks")
    assert "The key of test-registry/log/1 has signed two trees of 9 leaves." in page.words
    assert page.text.count('<path class="branch-') == 2
    assert "01" * 32 in page.words
    (kept,) = (audited.home("auditor") / "state").glob("contradiction-*.proof")
    assert kept.read_bytes() == Contradiction.of(one, other).encode()
    # What the registry shows contradicts none of its own checkpoints.
    honest = AuditHome(audited.home("auditor") / "audit").load()[0].checkpoint.encode()
    own = auditor.post("/forks", {}, {"first": honest})
    assert "One log" in own.words


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "Choose a file"),
        ({"first": b"x"}, "This is no checkpoint of this log"),
        ({"first": b"creditregistry/contradiction/v1\n\nx"}, "This file proves nothing of this log"),
    ],
)
def test_what_is_no_proof_is_told(auditor: Visitor, files: dict[str, bytes], said: str) -> None:
    refused = auditor.post("/forks", {}, files)
    assert refused.status == 422
    assert said in refused.words


PASSWORD = "correct horse battery"


def by_name(desk: RunningDesk, name: str) -> Visitor:
    """Somebody who has signed in by name."""
    visitor = desk.visitor(signed_in=False)
    visitor.get("/sign-in")
    assert visitor.post("/sign-in", {"name": name, "password": PASSWORD}).status == 303
    visitor.get("/audit")
    return visitor


def test_findings_are_told_by_severity_and_accepted_by_an_approver_alone(audited: TestRegistry, tmp_path: Path) -> None:
    home = audited.home("auditor-2")
    for name, role in (("rita", DeskRole.READER), ("olga", DeskRole.OFFICER), ("anna", DeskRole.APPROVER)):
        UserFile(home).add(name, role, PASSWORD)
    # The registry's database is damaged: a live record leads to nobody any more.
    damaged = sqlite3.connect(audited.registry_home / "registry.sqlite", timeout=60)
    with damaged:
        ((newest,),) = damaged.execute("SELECT max(leaf_index) FROM live_records").fetchall()
        damaged.execute("UPDATE live_records SET opening = zeroblob(32) WHERE leaf_index = ?", (newest,))
    damaged.close()
    with RunningDesk(home, tmp_path / "log") as desk:
        rita, olga, anna = (by_name(desk, name) for name in ("rita", "olga", "anna"))
        assert "Audit now" not in rita.get("/audit").words
        assert rita.post("/audit/start").status == 403
        assert "The audit has ended." in audit(olga)
        page = olga.get("/audit")
        for said in (
            "Against the log: 2",
            "MAP_ROOT",
            "BINDING_WRONG",
            "A binding does not open the commitment that the issuer signed.",
            "The log is not cosigned until a person has looked into it",
        ):
            assert said in page.words, page.words
        assert 'action="/audit/accept"' not in page.text
        reference, _ = re.findall(r'<code class="quiet">([0-9a-f]{12})</code>', page.text)
        assert olga.post("/audit/accept", {"reference": reference, "reason": "Looked into."}).status == 403
        anna.get("/audit")
        for fields, said in (
            ({"reference": reference, "reason": ""}, "Say in at most 500 characters why"),
            ({"reference": "0" * 12, "reason": "why"}, "There is no finding of this reference"),
        ):
            refused = anna.post("/audit/accept", fields)
            assert (refused.status, said in refused.words) == (422, True)
        accepted = anna.follow(anna.post("/audit/accept", {"reference": reference, "reason": "A drill of ours."}))
        assert f"Finding {reference} is accepted." in accepted.words
        assert "A drill of ours." in accepted.words
        anna.language = "zh"
        assert "某一绑定打不开报送机构签署的承诺。" in anna.get("/audit").words
        assert "BINDING_WRONG" in olga.get("/audit/report.html").words
    lines = [line for line, _ in read_journal(home / "desk-journal") if line.act == "ACCEPT_FINDING"]
    assert [(line.who, line.result, line.about) for line in lines] == [
        ("anna", "BEGUN", (reference,)),
        ("anna", "DONE", (reference,)),
    ]


def test_witnesses_stand_on_the_time_line(audited: TestRegistry, tmp_path: Path) -> None:
    config = audited.config("auditor-3")
    report = Auditor(config).audit()
    # Two of the three witnesses that this auditor demands have cosigned what it has read.
    config.quorum_file.write_text("\n".join(QUORUM.lines()) + "\n")
    seen = AuditHome(Auditor(config).state).load()[0].checkpoint.encode()
    config.state_folder.mkdir(exist_ok=True)
    # The third one tells a time that no calendar has.
    told = {"one": SECONDS, "two": SECONDS + 60, "three": 2**62}
    shown = parse(cosigned_note(seen, told))
    spoilt = Note(shown.text, (*shown.signatures[:-1], shown.signatures[-1]._replace(signature=bytes(72))))
    (config.state_folder / COSIGNED_FILE).write_bytes(spoilt.encode())
    assert cosigned_at(config) == (0, {})
    (config.state_folder / COSIGNED_FILE).write_bytes(shown.encode())
    size, times = cosigned_at(config)
    assert (size, {name: at.timestamp() for name, at in times.items()}) == (
        report.size,
        {"one": SECONDS, "two": SECONDS + 60},
    )
    with RunningDesk(config.home, tmp_path / "log") as desk:
        visitor = desk.visitor()
        visitor.get("/audit")
        audit(visitor)
        page = visitor.get("/log")
        assert f"have cosigned has {report.size} leaves: one {clock_text(times['one'])}" in page.words
        assert page.text.count('<circle class="at"') == page.text.count("<tr><td>") + 3
        assert re.search(r'<text class="name"[^>]*>two</text>', page.text)


def test_a_stranger_reads_no_page_of_an_auditor_and_no_progress(auditors_desk: RunningDesk) -> None:
    stranger = auditors_desk.visitor(signed_in=False)
    for page in ROLE_PAGES[Role.AUDITOR]:
        answered = stranger.get(page.path) if page.method == "GET" else stranger.post(page.path)
        assert (answered.status, answered.headers["location"]) == (303, "/sign-in"), page.path


def test_a_desk_that_ends_takes_its_audit_along(audited: TestRegistry, tmp_path: Path) -> None:
    home = audited.home("auditor-3")
    with RunningDesk(home, tmp_path / "log") as desk:
        visitor = desk.visitor()
        visitor.get("/audit")
        visitor.post("/audit/start", {"follow": "yes"})
        assert desk.stop() == 0
    with AuditHome(home / "audit").lock():
        pass
    lines = [line for line, _ in read_journal(home / "desk-journal")]
    assert lines[-1].act == "STOPPED"
    ends = [line for line in lines if line.act == "AUDIT" and line.to]
    assert len(ends) == sum(line.act == "AUDIT" and not line.to for line in lines), "each audit that began has an end"


def test_a_report_names_few_heads_of_a_long_log_the_first_and_the_newest_among_them() -> None:
    head = honest_log().leaves[-1]
    tally, sizes = LeafTally(), list[int]()
    for _ in range(10):
        tally.take([head] * 100)
        sizes = [point.size for point in tally.heads()]
        assert (sizes[0], sizes[-1]) == (1, tally.size)
        assert len(sizes) <= 256
    steps = {later - earlier for earlier, later in pairwise(sizes[:-1])}
    assert len(steps) == 1, "evenly chosen"
    assert LeafTally().heads() == ()


def test_pictures_of_one_head_and_of_nothing_are_drawn() -> None:
    assert draw_growth([HeadPoint(2, moment(0))]).points == "150.0,16.0"
    assert draw_bars([]).bars == ()
