"""Portfolios as they come from real systems, each with what must become of it: through the same calls as a lender's."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from client_sdk.errors import PreflightError
from client_sdk.lending.files import read_portfolio, write_portfolio
from client_sdk.models import (
    Amounts,
    CollectionStage,
    Consent,
    ConsentForm,
    DefaultReport,
    Identity,
    IdType,
    JudgmentReport,
    Purpose,
    RowWarning,
    Standing,
    debt,
)
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
        file: beside ``cases.jsonl``; empty where the case is no portfolio.
        how: ``plan`` where the dry run tells, ``sent`` where only the registry can, ``own`` for a test of its own.
        expect: ``accept``, ``reject`` or ``warn``.
        test: that shows it, as ``file::function``, where it has one of its own.
    """

    id: str
    kind: str
    file: str
    how: str
    expect: str
    test: str = ""


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
    named = {case.file for case in cases()} - {""} | {"cases.jsonl", "permit-renewed.txt"}
    assert {path.name for path in CASES.iterdir()} == named


def test_each_case_is_run_and_named_once() -> None:
    found = cases()
    assert len({case.id for case in found}) == len(found)
    for case in found:
        assert case.expect in {"accept", "reject", "warn"}
        assert (case.how in {"plan", "sent"}) is bool(case.file), case.id
        if case.how != "own":
            assert not case.test
            continue
        file, _, function = case.test.partition("::")
        text = (CASES.parents[2] / file).read_text(encoding="utf-8")
        assert f"def {function}(" in text, case.id


@pytest.mark.parametrize("case", [case for case in cases() if case.how == "plan"], ids=lambda case: case.id)
def test_the_plan_tells_what_becomes_of_a_portfolio(client: Client, case: Case) -> None:
    try:
        found = client.preflight(list(read_portfolio(CASES / case.file)))
    except PreflightError as error:
        broken = error.violations
        warnings: tuple[RowWarning, ...] = ()
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


def test_a_portfolio_is_read_from_a_pipe_and_leaves_no_file_of_numbers(lender: Command, tmp_path: Path) -> None:
    text = (CASES / "control-letters.csv").read_text()
    rejected = tmp_path / "rejected.csv"
    told = lender("report", "-", "--dry-run", given=text).content
    assert (told["rows"], told["passed"], told["rejected_rows"]) == (1, 1, 0)
    assert "--rejected" in lender("report", "-", "--yes", given=text, code=2).content["error"]["hint"]
    assert "--yes" in lender("report", "-", "--rejected", str(rejected), given=text, code=2).content["error"]["hint"]
    wrong = text.replace("CNY", "RMB").replace("F-", "PIPE-")
    told = lender("report", "-", "--rejected", str(rejected), "--yes", given=wrong, code=1).content
    assert (told["rejected_rows"], told["rejected_file"]) == (1, str(rejected))
    assert list(tmp_path.iterdir()) == [rejected]
    assert number_in(CASES / "control-letters.csv") not in rejected.read_text()


def test_a_portfolio_is_read_from_a_named_pipe(lender: Command, tmp_path: Path) -> None:
    pipe = tmp_path / "portfolio"
    os.mkfifo(pipe)
    row = next(iter(read_portfolio(CASES / "control-letters.csv")))
    assert isinstance(row, DefaultReport)
    write_portfolio(tmp_path / "rows.jsonl", [row])
    writer = threading.Thread(target=pipe.write_bytes, args=((tmp_path / "rows.jsonl").read_bytes(),))
    writer.start()
    told = lender("report", str(pipe), "--dry-run").content
    writer.join(timeout=30)
    assert (told["rows"], told["passed"], told["separator"]) == (1, 1, None)


