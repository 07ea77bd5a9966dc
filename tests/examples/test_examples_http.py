"""The programs in curl, Java and TypeScript call a real desk of a real registry, and say the same."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from client_sdk.desk.rights import ApiScope
from client_sdk.lending.files import write_portfolio
from client_sdk.lending.rows import row_of
from client_sdk.testing import TestRegistry
from tests.client_sdk.sdk_samples import default_report, history, person
from tests.support.desk import RunningDesk
from tests.support.program import Program

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[2]
HTTP = ROOT / "examples" / "http"
# Where `make test` has installed what package-lock.json names.
MODULES = ROOT / ".cache" / "npm" / "node_modules"
YESTERDAY = (datetime.now(UTC) - timedelta(1)).date().isoformat()
LANGUAGES = (
    pytest.param("curl", marks=pytest.mark.curl),
    pytest.param("java", marks=pytest.mark.java),
    pytest.param("typescript", marks=pytest.mark.typescript),
)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDesk]:
    """A desk of a lender that reports and asks."""
    folder = tmp_path_factory.mktemp("http")
    with TestRegistry(lenders=("lender-1", "lender-2")) as registry:
        with registry.client("lender-2") as lender:
            lender.report_many(history(700, cured=False))
        with RunningDesk(registry.home("lender-1"), folder / "log") as running:
            token = Program.of(running, "example", [ApiScope.CHECK, ApiScope.REPORT]).token
            (folder / "token").write_text(f"{token}\n")
            (folder / "consent.pdf").write_bytes(b"I agree.")
            (running.home / "example").symlink_to(folder)
            yield running


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in TypeScript, checked and translated."""
    build = tmp_path_factory.mktemp("build")
    words = ("--project", HTTP / "tsconfig.json", "--typeRoots", MODULES / "@types", "--outDir", build)
    done = subprocess.run([MODULES / ".bin" / "tsc", *words], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    (build / "package.json").write_text('{"type": "module"}\n')
    return build / "desk.js"


@pytest.fixture(params=LANGUAGES)
def words(request: pytest.FixtureRequest) -> list[str]:
    """How the example of one language is called."""
    match request.param:
        case "curl":
            return ["bash", str(HTTP / "desk.sh")]
        case "java":
            return ["java", str(HTTP / "Desk.java")]
        case _:
            return ["node", str(request.getfixturevalue("compiled"))]


def run(desk: RunningDesk, words: Sequence[str], *, given: str = "", code: int = 0) -> str:
    """Run a program against the desk, and return what it said."""
    settings = {"DESK": f"http://127.0.0.1:{desk.port}", "TOKEN_FILE": str(desk.home / "example" / "token")}
    done = subprocess.run(
        words, input=given, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **settings}
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def numbers(*people: int) -> str:
    return "".join(f"{person(number).number}\n" for number in people)


def test_one_person_and_many_are_asked_about(desk: RunningDesk, words: list[str]) -> None:
    check = [*words, "check", YESTERDAY, str(desk.home / "example" / "consent.pdf")]
    assert run(desk, check, given=numbers(700)).splitlines() == ["1 LISTED BLACKLISTED"]
    many = run(desk, check, given=numbers(701, 700, 702)).splitlines()
    assert many == ["1 CLEAR NOT_ADVERSE", "2 LISTED BLACKLISTED", "3 CLEAR NOT_ADVERSE"]


def test_a_wrong_number_is_refused_by_name_of_the_rule_and_not_repeated(desk: RunningDesk, words: list[str]) -> None:
    check = [*words, "check", YESTERDAY, str(desk.home / "example" / "consent.pdf")]
    wrong = person(700).number[:-1] + ("0" if person(700).number[-1] != "0" else "1")
    said = run(desk, check, given=f"{wrong}\n", code=1)
    assert "identity.checksum" in said
    assert wrong not in said
    tomorrow = (datetime.now(UTC) + timedelta(2)).date().isoformat()
    assert "CONSENT_MISSING" in run(desk, [*words, "check", tomorrow, check[-1]], given=numbers(700), code=1)


def test_a_file_is_reported_once_and_what_is_rejected_is_told(
    desk: RunningDesk, words: list[str], tmp_path: Path
) -> None:
    # People of this language alone.
    place = 710 + 10 * ["bash", "java", "node"].index(words[0])
    portfolio = tmp_path / "portfolio.jsonl"
    rows = [row_of(default_report(place)), {**row_of(default_report(place + 1)), "currency": "RMB"}]
    portfolio.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    told = run(desk, [*words, "report", str(portfolio)]).splitlines()
    assert told[0] == "2 rows: 1 accepted, 0 known, 1 rejected"
    assert told[1].startswith("row 2: CURRENCY_INVALID currency ")
    again = run(desk, [*words, "report", str(portfolio)]).splitlines()
    assert again[0] == "2 rows: 0 accepted, 1 known, 1 rejected"
    csv = tmp_path / "portfolio.csv"
    write_portfolio(csv, [default_report(place)])
    assert run(desk, [*words, "report", str(csv)]).splitlines() == ["1 rows: 0 accepted, 1 known, 0 rejected"]


@pytest.mark.curl
def test_the_first_calls_of_the_guide_do_what_it_says(desk: RunningDesk, tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "http-api.md").read_text("utf-8")
    token = (desk.home / "example" / "token").read_text().strip()
    (tmp_path / "token-header").write_text(f"Authorization: Bearer {token}\n")
    (question,) = re.findall(r"```json question.json\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "question.json").write_text(question)
    here = guide.replace("127.0.0.1:7700", f"127.0.0.1:{desk.port}").replace("\\\n", "")
    contract, check = (
        json.loads(subprocess.run(shlex.split(line), cwd=tmp_path, capture_output=True, check=True, timeout=60).stdout)
        for line in re.findall(r"^curl .*$", here, re.MULTILINE)
    )
    assert contract == json.loads((ROOT / "docs" / "desk-openapi.json").read_text("utf-8"))
    assert (check["answer"]["verdict"], check["assessment"]["outcome"]) == ("CLEAR", "NOT_ADVERSE")
    assert check["evidence"]


def test_wrong_words_are_told_and_end_with_2(desk: RunningDesk, words: list[str]) -> None:
    assert "usage" in run(desk, [*words, "ask"], code=2)


def test_the_lock_names_no_place_where_packages_are_fetched() -> None:
    lock = (HTTP / "package-lock.json").read_text("utf-8")
    assert "resolved" not in lock
    assert "integrity" in lock
