"""A bank's own headings, codes, days and amounts, brought to the columns by a mapping that guesses nothing."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from client_sdk.errors import ConfigError, PreflightError
from client_sdk.lending.files import portfolio_from_frame, read_portfolio
from client_sdk.lending.mapping import read_mapping
from client_sdk.lending.rows import row_of
from client_sdk.models import DefaultReport, RejectedRow, Report
from tests.client_sdk.sdk_samples import default_report
from tests.client_sdk.tables.workbooks import book, saved

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

ROW = row_of(default_report(1))
MAPPING = """
dates = "YYYYMMDD"
amounts = "major"
offset = "+08:00"
ignored = ["备注"]

[columns]
"证件类型" = "id_type"
"证件号码" = "id_number"
"借据号" = "reference"
"合同号" = "contract"
"逾期本金" = "principal"
"数据日期" = "as_of"
"首次逾期日" = "first_delinquency_on"
"逾期天数" = "days_past_due"
"告知时间" = "notice_sent_at"

[constants]
kind = "DEFAULT"
standing = "OPEN"
%s

[codes.id_type]
"01" = "CN_RESIDENT_ID"
"身份证" = "CN_RESIDENT_ID"
"""
MAPPED = {
    *("id_type", "id_number", "reference", "contract", "principal", "as_of", "first_delinquency_on", "days_past_due"),
    *("notice_sent_at", "kind", "standing", "first_day"),
}
CONSTANTS = "\n".join(f"{name} = {json.dumps(text)}" for name, text in ROW.items() if name not in MAPPED)
HEADINGS = (
    "证件类型",
    "证件号码",
    "借据号",
    "合同号",
    "逾期本金",
    "数据日期",
    "首次逾期日",
    "逾期天数",
    "告知时间",
    "备注",
)
CELLS = (
    *("01", ROW["id_number"], "loan-1", ROW["contract"], "1,200.00", "20250430", "20250331", "29"),
    *("2025-01-02 08:00:00", "any text"),
)


def written(tmp_path: Path, text: str = MAPPING % CONSTANTS) -> Path:
    file = tmp_path / "mapping.toml"
    file.write_text(text, encoding="utf-8")
    return file


def bank_file(tmp_path: Path, *rows: tuple[str, ...], headings: tuple[str, ...] = HEADINGS) -> Path:
    file = tmp_path / "bank.csv"
    file.write_bytes("\r\n".join(";".join(row) for row in (headings, *rows)).encode("gb18030"))
    return file


def report_of(rows: Iterable[Report | RejectedRow]) -> DefaultReport:
    (row,) = rows
    assert isinstance(row, DefaultReport), row
    return row


def with_cell(heading: str, text: str) -> tuple[str, ...]:
    return tuple(text if name == heading else cell for name, cell in zip(HEADINGS, CELLS, strict=True))


def test_a_file_of_a_bank_reads_as_the_report_that_it_means(tmp_path: Path) -> None:
    report = report_of(read_portfolio(bank_file(tmp_path, CELLS), mapping=written(tmp_path)))
    wanted = default_report(1)
    assert (report.facts, report.identity, report.reference) == (wanted.facts, wanted.identity, "loan-1")
    assert report.row == 2


def test_workbooks_json_lines_and_frames_are_mapped_too(tmp_path: Path) -> None:
    mapping = written(tmp_path)
    cells = [*CELLS[:4], 1200.0, date(2025, 4, 30), 20250331, 29, CELLS[8], None]
    file = tmp_path / "bank.xlsx"
    file.write_bytes(saved(book([HEADINGS, cells])))
    wanted = default_report(1).facts
    assert report_of(read_portfolio(file, mapping=mapping)).facts == wanted
    line = dict(zip(HEADINGS, CELLS, strict=True)) | {"逾期本金": 1200.0, "逾期天数": 29}
    (tmp_path / "bank.jsonl").write_text(json.dumps(line), encoding="utf-8")
    assert report_of(read_portfolio(tmp_path / "bank.jsonl", mapping=mapping)).facts == wanted
    frame = pd.DataFrame([line | {"告知时间": pd.Timestamp("2025-01-02 08:00")}])
    assert report_of(portfolio_from_frame(frame, mapping=mapping)).facts == wanted


@pytest.mark.parametrize(
    ("heading", "text", "column", "rule", "got"),
    [
        ("证件类型", "02", "id_type", "mapping.code", "2 digits"),
        ("数据日期", "2025-04-30", "as_of", "mapping.date", "10 characters"),
        ("数据日期", "20250230", "as_of", "date.form", ""),
        ("逾期本金", "1,20.00", "principal", "mapping.amount", "7 characters"),
        ("逾期本金", "1200.001", "principal", "mapping.amount", "more decimal places than the currency has"),
        ("逾期本金", "￥1200", "principal", "mapping.amount", ""),
        ("逾期本金", "9" * 70, "principal", "mapping.amount", "70 digits"),
        ("逾期本金", "-3", "principal", "column.integer", "a number below 0"),
    ],
)
def test_what_the_mapping_does_not_say_is_refused(
    tmp_path: Path, heading: str, text: str, column: str, rule: str, got: str
) -> None:
    good, broken = read_portfolio(bank_file(tmp_path, CELLS, with_cell(heading, text)), mapping=written(tmp_path))
    assert isinstance(good, DefaultReport)
    assert isinstance(broken, RejectedRow)
    [found] = broken.violations
    assert (found.row, found.field, found.rule) == (3, column, rule)
    assert got in found.got


def test_amounts_have_the_places_of_their_currency(tmp_path: Path) -> None:
    for currency, text, minor in (("JPY", "1200", 1_200), ("KWD", "1.5", 1_500), ("CNY", "１２.5", 1_250)):
        mapping = written(tmp_path, MAPPING % CONSTANTS.replace('"CNY"', f'"{currency}"'))
        report = report_of(read_portfolio(bank_file(tmp_path, with_cell("逾期本金", text)), mapping=mapping))
        assert report.facts is not None
        assert report.facts.amounts.principal == minor
    mapping = written(tmp_path, MAPPING % CONSTANTS.replace('"CNY"', '"XYZ"'))
    (broken,) = read_portfolio(bank_file(tmp_path, CELLS), mapping=mapping)
    assert isinstance(broken, RejectedRow)
    assert ("principal", "mapping.amount") in {(item.field, item.rule) for item in broken.violations}


@pytest.mark.parametrize(
    ("headings", "got"),
    [
        ((*HEADINGS, "姓名"), "1 heading that the mapping does not name, at place 11"),
        (HEADINGS[1:], "a header without 1 heading that the mapping names"),
        ((*HEADINGS, "借据号"), "a heading twice"),
        (CELLS, "2 headings that the mapping does not name, the first at place 1"),
    ],
)
def test_headings_that_the_mapping_does_not_know(tmp_path: Path, headings: tuple[str, ...], got: str) -> None:
    with pytest.raises(PreflightError) as caught:
        read_portfolio(bank_file(tmp_path, CELLS, headings=headings), mapping=written(tmp_path))
    [found] = caught.value.violations
    assert (found.row, found.rule, found.got) == (1, "mapping.headings", got)
    assert ROW["id_number"] not in f"{caught.value}"


def test_a_mapping_without_a_required_column_is_refused(tmp_path: Path) -> None:
    mapping = written(tmp_path, (MAPPING % CONSTANTS).replace('kind = "DEFAULT"', ""))
    with pytest.raises(PreflightError) as caught:
        read_portfolio(bank_file(tmp_path, CELLS), mapping=mapping)
    assert caught.value.violations[0].got == "no column kind"


def test_an_unknown_heading_of_a_json_row_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bank.jsonl").write_text(json.dumps({"借据号": "x", "姓名": "x"}), encoding="utf-8")
    (broken,) = read_portfolio(tmp_path / "bank.jsonl", mapping=written(tmp_path))
    assert isinstance(broken, RejectedRow)
    assert broken.violations[0].got == "1 others"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("colour = 1", "unknown settings: colour"),
        ("columns = 1", "columns: want a table"),
        ('[columns]\n"a" = "colour"', "want columns of a portfolio"),
        ('[columns]\n"a" = ""', "want columns of a portfolio"),
        ('[columns]\n"a" = []', "want columns of a portfolio"),
        ('[columns]\n"a" = 1', "want a list of texts"),
        ('[columns]\n"a" = "kind"\n"b" = "kind"', "kind: want one heading or one constant"),
        ('[columns]\n"a" = "kind"\n[constants]\nkind = "DEFAULT"', "kind: want one heading or one constant"),
        ('ignored = ["a"]\n[columns]\n"a" = "kind"', "in columns and in ignored"),
        ("[constants]\ncolour = 'red'", "constants: unknown settings: colour"),
        ("[constants]\nkind = 1", "kind must be a text"),
        ('[codes.kind]\n"a" = "DEFAULT"', "codes of kind: want codes for columns that a heading gives"),
        ("[codes]\nkind = 1", "want a table of codes and words"),
        ('dates = "YYYY"', "dates: want YYYY, MM and DD once each"),
        ('dates = "YYYY-MM-DD-DD"', "dates: want YYYY, MM and DD once each"),
        ('amounts = "yuan"', "amounts: want minor or major"),
        ('offset = "8"', "offset: want an offset"),
        ("= 1", "is no TOML"),
    ],
)
def test_a_mapping_with_a_mistake_is_refused(tmp_path: Path, text: str, error: str) -> None:
    with pytest.raises(ConfigError, match=error.replace("[", r"\[")):
        read_mapping(written(tmp_path, text))


def test_days_in_other_orders(tmp_path: Path) -> None:
    mapping = read_mapping(written(tmp_path, 'dates = "DD/MM/YYYY"\n[columns]\n"d" = "as_of"'))
    assert mapping.values({"d": "5/1/2026"}) == {"as_of": "2026-01-05"}
    assert mapping.values({"d": date(2026, 1, 5)}) == {"as_of": date(2026, 1, 5)}
    assert mapping.values({"d": ""}) == mapping.values({"d": None}) == {"as_of": None}
