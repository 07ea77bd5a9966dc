"""The guide to the HTTP API: its paths and scopes are those of the contract, its numbers those of the code."""

from __future__ import annotations

import json
import re
import shlex
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from client_sdk.alerting.delivery import KEEP_TRYING_MS
from client_sdk.cli import app
from client_sdk.cli.verbs import desk_token
from client_sdk.desk import jobs as desk_jobs
from client_sdk.desk.api import application, gate, inbox, jobs, kept_replies, limits, records, reports, requests, tokens
from client_sdk.desk.api.problems import ProblemDocument
from client_sdk.desk.api.requests import CheckRequest
from client_sdk.desk.jobs import JobState
from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.lending.files import read_json_lines
from client_sdk.lending.typed_text import DAY_WANTED
from client_sdk.models import DefaultReport

DOCS = Path(__file__).parents[2] / "docs"
GUIDE = (DOCS / "http-api.md").read_text("utf-8")
WORDS = " ".join(GUIDE.split())
COMMANDS = re.findall(r"^credit-registry (?:--home lender-1 )?(.*)$", GUIDE, re.MULTILINE)


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_exists_with_its_options(command: str) -> None:
    words = shlex.split(command.partition(">")[0])
    verb = [word for word in words[:3] if re.fullmatch(r"[a-z]+", word)]
    env = {"COLUMNS": "200", "TERMINAL_WIDTH": "200"}
    shown = CliRunner().invoke(app, [*verb, "--help"], env=env)
    assert shown.exit_code == 0
    assert {word for word in words if word.startswith("--")} <= set(re.findall(r"--[a-z-]+", shown.stdout))


def test_paths_and_scopes_are_those_of_the_contract() -> None:
    table = GUIDE.partition("## Paths and scopes")[2].partition("\n## ")[0]
    told: dict[str, str] = {}
    scope = ""
    for line in [line for line in table.splitlines() if line.startswith("| ")][1:]:
        first, paths = line.split("|")[1:3]
        scope = first.strip() or scope
        told |= dict.fromkeys(re.findall(r"`([A-Z]+ /[^`]*)`", paths), scope)
    contract: dict[str, Any] = json.loads((DOCS / "desk-openapi.json").read_text("utf-8"))
    real = {
        f"{method.upper()} {path}": " or ".join(f"`{scope}`" for scope in operation["security"][0]["token"]) or "any"
        for path, methods in contract["paths"].items()
        for method, operation in methods.items()
    }
    assert told == real


def test_the_examples_of_bodies_are_of_the_contract() -> None:
    bodies = re.findall(r"```json(?! POST)[^\n]*\n(.*?)```", GUIDE, re.DOTALL)
    question, problem = (json.loads(body) for body in bodies)
    asked = CheckRequest.model_validate(question)
    assert asked.person.identity(date(2026, 1, 1)).number == question["person"]["number"]
    ProblemDocument.model_validate(problem)


def test_numbers_are_those_of_the_code() -> None:
    assert f"{desk_token._DAYS} if left out and {tokens.MOST_DAYS} at most" in WORDS
    together = (
        f"{limits.MOST_REQUESTS} requests, {limits.MOST_BYTES >> 20} MiB of bodies, {desk_jobs.MOST_LIVE_OF_ONE} jobs"
    )
    assert f"Of one token at one time: {together} that wait or run" in WORDS
    assert f"of all together: {limits._MOST_TOGETHER} requests, {desk_jobs.MOST_LIVE} jobs" in WORDS
    assert f"at most {gate._MOST_BODY >> 10} KiB" in WORDS
    assert f"of many persons {application._MOST_JOB_BODY >> 20} MiB" in WORDS
    assert f"of a file {reports.MOST_FILE_BYTES >> 20} MiB" in WORDS
    assert f"up to {requests.MOST_PERSONS:,} persons" in WORDS
    assert f"{tokens._MOST_TOKENS} tokens." in WORDS
    pages = (jobs._MOST, records._MOST, inbox._MOST, jobs._MOST_ROWS)
    shown = re.search(
        r"answers has at most ([\d,]+), of own records ([\d,]+), of notices ([\d,]+), of rejected rows ([\d,]+)\.",
        WORDS,
    )
    assert shown is not None
    assert tuple(int(number.replace(",", "")) for number in shown.groups()) == pages
    assert kept_replies.KEPT_SECONDS == 3_600
    assert f"the newest {kept_replies.MOST_BYTES >> 20} MiB" in WORDS
    assert desk_jobs.KEPT_SECONDS == 1_800
    assert f"tried again for {KEEP_TRYING_MS // DAY_MS} days" in WORDS
    assert all(f"`{state}`" in WORDS for state in JobState)


def test_the_forms_of_a_day_are_those_that_are_read() -> None:
    assert f"is {DAY_WANTED}, and no day of more than one reading, such as 05/01/2026" in WORDS
    question = json.loads(re.findall(r"```json(?! POST)[^\n]*\n(.*?)```", GUIDE, re.DOTALL)[0])
    row = json.loads(re.findall(r"```json POST /reports\n(.*?)```", GUIDE, re.DOTALL)[0])
    for form in re.findall(r"2026\S+?[0-9日](?=,| or|$)", DAY_WANTED):
        question["consent"]["date"] = row["as_of"] = form
        asked = CheckRequest.model_validate(question)
        assert asked.model_dump(mode="json")["consent"]["date"] == "2026-01-05"
        (report,) = read_json_lines([json.dumps(row)])
        assert isinstance(report, DefaultReport)
        assert report.facts is not None
        assert report.facts.as_of == date(2026, 1, 5)
    question["consent"]["date"] = "05/01/2026"
    with pytest.raises(ValidationError, match="a day with the year first"):
        CheckRequest.model_validate(question)


def test_the_guide_of_the_desk_leads_here() -> None:
    assert "(http-api.md)" in (DOCS / "desk.md").read_text("utf-8")
