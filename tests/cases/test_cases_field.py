"""Portfolios as they come from real systems, each with what must become of it: through the same calls as a lender's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from client_sdk.errors import PreflightError
from client_sdk.lending.files import read_portfolio
from client_sdk.models import Amounts, DefaultReport
from client_sdk.testing import TestRegistry
from tests.support.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.client import Client

CASES = Path(__file__).parent / "field"


class Case(NamedTuple):
    """One portfolio.

    Attributes:
        id: name of the case.
        kind: what it shows.
        file: beside ``cases.jsonl``.
        how: ``plan`` where the dry run tells, ``sent`` where only the registry can.
        expect: ``accept``, ``reject`` or ``warn``.
    """

    id: str
    kind: str
    file: str
    how: str
    expect: str


def cases() -> list[Case]:
    lines = (CASES / "cases.jsonl").read_text(encoding="utf-8").splitlines()
    return [Case(**json.loads(line)) for line in lines]


@pytest.fixture(scope="module")
def registry() -> Iterator[TestRegistry]:
    with TestRegistry() as running:
        yield running


@pytest.fixture(scope="module")
def client(registry: TestRegistry) -> Iterator[Client]:
    with registry.client("lender-1") as opened:
        yield opened


@pytest.fixture
def lender(registry: TestRegistry) -> Command:
    return Command(registry.home("lender-1"))


def test_each_file_belongs_to_a_case() -> None:
    named = {case.file for case in cases()} | {"cases.jsonl", "permit-renewed.txt"}
    assert {path.name for path in CASES.iterdir()} == named


@pytest.mark.parametrize("case", [case for case in cases() if case.how == "plan"], ids=lambda case: case.id)
def test_the_plan_tells_what_becomes_of_a_portfolio(client: Client, case: Case) -> None:
    try:
        found = client.preflight(list(read_portfolio(CASES / case.file)))
    except PreflightError as error:
        broken, warnings = error.violations, ()
    else:
        broken, warnings = found.violations, found.warnings
        assert found.rows == found.passed + found.repeated + found.rejected_rows
    assert bool(broken) is (case.expect == "reject"), [str(item) for item in broken]
    assert bool(warnings) is (case.expect == "warn"), [str(item) for item in warnings]
    for violation in broken:
        assert violation.rule
        assert violation.want
        assert not violation.field.startswith("facts.")


@pytest.mark.parametrize("case", [case for case in cases() if case.how == "sent"], ids=lambda case: case.id)
def test_the_registry_holds_what_a_portfolio_should_leave(lender: Command, tmp_path: Path, case: Case) -> None:
    file = Path(shutil.copyfile(CASES / case.file, tmp_path / case.file))
    told = lender("report", str(file), "--yes", code=None).content
    assert bool(told["rejected"]) is (case.expect == "reject"), told


ASKING = (
    *("check", "--purpose", "LOAN_APPROVAL", "--officer", "clerk-7", "--consent-date", "2026-01-01"),
    *("--consent-digest", "ab" * 32, "--identity-file"),
)


def verdicts(asker: Command, numbers: str) -> list[str]:
    content = asker(*ASKING, "-", given=numbers).content
    return [answer["verdict"] for answer in content.get("answers", [content])]


def test_a_permit_is_found_under_each_of_its_renewals(registry: TestRegistry, tmp_path: Path) -> None:
    lender, asker = Command(registry.home("lender-1")), Command(registry.home("lender-2"))
    lines = (CASES / "permit-renewed.txt").read_text().split()
    text = (CASES / "tw-old-brackets.csv").read_text()
    file = tmp_path / "portfolio.csv"
    file.write_text(text.replace("0000000001(B)", lines[0].partition(",")[2]).replace("F-012", "permit"))
    assert lender("report", str(file), "--yes").content["accepted"] == 1
    assert verdicts(asker, "\n".join(lines)) == ["LISTED"] * len(lines)


def test_whose_debt_ended_too_long_ago_stays_clear(registry: TestRegistry, tmp_path: Path) -> None:
    lender, asker = Command(registry.home("lender-1")), Command(registry.home("lender-2"))
    file = Path(shutil.copyfile(CASES / "old-cure.csv", tmp_path / "old-cure.csv"))
    told = lender("report", str(file), "--yes", code=1).content
    assert (told["accepted"], told["rejected_rows"]) == (0, 2)
    assert [item["rule"] for item in told["rejected"]] == ["retention.record", "retention.over"]
    assert verdicts(asker, number_in(file)) == ["CLEAR"]


def test_a_row_about_another_person_withdraws_nothing(registry: TestRegistry, tmp_path: Path) -> None:
    lender, asker = Command(registry.home("lender-1")), Command(registry.home("lender-2"))
    file = Path(shutil.copyfile(CASES / "withdraw-other-person.csv", tmp_path / "other.csv"))
    header, first, end = file.read_text().splitlines(keepends=True)
    lender("report", str(file), "--yes", code=None)
    alone = tmp_path / "alone.csv"
    alone.write_text(header + end)
    told = lender("report", str(alone), "--yes", code=1).content
    assert [(item["reason"], item["field"]) for item in told["rejected"]] == [("SUBJECT_CHANGED", "id_number")]
    assert verdicts(asker, number_in(file)) == ["LISTED"]
    number = first.split(",")[3]
    words = (
        "records",
        "withdraw",
        "--kind",
        "DEFAULT",
        "--reference",
        first.split(",")[4],
        "--first-day",
        "2026-01-05",
    )
    refused = lender(*words, "--identity-file", "-", "--yes", given=end.split(",")[3], code=1)
    assert refused.reason == "SUBJECT_CHANGED"
    lender(*words, "--identity-file", "-", "--yes", given=number)
    assert verdicts(asker, number) == ["CLEAR"]


def test_a_consent_that_is_empty_asks_about_nobody(lender: Command, tmp_path: Path) -> None:
    (tmp_path / "consent.pdf").touch()
    words = ("check", "--purpose", "LOAN_APPROVAL", "--officer", "c", "--consent-date", "2026-01-01")
    number = "11010519491231002X"
    ended = lender(
        *words, "--consent-file", str(tmp_path / "consent.pdf"), "--identity-file", "-", given=number, code=2
    )
    assert "empty" in ended.content["error"]["message"]
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    lender(*words, "--consent-digest", nothing, "--identity-file", "-", given=number, code=1)
    for officer in (" ", "\u200b"):
        blank = [officer if word == "c" else word for word in words]
        lender(*blank, "--consent-digest", "ab" * 32, "--identity-file", "-", given=number, code=1)


def number_in(file: Path) -> str:
    """The identity number of the first row."""
    header, first = (line.split(",") for line in file.read_text().splitlines()[:2])
    return first[header.index("id_number")]


@pytest.mark.parametrize(
    ("line", "expect"),
    [
        ("PASSPORT,E1234567,us", None),
        ("PASSPORT,E1234567,US", None),
        ("PASSPORT,E1234567", "identity.state"),
        ("PASSPORT,E1234567,", "identity.state"),
        ("PASSPORT,E1234567,UK", "identity.state"),
        ("PASSPORT,11010519491231002X,CN", "identity.type"),
    ],
)
def test_a_passport_is_asked_about_by_its_state(lender: Command, line: str, expect: str | None) -> None:
    ended = lender(*ASKING, "-", given=line, code=2 if expect else 0)
    if expect:
        assert expect in ended.content["error"]["message"]
        assert "E1234567" not in ended.out + ended.err


def test_values_of_wrong_types_are_each_one_rejected_row(client: Client) -> None:
    (good,) = (row for row in read_portfolio(CASES / "control-letters.csv") if isinstance(row, DefaultReport))
    facts = good.facts
    assert facts is not None
    changed = {
        "principal": replace(good, facts=replace(facts, amounts=Amounts(currency="CNY", principal=wrong(12500.5)))),
        "fees": replace(good, facts=replace(facts, amounts=replace(facts.amounts, fees=wrong(True)))),
        "as_of": replace(good, facts=replace(facts, as_of=datetime(2026, 3, 31, tzinfo=UTC))),
        "approver": replace(good, facts=replace(facts, approver=wrong(None))),
        "product": replace(good, facts=replace(facts, product=wrong(1))),
        "attempt": replace(good, attempt=-1),
        "first_day": replace(good, first_day=wrong("2026-01-05")),
        "reference": replace(good, reference=wrong(4711)),
        "standing": replace(good, standing=wrong("OPEN")),
        "id_number": replace(good, identity=wrong("11010519491231002X")),
    }
    changed["attempt above"] = replace(good, attempt=2**64)
    rows = [replace(report, row=place) for place, report in enumerate(changed.values(), start=1)]
    broken = client.preflight([*rows, replace(good, row=100)]).violations
    assert [(item.row, item.field) for item in sorted(broken, key=lambda item: item.row)] == [
        (place, column.removesuffix(" above")) for place, column in enumerate(changed, start=1)
    ]
    assert client.report_many([*rows, replace(good, row=100)]).accepted == 1


def wrong(value: object) -> Any:
    return value


def test_an_open_quote_is_told_at_its_line_and_takes_no_row_along(client: Client) -> None:
    rows = list(read_portfolio(CASES / "quote-opens-row-2.csv"))
    broken = client.preflight(rows).violations
    assert len(rows) == len((CASES / "quote-opens-row-2.csv").read_text().splitlines()) - 1
    assert [(item.row, item.rule) for item in broken][:1] == [(2, "csv.quote")]


@pytest.mark.parametrize(
    ("content", "rule", "got"),
    [
        (b"PK\x03\x04 rest", "file.form", "workbook"),
        (b"PAR1 rest", "file.form", "Parquet"),
        ("kind\tstanding\n".encode("utf-32"), "file.form", "UTF-32"),
        ("kind\n\u738b\n".encode("gb18030"), "file.encoding", "GB18030"),
        (b"kind;status\n", "columns.known", "semicolons"),
        (b'[\n{"kind": "DEFAULT"},\n{"kind": "DEFAULT"}\n]\n', "json.lines", "array"),
        (b"sep=,\nkind,standing\n", "columns.known", "separator"),
    ],
)
def test_a_file_that_is_no_portfolio_is_told_for_what_it_is(
    tmp_path: Path, content: bytes, rule: str, got: str
) -> None:
    file = tmp_path / "portfolio.csv"
    file.write_bytes(content)
    with pytest.raises(PreflightError) as caught:
        list(read_portfolio(file))
    (violation,) = caught.value.violations
    assert violation.rule == rule
    assert got in violation.got


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_no_answer_is_cut_off_by_a_character_that_a_console_lacks(
    registry: TestRegistry, tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "portfolio.csv"
    file.write_text((CASES / "legacy-judgment.csv").read_text(encoding="utf-8").replace("desk", "\U00020bb7"))
    Command(registry.home("lender-1"))("report", str(file), "--yes", code=None)
    program = [
        sys.executable,
        "-c",
        "from client_sdk.cli import main; main()",
        "--home",
        str(registry.home("lender-2")),
    ]
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    number = number_in(file).encode()
    for words, form in (((), encoding), (("--json",), "utf-8")):
        ended = subprocess.run(
            [*program, *words, *ASKING, "-"], input=number, env=environment, capture_output=True, check=True
        )
        assert "LISTED" in ended.stdout.decode(form)
    subprocess.run([*program, "check", "--help"], env=environment, capture_output=True, check=True)
