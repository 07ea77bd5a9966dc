"""The API of a real desk against a real registry: each path does what the SDK does, in the form of the contract."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from client_sdk import Verdict, verify
from client_sdk.desk.journal import JOURNAL_FILE
from client_sdk.lending.rows import row_of
from tests.client_sdk.sdk_samples import default_report, history, person
from tests.support.desk import RunningDesk
from tests.support.program import Program, model_of, routes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.testing import TestRegistry

GUIDE = (Path(__file__).parents[3] / "docs/http-api.md").read_text(encoding="utf-8")
YESTERDAY = (date.today() - timedelta(1)).isoformat()  # noqa: DTZ011 - as a system of this machine dates it
CONSENT = {"date": YESTERDAY, "digest": hashlib.sha256(b"I agree.").hexdigest()}


@pytest.fixture(scope="module")
def program(desk: RunningDesk) -> Program:
    """A program of lender-2 that may do everything."""
    return Program.of(desk, "core-banking")


@pytest.fixture(scope="session")
def reporter(registry: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A program of a lender of its own, which reports."""
    home = registry.enrol("lender-api")
    with RunningDesk(home, tmp_path_factory.mktemp("desk")) as running:
        yield Program.of(running, "core-banking")


def who(number: int) -> dict[str, str]:
    return {"id_type": "CN_RESIDENT_ID", "number": person(number).number}


def question(number: int, **changes: object) -> dict[str, object]:
    """A question about a person."""
    return {"person": who(number), "purpose": "LOAN_APPROVAL", "consent": CONSENT, **changes}


def rows(*numbers: int) -> list[dict[str, str]]:
    """A row of a portfolio for each person."""
    return [row_of(default_report(number)) for number in numbers]


def test_a_person_is_asked_about_and_the_evidence_verifies(registry: TestRegistry, program: Program) -> None:
    listed = program.post("/checks", question(1, evidence=True, officer="anna"))
    assert listed.status == 200
    answer = listed.content["answer"]
    assert answer["verdict"] == "LISTED"
    assert {record["kind"] for record in answer["records"]} == {"DEFAULT", "JUDGMENT", "ENFORCEMENT"}
    assert listed.content["assessment"]["outcome"] == "BLACKLISTED"
    evidence = base64.b64decode(listed.content["evidence"])
    (proved,) = verify(evidence, registry.trust_root)
    assert proved.verdict is Verdict.LISTED
    clear = program.post("/checks", question(2))
    assert clear.content["answer"]["verdict"] == "CLEAR"
    assert clear.content["evidence"] is None
    assert person(1).number not in json.dumps(listed.content)


def test_many_are_asked_about_as_a_job_each_with_its_own_consent(program: Program) -> None:
    persons: list[dict[str, object]] = [{**who(number), "reference": f"app-{number}"} for number in (1, 2, 3)]
    persons[2]["consent"] = {"date": YESTERDAY, "digest": "ab" * 32}
    begun = program.post("/jobs/checks", {"persons": persons, "purpose": "LOAN_APPROVAL", "consent": CONSENT})
    assert begun.status == 202
    job = begun.content["job"]
    assert begun.headers["location"] == f"/api/v1/jobs/{job}"
    ended = program.ended(job)
    assert (ended["state"], ended["done"], ended["total"]) == ("DONE", 3, 3)
    first = program.get(f"/jobs/{job}/answers?limit=2&evidence=true").content
    assert first["next"] == 2
    rest = program.get(f"/jobs/{job}/answers?after=2").content
    assert rest["next"] is None
    found = {one["reference"]: one for one in first["answers"] + rest["answers"]}
    assert [found[name]["answer"]["verdict"] for name in ("app-1", "app-2", "app-3")] == ["LISTED", "CLEAR", "CLEAR"]
    assert [found[name]["place"] for name in ("app-1", "app-2", "app-3")] == [1, 2, 3]
    assert found["app-1"]["evidence"]
    inquiries = {one["answer"]["inquiry_id"] for one in found.values()}
    assert len(inquiries) == 2, "two consents are two inquiries"
    assert job in [one["job"] for one in program.get("/jobs").content["jobs"]]
    assert program.get(f"/jobs/{job}/rejected").reason == "JOB_NOT_DONE"
    assert program.send("DELETE", f"/jobs/{job}").status == 200
    assert program.get(f"/jobs/{job}").reason == "JOB_UNKNOWN"


