"""The example programs run as they stand, against a real registry, and import what is public alone."""

from __future__ import annotations

import ast
import json
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from client_sdk import Client, read_portfolio
from client_sdk.lending.files import write_portfolio
from client_sdk.testing import TestRegistry
from tests.client_sdk.sdk_samples import default_report, history, person
from tests.support.examples import EXAMPLES, YESTERDAY, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Of those who train models, serve HTTP, or compute with data frames.
LIBRARIES = {"fastapi", "numpy", "polars", "pydantic", "sklearn", "uvicorn"}


@pytest.fixture(scope="module")
def registry() -> Iterator[TestRegistry]:
    """A registry of these programs' own."""
    with TestRegistry(lenders=("lender-1",)) as running:
        yield running


def test_every_example_imports_public_names_and_the_standard_library_alone() -> None:
    files = list(EXAMPLES.glob("*.py"))
    assert len(files) == 9
    for file in files:
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            match node:
                case ast.Import():
                    modules = [name.name for name in node.names]
                case ast.ImportFrom():
                    modules = [str(node.module)]
                case _:
                    continue
            tops = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names - LIBRARIES
            assert not tops or modules == ["client_sdk"], file.name


def test_every_example_is_listed_and_says_how_it_is_run() -> None:
    listed = (EXAMPLES / "README.md").read_text("utf-8")
    for file in EXAMPLES.iterdir():
        if file.suffix == ".py":
            assert f"python examples/{file.name} " in (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "")
        if file.is_file() and file.name != "README.md":
            assert f"]({file.name})" in listed, file.name


def approve(registry: TestRegistry, folder: Path, number: int, code: int) -> dict[str, object]:
    consent = folder / "consent.pdf"
    consent.write_bytes(b"I agree.")
    told = run(
        "loan_approval",
        *("--home", registry.home("lender-1"), "--consent", consent),
        *("--given-on", YESTERDAY, "--officer", "clerk-7"),
        *("--evidence", folder / f"{number}.evidence"),
        given=f"{person(number).number}\n",
        code=code,
    )
    content: dict[str, object] = json.loads(told)
    return content


def test_a_loan_is_approved_or_looked_at_by_a_person_and_the_archive_proves_why(
    registry: TestRegistry, tmp_path: Path
) -> None:
    with Client.from_home(registry.home("lender-1")) as lender:
        lender.report_many(history(900, cured=False))
    assert approve(registry, tmp_path, 900, code=1)["outcome"] == "BLACKLISTED"
    assert approve(registry, tmp_path, 901, code=0)["outcome"] == "NOT_ADVERSE"
    fingerprint = registry.config("lender-1").trust_root().fingerprint
    archive = ("--trust-root", registry.trust_root, "--fingerprint", fingerprint, tmp_path)
    lines = [json.loads(line) for line in run("evidence_archive", *archive).splitlines()]
    assert [(line["file"], line["verdict"]) for line in lines] == [
        ("900.evidence", "LISTED"),
        ("901.evidence", "CLEAR"),
    ]
    evidence = tmp_path / "901.evidence"
    evidence.write_bytes(evidence.read_bytes()[:-1])
    assert "901.evidence: UNVERIFIABLE" in run("evidence_archive", *archive, code=1)
    another = ("--trust-root", registry.trust_root, "--fingerprint", "00" * 32, tmp_path)
    assert "another trust root" in run("evidence_archive", *another, code=2)


def test_a_wrong_number_is_told_without_the_number(registry: TestRegistry, tmp_path: Path) -> None:
    consent = tmp_path / "consent.pdf"
    consent.write_bytes(b"I agree.")
    words = ("--home", registry.home("lender-1"), "--consent", consent, "--given-on", YESTERDAY)
    files = ("--officer", "clerk-7", "--evidence", tmp_path / "evidence")
    told = run("loan_approval", *words, *files, given="110105194912310021\n", code=3)
    assert "not decided" in told
    assert "110105194912310021" not in told


def test_a_portfolio_is_reported_once_and_what_is_rejected_is_written_down(
    registry: TestRegistry, tmp_path: Path
) -> None:
    portfolio = tmp_path / "portfolio.csv"
    write_portfolio(portfolio, [default_report(910), default_report(911)])
    text = portfolio.read_text("utf-8")
    portfolio.write_text(text + text.splitlines()[1].replace("CNY", "RMB").replace("HT-910", "HT-912") + "\n", "utf-8")
    assert len(list(read_portfolio(portfolio))) == 3
    words = ("--home", registry.home("lender-1"), "--portfolio", portfolio, "--rejected")
    assert "3 rows: 2 accepted, 0 known, 1 rejected" in run("nightly_batch", *words, tmp_path / "1.jsonl", code=1)
    [line] = (tmp_path / "1.jsonl").read_text("utf-8").splitlines()
    assert (json.loads(line)["row"], json.loads(line)["reason"]) == (4, "CURRENCY_INVALID")
    assert "3 rows: 0 accepted, 2 known, 1 rejected" in run("nightly_batch", *words, tmp_path / "2.jsonl", code=1)
    assert "exists" in run("nightly_batch", *words, tmp_path / "2.jsonl", code=2).lower()


