"""The pages of a real desk against a real registry: asking, the answer, own records, the inbox, errors in words."""

from __future__ import annotations

import hashlib
import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk import DefaultFacts, Verdict, verify
from client_sdk.verification import read_trust_root
from tests.client_sdk.sdk_samples import FIRST_DAY, default_report, person
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor, typed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk.testing import TestRegistry

YESTERDAY = (date.today() - timedelta(1)).isoformat()  # noqa: DTZ011 - as a person at the desk types it
CONSENT = b"I agree that you ask the registry about me."


@pytest.fixture(scope="module")
def officer(desk: RunningDesk) -> Visitor:
    """Somebody who came by the one-time link."""
    visitor = desk.visitor()
    visitor.get("/ask")
    return visitor


def question(who: int, **changes: str) -> dict[str, str]:
    """What is typed to ask about a person."""
    given = {
        "id_type": "CN_RESIDENT_ID",
        "number": person(who).number,
        "purpose": "LOAN_APPROVAL",
        "consent_date": YESTERDAY,
        "consent_digest": hashlib.sha256(CONSENT).hexdigest(),
    }
    return given | changes


def test_an_answer_is_shown_in_words_with_its_chain_and_saved_as_evidence_and_pdf(
    registry: TestRegistry, officer: Visitor, tmp_path: Path
) -> None:
    sent = officer.post("/ask", question(1, consent_digest=""), {"consent_file": CONSENT})
    page = officer.follow(sent)
    assert page.status == 200
    for said in ("Listed: the registry holds live records", "Blacklisted by your criteria", "counts by your criteria"):
        assert said in page.words
    for event in ("2025-03-31 first day overdue", "2025-07-01 suit filed", "2025-09-10 enforcement begun"):
        assert page.text.count(event) == 2, "in the picture, and in the list that says the same"
    assert "This machine has verified the answer" in page.words
    address = sent.headers["location"]
    evidence = officer.get(f"{address}/evidence")
    (tmp_path / "saved.evidence").write_bytes(evidence.body)
    (proved,) = verify(tmp_path / "saved.evidence", trust_root=read_trust_root(registry.trust_root))
    assert proved.verdict is Verdict.LISTED
    assert proved.inquiry_id.hex()[:8] in evidence.headers["content-disposition"]
    printed = officer.get(f"{address}/pdf")
    assert printed.body.startswith(b"%PDF-")
    assert printed.headers["content-type"] == "application/pdf"


def test_loading_the_answer_again_asks_nothing_anew(registry: TestRegistry, officer: Visitor) -> None:
    sent = officer.post("/ask", question(1))
    with registry.client("lender-2") as client:
        before = len(client.inquiries())
        assert officer.follow(sent).text == officer.follow(sent).text
        assert len(client.inquiries()) == before


def test_nobody_is_listed_under_another_number(officer: Visitor) -> None:
    page = officer.follow(officer.post("/ask", question(2)))
    assert "Clear: no live record under this identity number." in page.words
    assert "Not adverse by your criteria" in page.words


def test_an_answer_is_for_the_session_that_asked_alone(desk: RunningDesk, officer: Visitor) -> None:
    address = officer.post("/ask", question(2)).headers["location"]
    stranger = desk.visitor(signed_in=False)
    assert stranger.get(address).headers["location"] == "/sign-in"
    refused = desk.visitor().get(address)
    assert refused.status == 404
    assert "This answer is not here any more" in refused.words


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"number": "11010518000101001X"}, "One digit is mistyped"),
        ({"number": "1101051800010100"}, "The number has the wrong length or form"),
        ({"number": "110105180002310010"}, "the last character does not fit"),
        ({"number": ""}, "Type the identity number."),
        ({"number": "000000000000000000"}, "This is a placeholder"),
        ({"id_type": "PASSPORT", "number": "E12345678"}, "Name the state that issued the passport"),
        ({"id_type": "LEI", "number": "110105180001010010"}, "This is a number of another type"),
        ({"id_type": "x"}, "Choose one of the list."),
        ({"purpose": "REPORTING"}, "Choose one of the list."),
        ({"consent_date": "1.3.2026"}, "Give a day with the year first"),
        ({"consent_date": "2199-01-01"}, "The consent is dated in the future"),
        ({"consent_digest": ""}, "Give the signed consent, or its SHA-256"),
        ({"consent_digest": "abc"}, "Give a SHA-256 as 64 hexadecimal digits."),
        ({"consent_digest": hashlib.sha256(b"").hexdigest()}, "Found: that of an empty document"),
    ],
)
def test_what_is_mistyped_is_told_with_what_to_do(officer: Visitor, changes: dict[str, str], said: str) -> None:
    refused = officer.post("/ask", question(1, **changes))
    assert refused.status == 422
    assert said in refused.words
    typed = question(1, **changes)["number"]
    assert not typed or typed not in refused.text, "the number is typed anew"
    officer.language = "zh"
    try:
        chinese = officer.post("/ask", question(1, **changes))
        assert "请更正" in chinese.words
        assert said not in chinese.words
    finally:
        officer.language = "en"


