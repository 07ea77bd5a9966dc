"""The API of a representative's desk: report, statements, alerts and disputes for persons, by the acts of its pages."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk import Role, Verdict, verify
from client_sdk.desk.journal import JOURNAL_FILE, read_journal
from client_sdk.desk.rights import ApiScope
from client_sdk.lending.rows import row_of
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.desk import RunningDesk
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.testing import TestRegistry
    from tests.support.program import Replied

TODAY = date.today()  # noqa: DTZ011 - as a system of this machine dates it
IN_A_MONTH = (TODAY + timedelta(30)).isoformat()


@pytest.fixture(scope="module")
def program(registry: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program of a consumer office, which may do everything."""
    home = registry.enrol("counter-api", Role.REPRESENTATIVE)
    with RunningDesk(home, tmp_path_factory.mktemp("desk")) as running:
        yield Program.of(running, "front-office")
        kept = (home / JOURNAL_FILE).read_text("utf-8") + running.log()
        assert [number for number in range(961, 970) if person(number).number in kept] == []


def reported(registry: TestRegistry, number: int) -> str:
    with registry.client("lender-1") as client:
        return str(client.report(default_report(number)).uuid)


def of(number: int, **changes: object) -> dict[str, object]:
    """Who, and what that person has signed."""
    digest = hashlib.sha256(b"Person %d asks." % number).hexdigest()
    who = {"id_type": "CN_RESIDENT_ID", "number": person(number).number}
    return {"person": who, "request": {"date": TODAY.isoformat(), "digest": digest}, **changes}


def statement(number: int, record: str, text: str) -> dict[str, object]:
    return {"person": of(number)["person"], "issuer": "lender-1", "record": record, "text": text}


def told(replied: Replied) -> tuple[int, str, str]:
    return replied.status, replied.reason, str(replied.content["field"])


def test_a_report_comes_with_its_proof_and_its_papers(registry: TestRegistry, program: Program) -> None:
    record = reported(registry, 961)
    papers = ["zh.html", "en.html", "zh.pdf", "en.pdf"]
    made = program.post("/persons/reports", of(961, papers=papers, officer="clara"))
    assert made.status == 200
    (item,) = made.content["report"]["records"]
    assert item["record"]["record_id"] == record
    assert (made.content["report"]["free"], made.content["report"]["chargeable"]) == (2, False)
    assert person(961).number not in json.dumps(made.content)
    (proved,) = verify(base64.b64decode(made.content["evidence"]), registry.trust_root)
    assert proved.verdict is Verdict.LISTED
    written = {name: base64.b64decode(paper) for name, paper in made.content["papers"].items()}
    assert sorted(written) == sorted(papers)
    assert "Report about yourself" in written["en.html"].decode()
    assert "本人" in written["zh.html"].decode()
    assert written["en.pdf"].startswith(b"%PDF-")
    assert written["zh.pdf"].startswith(b"%PDF-")
    again = program.post("/persons/reports", of(961))
    assert (again.content["papers"], again.content["report"]["had"]) == ({}, 0)
    lines = [line for line, _ in read_journal(program.desk.home / JOURNAL_FILE) if line.act == "ASK"]
    assert {line.who for line in lines} == {"token:front-office"}
    assert any("officer:clara" in line.about for line in lines)


def test_what_is_wrong_with_a_request_is_named(program: Program) -> None:
    # Today here may be yesterday or tomorrow where the rulebook counts days.
    to_come = {"date": (TODAY + timedelta(2)).isoformat(), "digest": "ab" * 32}
    for changes, status in (
        ({"person": {"id_type": "CN_RESIDENT_ID", "number": "11010518000101001X"}}, 422),
        ({"request": to_come}, 422),
        ({"papers": ["fr.pdf"]}, 422),
        ({"purpose": "LOAN_APPROVAL"}, 422),
    ):
        refused = program.post("/persons/reports", of(962, **changes))
        assert refused.status == status, changes
        named = [refused.content["field"], *(broken["field"] for broken in refused.content["violations"])]
        assert all(field.split(".")[1] in changes for field in filter(None, named)), named
    assert program.post("/persons/reports", of(962)).content["report"]["answer"]["verdict"] == "CLEAR"
    other = program.post("/persons/reports", of(963, request=of(962)["request"]))
    assert (other.status, other.reason) == (422, "CONSENT_MISSING")


def test_the_request_of_one_person_disputes_no_record_of_another(registry: TestRegistry, program: Program) -> None:
    mine, theirs = reported(registry, 968), reported(registry, 969)
    asked = of(968)
    assert program.post("/persons/reports", asked).status == 200
    paper = asked["request"]["digest"]  # type: ignore[index]  # made above
    refused = program.post("/disputes", {"issuer": "lender-1", "record": theirs, "evidence": [paper]})
    assert told(refused) == (422, "CONSENT_MISSING", "body.evidence")
    assert refused.content["rule"] == "request.one-person"
    assert "give the one that this person signed" in refused.content["detail"]
    opened = {"issuer": "lender-1", "record": mine, "evidence": [paper]}
    assert program.post("/disputes", opened).status == 201