def test_a_consent_that_is_not_there_decides_nothing(registry: TestRegistry, tmp_path: Path) -> None:
    words = ("--home", registry.home("lender-1"), "--consent", tmp_path / "none.pdf", "--given-on", YESTERDAY)
    files = ("--officer", "clerk-7", "--evidence", tmp_path / "evidence")
    assert "not decided" in run("loan_approval", *words, *files, given=f"{person(902).number}\n", code=3)


@pytest.mark.parametrize("code", [2, 3])
def test_a_batch_that_broke_off_is_given_again_as_it_is(registry: TestRegistry, tmp_path: Path, code: int) -> None:
    portfolio, home = tmp_path / "portfolio.csv", shutil.copytree(registry.home("lender-1"), tmp_path / "home")
    write_portfolio(portfolio, [default_report(920 + code)])
    words = ("--home", home, "--portfolio", portfolio, "--rejected", tmp_path / "rejected.jsonl")
    settings = home / "config.toml"
    right = settings.read_text()
    address = registry.config("lender-1").registry
    settings.write_text(right.replace(address, "127.0.0.1:9") + "[limits]\ndeadline = 1.0\n" if code == 3 else "no = 1")
    run("nightly_batch", *words, code=code)
    settings.write_text(right)
    run("nightly_batch", *words)
    assert (tmp_path / "rejected.jsonl").read_bytes() == b""


def test_a_page_that_could_not_be_written_is_written_by_the_next_audit(registry: TestRegistry, tmp_path: Path) -> None:
    home = shutil.copytree(registry.home("auditor"), tmp_path / "home")
    words = ("--home", home, "--pages", tmp_path / "pages")
    run("auditors_cron", *words)
    [kept] = home.rglob("audit.json")
    content = json.loads(kept.read_bytes())
    found = {"id": "FORK", "leaf_index": None, "field": "checkpoint", "rule": "log.fork", "got": "", "want": ""}
    content["findings"] = [{**found, "size": 1, "found_at": 1_800_000_000_000, "audit": 1, "accepted": None}]
    kept.write_text(json.dumps(content))
    assert "pages" in run("auditors_cron", *words, code=2)
    (tmp_path / "pages").mkdir()
    for _ in range(2):
        run("auditors_cron", *words, code=1)
        assert len(list((tmp_path / "pages").iterdir())) == 1


def test_an_auditors_job_says_that_nothing_was_found(registry: TestRegistry, tmp_path: Path) -> None:
    words = ("--home", registry.home("auditor"), "--pages", tmp_path)
    assert "Nothing was found." in run("auditors_cron", *words)
    assert not list(tmp_path.iterdir())
    assert "leaves" in run("auditors_cron", *words)


def test_a_model_with_the_registry_is_trained_and_a_wrong_file_is_told_without_its_values(
    registry: TestRegistry, tmp_path: Path
) -> None:
    with Client.from_home(registry.home("lender-1")) as lender:
        for number in range(930, 940):
            lender.report_many(history(number, cured=False))
    books, consent = tmp_path / "borrowers.csv", tmp_path / "consent.pdf"
    consent.write_bytes(b"I agree.")
    rows = [f"{person(number).number},1000,{int(number < 940)}" for number in range(930, 960)]
    books.write_text("\n".join(["number,limit,defaulted", *rows, ""]))
    words = ("--home", registry.home("lender-1"), "--borrowers", books, "--consent", consent)
    more = ("--given-on", YESTERDAY, "--officer", "model-desk")
    told = json.loads(run("risk_model", *words, *more))
    assert (told["borrowers"], told["defaulted"], told["listed"]) == (30, 10, 10)
    assert told["own_books"]["auc"] <= 0.5
    assert told["with_registry"] == {"auc": 1.0, "lift": 3.0}
    for wrong in ("number,limit\n", f"number,limit,defaulted\n1,{person(930).number}x,0\n", ""):
        books.write_text(wrong)
        said = run("risk_model", *words, *more, code=2)
        assert "want columns" in said
        assert person(930).number not in said