def test_all_mistakes_of_a_form_are_told_at_once(officer: Visitor) -> None:
    wrong = question(1, number="11010518000101001X", purpose="REPORTING", consent_date="1.3.2026", consent_digest="")
    refused = officer.post("/ask", wrong)
    assert refused.status == 422
    for field in ("number", "purpose", "consent_date", "consent_file"):
        assert f'id="{field}-wrong"' in refused.text, field
    assert "One digit is mistyped" in refused.words


def test_a_consent_and_the_sha_256_of_another_are_refused_with_both(officer: Visitor) -> None:
    chosen, typed = hashlib.sha256(b"I agree.").hexdigest(), hashlib.sha256(b"another").hexdigest()
    refused = officer.post("/ask", question(1, consent_digest=typed), {"consent_file": b"I agree."})
    assert refused.status == 422
    assert f"has the SHA-256 {chosen}, and this is another one: {typed}" in refused.words
    assert 'href="#consent_digest">SHA-256 of the consent: ' in refused.text
    agreed = officer.post("/ask", question(1, consent_digest=chosen), {"consent_file": b"I agree."})
    assert agreed.headers["location"].startswith("/answers/")


def test_what_the_rules_say_of_a_consent_stands_at_its_field(officer: Visitor) -> None:
    empty = officer.post("/ask", question(1, consent_digest=hashlib.sha256(b"").hexdigest()))
    assert 'id="consent_digest-wrong"' in empty.text
    assert "inquiry.consent" not in empty.text


