"""Screening and watching a portfolio by the command, against a real registry."""

from __future__ import annotations

import csv
import json
import stat
from typing import TYPE_CHECKING

import pytest

from client_sdk.lending.files import write_portfolio
from tests.client_sdk.cli.command_samples import DIGEST, id_number, report_words
from tests.client_sdk.sdk_samples import default_report

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.command import Command

WHY = ("--purpose", "POST_LOAN_REVIEW", "--officer", "desk-1")
HEADER = "id_type,id_number,reference,consent_form,consent_date,consent_digest\n"
BASE = 20_000


def line(number: int, *, form: str = "WRITTEN", day: str = "2025-01-01", digest: str = DIGEST) -> str:
    return f"CN_RESIDENT_ID,{id_number(BASE + number)},LOAN-{number},{form},{day},{digest}\n"


@pytest.fixture
def portfolio(tmp_path: Path, number: int, lender: Command, asker: Command) -> Path:
    """Three customers of lender-2: listed by another, by itself, by nobody."""
    listed, own, clear = (3 * number + place for place in range(3))
    lender(*report_words(BASE + listed), "--yes", given=id_number(BASE + listed))
    asker(*report_words(BASE + own), "--yes", given=id_number(BASE + own))
    file = tmp_path / "portfolio.csv"
    file.write_text(HEADER + line(listed) + line(own) + line(clear))
    return file


def test_a_portfolio_is_screened_into_a_new_file(asker: Command, portfolio: Path) -> None:
    target = portfolio.with_name("found.csv")
    told = asker("screen", str(portfolio), *WHY, "-o", str(target)).content
    assert (told["customers"], told["listed"], told["own"], told["clear"]) == (3, 1, 1, 1)
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["row"], row["finding"]) for row in rows] == [("2", "LISTED"), ("3", "OWN"), ("4", "CLEAR")]
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    # Nothing is left beside it, and what is there is never written over.
    assert {path.name for path in portfolio.parent.iterdir() if path.is_file()} == {"portfolio.csv", "found.csv"}
    before = target.read_bytes()
    assert asker("screen", str(portfolio), *WHY, "-o", str(target), code=5).reason == "CONFIG"
    assert target.read_bytes() == before


def test_a_portfolio_of_reports_can_be_screened_as_it_is(asker: Command, tmp_path: Path, number: int) -> None:
    file = tmp_path / "portfolio.jsonl"
    write_portfolio(file, [default_report(BASE + 9_000 + number)])
    assert asker("screen", str(file), *WHY).content["clear"] == 1
    # The rulebook names no auditor that would have seen a record that is left out of the map.
    assert "NOT REPLAYED" in asker.said("screen", str(file), *WHY).out


def test_one_bad_row_is_one_rejection(asker: Command, portfolio: Path, number: int) -> None:
    bad = [
        "CN_RESIDENT_ID,110105194912310029,X,WRITTEN,2025-01-01," + DIGEST + "\n",
        line(3 * number + 2, form="VERBAL"),
        line(3 * number + 2, day="2999-01-01"),
        "CN_RESIDENT_ID," + id_number(1) + ",X,,,\n",
    ]
    portfolio.write_text(portfolio.read_text() + "".join(bad) + line(3 * number))
    target = portfolio.with_name("found.jsonl")
    told = asker("screen", str(portfolio), *WHY, "-o", str(target), code=1).content
    assert (told["customers"], told["listed"], told["rejected_rows"]) == (4, 2, 4)
    rows = [json.loads(text) for text in target.read_text().splitlines()]
    assert [(row["row"], row["finding"]) for row in rows[3:]] == [
        (5, "REJECTED"),
        (6, "REJECTED"),
        (7, "REJECTED"),
        (8, "REJECTED"),
        (9, "LISTED"),
    ]
    assert {row["rule"] for row in rows if row["finding"] == "REJECTED"} >= {"C10", "column.present"}


