"""The desk of a representative: a person's own report, disputes, statements and alerts, and what is refused at each."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from client_sdk import ClientConfig, Role, Verdict, verify
from client_sdk.desk.journal import JOURNAL_FILE, read_journal
from client_sdk.desk.member_client import MemberClient
from client_sdk.kernel.formats.check_digits import resident_check_digit
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.command import Command
from tests.support.desk import RunningDesk, typed_in
from tests.support.hooks import running_hook

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk import Client
    from client_sdk.testing import TestRegistry
    from tests.support.desk import Answered, Visitor

TODAY = datetime.now(ZoneInfo("Asia/Shanghai")).date()
NOWHERE = "lender-1/01234567-89ab-8def-8123-456789abcdef"


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    home = registry.enrol("counter", Role.REPRESENTATIVE)
    (home / "alerts.toml").write_text('webhook_networks = ["127.0.0.0/8"]\n')
    return home


@pytest.fixture(scope="module")
def counter(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    with RunningDesk(home, tmp_path_factory.mktemp("counter")) as running:
        yield running
        kept = (home / JOURNAL_FILE).read_text("utf-8") + running.log()
        assert [number for number in range(941, 953) if person(number).number in kept] == []


@pytest.fixture(scope="module")
def clerk(counter: RunningDesk) -> Visitor:
    visitor = counter.visitor()
    visitor.get("/person")
    return visitor


@pytest.fixture(scope="module")
def lender(registry: TestRegistry) -> Iterator[Client]:
    with registry.client("lender-1") as client:
        yield client


def request_of(number: int) -> bytes:
    """The document that a person signs."""
    return b"Show me what is held about me. Person %d." % number


def asked(who: int, **changes: str) -> dict[str, str]:
    """What is typed to make the report of a person."""
    typed = {"id_type": "CN_RESIDENT_ID", "number": person(who).number, "issuing_state": "", "request_digest": ""}
    return typed | {"request_date": TODAY.isoformat()} | changes


def reported(lender: Client, number: int) -> str:
    """Report a record; return its name."""
    return f"lender-1/{lender.report(default_report(number)).uuid}"


def done(home: Path) -> set[str]:
    """Return the acts that the journal has as done."""
    return {line.act for line, _ in read_journal(home / JOURNAL_FILE) if line.result == "DONE"}


def made(clerk: Visitor, number: int) -> tuple[str, Answered]:
    """Make the report of a person; return where it is shown, and the page."""
    clerk.get("/person")
    answered = clerk.post("/person", asked(number), {"request_file": request_of(number)})
    assert answered.status == 303, answered.words
    return answered.headers["location"], clerk.follow(answered)


def test_the_day_of_a_desk_is_that_of_the_registry(home: Path) -> None:
    config = ClientConfig.from_home(home)
    for utc, day in ((15, date(2026, 3, 1)), (16, date(2026, 3, 2))):
        at = int(datetime(2026, 3, 1, utc, 59, tzinfo=UTC).timestamp() * 1_000)
        assert MemberClient(config, partial(int, at)).today == day


def test_a_representative_has_its_own_desk_and_no_page_of_a_lender(clerk: Visitor) -> None:
    today = clerk.get("/today")
    for name in ("Own report", "Disputes", "Statements", "Alerts", "Inbox"):
        assert name in today.words
    for name in ("Portfolio", "Screening", "Signed reports", "Own records"):
        assert name not in today.words
    for path in ("/ask", "/report", "/records", "/portfolio"):
        assert clerk.get(path).status == 404, path


def test_a_report_is_made_shown_and_saved_in_both_languages(
    registry: TestRegistry, home: Path, clerk: Visitor, lender: Client
) -> None:
    record = reported(lender, 941)
    place, page = made(clerk, 941)
    for said in (
        record,
        "The registry holds 1 record about you.",
        "Who asked about you",
        "Free of charge",
        "Kept until",
    ):
        assert said in page.words, said
    assert "Free reports on further days within 12 months: 1." in page.words
    assert person(941).number not in page.text
    assert person(941).number[-4:] in page.words
    evidence = clerk.get(f"{place}/files/evidence")
    assert verify(evidence.body, registry.trust_root)[0].verdict is Verdict.LISTED
    name = re.search(r'filename="(report-[0-9a-f]{8}\.evidence)"', evidence.headers["content-disposition"])
    assert name is not None
    for file, said in (("en.html", "Report about yourself"), ("zh.html", "本人")):
        saved = clerk.get(f"{place}/files/{file}")
        assert said in saved.text
        assert name[1] in saved.text, "the paper names the file beside it"
        assert person(941).number not in saved.text
    for file in ("en.pdf", "zh.pdf"):
        assert clerk.get(f"{place}/files/{file}").body.startswith(b"%PDF-")
    for file in ("fr.pdf", "en.exe", "..", "en"):
        assert clerk.get(f"{place}/files/{file}").status == 404
    again = clerk.post(f"{place}/anew")
    assert again.headers["location"] != place
    assert record in clerk.follow(again).words
    assert done(home) >= {"ASK", "READ_ANSWER", "SAVE_EVIDENCE", "PRINT_ANSWER"}
    begun = [line for line, _ in read_journal(home / JOURNAL_FILE) if (line.act, line.result) == ("ASK", "BEGUN")]
    assert {line.reason for line in begun} == {"SUBJECT_ACCESS"}


def test_a_person_without_records_is_told_so_and_a_minor_is_named(clerk: Visitor) -> None:
    _, clear = made(clerk, 942)
    assert "no record under this identity number" in clear.words
    assert "under 18" not in clear.words
    body = f"110105{TODAY.year - 10}0101001"
    minor = clerk.post("/person", asked(1, number=body + resident_check_digit(body)), {"request_file": b"A guardian."})
    assert "The person is under 18: a guardian signs" in clerk.follow(minor).words


@pytest.mark.parametrize(
    ("changes", "file", "said"),
    [
        ({"request_date": (TODAY + timedelta(2)).isoformat()}, b"x", "The request is dated in the future"),
        ({"request_date": "1.5.2026"}, b"x", "Give a day with the year first"),
        ({}, b"", "A file that you chose is empty"),
        ({"request_digest": "ab" * 32}, b"x", "one of the two"),
        ({"number": ""}, b"x", "Type the identity number"),
        ({"number": "110105180001010011"}, b"x", "One digit is mistyped"),
        ({"id_type": "PASSPORT", "number": "E12345678"}, b"x", "Name the state that issued the passport"),
    ],
)
def test_a_form_that_is_not_in_order_says_what_to_do(
    clerk: Visitor, changes: dict[str, str], file: bytes, said: str
) -> None:
    shown = clerk.post("/person", asked(943, **changes), {"request_file": file})
    assert shown.status == 422
    assert said in shown.words
    assert "Nothing was sent" in shown.words
    assert person(943).number not in shown.text


def test_the_request_of_another_person_is_refused_at_the_form(clerk: Visitor) -> None:
    made(clerk, 944)
    shown = clerk.post("/person", asked(945), {"request_file": request_of(944)})
    assert "used for another person already: give the one that this person signed" in shown.words
    assert 'action="/person"' in shown.text


def test_a_report_is_there_for_the_session_that_made_it_alone(counter: RunningDesk, clerk: Visitor) -> None:
    place, page = made(clerk, 942)
    assert clerk.get(f"{place}/statement/0").status == 404, "it has no record"
    colleague = counter.visitor()
    for visitor, made_place in ((clerk, "/person/nothing"), (colleague, place)):
        for path in ("", "/files/evidence", "/files/en.pdf", "/dispute/0", "/statement/0"):
            gone = visitor.get(f"{made_place}{path}")
            assert gone.status == 404
            assert "not here any more" in gone.words
            assert person(942).number[-4:] not in gone.words
    assert person(942).number[-4:] in page.words
    assert clerk.get(place).words == page.words


def test_a_record_is_disputed_from_the_report_and_taken_back(home: Path, clerk: Visitor, lender: Client) -> None:
    record, other = reported(lender, 946), reported(lender, 952)
    place, _ = made(clerk, 946)
    form = clerk.get(f"{place}/dispute/0")
    typed = typed_in(form.text)
    assert typed["record"] == record
    for changes, said in (
        ({}, "Choose the person's request and what shows"),
        ({"request": "yes", "code": "paid", "own_code": "other"}, "one of the two"),
        ({"request": "yes", "own_code": "not mine!"}, "code.form"),
        ({"request": "yes", "own_code": person(946).number}, "code.number"),
        ({"request": "yes", "record": "lender-1"}, "Name the record as answers do"),
        ({"request": "yes", "report": "0" * 32}, "The report is not here any more: choose the signed request itself."),
        ({"request": "yes", "record": other}, "not in the report of the person who signed"),
        ({"record": other, "code": "paid"}, "not in the report of the person who signed"),
    ):
        refused = clerk.post("/disputes/open", typed | changes, {})
        assert (refused.status, said in refused.words) == (422, True), refused.words
    # Nor where the paper of the one person is chosen for the record of the other.
    alone = clerk.post("/disputes/open", {"record": other}, {"evidence": request_of(946)})
    assert "give the one that this person signed" in alone.words
    nowhere = clerk.post("/disputes/open", {"record": NOWHERE}, {"evidence": b"x"})
    assert "Compare issuer and id of the record" in nowhere.words
    empty = clerk.post("/disputes/open", typed | {"request": "yes"}, {"evidence": b""})
    assert "A file that you chose is empty" in empty.words
    opened = clerk.post("/disputes/open", typed | {"request": "yes", "code": "paid"}, {"evidence": b"The receipt."})
    assert opened.headers["location"] == f"/disputes/of/{record}"
    shown = clerk.follow(opened)
    (view,) = [one for one in lender.disputes() if f"lender-1/{one.uuid}" == record]
    assert set(view.evidence) == {hashlib.sha256(paper).digest() for paper in (request_of(946), b"The receipt.")}
    assert view.due_on is not None
    assert view.due_on.isoformat() in shown.words
    twice = clerk.post("/disputes/open", typed | {"request": "yes", "code": "paid"}, {"evidence": b"The receipt."})
    assert "This dispute stands: wait for its answer, or give further documents" in twice.words
    assert "paid" in typed_in(twice.text)["code"]
    assert record in clerk.get("/disputes").words
    assert f"lender-1 answers the dispute of record {view.uuid}" in clerk.get("/today").words
    _, anew = made(clerk, 946)
    assert f'href="/disputes/of/{record}"' in anew.text
    unsure = clerk.post(f"/disputes/of/{record}/withdraw")
    assert "Tick the box" in unsure.words
    back = clerk.follow(clerk.post(f"/disputes/of/{record}/withdraw", {"sure": "yes"}))
    assert "The dispute is taken back" in back.words
    assert "No dispute stands." in back.words
    assert "dispute taken back" in clerk.get(f"/disputes/of/{record}").words
    elsewhere = record.replace("lender-1", "lender-2")
    assert "DISPUTE_UNKNOWN" in clerk.get(f"/disputes/of/{elsewhere}").words
    assert done(home) >= {"OPEN_DISPUTE", "WITHDRAW_DISPUTE", "LIST_DISPUTES"}


def test_documents_for_a_dispute_of_another_member_stand_with_it(
    registry: TestRegistry, clerk: Visitor, lender: Client
) -> None:
    record = reported(lender, 8972)
    uuid = UUID(record.partition("/")[2])
    registry.enrol("counter-before", Role.REPRESENTATIVE)
    with registry.client("counter-before") as other:
        other.open_dispute("lender-1", uuid.bytes, evidence=[hashlib.sha256(b"Of the other office.").digest()])
    added = clerk.follow(clerk.post("/disputes/open", {"record": record}, {"evidence": b"A further receipt."}))
    assert (added.status, "Another member has disputed this record before" in added.words) == (200, True)
    (view,) = [one for one in lender.disputes() if one.uuid == uuid]
    assert view.opened_by == "counter-before"
    assert hashlib.sha256(b"A further receipt.").digest() in view.evidence


def test_an_answer_comes_first_until_it_is_acknowledged(clerk: Visitor, lender: Client) -> None:
    record = reported(lender, 951)
    place, _ = made(clerk, 951)
    typed = typed_in(clerk.get(f"{place}/dispute/0").text)
    clerk.follow(clerk.post("/disputes/open", typed | {"request": "yes"}, {}))
    uuid = record.partition("/")[2]
    assert "has answered" not in clerk.get("/today").words
    lender.answer_dispute(UUID(uuid).bytes, "UNCONFIRMED", evidence=[hashlib.sha256(b"letter").digest()])
    today = clerk.get("/today")
    assert f"lender-1 has answered the dispute of record {uuid}: could not be confirmed" in today.words
    assert today.words.index("has answered") < today.words.index("Disputes that stand")
    assert f"The dispute of record {uuid} stands" in today.words
    (number,) = re.findall(r'href="/inbox/(\d+)"', today.text)
    for page in (clerk.get("/inbox"), clerk.get(f"/inbox/{number}")):
        assert "A dispute that you have opened was answered" in page.words
        assert f'href="/disputes/of/{record}"' in page.text
    clerk.post(f"/inbox/{number}/acknowledge")
    assert "has answered" not in clerk.get("/today").words


def test_a_statement_is_added_replaced_and_removed(home: Path, clerk: Visitor, lender: Client) -> None:
    record = reported(lender, 947)
    place, _ = made(clerk, 947)
    typed = typed_in(clerk.get(f"{place}/statement/0").text)
    assert "number" not in typed, "the report knows whom it is about"
    for text, said in (
        (" ", "Write what the person says"),
        ("x" * 501, "text.length"),
        (f"I am {person(947).number}.", "statement.number"),
        ("I had a tumour and HIV.", "C04"),
    ):
        refused = clerk.post("/statements", typed | {"text": text})
        assert (refused.status, said in refused.words) == (422, True), refused.words
    added = clerk.post("/statements", typed | {"text": "I paid.\r\nSee the receipt."})
    assert "Make the report anew to see it" in clerk.follow(added).words
    place, page = made(clerk, 947)
    assert "I paid. See the receipt." in page.words
    assert "I paid. See the receipt." in clerk.get(f"{place}/statement/0").words
    # Without a report the number is typed, and must be that of the record's person.
    wrong = clerk.post("/statements", asked(948) | {"record": record, "text": "Of another person."})
    assert "This record is about another person" in wrong.words
    clerk.follow(clerk.post("/statements", asked(947) | {"record": record, "text": "Another text."}))
    place, page = made(clerk, 947)
    assert "Another text." in page.words
    gone = clerk.post("/statements/remove", {"removed": record, "report": place.rpartition("/")[2]})
    assert gone.headers["location"] == place
    assert "The statement is removed" in clerk.follow(gone).words
    again = clerk.post("/statements/remove", {"removed": record})
    assert "No statement of the person stands with this record" in again.words
    assert "Name the record" in clerk.post("/statements/remove", {"removed": "x"}).words
    assert "Another text." not in made(clerk, 947)[1].words
    assert done(home) >= {"ADD_STATEMENT", "REMOVE_STATEMENT"}


def test_a_person_is_alerted_by_a_program_and_no_more(registry: TestRegistry, clerk: Visitor, home: Path) -> None:
    place, _ = made(clerk, 949)
    typed = typed_in(clerk.get(f"{place}/alerts").text)
    assert "number" not in typed
    for changes, said in (
        ({}, "one at least"),
        ({"mail": "a@"}, "Give plain addresses"),
        ({"webhook": "http://10.0.0.1/x"}, "Give addresses such as https://hooks.example"),
        ({"mail": "a@b.example", "label": person(949).number}, "no identity number"),
        ({"mail": "a@b.example", "label": "case\ufe0f17"}, "Name the case"),
        ({"mail": "a@b.example", "until": "2020-01-01"}, "alerts.until"),
        ({"mail": "a@b.example", "until": ""}, "Give a day"),
    ):
        refused = clerk.post("/alerts/on", typed | changes, {})
        assert (refused.status, said in refused.words) == (422, True), refused.words
    assert "Nobody is alerted." in clerk.get("/alerts").words
    with running_hook() as hook:
        on = clerk.post("/alerts/on", typed | {"webhook": hook.url, "label": "case-17"}, {})
        listed = clerk.follow(on)
        assert "The person is alerted until" in listed.words
        assert "case-17" in listed.words
        assert hook.url not in listed.text, "addresses are shown by their host alone"
        with registry.client("lender-1") as other:
            other.report(default_report(949))
        assert Command(home)("alerts", "deliver").content["delivered"] == 1
        assert len(hook.got) == 1
    shown = clerk.get("/alerts")
    assert "a new record" in shown.words
    assert "delivered" in shown.words
    (key,) = re.findall(r"/alerts/([0-9a-f]{32})/off", shown.text)
    assert "not alerted any more" in clerk.follow(clerk.post(f"/alerts/{key}/off")).words
    assert "had ended before" in clerk.follow(clerk.post(f"/alerts/{key}/off")).words
    assert clerk.post("/alerts/zz/off").status == 404
    # Under a request of its own, where no report was made before.
    typed_on = asked(950) | {"mail": "a@b.example", "until": (TODAY + timedelta(30)).isoformat()}
    alone = clerk.post("/alerts/on", typed_on, {"request_file": request_of(950)})
    assert "mail at b.example" in clerk.follow(alone).words
    clerk.cookies["desk-language"] = "zh"
    assert "b.example 的邮箱" in clerk.get("/alerts").words
    clerk.cookies["desk-language"] = "en"
    assert done(home) >= {"ALERTS_ON", "ALERTS_OFF", "READ_ALERTS"}