def test_persons_of_a_job_that_cannot_be_asked_about_are_named_by_place_and_nothing_is_sent(program: Program) -> None:
    mistyped = person(2).number[:-1] + ("0" if person(2).number[-1] != "0" else "1")
    persons = [{**who(1), "consent": CONSENT}, {"id_type": "CN_RESIDENT_ID", "number": mistyped}, who(3)]
    refused = program.post("/jobs/checks", {"persons": persons, "purpose": "LOAN_APPROVAL"})
    assert (refused.status, refused.reason) == (422, "PERSONS_INVALID")
    broken = refused.content["violations"]
    assert [(item["row"], item["reason"]) for item in broken] == [(2, "CONSENT_MISSING"), (3, "CONSENT_MISSING")]
    both = program.post("/jobs/checks", {"persons": persons, "purpose": "LOAN_APPROVAL", "consent": CONSENT})
    (item,) = both.content["violations"]
    assert (item["row"], item["field"], item["rule"]) == (2, "number", "identity.checksum")
    assert mistyped not in json.dumps(both.content)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"person": {"id_type": "CN_RESIDENT_ID", "number": "11010518000101001X"}}, "body.person.number"),
        ({"person": {"id_type": "PASSPORT", "number": "E12345678"}}, "body.person.issuing_state"),
        ({"consent": {"date": "2199-01-01", "digest": "ab" * 32}}, "body.consent.date"),
        ({"consent": {"date": YESTERDAY, "digest": hashlib.sha256(b"").hexdigest()}}, "body.consent.digest"),
        ({"consent": {"date": YESTERDAY, "digest": "ab"}}, "body.consent.digest"),
        ({"purpose": "REPORTING"}, "body.purpose"),
    ],
)
def test_a_problem_names_the_field_as_the_contract_has_it(
    program: Program, changes: dict[str, object], field: str
) -> None:
    refused = program.post("/checks", question(1, **changes))
    assert (refused.status, refused.content["field"]) == (422, field)
    assert [item["field"] for item in refused.content["violations"]] in ([], [field])


def test_a_problem_of_a_row_names_its_columns(reporter: Program) -> None:
    (row,) = rows(621)
    for changes, column in (
        ({"notice_sent_at": "2199-01-01T00:00:00Z"}, "notice_sent_at"),
        ({"id_number": person(621).number[:-1] + "0"}, "id_number"),
        ({"consent_date": "2199-01-01"}, "consent_date"),
    ):
        refused = reporter.post("/reports", {**row, **changes})
        assert (refused.status, refused.content["field"]) == (422, column), refused.content


def test_a_record_is_reported_once_however_often_it_is_sent_and_read_again(reporter: Program) -> None:
    (row,) = rows(600)
    preview = reporter.post("/reports/preview", row)
    assert (preview.content["passed"], preview.content["rejected_rows"]) == (1, 0)
    first = reporter.post("/reports", row)
    assert (first.status, first.content["version"], first.content["repeated"]) == (201, 1, False)
    again = reporter.post("/reports", row)
    assert (again.status, again.content["repeated"]) == (200, True)
    assert again.content["index"] == first.content["index"]
    record = first.content["record_id"]
    assert reporter.get(f"/records/{record}/receipts/1").content["proof"].startswith("c2sp.org/tlog-proof@v1")
    assert reporter.get(f"/records/{record}").content["facts"] is None
    opened = reporter.post(f"/records/{record}/open", {"person": who(600)}).content
    assert opened["facts"]["amounts"]["principal"] == 120_000
    strange = reporter.post(f"/records/{record}/open", {"person": who(601)})
    assert (strange.status, strange.reason, strange.content["rule"]) == (409, "RECORD_UNKNOWN", "record.known")
    named = {"kind": "DEFAULT", "reference": "loan-600", "first_day": row["first_day"]}
    assert reporter.post("/records/search", named).content["record_id"] == record


def test_own_records_are_listed_in_pages(reporter: Program) -> None:
    for row in rows(610, 611):
        assert reporter.post("/reports", row).status == 201
    every = reporter.get("/records").content
    assert every["next"] is None
    pages, after = [], 0
    while after is not None:
        page = reporter.get(f"/records?limit=1&after={after}").content
        pages += page["records"]
        after = page["next"]
    assert pages == every["records"]


