"""The examples for whole systems run as they stand: a service, a data frame, a watch, a decision engine."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from client_sdk import Client
from client_sdk.testing import TestRegistry
from client_sdk.testing.ports import free_port, listens
from tests.client_sdk.sdk_samples import history, person
from tests.support.examples import YESTERDAY, command, run
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONSENT = hashlib.sha256(b"I agree.").hexdigest()
AS_OF = YESTERDAY


@pytest.fixture(scope="module")
def registry() -> Iterator[TestRegistry]:
    """A registry of these programs' own, where lender-2 reports."""
    with TestRegistry() as running:
        yield running


def reported(registry: TestRegistry, number: int) -> None:
    with Client.from_home(registry.home("lender-2")) as lender:
        lender.report_many(history(number, cured=False))


def application(reference: int, number: int, **more: object) -> dict[str, object]:
    consent = {"consent_given_on": YESTERDAY.isoformat(), "consent_sha256": CONSENT}
    return {"reference": f"LOAN-{reference}", "number": person(number).number, **consent, **more}


@contextmanager
def serving(home: Path, archive: Path) -> Iterator[tuple[int, Path]]:
    """The service of a lender; its port, and the file of what it writes."""
    port, log = free_port(), archive.with_name("service.log")
    archive.mkdir(exist_ok=True)
    words = command("loan_service", "--home", home, "--archive", archive, "--port", port)
    with log.open("wb") as output, subprocess.Popen(words, stdout=output, stderr=output) as process:
        try:
            wait_until(lambda: process.poll() is not None or listens(port))
            yield port, log
        finally:
            process.terminate()


def posted(port: int, body: object) -> tuple[int, str]:
    """Post a document; return status and body of the answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/applications", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - on this machine
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_service_decides_once_and_repeats_no_number(registry: TestRegistry, tmp_path: Path) -> None:
    reported(registry, 950)
    archive = tmp_path / "archive"
    with serving(registry.home("lender-1"), archive) as (port, log):
        status, text = posted(port, application(1, 950, officer="clerk-7"))
        assert (status, json.loads(text)["verdict"], json.loads(text)["outcome"]) == (200, "LISTED", "BLACKLISTED")
        status, text = posted(port, application(2, 951, officer="clerk-7"))
        assert (status, json.loads(text)["verdict"], json.loads(text)["outcome"]) == (200, "CLEAR", "NOT_ADVERSE")
        assert {path.name for path in archive.glob("*.evidence")} == {"LOAN-1.evidence", "LOAN-2.evidence"}
        assert posted(port, application(1, 950, officer="clerk-7"))[0] == 409
        number = person(950).number
        wrong = [
            {**application(3, 950, officer="clerk-7"), "number": number[:-1] + "X"},
            {**application(3, 950, officer="clerk-7"), "consent_given_on": (YESTERDAY + timedelta(5)).isoformat()},
            {**application(3, 950, officer="clerk-7"), "reference": number},
            {**application(3, 950), "clerk": number},
            {"number": [number]},
        ]
        for body in wrong:
            status, text = posted(port, body)
            assert status == 422, text
            assert number[:-1] not in text
    assert number not in log.read_text()
    assert "/applications" in log.read_text()


def test_a_service_says_that_nothing_was_decided_where_the_registry_is_away(
    registry: TestRegistry, tmp_path: Path
) -> None:
    home = shutil.copytree(registry.home("lender-1"), tmp_path / "home")
    settings = (home / "config.toml").read_text().replace(registry.address, "127.0.0.1:9")
    (home / "config.toml").write_text(settings + "[limits]\ndeadline = 1.0\n")
    with serving(home, tmp_path / "archive") as (port, _):
        status, text = posted(port, application(4, 951, officer="clerk-7"))
    assert (status, "nothing was decided" in text) == (503, True)


def tables(folder: Path, arrears: list[tuple[str, int, date]]) -> tuple[object, ...]:
    """Write the bank's tables, for persons from 960 on; return the options that name them."""
    contracts = [contract for contract, _, _ in arrears]
    loans = {
        "contract": contracts,
        "id_number": [person(960 + place).number for place in range(len(arrears))],
        "signed_on": [date(2025, 6, 1)] * len(arrears),
        "consent_sha256": [CONSENT] * len(arrears),
    }
    missed = [since for _, _, since in arrears]
    overdue = {
        "contract": contracts,
        "principal": [principal for _, principal, _ in arrears],
        "interest": [23_000] * len(arrears),
        "first_missed_on": missed,
        "reminded_at": [datetime(since.year, since.month, since.day, 2, tzinfo=UTC) + timedelta(5) for since in missed],
        "reminder_sha256": [hashlib.sha256(b"Pay.").hexdigest()] * len(arrears),
    }
    pl.DataFrame(loans).write_parquet(folder / "loans.parquet")
    pl.DataFrame(overdue).write_parquet(folder / "arrears.parquet")
    files = ("--loans", folder / "loans.parquet", "--arrears", folder / "arrears.parquet")
    return (*files, "--as-of", AS_OF)