def test_a_dry_run_sends_and_writes_nothing(asker: Command, portfolio: Path) -> None:
    before = asker("status").content["key_services"]
    told = asker("screen", str(portfolio), *WHY, "--dry-run", "-o", str(portfolio.with_name("x.csv"))).content
    assert (told["customers"], told["rejected_rows"]) == (3, 0)
    assert [path.name for path in portfolio.parent.iterdir() if path.is_file()] == ["portfolio.csv"]
    after = asker("status").content["key_services"]
    assert [item["inquire_quota_left"] for item in after] == [item["inquire_quota_left"] for item in before]


def test_lines_of_json_are_printed_for_other_programs(asker: Command, portfolio: Path, number: int) -> None:
    printed = asker.said("screen", str(portfolio), *WHY, "--jsonl").out
    rows = [json.loads(text) for text in printed.splitlines()]
    assert rows[0] == {"row": 2, "reference": f"LOAN-{3 * number}", "finding": "LISTED"}
    assert len(rows) == 3
    assert id_number(BASE + 3 * number) not in printed


def test_exit_code_tells_whether_anybody_is_listed(asker: Command, portfolio: Path) -> None:
    asker("screen", str(portfolio), *WHY, "--exit-code", code=1)


def test_each_listed_one_is_asked_about_where_wanted(asker: Command, portfolio: Path) -> None:
    rows = asker("screen", str(portfolio), *WHY, "--check").content["rows"]
    assert [row.get("outcome", "") for row in rows] == ["BLACKLISTED", "", ""]


def test_a_broken_screening_is_neither_begun_anew_nor_invented(asker: Command, portfolio: Path) -> None:
    kept = portfolio.with_name("portfolio.csv.screening")
    assert asker("screen", str(portfolio), *WHY, "--resume", code=2).reason == "USAGE"
    kept.write_bytes(b"another file of that name")
    kept.chmod(0o600)
    assert asker("screen", str(portfolio), *WHY, code=2).reason == "USAGE"
    assert asker("screen", str(portfolio), *WHY, "--resume", code=5).reason == "CONFIG"
    assert kept.read_bytes() == b"another file of that name"


def test_a_pipe_is_screened_and_not_kept(asker: Command, portfolio: Path) -> None:
    text = portfolio.read_text()
    assert asker("screen", "-", *WHY, given=text).content["listed"] == 1
    assert asker("screen", "-", *WHY, "--resume", given=text, code=2).reason == "USAGE"
    assert asker("watch", "-", *WHY, given=text, code=2).reason == "USAGE"


def test_an_empty_portfolio_or_one_without_any_good_row_is_refused(asker: Command, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.csv"
    file.write_text(HEADER)
    assert asker("screen", str(file), *WHY, code=2).reason == "USAGE"
    file.write_text(HEADER + line(1, form="VERBAL"))
    assert asker("screen", str(file), *WHY, code=1).reason == "RULES_BROKEN"


def test_watching_shows_only_what_changed(asker: Command, lender: Command, portfolio: Path, number: int) -> None:
    first = asker("watch", str(portfolio), *WHY, "--exit-code", code=1).content
    assert (first["since"], [item["change"] for item in first["changes"]]) == (None, ["LISTED"])
    assert stat.S_IMODE(portfolio.with_name("portfolio.csv.watch").stat().st_mode) == 0o600
    again = asker("watch", str(portfolio), *WHY, "--exit-code").content
    assert (again["since"], again["changes"]) == (first["as_of"], [])
    clear = BASE + 3 * number + 2
    lender(*report_words(clear), "--yes", given=id_number(clear))
    printed = asker.said("watch", str(portfolio), *WHY, "--jsonl").out
    assert [json.loads(text) for text in printed.splitlines()] == [
        {"row": 4, "reference": f"LOAN-{3 * number + 2}", "change": "LISTED"}
    ]
    said = asker.said("watch", str(portfolio), *WHY).out
    assert "0 changes" in said
