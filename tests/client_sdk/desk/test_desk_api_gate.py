"""The gate of the API: whose token it is, idempotency keys, limits, and that pages and programs never mix."""

from __future__ import annotations

import json
import signal
import socket
import stat
import threading
from datetime import date
from typing import TYPE_CHECKING

import pytest

from client_sdk.desk.api import kept_replies
from client_sdk.desk.api.kept_replies import KEPT_SECONDS, MOST_BYTES, KeptReplies, KeyInUseError, KeyTakenError, Reply
from client_sdk.desk.api.limits import MOST_BYTES as MOST_TOKEN_BYTES
from client_sdk.desk.api.limits import MOST_REQUESTS, TokenLimitError, TokenLimits
from client_sdk.desk.api.problems import problem_of
from client_sdk.desk.api.tokens import MOST_DAYS, TOKENS_FILE, ApiToken, TokenFile
from client_sdk.desk.jobs import JobsFullError
from client_sdk.desk.journal import JOURNAL_FILE
from client_sdk.desk.rights import ApiScope
from client_sdk.desk.texts import Language, say_in
from client_sdk.errors import (
    ConfigError,
    ConflictError,
    CreditRegistryError,
    InvalidError,
    KeyServiceError,
    NotPermittedError,
    OutboxError,
    QuotaError,
    RollbackError,
    UnavailableError,
)
from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.kernel.formats.words import Role
from client_sdk.lending.rows import row_of
from tests.client_sdk.desk.test_desk_api import question, who
from tests.client_sdk.sdk_samples import default_report, person
from tests.support.command import Command
from tests.support.desk import RunningDesk
from tests.support.program import Program, raw
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry

BEARER = "Authorization"


@pytest.fixture(scope="module")
def program(desk: RunningDesk) -> Program:
    return Program.of(desk, "gate")


def test_a_token_is_kept_as_its_hash_alone_and_ends_in_time(tmp_path: Path) -> None:
    now = [1_800_000_000_000]
    tokens = TokenFile(tmp_path, lambda: now[0])
    secret, token = tokens.add("core", [ApiScope.CHECK, ApiScope.REPORT], 2)
    assert secret not in (tmp_path / TOKENS_FILE).read_text()
    assert stat.S_IMODE((tmp_path / TOKENS_FILE).stat().st_mode) == 0o600
    again = TokenFile(tmp_path, lambda: now[0])
    assert again.find(secret) == token
    for wrong in (secret[:-1], secret + "x", "", "desk_", "x" * 1_000, "desk_é", secret.upper()):
        assert again.find(wrong) is None
    now[0] += 2 * DAY_MS
    assert again.find(secret) is None
    now[0] -= DAY_MS
    tokens.remove("core")
    assert again.find(secret) is None


@pytest.mark.parametrize(
    ("name", "scopes", "days"),
    [("", [ApiScope.CHECK], 1), ("110105180001010010", [ApiScope.CHECK], 1), ("a", [], 1), ("a", [ApiScope.CHECK], 0)],
)
def test_a_token_that_may_not_be_is_refused(tmp_path: Path, name: str, scopes: list[ApiScope], days: int) -> None:
    with pytest.raises(ConfigError):
        TokenFile(tmp_path).add(name, scopes, days)
    with pytest.raises(ConfigError):
        TokenFile(tmp_path).add("a", [ApiScope.CHECK], MOST_DAYS + 1)
    assert not (tmp_path / TOKENS_FILE).exists()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "[tokens.a]\n",
        "[other.a]\n",
        '[tokens.a]\ndigest = "00"\nscopes = ["check"]\nexpires = "2027-01-01"\n',
        f'[tokens.a]\ndigest = "{"0" * 64}"\nscopes = ["root"]\nexpires = "2027-01-01"\n',
        f'[tokens.a]\ndigest = "{"0" * 64}"\nscopes = ["check"]\nexpires = "tomorrow"\n',
        f'[tokens.a]\ndigest = "{"0" * 64}"\nscopes = ["check"]\nexpires = 2027-01-01\n',
        f'[tokens.a]\ndigest = "{"0" * 64}"\nscopes = [["check"]]\nexpires = "2027-01-01"\n',
    ],
)
def test_a_file_of_tokens_that_is_not_in_order_lets_nobody_in(tmp_path: Path, text: str) -> None:
    file = tmp_path / TOKENS_FILE
    file.write_text(text)
    file.chmod(0o600)
    with pytest.raises(ConfigError):
        TokenFile(tmp_path).find("desk_x")
    file.write_text("")
    file.chmod(0o644)
    with pytest.raises(ConfigError):
        TokenFile(tmp_path).find("desk_x")


