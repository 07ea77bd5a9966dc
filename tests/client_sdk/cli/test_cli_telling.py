"""What people are told: errors with what to do next, money, tables, completion."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from client_sdk._protocol.evaluation import PROOF_INVALID
from client_sdk.cli import app
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import failure_of
from client_sdk.cli.ui.output import Output, table
from client_sdk.cli.ui.shown import money
from client_sdk.errors import (
    ConfigError,
    ConflictError,
    DeadlineExceededError,
    KeyServiceError,
    NotPermittedError,
    OutboxError,
    PreflightError,
    RefusedError,
    RollbackError,
    UnavailableError,
    VerificationError,
)
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.models import Violation
from client_sdk.texts.next_steps import NEXT, NEXT_BY_RULE, TITLE_BY_RULE
from registry_server.errors import CATALOGUE

BROKEN = Violation(
    row=7, reason="NOTICE_LATE", field="facts.notice.sent_at", rule="C06", got="2026-02-02", want="before"
)
MALFORMED = Violation(row=3, reason="MALFORMED", field="file", rule="file.encoding", got="other bytes", want="UTF-8")


@pytest.mark.parametrize(
    ("error", "code", "reason", "words"),
    [
        (UnavailableError("nobody"), ExitCode.UNREACHABLE, "UNAVAILABLE", ["host:7443", "status"]),
        (UnavailableError("x", reason="INQUIRY_WAITING"), ExitCode.UNREACHABLE, "INQUIRY_WAITING", ["next HEAD"]),
        (
            DeadlineExceededError("late"),
            ExitCode.UNREACHABLE,
            "DEADLINE_EXCEEDED",
            ["host:7443", "done twice"],
        ),
        (
            KeyServiceError("ks:7501", "UNAVAILABLE"),
            ExitCode.UNREACHABLE,
            "UNAVAILABLE",
            ["ks:7501", "every one"],
        ),
        (
            KeyServiceError("ks:7501", PROOF_INVALID),
            ExitCode.UNVERIFIABLE,
            "PROOF_INVALID",
            ["ks:7501", "rely on nothing"],
        ),
        (KeyServiceError("ks:7501", "KEY_OF_ANOTHER"), ExitCode.FOUND, "KEY_OF_ANOTHER", ["in this home", "key list"]),
        (KeyServiceError("ks:7501", "KEY_USAGE"), ExitCode.FOUND, "KEY_USAGE", ["this home", "key list"]),
        (KeyServiceError("ks:7501", "PEER_MISMATCH"), ExitCode.FOUND, "PEER_MISMATCH", ["in this home", "status"]),
        (KeyServiceError("ks:7501", "QUOTA_EXCEEDED"), ExitCode.FOUND, "QUOTA_EXCEEDED", ["next day"]),
        (
            VerificationError("head", "head.age", "got this machine's clock 2 h ahead"),
            ExitCode.UNVERIFIABLE,
            "UNVERIFIABLE",
            ["clock 2 h ahead", "head.age", "check this machine's clock first (NTP)"],
        ),
        (
            VerificationError("head", "head.ahead", "got this machine's clock 2 h behind"),
            ExitCode.UNVERIFIABLE,
            "UNVERIFIABLE",
            ["clock 2 h behind", "head.ahead", "check this machine's clock first (NTP)"],
        ),
        (VerificationError("map proof", "map.root"), ExitCode.UNVERIFIABLE, "UNVERIFIABLE", ["map proof", "map.root"]),
        (RollbackError("checkpoint", "log.fork"), ExitCode.UNVERIFIABLE, "UNVERIFIABLE", ["keep the state folder"]),
        (PreflightError((MALFORMED,)), ExitCode.USAGE, "MALFORMED", ["row 3", "UTF-8"]),
        (PreflightError((BROKEN,)), ExitCode.FOUND, "RULES_BROKEN", ["row 7", "NOTICE_LATE", "C06", "2026-02-02"]),
        (
            ConflictError("DEBT_TAKEN", "taken", field="debt_ref", rule="debt.one-record", got="1", want="0"),
            ExitCode.FOUND,
            "DEBT_TAKEN",
            ["taken", "field: debt_ref", "rule: debt.one-record", "got: 1", "want: 0", "issuer"],
        ),
        (NotPermittedError("NOT_PERMITTED"), ExitCode.FOUND, "NOT_PERMITTED", ["another role"]),
        (
            ConfigError("config.toml cannot be read: No such file or directory"),
            ExitCode.SETUP,
            "CONFIG",
            ["credit-registry init"],
        ),
        (ConfigError("config.toml cannot be read: it is no TOML"), ExitCode.SETUP, "CONFIG", ["correct that file"]),
        (
            ConfigError("TLS: certificate.pem: expired on"),
            ExitCode.SETUP,
            "CONFIG",
            ["clock first", "an administrator", "install FILE"],
        ),
        (ConfigError("TLS: certificate.pem: good only from"), ExitCode.SETUP, "CONFIG", ["clock first"]),
        (ConfigError("TLS: certificate.pem: damaged"), ExitCode.SETUP, "CONFIG", ["certificate install FILE"]),
        (ConfigError("TLS: key.pem: damaged"), ExitCode.SETUP, "CONFIG", ["put key.pem back"]),
        (ConfigError("TLS: ca.pem: damaged"), ExitCode.SETUP, "CONFIG", ["--ca ca.pem"]),
        (OutboxError("locked"), ExitCode.SETUP, "OUTBOX", ["locked"]),
        (FormatError("enrolment", "file.form", want="x"), ExitCode.USAGE, "MALFORMED", ["enrolment", "file.form"]),
        (
            RuleError("STATE_INVALID", "status", "institution.state", want="y"),
            ExitCode.USAGE,
            "STATE_INVALID",
            ["institution.state"],
        ),
        (FileNotFoundError(2, "No such file", "x.json"), ExitCode.SETUP, "FILE", ["x.json", "No such file"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_an_error_says_what_where_and_what_to_do(
    error: Exception, code: ExitCode, reason: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    failure = failure_of(error, "host:7443")
    assert failure is not None
    assert (failure.code, failure.reason) == (code, reason)
    failure.show(Output())
    said = capsys.readouterr()
    assert said.out == ""
    for word in words:
        assert word in said.err
    failure.show(Output(as_json=True))
    said = capsys.readouterr()
    assert json.loads(said.out)["error"]["reason"] == reason
    assert said.err == ""


@pytest.mark.parametrize(
    ("words", "option", "wanted", "unwanted"),
    [
        (("check",), "--purpose", ("LOAN_APPROVAL", "COLLECTION"), "REPORTING"),
        (("key", "add"), "--usage", ("REPORT", "AUDIT"), "1"),
        (("act", "propose", "state", "--institution", "lender-1"), "--status", ("ACTIVE", "TERMINATED"), "1"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else value,
)
def test_a_missing_option_is_named_with_the_words_that_it_takes(
    words: tuple[str, ...], option: str, wanted: tuple[str, ...], unwanted: str
) -> None:
    told = CliRunner().invoke(app, list(words))
    assert told.exit_code == 2
    assert f"Missing option '{option}'" in told.stderr
    listed = re.findall(r"\w+", told.stderr.split("Choose from", 1)[1])
    assert set(wanted) <= set(listed)
    assert unwanted not in listed


def test_a_wrong_word_is_answered_with_those_that_are_taken() -> None:
    told = CliRunner().invoke(
        app, ["check", "--purpose", "reporting", "--officer", "c", "--consent-date", "2026-01-01"]
    )
    assert told.exit_code == 2
    assert "want one of LOAN_APPROVAL" in told.stderr
    assert "REPORTING" not in told.stderr


def test_an_error_that_nobody_foresaw_is_not_shown() -> None:
    assert failure_of(ValueError("110105180001010010")) is None


def test_every_hint_is_about_a_reason_of_the_catalogue() -> None:
    assert set(NEXT) <= {str(reason) for reason in CATALOGUE}


def test_a_rule_says_more_of_what_to_do_than_its_reason() -> None:
    told = failure_of(RefusedError("CONSENT_MISSING", "Written consent is missing.", rule="request.one-person"))
    assert told is not None
    assert told.message == TITLE_BY_RULE["request.one-person"]
    assert told.hint == NEXT_BY_RULE["request.one-person"]
    before_sending = failure_of(RuleError("CONSENT_MISSING", "inquiry.consent.date", "C10"))
    assert before_sending is not None
    assert before_sending.hint == NEXT_BY_RULE["C10"]
    documented = Path("docs/rules.md").read_text(encoding="utf-8")
    assert all(f"| `{rule}` |" in documented for rule in NEXT_BY_RULE | TITLE_BY_RULE)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123_456, "CNY", "1,234.56 CNY"),
        (5, "CNY", "0.05 CNY"),
        (1_500, "JPY", "1,500 JPY"),
        (15, "KWD", "0.015 KWD"),
    ],
)
def test_money_has_the_places_of_its_currency(amount: int, currency: str, text: str) -> None:
    assert money(amount, currency) == text


def test_a_table_is_aligned_by_what_is_seen(capsys: pytest.CaptureFixture[str]) -> None:
    Output().result(None, table(("name", "number"), [("银行", 1), ("[bold]", 22)]))
    assert capsys.readouterr().out.splitlines() == ["name    number", "银行    1", "[bold]  22"]


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("credit-registry che", "check"),
        ("credit-registry check --purpose LOA", "LOAN_APPROVAL"),
        ("credit-registry report --collection-stage WRI", "WRITTEN_OFF"),
        ("credit-registry act propose er", "erasure"),
    ],
)
def test_a_shell_completes_verbs_and_words(line: str, word: str) -> None:
    asked = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1)}
    ended = CliRunner().invoke(
        app, env={"_CREDIT_REGISTRY_COMPLETE": "complete_bash", **asked}, prog_name="credit-registry"
    )
    assert word in ended.output.split()