def test_a_statement_is_set_and_removed(registry: TestRegistry, program: Program) -> None:
    record = reported(registry, 964)
    assert told(program.post("/persons/statements", statement(964, record, " ")))[1:] == ("MALFORMED", "body.text")
    numbered = program.post("/persons/statements", statement(964, record, f"I am {person(964).number}."))
    broken = numbered.content["violations"][0]
    assert (numbered.status, broken["rule"], broken["field"]) == (422, "statement.number", "body.text")
    added = program.post("/persons/statements", statement(964, record, "I paid.\nSee the receipt."))
    assert added.status == 201
    (item,) = program.post("/persons/reports", of(964)).content["report"]["records"]
    assert item["record"]["subject_statement"] == "I paid. See the receipt."
    removal = {"issuer": "lender-1", "record": record}
    for path in ("/persons/statements/removals", "/disputes/withdrawals"):
        numbered = program.post(path, removal | {"issuer": person(964).number})
        assert (numbered.status, numbered.content["violations"][0]["field"]) == (422, "body.issuer")
    assert person(964).number not in (program.desk.home / JOURNAL_FILE).read_text()
    assert program.post("/persons/statements/removals", removal).status == 201
    assert program.post("/persons/statements/removals", removal).status == 409
    disputed = program.post("/disputes", removal | {"code": "paid", "evidence": ["cd" * 32]})
    assert disputed.status == 201
    assert record in [one["record_id"] for one in program.get("/disputes?opened=true").content["disputes"]]


def test_alerts_are_begun_and_ended(program: Program) -> None:
    for changes, field in (
        ({}, "body.mail"),
        ({"mail": ["a@"]}, "body.mail"),
        ({"webhook": ["https://10.0.0.1/x"]}, "body.webhook"),
        ({"mail": ["a@b.example"], "label": person(965).number}, "body.label"),
    ):
        refused = program.post("/persons/alerts", of(965, until=IN_A_MONTH, **changes))
        assert told(refused) == (422, "MALFORMED", field)
        assert person(965).number not in json.dumps(refused.content)
    past = program.post("/persons/alerts", of(965, until="2025-01-01", mail=["a@b.example"]))
    assert (past.status, past.content["violations"][0]["field"]) == (422, "body.until")
    assert "still to come" in past.content["detail"]
    begun = program.post("/persons/alerts", of(965, until=IN_A_MONTH, mail=["a@b.example"], label="case-17"))
    assert (begun.status, begun.content["until"]) == (201, IN_A_MONTH)
    over = {"alerts": begun.content["inquiry_id"]}
    assert program.post("/persons/alerts/ends", over).content == {"ended": True}
    assert program.post("/persons/alerts/ends", over).content == {"ended": False}


def test_the_bodies_of_the_guide_are_taken_for_persons(registry: TestRegistry, program: Program) -> None:
    guide = Path("docs/http-api.md").read_text("utf-8")
    found = re.findall(r"```json POST (/persons\S+)\n(.*?)```", guide, re.DOTALL)
    bodies: dict[str, dict[str, Any]] = {path: json.loads(body) for path, body in found}
    record = reported(registry, 966)
    who = of(966)
    for path, body in bodies.items():
        # Its person, record and days are of the guide, and no registry's.
        sent = {name: who.get(name, value) for name, value in body.items()}
        sent |= {"record": record} if "record" in body else {}
        sent |= {"until": IN_A_MONTH} if "until" in body else {}
        assert program.post(path, sent).status in {200, 201}, path


def test_scopes_are_of_the_members_role(program: Program, desk: RunningDesk) -> None:
    asked = of(967) | {"purpose": "SUBJECT_ACCESS"}
    check = {"person": asked["person"], "purpose": "SUBJECT_ACCESS", "consent": asked["request"]}
    for refused in (
        program.post("/checks", check),
        program.post("/reports", row_of(default_report(967))),
        program.get("/records"),
        program.get("/jobs"),
    ):
        assert (refused.status, refused.reason, refused.content["want"]) == (403, "NOT_PERMITTED", "LENDER")
    lender = Program.of(desk, "of-a-lender").post("/persons/reports", of(967))
    assert (lender.status, lender.content["got"], lender.content["want"]) == (403, "LENDER", "REPRESENTATIVE")
    weak = Program.of(program.desk, "weak", [ApiScope.INBOX])
    assert weak.post("/persons/reports", of(967)).reason == "SCOPE_MISSING"
    assert weak.get("/inbox").status == 200