def test_tokens_are_made_listed_and_removed_by_the_command(registry: TestRegistry) -> None:
    command = Command(registry.home("lender-2"))
    made = command("desk", "token", "add", "nightly", "--scope", "report", "--days", "30").content
    assert made["scopes"] == ["report"]
    assert made["token"].startswith("desk_")
    shown = command.said("desk", "token", "list").out
    assert "nightly" in shown
    assert made["token"] not in shown
    assert "there is a token nightly" in command.said("desk", "token", "add", "nightly", "--scope", "check", code=5).err
    inward = command.said("desk", "token", "add", "x", "--scope", "check", "--webhook", "https://10.0.0.1/h", code=5)
    assert "inward" in inward.err
    plain = command.said("desk", "token", "add", "x", "--scope", "check", "--webhook", "http://h.example/h", code=5)
    assert "must be https" in plain.err
    command("desk", "token", "remove", "nightly")
    assert "no token of that name" in command.said("desk", "token", "remove", "nightly", code=5).err


def test_a_token_is_made_for_scopes_of_the_members_role_alone(registry: TestRegistry) -> None:
    lender, office = registry.home("lender-2"), registry.enrol("token-office", Role.REPRESENTATIVE)
    for home, scope, serves in ((lender, "persons", "check"), (office, "check", "persons")):
        refused = Command(home).said("desk", "token", "add", "x", "--scope", "inbox", "--scope", scope, code=2)
        assert f"--scope {scope}" in refused.err
        assert serves in refused.err
        assert all(token["name"] != "x" for token in Command(home)("desk", "token", "list").content["tokens"])


def test_a_request_without_a_valid_token_is_refused_before_its_body_is_read(program: Program) -> None:
    for given in ({}, {BEARER: "Bearer x"}, {BEARER: "Basic eDp4"}, {BEARER: f"Token {program.token}"}):
        refused = raw(program.desk, "POST", "/api/v1/checks", None, {**given, "Content-Length": "100000"})
        assert refused.status == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert json.loads(refused.body)["reason"] == "TOKEN_INVALID"
    assert raw(program.desk, "GET", "/api/v1/openapi.json", None, {}).status == 401
    chinese = program.get("/nothing", {"Accept-Language": "zh-CN"})
    assert (chinese.status, chinese.reason, chinese.content["title"]) == (404, "NOT_FOUND", "此处没有内容")


def test_a_token_is_good_for_its_scopes_alone(desk: RunningDesk) -> None:
    weak = Program.of(desk, "weak", [ApiScope.STATISTICS])
    assert weak.get("/statistics").status == 200
    for path in ("/records", "/inbox", "/disputes", "/jobs", "/inquiries/" + "00" * 16 + "/receipt"):
        refused = weak.get(path)
        assert (refused.status, refused.reason, refused.content["got"]) == (403, "SCOPE_MISSING", "statistics")
    for path in ("/checks", "/jobs/checks"):
        body = {**question(1), "persons": [who(1)]} if path != "/checks" else question(1)
        body = {name: value for name, value in body.items() if path == "/checks" or name != "person"}
        assert weak.post(path, body).reason == "SCOPE_MISSING"
    assert weak.post("/reports", row_of(default_report(400))).reason == "SCOPE_MISSING"
    assert weak.send("POST", "/jobs/reports", b"x").reason == "SCOPE_MISSING"
    TokenFile(desk.home).remove("weak")
    assert weak.get("/statistics").status == 401, "a token that was removed is refused from the next call on"