def test_a_portfolio_without_rows_is_not_reported(lender: Command, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.csv"
    file.write_text((CASES / "control-letters.csv").read_text().splitlines()[0] + "\n , , \n\u3000\n")
    assert "no row" in lender("report", str(file), "--yes", code=2).content["error"]["message"]


def test_a_row_that_stands_twice_is_sent_once(lender: Command, tmp_path: Path) -> None:
    file = Path(shutil.copyfile(CASES / "row-twice.csv", tmp_path / "row-twice.csv"))
    told = lender("report", str(file), "--yes").content
    assert (told["accepted"], told["repeated"], told["rows"]) == (1, 1, 2)
    assert [(item["row"], item["rule"]) for item in told["warnings"]] == [(3, "row.repeated")]
    told = lender("report", str(file), "--yes").content
    assert (told["accepted"], told["repeated"], told["rows"]) == (0, 2, 2)


def test_a_record_after_a_withdrawn_one_begins_as_records_do(client: Client) -> None:
    (good,) = (row for row in read_portfolio(CASES / "control-letters.csv") if isinstance(row, DefaultReport))
    facts = good.facts
    assert facts is not None
    withdrawn = replace(good, standing=Standing.WITHDRAWN, facts=None, first_day=facts.first_delinquency_on, row=3)
    paid = replace(
        good,
        standing=Standing.CURED,
        facts=replace(facts, ended_on=facts.as_of, collection_stage=CollectionStage.ENDED),
        row=4,
    )
    found = client.preflight([good, withdrawn, paid])
    assert [(item.row, item.reason) for item in found.violations] == [(4, "ILLEGAL_TRANSITION")]
    assert client.preflight([good, paid]).violations == ()
    # Anew after a withdrawal is no repetition.
    assert client.preflight([good, withdrawn, replace(good, row=4)]).repeated == 0


def test_a_second_record_of_a_debt_waits_for_the_end_of_the_first(client: Client) -> None:
    (good,) = (row for row in read_portfolio(CASES / "control-letters.csv") if isinstance(row, DefaultReport))
    facts = good.facts
    assert facts is not None
    other = replace(good, reference="another", row=4)
    paid = replace(
        good,
        standing=Standing.CURED,
        facts=replace(facts, ended_on=facts.as_of, collection_stage=CollectionStage.ENDED),
        row=3,
    )
    assert client.preflight([good, paid, other]).violations == ()
    found = client.preflight([good, other, replace(paid, reference="another", row=5)])
    assert [(item.row, item.reason) for item in found.violations] == [(4, "DEBT_TAKEN"), (5, "PRECEDING_REJECTED")]


def test_a_plan_counts_each_row_once_and_says_how_it_was_read(lender: Command, tmp_path: Path) -> None:
    file = tmp_path / "portfolio.csv"
    header, first, second = (CASES / "row-twice.csv").read_text().splitlines()
    wrong = first.replace("CNY", "RMB").replace("F-112", "F-113")
    file.write_text(f"{header}\n{first}\n{second}\n{wrong}\n".replace(",", ";"))
    shown = lender.said("report", str(file), "--dry-run", code=1).out.splitlines()
    assert shown[0] == "Plan: 3 rows about 1 person, read as UTF-8 with semicolons"
    assert [line.split()[0] for line in shown[1:4]] == ["1", "1", "1"]


def test_an_amount_a_hundred_times_as_large_as_the_registry_holds_is_warned_of(lender: Command, tmp_path: Path) -> None:
    text = (CASES / "control-letters.csv").read_text().replace("F-", "HUNDRED-").replace("HT2026E15", "HT2026E16")
    for day, principal, warned in (("2026-03-31", "1250000", []), ("2026-04-30", "125000000", ["money.hundredfold"])):
        file = tmp_path / f"{day}.csv"
        file.write_text(text.replace("2026-03-31", day).replace("1250000", principal))
        told = lender("report", str(file), "--yes").content
        assert told["accepted"] == 1
        assert [item["rule"] for item in told["warnings"] if item["rule"] != "days.dates"] == warned


@pytest.mark.parametrize(
    ("changed", "expect"),
    [
        ({"principal": 125_000_000}, {("principal", "money.hundredfold")}),
        ({"principal": 1_250_001}, set()),
        ({"currency": "USD"}, {("currency", "money.currency-changed")}),
    ],
)
def test_versions_whose_money_does_not_go_together_are_warned_of(
    client: Client, changed: dict[str, Any], expect: set[tuple[str, str]]
) -> None:
    (good,) = (row for row in read_portfolio(CASES / "control-letters.csv") if isinstance(row, DefaultReport))
    assert good.facts is not None
    amounts = replace(good.facts.amounts, **changed)
    later = replace(good, facts=replace(good.facts, as_of=date(2026, 4, 30), amounts=amounts), row=3)
    found = client.preflight([good, later])
    assert (found.violations, found.passed) == ((), 2)
    told = {(item.column, item.rule) for item in found.warnings}
    assert told - {("days_past_due", "days.dates")} == expect
    assert all(item.row == 3 and "125" not in str(item) for item in found.warnings)


@pytest.mark.parametrize(
    ("court", "number", "rules"),
    [
        ("上海市浦东新区人民法院", "（2025）京0105民初9000001号", ["court.code"]),
        ("北京市朝阳区人民法院", "（2025）京0105民初9000001号", []),
        ("河南蒙古族自治县人民法院", "（2025）青2324民初9000001号", []),
        ("新疆生产建设兵团第八师中级人民法院", "（2025）兵08民初9000001号", []),
        ("北京市高级人民法院", "（2025）最高法民终9000001号", ["court.code"]),
    ],
)
def test_a_court_of_another_province_than_its_case_number_is_warned_of(
    client: Client, court: str, number: str, rules: list[str]
) -> None:
    rows = (row for row in read_portfolio(CASES / "year-before-filing.csv") if isinstance(row, JudgmentReport))
    (good,) = rows
    assert good.facts is not None
    found = client.preflight([replace(good, facts=replace(good.facts, court=court, case_number=number))])
    assert found.violations == ()
    assert [item.rule for item in found.warnings if item.column == "court"] == rules


def test_a_region_that_is_unknown_is_warned_of_and_keeps_nothing_back(client: Client) -> None:
    (good,) = (row for row in read_portfolio(CASES / "control-letters.csv") if isinstance(row, DefaultReport))
    for number in ("110199198003070013", "119999198003070010"):
        body = number[:-1]
        whole = body + "10X98765432"[sum(int(d) * w for d, w in zip(body, WEIGHTS, strict=True)) % 11]
        found = client.preflight([replace(good, identity=Identity.parse(IdType.CN_RESIDENT_ID, whole))])
        assert found.violations == ()
        assert [item.rule for item in found.warnings] == ["identity.region"]


# Of the check character of a resident number (GB 11643).
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def test_one_lender_may_have_hundreds_of_live_records_of_one_person(registry: TestRegistry) -> None:
    (good,) = (row for row in read_portfolio(CASES / "control-letters.csv") if isinstance(row, DefaultReport))
    facts = good.facts
    assert facts is not None
    creditor = facts.debt.original_creditor
    person = Identity.parse(IdType.CN_RESIDENT_ID, "11010519491231002X")
    draws = [
        replace(
            good,
            identity=person,
            reference=f"draw {place}",
            row=place,
            facts=replace(facts, debt=debt(original_creditor=creditor, contract=f"DRAW{place}")),
        )
        for place in range(1, 301)
    ]
    with registry.client("lender-1") as lender, registry.client("lender-2") as asker:
        assert lender.report_many(draws).accepted == len(draws)
        consent = Consent(form=ConsentForm.WRITTEN, date=date(2026, 1, 1), digest=b"\xab" * 32)
        first, again = asker.check_many([person, person], purpose=Purpose.LOAN_APPROVAL, consent=consent, officer="c")
        assert len(first.records) == len(draws)
        assert len(first.evidence) < 1024 * len(draws)
        assert again.inquiry_id == first.inquiry_id
        assert len(list(lender.records(identity=person))) == len(draws)


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
        "--reason",
        "ERROR",
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
        lender(*blank, "--consent-digest", "ab" * 32, "--identity-file", "-", given=number, code=2)


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
        "standing": replace(good, standing=wrong("OPENED")),
        "id_number": replace(good, identity=wrong("11010519491231002X")),
    }
    changed["attempt above"] = replace(good, attempt=2**64)
    # Each is a record of its own: a row that is broken holds back the later ones of its record.
    rows = [
        replace(report, row=place, reference=report.reference if column == "reference" else f"TYPES-{place}")
        for place, (column, report) in enumerate(changed.items(), start=1)
    ]
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


HEADER = (CASES.parents[2] / "examples" / "portfolio.csv").read_bytes().splitlines()[0]


@pytest.mark.parametrize(
    ("content", "rule", "got"),
    [
        (b"PK\x03\x04 rest", "file.form", "workbook"),
        (b"PAR1 rest", "file.form", "Parquet"),
        ("kind\tstanding\n".encode("utf-32"), "file.form", "UTF-32"),
        (HEADER + "\n\u738b\n".encode("gb18030"), "file.encoding", "GB18030"),
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
