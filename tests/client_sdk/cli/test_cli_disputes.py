"""A dispute as its people see it: a consumer office opens it, the lender finds and answers it, all by commands."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk.models import Role
from tests.client_sdk.cli.command_samples import ASKING, CONSENT_DAY, DIGEST, digest_of, id_number, report_words
from tests.client_sdk.sdk_samples import SIGNED_ON
from tests.support.command import Command
from tests.support.handmade_log import REGISTRY, HandmadeLog

if TYPE_CHECKING:
    from client_sdk.testing import TestRegistry

OFFICE = "consumer-office"
ASKED = {"LOAN_APPROVAL": "SUBJECT_ACCESS", CONSENT_DAY: SIGNED_ON.isoformat()}


def access_of(number: int) -> list[str]:
    """Ask for a person, under the request that this one signed."""
    return [ASKED.get(word, digest_of(number) if word == DIGEST else word) for word in ASKING]


@pytest.fixture(scope="module")
def office(registry: TestRegistry) -> Command:
    return Command(registry.enrol(OFFICE, Role.REPRESENTATIVE))


@pytest.fixture
def record(lender: Command, number: int) -> str:
    """A reported record, as answers name it."""
    reported = lender(*report_words(number), "--yes", given=id_number(number)).content
    return f"lender-1/{reported['record_id']}"


@pytest.fixture
def paper(tmp_path: Path) -> str:
    """A document."""
    (tmp_path / "receipt.pdf").write_bytes(b"paid")
    return str(tmp_path / "receipt.pdf")


def shown(asker: Command, number: int) -> dict[str, Any]:
    (listed,) = asker(*ASKING, given=id_number(number)).content["records"]
    found: dict[str, Any] = listed
    return found


def test_a_dispute_goes_from_an_office_to_the_lender_and_back(
    office: Command, lender: Command, asker: Command, number: int, record: str, paper: str
) -> None:
    opened = office("subject", "dispute", "open", record, "--code", "paid-in-time", "--evidence", paper).content
    assert (opened["issuer"], opened["number"]) == ("lender-1", 1)
    assert shown(asker, number)["flags"] == ["DISPUTED"]
    (waiting,) = [one for one in lender("dispute", "list").content["disputes"] if record.endswith(one["record_id"])]
    assert (waiting["opened_by"], waiting["code"]) == (OFFICE, "paid-in-time")
    assert waiting["due_on"]
    status = lender("status").content
    assert status["disputes_waiting"] >= 1
    assert status["next_answer_due"] <= waiting["due_on"]
    assert "to answer, the first by" in lender.said("status").out
    assert record in lender.said("dispute", "list").out
    (own,) = [one for one in lender("records").content["records"] if record.endswith(one["record_id"])]
    assert own["flags"] == ["DISPUTED"]
    assert "DISPUTED" in lender.said("records").out
    assert record in office.said("subject", "dispute", "status").out
    # The office has no records of its own; it is sent to where its disputes are.
    assert "subject dispute status" in office.said("dispute", "list").out
    _, record_id = record.split("/")
    lender("dispute", "answer", record_id, "--outcome", "CONFIRMED", "--evidence", paper)
    assert shown(asker, number)["flags"] == []
    assert record not in lender.said("dispute", "list").out
    assert record in lender.said("dispute", "list", "--ended").out
    for party, name in ((office, record), (lender, record), (lender, record_id)):
        ended = party("dispute", "show", name).content
        assert (ended["outcome"], ended["opened_by"], ended["answered_by"]) == ("CONFIRMED", OFFICE, "lender-1")
        assert ended["evidence"] == ended["answer_evidence"] == [sha256(b"paid").hexdigest()]
    # The office is told, once it asks for its inbox.
    (told,) = [one for one in office("inbox").content["notices"] if record.endswith(str(one["record_id"]))]
    assert (told["reason"], told["outcome"], told["asked_at"]) == ("ANSWERED", "CONFIRMED", None)
    assert "CONFIRMED: your dispute was answered: tell the person" in " ".join(office.said("inbox").out.split())
    assert "CONFIRMED" in office.said("subject", "dispute", "status", "--ended").out
    assert sha256(b"paid").hexdigest() in office.said("dispute", "show", record).out
    again = office("subject", "dispute", "open", record, code=1)
    assert "annotation.reopened" in again.err + again.out
    # An office is sent to what it may do.
    assert "dispute show" in again.content["error"]["hint"]
    office("subject", "dispute", "open", record, "--evidence", paper, code=1)
    Path(paper).write_bytes(b"paid on the 3rd")
    office("subject", "dispute", "open", record, "--evidence", paper)
    office("subject", "dispute", "withdraw", record)
    assert shown(asker, number)["flags"] == []


def test_a_record_that_is_not_there_is_told_without_a_person(office: Command, paper: str) -> None:
    nowhere = "lender-1/00000000-0000-8000-8000-000000000000"
    refused = office("subject", "dispute", "open", nowhere, "--evidence", paper, code=1).content["error"]
    assert (refused["reason"], "person" in refused["message"]) == ("RECORD_UNKNOWN", False)
    # No identity number was given, so the first thing to compare is the record's name.
    assert refused["hint"].startswith("compare issuer and id of the record, ")


def test_an_answer_names_what_it_rests_on(lender: Command, office: Command, record: str, tmp_path: Path) -> None:
    missing = office("subject", "dispute", "open", record, code=1).content["error"]
    assert (missing["rule"], "--evidence" in missing["hint"]) == ("annotation.requested", True)
    paper = tmp_path / "request.txt"
    paper.write_bytes(b"I object to this record")
    office("subject", "dispute", "open", record, "--evidence", str(paper))
    _, record_id = record.split("/")
    refused = lender("dispute", "answer", record_id, "--outcome", "CONFIRMED", code=2)
    assert "--evidence" in refused.err + refused.out
    resting = ("--evidence", str(paper))
    for who, outcome, rule, hint in (
        (lender, "CORRECTED", "annotation.corrected", "report the corrected version first"),
        (office, "CONFIRMED", "annotation.answer", "its lender answers a dispute"),
    ):
        error = who("dispute", "answer", record, "--outcome", outcome, *resting, code=1).content["error"]
        assert (error["message"], error["rule"]) == ("the rules do not allow it, and nothing was logged", rule)
        assert error["hint"].startswith(hint)


def test_a_day_to_come_is_answered_with_the_day_that_is_meant(office: Command, number: int, tmp_path: Path) -> None:
    words = ("subject", "report", "--officer", "desk-1", "--mandate-date", "2190-01-01", "--identity-file", "-")
    paper = ("--mandate-digest", "ab" * 32, "-o", str(tmp_path / "new"))
    error = office(*words, *paper, given=id_number(number), code=1).content["error"]
    assert (error["violations"][0]["field"], error["violations"][0]["rule"]) == ("--mandate-date", "C10")
    assert error["hint"].startswith("give the day on which the person signed")


def test_a_statement_stands_with_the_record(
    office: Command, asker: Command, number: int, record: str, tmp_path: Path
) -> None:
    text = tmp_path / "statement.txt"
    text.write_text("I was\r\n  in hospital.\n", encoding="utf-8")
    office(
        "subject", "statement", "add", record, "--text-file", str(text), "--identity-file", "-", given=id_number(number)
    )
    assert shown(asker, number)["subject_statement"] == "I was in hospital."
    office("subject", "statement", "remove", record)
    assert shown(asker, number)["subject_statement"] == ""


def test_an_office_asks_for_the_person_and_no_lender_does_so(
    office: Command, lender: Command, number: int, record: str
) -> None:
    access = access_of(number)
    answer = office(*access, given=id_number(number)).content
    # It lends nothing, so there is nothing to assess.
    assert answer["assessment"] is None
    assert "Assessment" not in office.said(*access, given=id_number(number)).out
    assert office(*access, "--exit-code", given=id_number(number), code=2).reason == "USAGE"
    (listed,) = answer["records"]
    assert record == f"{listed['issuer']}/{listed['record_id']}"
    refused = lender(*access, given=id_number(number), code=1)
    assert "SUBJECT_ACCESS" in refused.err + refused.out


def test_a_dispute_that_nobody_has_opened_is_not_shown(lender: Command, record: str) -> None:
    refused = lender("dispute", "show", record, code=2)
    assert "dispute list --ended" in refused.err + refused.out


def test_the_evidence_of_another_registry_is_told_as_that(
    registry: TestRegistry, office: Command, number: int, tmp_path: Path
) -> None:
    access, saved = access_of(number), tmp_path / "own.evidence"
    office(*access, "--save", str(saved), given=id_number(number))
    other = tmp_path / "other-root.bin"
    other.write_bytes(HandmadeLog().trust_root.encode())
    refused = office.said("verify", "--trust-root", str(other), str(saved), code=1)
    assert f"of another registry: got {registry.name}, want {REGISTRY}" in " ".join(refused.out.split())