def test_a_session_is_no_token_and_a_token_is_no_session(program: Program) -> None:
    visitor = program.desk.visitor()
    assert visitor.get("/records").status == 200
    assert visitor.get("/api/v1/records").status == 401
    sent = visitor.post("/api/v1/checks", {}, headers={})
    assert sent.status == 401
    bearer = {BEARER: f"Bearer {program.token}"}
    assert raw(program.desk, "GET", "/records", None, {**bearer, "Sec-Fetch-Site": "none"}).status == 303
    # No other page is allowed to send the header, which a browser asks about first.
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Headers": "authorization"}
    preflight = raw(program.desk, "OPTIONS", "/api/v1/records", None, asked)
    assert "access-control-allow-origin" not in preflight.headers
    assert raw(program.desk, "GET", "/api/v1/token", None, {**bearer, "Host": "evil.example"}).status == 403


def test_the_same_key_gets_the_same_answer_and_another_body_is_refused(program: Program) -> None:
    key = {"Idempotency-Key": "6f1d"}
    first = program.post("/checks", question(5), key)
    again = program.post("/checks", question(5), key)
    assert again.content == first.content, "the same inquiry"
    assert again.headers["idempotency-replayed"] == "true"
    assert "idempotency-replayed" not in first.headers
    other = program.post("/checks", question(6), key)
    assert (other.status, other.reason) == (422, "IDEMPOTENCY_KEY_TAKEN")
    elsewhere = program.post("/jobs/checks", question(5), key)
    assert elsewhere.reason == "IDEMPOTENCY_KEY_TAKEN"
    another = Program.of(program.desk, "another").post("/checks", question(5), key)
    assert another.content["answer"]["inquiry_id"] != first.content["answer"]["inquiry_id"]
    for wrong in ("", "x" * 129, "a b"):
        refused = program.post("/checks", question(5), {"Idempotency-Key": wrong})
        assert (refused.status, refused.content["rule"]) == (400, "idempotency.form")


def test_jobs_have_one_beginning_for_each_key(program: Program) -> None:
    asked = {"persons": [who(7)], "purpose": "LOAN_APPROVAL", "consent": question(7)["consent"]}
    first, again = (program.post("/jobs/checks", asked, {"Idempotency-Key": "job"}) for _ in range(2))
    assert first.content["job"] == again.content["job"]
    assert first.headers["location"] == again.headers["location"]
    assert program.ended(first.content["job"])["state"] == "DONE"
    stranger = Program.of(program.desk, "stranger")
    assert stranger.get(f"/jobs/{first.content['job']}").reason == "JOB_UNKNOWN"


def test_a_report_is_the_same_after_the_desk_was_killed(registry: TestRegistry, tmp_path: Path) -> None:
    row, key = row_of(default_report(410)), {"Idempotency-Key": "report-410"}
    with RunningDesk(registry.enrol("lender-again"), tmp_path / "log") as desk:
        program = Program.of(desk, "core")
        first = program.post("/reports", row, key)
        assert first.status == 201
        desk.stop(signal.SIGKILL)
        desk.start()
        again = program.post("/reports", row, key)
    assert (again.status, again.content["repeated"]) == (200, True)
    assert again.content["index"] == first.content["index"]


def token_of(name: str, digest: str = "0", *scopes: ApiScope) -> ApiToken:
    return ApiToken(name, digest * 64, frozenset(scopes or ApiScope), date(2100, 1, 1))