def test_the_lenders_own_criteria_weigh_the_answer(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.enrol("lender-criteria")
    (home / "desk.toml").write_text('criteria = "criteria.toml"\n')
    (home / "criteria.toml").write_text(
        'counted = ["JUDGMENT OPEN"]\nwatched = ["DEFAULT OPEN"]\njudgment_stages = ["FILED"]\n'
    )
    with RunningDesk(home, tmp_path / "log") as running:
        visitor = running.visitor()
        visitor.get("/ask")
        page = visitor.follow(visitor.post("/ask", question(1)))
    assert "is watched by your criteria" in page.words
    # It is open: nothing was paid.
    assert "Watch: what is owed does not count by your criteria; look at it" in page.words
    assert "paid or settled" not in page.words
    (home / "criteria.toml").write_text("counted = 7\n")
    refused = Command(home)("desk", "--listen", "127.0.0.1:0", code=None)
    assert "counted" in refused.content["error"]["message"]


@pytest.fixture(scope="module")
def lender(registry: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    """Somebody at a desk of lender-1, which has reported."""
    with RunningDesk(registry.home("lender-1"), tmp_path_factory.mktemp("lender")) as running:
        visitor = running.visitor()
        visitor.get("/records")
        yield visitor


def test_own_records_are_listed_found_opened_and_withdrawn(registry: TestRegistry, lender: Visitor) -> None:
    with registry.client("lender-1") as client:
        receipt = client.report(default_report(7))
    uuid = str(receipt.uuid)
    assert uuid in lender.get("/records").text
    name = {"kind": "DEFAULT", "reference": "loan-7", "first_day": FIRST_DAY.isoformat()}
    found = lender.follow(lender.post("/records", name))
    assert "Default, open" in found.words
    assert "1,230.00" not in found.words, "facts are sealed"
    wrong = lender.post(f"/records/{uuid}/open", {"id_type": "CN_RESIDENT_ID", "number": person(8).number})
    assert wrong.status == 422
    assert "This record is about another person" in wrong.words
    number = {"id_type": "CN_RESIDENT_ID", "number": person(7).number}
    opened = lender.follow(lender.post(f"/records/{uuid}/open", number))
    assert "1,230.00 CNY" in opened.words
    mistaken = lender.post(f"/records/{uuid}/withdraw", {"reason": "x"})
    assert "Choose one of the list." in mistaken.words
    assert "Tick the box" in mistaken.words
    unsure = lender.post(f"/records/{uuid}/withdraw", {"reason": "ERROR"})
    assert "Tick the box" in unsure.words
    without = lender.post(f"/records/{uuid}/withdraw", {"reason": "FRAUD", "sure": "yes"})
    assert without.status in {409, 422}
    assert "Nothing was sent" in without.words or "refused" in without.words
    gone = lender.follow(lender.post(f"/records/{uuid}/withdraw", {"reason": "ERROR", "sure": "yes"}))
    assert "Withdrawn at leaf" in gone.words
    assert "withdrawn as a mistake" in gone.words
    again = lender.post(f"/records/{uuid}/withdraw", {"reason": "ERROR", "sure": "yes"})
    assert again.status == 422
    assert "The registry has refused this (RECORD_ENDED)" in again.words
    assert "The record is closed; a new episode is a new record" in again.words


def test_an_own_record_is_corrected_once_what_changes_was_shown(registry: TestRegistry, lender: Visitor) -> None:
    with registry.client("lender-1") as client:
        receipt = client.report(default_report(11))
    uuid = str(receipt.uuid)
    number = {"id_type": "CN_RESIDENT_ID", "number": person(11).number}
    opened = lender.follow(lender.post(f"/records/{uuid}/open", number))
    (path,) = re.findall(r'href="(/opened/[^"]+/correct)"', opened.text)
    form = lender.get(path)
    typed = typed_in(form.text)
    assert typed["principal"] == "1,200.00"
    for amount in ("1.2", "1,2", "12.5000", "-1", "1 000", "x"):
        wrong = lender.post(path, typed | {"principal": amount})
        assert wrong.status == 422
        assert "Give an amount such as 12,500.00" in wrong.words
    broken = lender.post(path, typed | {"days_past_due": "-3"})
    assert broken.status == 422
    assert "Give a whole number from 0." in broken.words
    assert 'href="#days_past_due"' in broken.text
    same = lender.follow(lender.post(path, typed))
    assert "Nothing changes." in same.words
    planned = lender.post(path, typed | {"principal": "120,000.00"})
    plan = lender.follow(planned)
    assert "Principal 1,200.00 120,000.00" in plan.words
    assert "Amount 120,030.00 CNY: principal 120,000.00" in plan.words, (
        "all that is signed is shown, not the change alone"
    )
    assert "Approved by clerk-1" in plan.words
    assert "hundred" in plan.words
    planned = lender.post(path, typed | {"principal": "1300"})
    lender.follow(planned)
    done = lender.follow(lender.post(planned.headers["location"]))
    assert "Version 2 is logged at leaf" in done.words
    with registry.client("lender-1") as client:
        (held,) = client.records([receipt.record_id], identity=person(11))
    assert isinstance(held.facts, DefaultFacts)
    assert held.facts.amounts.principal == 130_000
    assert lender.post("/corrections/nothing").status == 404
    assert lender.get("/opened/nothing/correct").status == 404


@pytest.mark.parametrize(
    ("search", "said"),
    [
        ({"record": "4711"}, "A record's number looks like"),
        ({"kind": "DEFAULT"}, "Give the record's number, or your own reference"),
        ({"kind": "DEFAULT", "reference": "nothing", "first_day": "2025-01-01"}, "holds no record of this name"),
    ],
)
def test_a_search_that_finds_nothing_says_why(lender: Visitor, search: dict[str, str], said: str) -> None:
    answered = lender.post("/records", search)
    assert answered.status == 422
    assert said in answered.words
    typed = typed_in(answered.text)
    # The list has a choice of kinds too.
    assert all(typed[name] == text for name, text in search.items() if name != "kind"), "what was typed stays"


def test_a_record_that_is_not_there_is_told(lender: Visitor) -> None:
    missing = lender.get("/records/01234567-89ab-8def-8123-456789abcdef")
    assert missing.status == 409
    assert "RECORD_UNKNOWN" in missing.words
    assert lender.get("/records/4711").status == 404


def test_a_notice_of_a_withdrawn_record_comes_and_is_acknowledged(registry: TestRegistry, officer: Visitor) -> None:
    with registry.client("lender-1") as client:
        receipt = client.report(default_report(9))
        officer.follow(officer.post("/ask", question(9)))
        client.withdraw(receipt.record_id)
    inbox = officer.get("/inbox")
    assert "was withdrawn: it was a mistake." in inbox.words
    assert str(receipt.uuid) in inbox.text
    number = inbox.text.split('action="/inbox/')[1].split("/")[0]
    assert "is acknowledged at leaf" in officer.follow(officer.post(f"/inbox/{number}/acknowledge")).words
    assert officer.post("/inbox/999999/acknowledge").status == 409


def test_a_registry_that_is_away_is_told_with_what_to_do(registry: TestRegistry, officer: Visitor) -> None:
    registry.stop("registry")
    try:
        refused = officer.post("/ask", question(1))
    finally:
        registry.start_registry()
    assert refused.status == 503
    assert "The registry does not answer" in refused.words
    assert "Try again in a moment." in refused.words


def test_the_language_follows_the_browser_and_a_switch_overrides_it(desk: RunningDesk) -> None:
    stranger = desk.visitor(signed_in=False)
    stranger.language = "zh-CN,zh;q=0.9,en;q=0.8"
    assert "登录" in stranger.get("/sign-in").words
    stranger.post("/language", {"language": "en", "back": "/sign-in"})
    assert "Sign in" in stranger.get("/sign-in").words
    for back in ("//evil.example/", "/\\evil.example", "https://evil.example"):
        assert stranger.post("/language", {"language": "zh", "back": back}).headers["location"] == "/"


def test_the_journal_is_shown_to_administrators(officer: Visitor) -> None:
    officer.post("/ask", question(1))
    page = officer.get("/journal")
    assert page.status == 200
    assert "SHA-256 of the last line" in page.words
    assert "ASK" in page.words
    assert person(1).number not in page.text