def test_a_row_that_breaks_a_rule_is_refused_with_what_to_do(reporter: Program) -> None:
    (row,) = rows(620)
    refused = reporter.post("/reports", {**row, "currency": "RMB"})
    assert (refused.status, refused.reason) == (422, "CURRENCY_INVALID")
    assert (refused.content["field"], refused.content["violations"][0]["row"]) == ("currency", 1)
    assert refused.content["detail"]
    for body, rule in ((b"[]", "json.lines"), (b"", "json.object"), (b"\xff", "json.object"), (b"7", "json.object")):
        broken = reporter.send("POST", "/reports", body)
        assert (broken.status, broken.reason, broken.content["rule"]) == (422, "MALFORMED", rule)
    unknown = reporter.post("/reports", {**row, person(620).number: "x"})
    assert unknown.content["rule"] == "columns.known"
    assert person(620).number not in json.dumps(unknown.content)
    twice = json.dumps(row)[:-1] + ', "kind": "DEFAULT"}'
    assert reporter.send("POST", "/reports", twice.encode()).content["rule"] == "json.once"


def test_the_problem_that_the_guide_shows_is_what_its_own_report_gets_in_another_currency(reporter: Program) -> None:
    row = json.loads(re.findall(r"```json POST /reports\n(.*?)```", GUIDE, re.DOTALL)[0])
    (shown,) = (
        body for body in map(json.loads, re.findall(r"```json\n(.*?)```", GUIDE, re.DOTALL)) if "violations" in body
    )
    assert reporter.post("/reports", {**row, "currency": "RMB"}).content == shown


def test_all_mistakes_of_a_report_are_told_at_once(reporter: Program) -> None:
    (row,) = rows(622)
    wrong = {"as_of": "05/04/2025", "principal": "many", "currency": "RMB", "consent_date": "2199-01-01"}
    for path in ("/reports", "/reports/preview"):
        refused = reporter.post(path, {**row, **wrong})
        assert (refused.status, refused.reason) == (422, "RULES_BROKEN")
        found = {item["field"] for item in refused.content["violations"]}
        assert found >= {"as_of", "principal", "currency", "consent_date"}
        assert {item["row"] for item in refused.content["violations"]} == {1}
        # Without its kind what is wrong for every kind is told all the same.
        kindless = reporter.post(path, {**row, **wrong, "kind": ""})
        assert {item["field"] for item in kindless.content["violations"]} >= {"kind", *wrong}


def test_a_file_is_reported_as_a_job_and_its_rejected_rows_are_told(reporter: Program) -> None:
    good, bad = rows(630), {**rows(631)[0], "currency": "RMB"}
    lines = io.StringIO()
    for row in (*good, bad):
        lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    file = lines.getvalue().encode()
    dry = reporter.ended(reporter.send("POST", "/jobs/reports?dry_run=true", file).content["job"])
    assert (dry["file"]["passed"], dry["file"]["accepted"], dry["file"]["rejected_rows"]) == (1, 0, 1)
    job = reporter.send("POST", "/jobs/reports", file, {"Content-Type": "application/octet-stream"}).content["job"]
    ended = reporter.ended(job)
    assert (ended["state"], ended["phase"]) == ("DONE", "DONE")
    assert (ended["file"]["accepted"], ended["file"]["rejected_rows"]) == (1, 1)
    page = reporter.get(f"/jobs/{job}/rejected").content
    assert [(item["row"], item["reason"]) for item in page["rejected"]] == [(2, "CURRENCY_INVALID")]
    again = reporter.ended(reporter.send("POST", "/jobs/reports", file).content["job"])
    assert (again["file"]["accepted"], again["file"]["repeated"]) == (0, 1)
    wrong = reporter.get(f"/jobs/{job}/answers")
    assert (wrong.status, wrong.reason) == (409, "JOB_NOT_DONE")
    assert reporter.send("POST", "/jobs/reports", b"no,such,columns\n1,2,3\n").status == 422