def test_a_frame_is_reported_once_and_what_is_rejected_is_named_by_contract(
    registry: TestRegistry, tmp_path: Path
) -> None:
    long, lately = AS_OF - timedelta(90), AS_OF - timedelta(3)
    given = tables(tmp_path, [("HT-1", 1_250_000, long), ("HT-2", -5, long), ("HT-3", 90_000, lately)])
    words = ("--home", registry.home("lender-1"), *given, "--rejected")
    first = tmp_path / "1.parquet"
    assert "2 rows: 1 accepted, 0 known, 1 rejected" in run("nightly_frame", *words, first, code=1)
    (row,) = pl.read_parquet(first).to_dicts()
    assert (row["contract"], row["column"]) == ("HT-2", "principal")
    again = run("nightly_frame", *words, tmp_path / "2.parquet", code=1)
    assert "2 rows: 0 accepted, 1 known, 1 rejected" in again
    assert "exists already" in run("nightly_frame", *words, first, code=2)
    pl.DataFrame({"contract": ["HT-1"]}).write_parquet(tmp_path / "arrears.parquet")
    assert "not as they should be" in run("nightly_frame", *words, tmp_path / "3.parquet", code=2)


def test_a_watch_makes_a_task_of_who_others_begin_to_report(registry: TestRegistry, tmp_path: Path) -> None:
    cases, tasks = tmp_path / "cases.csv", tmp_path / "tasks.jsonl"
    rows = [
        f"CN_RESIDENT_ID,{person(number).number},CASE-{number},WRITTEN,{YESTERDAY},{CONSENT}" for number in (970, 971)
    ]
    headings = "id_type,id_number,reference,consent_form,consent_date,consent_digest"
    cases.write_text("\n".join([headings, *rows, ""]))
    words = ("--home", registry.home("lender-1"), "--cases", cases, "--officer", "collections")
    more = ("--state", tmp_path / "watch.state", "--tasks", tasks)
    assert "2 customers, 0 changed since the beginning" in run("collections_watch", *words, *more)
    reported(registry, 971)
    cases.write_text("\n".join([headings, *rows, rows[0].replace(str(YESTERDAY), "soon"), ""]))
    said = run("collections_watch", *words, *more, code=1)
    assert "2 customers, 1 changed since 2" in said
    assert person(970).number not in said
    (task,) = map(json.loads, tasks.read_text().splitlines())
    assert (task["case"], task["change"]) == ("CASE-971", "LISTED")


def test_a_decision_is_proved_years_later_from_its_files_alone(registry: TestRegistry, tmp_path: Path) -> None:
    reported(registry, 980)
    terms = {"amount": 300_000, "income": 800_000}
    lines = [
        json.dumps(application(11, 980, **terms)),
        json.dumps(application(12, 981, **terms)),
        json.dumps(application(13, 982, **{**terms, "amount": 9_000_000})),
        json.dumps({"reference": "LOAN-14", "number": person(980).number}),
    ]
    words = ("decide", "--home", registry.home("lender-1"), "--officer", "engine", "--archive", tmp_path)
    said = run("decision_engine", *words, given="\n".join(lines), code=1)
    assert said.splitlines() == [
        "LOAN-11 REFER BLACKLISTED",
        "LOAN-12 APPROVE",
        "LOAN-13 REFER BEYOND_MEANS",
        "line 4: no application",
    ]
    fingerprint = registry.config("lender-1").trust_root().fingerprint
    prove = ("prove", "--trust-root", registry.trust_root, "--archive", tmp_path, "--fingerprint")
    assert run("decision_engine", *prove, fingerprint).count(": proved") == 3
    assert "another trust root" in run("decision_engine", *prove, "00" * 32, code=2)
    kept = tmp_path / "LOAN-11.decision.json"
    kept.write_text(json.dumps({**json.loads(kept.read_text()), "rules": []}))
    assert "LOAN-11.decision.json: NOT PROVED" in run("decision_engine", *prove, fingerprint, code=1)