def test_kept_replies_are_bounded_and_forgotten_in_time() -> None:
    now = [0.0]
    core = token_of("core")
    kept = KeptReplies(lambda: now[0])
    assert kept.begin(core, "1", [b"a"]) is None
    with pytest.raises(KeyInUseError):
        kept.begin(core, "1", [b"a"])
    with pytest.raises(KeyTakenError):
        kept.begin(core, "1", [b"", b"a"])
    big = Reply(200, (), bytes(MOST_BYTES // 2))
    kept.end(core, "1", big)
    assert kept.begin(core, "1", [b"a"]) is big
    for key in ("2", "3"):
        assert kept.begin(core, key, [b"a"]) is None
        kept.end(core, key, big)
    assert kept.begin(core, "1", [b"a"]) is None, "the oldest has made room"
    kept.end(core, "1", None)
    assert kept.begin(core, "1", [b"b"]) is None, "what has failed may be tried again in another way"
    assert kept.begin(core, "3", [b"a"]) is big
    now[0] = KEPT_SECONDS
    assert kept.begin(core, "3", [b"c"]) is None


def test_to_keep_a_reply_looks_at_no_other_one(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, core, measured = KeptReplies(), token_of("core"), 0
    size: property = vars(kept_replies._KeptReply)["size"]

    def counted(one: object) -> int:
        nonlocal measured
        measured += 1
        return int(size.__get__(one))

    monkeypatch.setattr(kept_replies._KeptReply, "size", property(counted))
    for number in range(1_000):
        kept.begin(core, str(number), [b"a"])
        kept.end(core, str(number), Reply(200, (), b"{}"))
    assert measured == 1_000


def test_a_reply_is_for_the_token_that_asked_and_no_other_of_its_name() -> None:
    kept, reply = KeptReplies(), Reply(200, (), b"{}")
    assert kept.begin(token_of("core"), "1", [b"a"]) is None
    kept.end(token_of("core"), "1", reply)
    assert kept.begin(token_of("core"), "1", [b"a"]) is reply
    for other in (token_of("core", "1"), token_of("core", "0", ApiScope.CHECK)):
        assert kept.begin(other, "1", [b"a"]) is None


@pytest.mark.parametrize(
    ("status", "headers", "passes"),
    [
        (200, (), False),
        (409, (), False),
        (409, ((b"content-type", b"x"), (b"retry-after", b"1")), True),
        (429, (), True),
        (500, (), True),
    ],
)
def test_what_may_be_tried_again_with_the_same_key_is_not_kept(
    status: int, headers: tuple[tuple[bytes, bytes], ...], *, passes: bool
) -> None:
    assert Reply(status, headers, b"").passes is passes


def test_a_body_of_many_unknown_names_is_refused_for_all_of_them_at_once(program: Program) -> None:
    for path, body in (("/checks", question(8)), ("/jobs/checks", {"persons": [who(8)], "purpose": "LOAN_APPROVAL"})):
        refused = program.post(path, {**body, **{f"name{place}": 1 for place in range(5_000)}})
        assert (refused.status, refused.reason) == (422, "MALFORMED")
        assert [item["want"] for item in refused.content["violations"]] == ["an object of at most 16 names"]


def test_a_file_of_more_rows_than_a_desk_holds_is_refused_and_can_be_stopped(program: Program) -> None:
    rows = b"kind,standing,id_type,id_number,reference\n" + b"a,,,,\n" * 100_001
    for query in ("?dry_run=true", ""):
        job = program.ended(program.send("POST", f"/jobs/reports{query}", rows).content["job"])
        assert (job["state"], job["problem"]["violations"][0]["rule"]) == ("FAILED", "file.rows")
    job = program.send("POST", "/jobs/reports?dry_run=true", rows).content["job"]
    program.send("DELETE", f"/jobs/{job}")
    assert program.ended(job)["state"] == "STOPPED"


def test_a_file_of_empty_rows_ends_at_as_many_as_a_desk_holds(program: Program) -> None:
    empty = b"\n" * 20_000_000
    for start in (b"kind,standing,id_type,id_number,reference\n", b'{"kind": "DEFAULT"}\n'):
        job = program.ended(program.send("POST", "/jobs/reports?dry_run=true", start + empty).content["job"])
        assert (job["state"], job["problem"]["violations"][0]["rule"]) == ("FAILED", "file.rows")
    refused = program.send("POST", "/jobs/reports?dry_run=true", empty)
    assert (refused.status, refused.content["violations"][0]["rule"]) == (422, "columns.known")


def test_a_number_in_an_address_is_too_short_for_one_of_a_person(program: Program) -> None:
    number = person(8).number
    for path in (f"/inbox?after={number}", f"/records?after={number}", f"/records?after={10**30}"):
        refused = program.get(path)
        assert (refused.status, refused.reason) == (422, "MALFORMED"), path
        assert number not in json.dumps(refused.content)
    assert program.post(f"/inbox/{number}/acknowledgement", {}).status == 422


def test_each_token_has_its_limits() -> None:
    limits = TokenLimits()
    open_ = [limits.request("core") for _ in range(MOST_REQUESTS)]
    uses = [one.__enter__() for one in open_]
    with pytest.raises(TokenLimitError), limits.request("core"):
        raise AssertionError
    with limits.request("other") as use, limits.body(use) as body:
        body.add(MOST_TOKEN_BYTES)
        with pytest.raises(TokenLimitError):
            body.add(1)
    for one in open_:
        one.__exit__(None, None, None)
    assert not uses[0].requests
    with limits.request("other") as use, limits.body(use) as body:
        body.add(MOST_TOKEN_BYTES)


@pytest.mark.parametrize(
    ("error", "status", "reason", "retryable"),
    [
        (JobsFullError("full"), 429, "JOBS_FULL", True),
        (OutboxError("locked"), 503, "OUTBOX", True),
        (UnavailableError("away"), 503, "UNAVAILABLE", True),
        (KeyServiceError("127.0.0.1:1", "UNAVAILABLE", retryable=True), 503, "UNAVAILABLE", True),
        (QuotaError("QUOTA_EXCEEDED"), 429, "QUOTA_EXCEEDED", False),
        (NotPermittedError("INSTITUTION_SUSPENDED"), 403, "INSTITUTION_SUSPENDED", False),
        (ConflictError("VERSION_TAKEN", field="version", rule="version.free"), 409, "VERSION_TAKEN", False),
        (InvalidError("DATE_INVALID"), 422, "DATE_INVALID", False),
        (RollbackError("checkpoint", "log.fork"), 502, "UNVERIFIABLE", False),
        (ConfigError("a file of this machine"), 500, "CONFIG", False),
    ],
)
def test_each_error_of_the_sdk_is_a_problem_of_its_own_in_both_languages(
    error: CreditRegistryError, status: int, reason: str, *, retryable: bool
) -> None:
    for language in Language:
        found = problem_of(error, say_in(language))
        assert (found.status, found.reason, found.retryable) == (status, reason, retryable)
        assert found.title
        assert found.detail
        assert "this machine" not in found.got
    if reason == "VERSION_TAKEN":
        assert (problem_of(error, say_in(Language.ENGLISH)).field) == "version"


def test_a_body_that_is_too_long_or_of_another_form_is_refused_without_what_it_held(program: Program) -> None:
    long = program.send("POST", "/checks", b" " * (256 * 1024 + 1))
    assert (long.status, long.reason) == (413, "TOO_LONG")
    number = person(8).number
    wrong = [
        b"",
        b"{",
        b"[]",
        b'"' + number.encode() + b'"',
        json.dumps({**question(8), number: 1}).encode(),
        json.dumps(question(8, purpose=number)).encode(),
        json.dumps(question(8, person={"id_type": number, "number": number})).encode(),
        json.dumps(question(8, person={"id_type": "CN_RESIDENT_ID", "number": int(number)})).encode(),
        json.dumps(question(8, consent={"date": number, "digest": number})).encode(),
        json.dumps(question(8, officer=number)).encode(),
        json.dumps(question(8, evidence=number)).encode(),
        ("{" + f'"{number}": ' * 2 + "1}").encode(),
    ]
    for body in wrong:
        refused = program.send("POST", "/checks", body)
        assert (refused.status, refused.reason) == (422, "MALFORMED"), body
        assert number not in json.dumps(refused.content)
        assert refused.content["rule"].startswith("contract.")
    mistyped = program.post("/checks", question(8, person={"id_type": "CN_RESIDENT_ID", "number": number[:-1] + "Q"}))
    assert mistyped.status == 422
    assert number[:-1] not in json.dumps(mistyped.content)
    for path in ("/records/x", "/inquiries/x/receipt", "/inbox?limit=0", "/statistics?first_month=13-2025"):
        assert program.get(path).status in {404, 422}
    assert program.send("DELETE", "/records").reason == "METHOD_NOT_ALLOWED"


def test_no_number_is_in_the_journal_or_in_what_the_desk_has_said(program: Program) -> None:
    program.post("/checks", question(9))
    for text in ((program.desk.home / JOURNAL_FILE).read_text("utf-8"), program.desk.log()):
        for number in range(1, 10):
            assert person(number).number not in text
    assert "mistake of this program" not in program.desk.log()


def test_a_client_that_sends_half_a_body_and_goes_costs_nothing(program: Program) -> None:
    head = f"POST /api/v1/checks HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {program.token}\r\n"
    for _ in range(2 * MOST_REQUESTS):
        with socket.create_connection(("127.0.0.1", program.desk.port)) as half:
            half.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
    # Until the desk has seen the last of them go.
    wait_until(lambda: program.get("/token").status == 200)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "reason", "title"),
    [
        ("POST", "/checks", b'{"person": "\xff"}', 400, "MALFORMED", "The body of this request cannot be read"),
        ("POST", "/checks", b'{"a":' * 30_000 + b"1" + b"}" * 30_000, 400, "MALFORMED", "The body of this request"),
        ("POST", "/checks", b"{", 422, "MALFORMED", "The request has another form than the contract"),
        ("POST", "/nothing", b"{}", 404, "NOT_FOUND", "Nothing is here"),
        ("DELETE", "/checks", b"", 405, "METHOD_NOT_ALLOWED", "This path does not take that method"),
    ],
)
def test_a_title_says_what_happened(
    program: Program, method: str, path: str, body: bytes, status: int, reason: str, title: str
) -> None:
    refused = program.send(method, path, body)
    assert (refused.status, refused.reason) == (status, reason)
    assert title in refused.content["title"]
    assert ("one JSON object" in refused.content["want"]) is (reason == "MALFORMED")
    assert refused.headers.get("allow") == ("POST" if status == 405 else None)


def test_a_sheet_of_a_file_without_sheets_is_a_mistake_of_who_names_it(program: Program) -> None:
    refused = program.send("POST", "/jobs/reports?sheet=1", b"kind,standing,id_type,id_number,reference\n")
    assert (refused.status, refused.content["violations"][0]["rule"]) == (422, "workbook.sheets")


def test_a_token_made_anew_has_none_of_the_jobs_of_the_one_before(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.enrol("lender-anew")
    with RunningDesk(home, tmp_path) as running:
        old = Program.of(running, "core-banking")
        job = old.send("POST", "/jobs/reports?dry_run=true", b"kind,standing,id_type,id_number,reference\n,,,,\n")
        key = job.content["job"]
        old.ended(key)
        TokenFile(home).remove("core-banking")
        new = Program.of(running, "core-banking")
        assert new.get("/jobs").content == {"jobs": []}
        for method, path in (("GET", ""), ("GET", "/rejected"), ("DELETE", "")):
            refused = new.send(method, f"/jobs/{key}{path}")
            assert (refused.status, refused.reason) == (404, "JOB_UNKNOWN")


def test_programs_that_ask_at_once_are_all_answered_or_told_to_wait(program: Program) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(program.get("/statistics").status))
        for _ in range(2 * MOST_REQUESTS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {200, 429}
    assert 200 in statuses
    assert program.get("/statistics").status == 200