def test_a_dispute_is_opened_heard_of_acknowledged_and_answered(reporter: Program, program: Program) -> None:
    row = row_of(history(640, cured=False)[0])
    reported = reporter.post("/reports", row).content
    record = reported["record_id"]
    opening = {"issuer": "lender-api", "record": record, "evidence": ["cd" * 32]}
    assert program.post("/disputes", opening).status == 201
    assert [one["record_id"] for one in program.get("/disputes?opened=true").content["disputes"]] == [record]
    (due,) = reporter.get("/disputes").content["disputes"]
    assert due["due_on"] > YESTERDAY
    notices = [one for one in reporter.get("/inbox").content["notices"] if one["reason"] == "DISPUTED"]
    number = notices[0]["number"]
    acknowledged = reporter.post(f"/inbox/{number}/acknowledgement", {})
    assert (acknowledged.status, acknowledged.content["number"]) == (201, number)
    assert number not in [one["number"] for one in reporter.get("/inbox").content["notices"]]
    assert number in [one["number"] for one in reporter.get("/inbox?everything=true").content["notices"]]
    unknown = reporter.post("/inbox/1/acknowledgement", {})
    assert (unknown.status, unknown.reason) == (409, "NOTICE_UNKNOWN")
    answer = {"record": record, "outcome": "CONFIRMED", "evidence": ["ef" * 32]}
    assert reporter.post("/disputes/answers", answer).status == 201
    assert reporter.get("/disputes?ended=true").content["disputes"][0]["outcome"] == "CONFIRMED"
    second = reporter.post("/reports", row_of(default_report(641))).content
    undocumented = program.post("/disputes", {"issuer": "lender-api", "record": second["record_id"]})
    assert (undocumented.status, undocumented.reason) == (409, "ANNOTATION_INVALID")
    assert program.post("/disputes", opening | {"record": second["record_id"]}).status == 201
    taken_back = {"issuer": "lender-api", "record": second["record_id"]}
    assert program.post("/disputes/withdrawals", taken_back).status == 201


def test_the_bodies_of_the_guide_are_taken(reporter: Program, program: Program) -> None:
    guide = Path("docs/http-api.md").read_text("utf-8")
    bodies = {path: json.loads(body) for path, body in re.findall(r"```json POST (\S+)\n(.*?)```", guide, re.DOTALL)}
    posts = {route.path for route in routes() if "POST" in (route.methods or ())}
    # One has its example in the first calls, two take none or a file, one takes the body of another.
    apart = {"/checks", "/reports/preview", "/jobs/reports", "/inbox/{number}/acknowledgement"}
    assert posts - set(bodies) == apart
    # Those of persons are sent by a representative: test_desk_api_persons.
    row = bodies["/reports"]
    assert reporter.post("/reports/preview", row).content["rejected_rows"] == 0
    record = reporter.post("/reports", row).content["record_id"]
    assert reporter.post("/records/search", bodies["/records/search"]).content["record_id"] == record
    opened = reporter.post(f"/records/{record}/open", bodies["/records/{record}/open"]).content
    assert opened["facts"]["amounts"]["principal"] == row["principal"]
    file = reporter.send("POST", "/jobs/reports?dry_run=true", json.dumps(row).encode())
    assert reporter.ended(file.content["job"])["file"]["rejected_rows"] == 0
    many = bodies["/jobs/checks"] | {"consent": CONSENT}
    many["persons"][1]["consent"]["date"] = YESTERDAY
    job = program.ended(program.post("/jobs/checks", many).content["job"])
    assert (job["state"], job["done"]) == ("DONE", 2)
    named = {"issuer": "lender-api", "record": record}
    for path in ("/disputes", "/disputes/withdrawals", "/disputes"):
        assert program.post(path, bodies[path] | named).status == 201, path
    assert reporter.post("/disputes/answers", bodies["/disputes/answers"] | {"record": record}).status == 201


def test_the_problem_of_the_guide_is_what_a_wrong_currency_gets(reporter: Program) -> None:
    guide = Path("docs/http-api.md").read_text("utf-8")
    found = re.search(r"```json POST /reports\n(.*?)```.*?gets:\n\n```json\n(.*?)```", guide, re.DOTALL)
    assert found is not None
    row, problem = (json.loads(text) for text in found.groups())
    assert reporter.post("/reports", row | {"currency": "RMB"}).content == problem
    several = reporter.post("/reports", row | {"currency": "RMB", "principal": "1,200.00"})
    assert several.reason == "RULES_BROKEN"
    assert len(several.content["violations"]) == 2


