"""Disputes at the desk: the list with due dates, one dispute, its answer; and where the notices of the inbox lead."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk import DisputeOutcome, Role
from tests.client_sdk.desk.test_desk_pages import question
from tests.client_sdk.sdk_samples import default_facts, default_report
from tests.support.command import Command
from tests.support.desk import RunningDesk, Visitor, typed_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk import Client
    from client_sdk.testing import TestRegistry

PAPER, OTHER_PAPER = b"The signed contract.", b"The statement of account."


@pytest.fixture(scope="session")
def home(registry: TestRegistry) -> Path:
    return registry.enrol("lender-disputed")


@pytest.fixture(scope="module")
def officer(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with RunningDesk(home, tmp_path_factory.mktemp("disputed")) as running:
        visitor = running.visitor()
        visitor.get("/disputes")
        yield visitor


@pytest.fixture(scope="module")
def lender(registry: TestRegistry, home: Path) -> Iterator[Client]:
    with registry.client("lender-disputed") as client:
        yield client


@pytest.fixture(scope="session")
def office(registry: TestRegistry) -> Iterator[Client]:
    """A representative, who opens disputes for persons."""
    registry.enrol("office-1", Role.REPRESENTATIVE)
    with registry.client("office-1") as client:
        yield client


def disputed(lender: Client, office: Client, number: int) -> str:
    """Report, and have it disputed; return the number of the record."""
    receipt = lender.report(default_report(number))
    letter = hashlib.sha256(b"letter %d" % number).digest()
    office.open_dispute("lender-disputed", receipt.record_id, code="paid-in-time", evidence=[letter])
    return str(receipt.uuid)


def test_a_dispute_is_listed_with_its_day_shown_and_confirmed(
    home: Path, officer: Visitor, lender: Client, office: Client
) -> None:
    assert "No dispute stands." in officer.get("/disputes").words
    uuid = disputed(lender, office, 61)
    (view,) = [one for one in lender.disputes() if str(one.uuid) == uuid]
    assert view.due_on is not None
    listed = officer.get("/disputes")
    assert f'href="/disputes/{uuid}"' in listed.text
    assert view.due_on.isoformat() in listed.words
    assert "paid-in-time" in listed.words
    shown = officer.get(f"/disputes/{uuid}")
    for said in ("office-1", "paid-in-time", view.due_on.isoformat(), hashlib.sha256(b"letter 61").hexdigest()):
        assert said in shown.words
    assert f'href="/disputes/{uuid}"' in officer.get(f"/records/{uuid}").text
    nothing = officer.post(f"/disputes/{uuid}/answer", {"outcome": "CONFIRMED"}, {})
    assert nothing.status == 422
    assert "Choose the documents that the answer rests on" in nothing.words
    wrong = officer.post(f"/disputes/{uuid}/answer", {"outcome": "WITHDRAWN"}, {"evidence": PAPER})
    assert "Choose one of the list." in wrong.words
    answered = officer.post(f"/disputes/{uuid}/answer", {"outcome": "CONFIRMED"}, {"evidence": PAPER})
    ended = officer.follow(answered)
    assert "The dispute is answered, at leaf" in ended.words
    assert "found to be right" in ended.words
    assert hashlib.sha256(PAPER).hexdigest() in ended.words
    assert "Answer it" not in ended.words
    again = officer.get("/disputes")
    assert "No dispute stands." in again.words
    assert "Disputes that have ended" in again.words
    lines = Command(home).said("desk", "journal", "show").out
    for act in ("LIST_DISPUTES", "READ_DISPUTE", "ANSWER_DISPUTE"):
        assert act in lines


def test_an_answer_rests_on_several_documents(officer: Visitor, lender: Client, office: Client) -> None:
    uuid = disputed(lender, office, 62)
    boundary = "several"
    parts = [
        ("token", "", officer.token.encode()),
        ("outcome", "", b"UNCONFIRMED"),
        ("evidence", '; filename="a.pdf"', PAPER),
        ("evidence", '; filename="b.pdf"', OTHER_PAPER),
    ]
    body = b"".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content + b"\r\n"
        for name, file, content in parts
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Sec-Fetch-Site": "same-origin"}
    officer.send("POST", f"/disputes/{uuid}/answer", body + f"--{boundary}--\r\n".encode(), headers)
    (view,) = [one for one in lender.disputes() if str(one.uuid) == uuid]
    assert view.outcome is DisputeOutcome.UNCONFIRMED
    assert set(view.answer_evidence) == {hashlib.sha256(paper).digest() for paper in (PAPER, OTHER_PAPER)}
    assert "could not be confirmed" in officer.get(f"/disputes/{uuid}").words


def test_no_outcome_is_chosen_beforehand(officer: Visitor, lender: Client, office: Client) -> None:
    uuid = disputed(lender, office, 68)
    page = officer.get(f"/disputes/{uuid}")
    assert typed_in(page.text)["outcome"] == ""
    nothing = officer.post(f"/disputes/{uuid}/answer", {"outcome": ""}, {"evidence": PAPER})
    assert (nothing.status, "Outcome: Choose one of the list." in nothing.words) == (422, True)


def test_corrected_is_answered_after_the_correction(officer: Visitor, lender: Client, office: Client) -> None:
    uuid = disputed(lender, office, 63)
    early = officer.post(f"/disputes/{uuid}/answer", {"outcome": "CORRECTED"}, {"evidence": PAPER})
    assert early.status == 422
    assert "Correct the record first, by the link below" in early.words
    assert f'href="/records/{uuid}" target="_blank"' in early.text
    # What was chosen stays: the outcome, and the documents by their SHA-256.
    typed = typed_in(early.text)
    assert (typed["outcome"], typed["kept"]) == ("CORRECTED", hashlib.sha256(PAPER).hexdigest())
    garbled = officer.post(f"/disputes/{uuid}/answer", typed | {"again": "yes", "kept": "zz"}, {})
    assert (garbled.status, "choose them anew" in garbled.words) == (422, True)
    facts = default_facts(contract="HT-63", as_of=date(2025, 5, 31), days=60)
    lender.report(default_report(63, facts=facts))
    answered = officer.post(f"/disputes/{uuid}/answer", typed | {"again": "yes"}, {})
    assert "The dispute is answered" in officer.follow(answered).words
    (view,) = [one for one in lender.disputes(ended=True) if str(one.uuid) == uuid]
    assert view.answer_evidence == (hashlib.sha256(PAPER).digest(),)


def test_the_answer_to_a_dispute_that_a_lender_has_opened_leads_to_no_page_of_an_office(
    registry: TestRegistry, officer: Visitor, lender: Client
) -> None:
    with registry.client("lender-1") as other:
        record = other.report(default_report(8961))
        lender.open_dispute("lender-1", record.record_id, evidence=[hashlib.sha256(PAPER).digest()])
        answered = other.answer_dispute(record.record_id, "CONFIRMED", evidence=[hashlib.sha256(OTHER_PAPER).digest()])
    for page in (officer.get("/inbox"), officer.get(f"/inbox/{answered.index}")):
        assert "A dispute that you have opened was answered" in page.words
        assert str(record.uuid) in page.words
        assert "/disputes/of/" not in page.text, "a page of a representative's desk"


def test_a_record_without_a_dispute_says_so(officer: Visitor, lender: Client) -> None:
    uuid = str(lender.report(default_report(64)).uuid)
    missing = officer.get(f"/disputes/{uuid}")
    assert missing.status == 409
    assert "DISPUTE_UNKNOWN" in missing.words


def test_notices_lead_to_what_they_say_and_to_what_they_are_about(
    registry: TestRegistry, officer: Visitor, lender: Client, office: Client
) -> None:
    uuid = disputed(lender, office, 65)
    inbox = officer.get("/inbox")
    assert f'href="/disputes/{uuid}"' in inbox.text
    numbers = re.findall(r'href="/inbox/(\d+)"', inbox.text)
    notices = [officer.get(f"/inbox/{number}") for number in numbers]
    assert any(f'class="button" href="/disputes/{uuid}"' in one.text for one in notices)
    with registry.client("lender-1") as other:
        receipt = other.report(default_report(66))
        officer.get("/ask")
        officer.follow(officer.post("/ask", question(66)))
        facts = default_facts(contract="HT-66")
        other.correct(default_report(66, facts=replace(facts, amounts=replace(facts.amounts, principal=1_000))))
        withdrawn = other.report(default_report(67))
        officer.follow(officer.post("/ask", question(67)))
        other.withdraw(withdrawn.record_id, reason="IDENTITY_THEFT", evidence=[hashlib.sha256(PAPER).digest()])
    pages = [
        officer.get(f"/inbox/{number}") for number in re.findall(r'href="/inbox/(\d+)"', officer.get("/inbox").text)
    ]
    (corrected,) = [one for one in pages if str(receipt.uuid) in one.text]
    for said in ("was corrected", "Default", "open", "Version 2", "Ask again about the person"):
        assert said in corrected.words, said
    (gone,) = [one for one in pages if str(withdrawn.uuid) in one.text]
    assert "Identity theft, with evidence" in gone.words
    (about,) = [number for number, one in zip(numbers, notices, strict=True) if uuid in one.text]
    assert "answer until the day that is named" in officer.get(f"/inbox/{about}").words
    officer.post(f"/disputes/{uuid}/answer", {"outcome": "CONFIRMED"}, {"evidence": PAPER})
    assert "was disputed; no answer is due any more" in officer.get(f"/inbox/{about}").words
    assert officer.get("/inbox/999999").status == 409