def test_statistics_the_token_and_the_contract_are_told(program: Program) -> None:
    assert program.get("/statistics?first_month=2025-01").content["rows"] is not None
    token = program.get("/token").content
    assert token["name"] == "core-banking"
    assert "check" in token["scopes"]
    assert program.get("/openapi.json").content["openapi"].startswith("3.1")


def test_an_inquiry_has_its_place_in_the_log(registry: TestRegistry, program: Program) -> None:
    asked = program.post("/checks", question(4)).content["answer"]["inquiry_id"]
    # The next head has it, as with the next report.
    with registry.client("lender-1") as client:
        client.report(default_report(650))
    receipt = program.get(f"/inquiries/{asked}/receipt")
    assert receipt.content["outcome"] == "ANSWERED"


def test_every_act_is_in_the_journal_with_the_name_of_the_token(reporter: Program) -> None:
    (row,) = rows(660)
    inquiry = reporter.post("/checks", question(1, officer="anna")).content["answer"]["inquiry_id"]
    record = reporter.post("/reports", row).content["record_id"]
    reporter.post(f"/records/{record}/open", {"person": who(660)})
    for path in ("/records", f"/records/{record}/receipts/1", "/disputes", "/inbox", "/statistics"):
        assert reporter.get(path).status == 200
    job = reporter.send("POST", "/jobs/reports?dry_run=true", json.dumps(row).encode()).content["job"]
    reporter.ended(job)
    found: dict[str, set[str]] = {}
    for line in (reporter.desk.home / JOURNAL_FILE).read_text("utf-8").splitlines():
        content: dict[str, Any] = json.loads(line)
        if content["who"] == "token:core-banking" and content["result"] == "DONE":
            found.setdefault(content["act"], set()).update(content["about"])
    assert {"officer:anna", inquiry} <= found["ASK"]
    assert f"lender-api/{record}" in found["REPORT_RECORD"]
    assert record in found["OPEN_RECORD"] & found["READ_RECEIPT"]
    assert job in found["START_JOB"] & found["PREVIEW_REPORT"]
    assert {"LIST_RECORDS", "LIST_DISPUTES", "READ_INBOX", "READ_STATISTICS"} <= set(found)


def test_each_path_of_the_contract_has_a_model_of_what_it_answers() -> None:
    for route in routes():
        for method in route.methods or ():
            path = route.path.format(job="j", record="r", version=1, inquiry="i", number=1)
            assert route.path == "/openapi.json" or model_of(method, path, route.status_code or 200)


def test_an_address_has_no_parameter_that_its_path_does_not_know(program: Program) -> None:
    for path, named, want in (
        ("/disputes?ended=true&opend=true", "query.opend", "opened or ended or issuer"),
        ("/token?verbose=1", "query.verbose", "no parameter in the address"),
        ("/inbox?110105180001010010=1", "query.?", "after or limit or everything"),
    ):
        refused = program.get(path)
        assert (refused.status, refused.reason, refused.content["rule"]) == (422, "MALFORMED", "query.known"), path
        assert (refused.content["field"], refused.content["want"]) == (named, want)
    assert program.get("/disputes?ended=true").status == 200


def test_what_is_of_another_form_is_told_in_words_of_our_own(program: Program) -> None:
    record = "01234567-89ab-8def-8123-456789abcdef"
    answer = {"record": record, "outcome": "WITHDRAWN", "evidence": ["ab" * 32]}
    refused = program.post("/disputes/answers", answer)
    assert (refused.status, refused.content["field"]) == (422, "body.outcome")
    assert "WITHDRAWN" not in refused.content["want"]
    named = {
        item["field"]: item["want"] for item in program.post("/disputes", {"code": "x", "why": 1}).content["violations"]
    }
    assert named == {
        "body.issuer": "a value",
        "body.record": "a value",
        "body.why": "the names of the contract, and no others",
    }
    for officer in ("1234567890", "an na"):
        told = program.post("/checks", {**question(8), "officer": officer}).content
        assert told["want"].startswith("a letter, then up to 63")
