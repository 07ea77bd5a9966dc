"""Rows that were not accepted: in the columns of their own file, so that they are corrected and read again."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from client_sdk.errors import ConfigError
from client_sdk.lending.files import Encoding, read_portfolio
from client_sdk.lending.mapping import parse_mapping
from client_sdk.lending.rejections import rejected_table, rows_as_they_were
from client_sdk.lending.rows import row_of
from client_sdk.models import RejectedRow, Violation
from tests.client_sdk.lending.test_lending_mapping import MAPPING
from tests.client_sdk.sdk_samples import default_report
from tests.client_sdk.tables.workbooks import portfolio_book, saved

ROWS = [row_of(default_report(who)) for who in (1, 2, 3)]
HEADER = list(ROWS[0])


def csv_of(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, HEADER)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@pytest.mark.parametrize("name", ["rejected.csv", "rejected.xlsx", "rejected.jsonl"])
def test_rows_come_back_in_their_columns_and_are_read_again(name: str, tmp_path: Path) -> None:
    kept = rows_as_they_were(io.BytesIO(csv_of(ROWS).encode()), {3})
    assert list(kept.headings) == HEADER
    assert kept.missing == []
    written = tmp_path / name
    written.write_bytes(kept.table(written))
    (again,) = read_portfolio(written)
    assert not isinstance(again, RejectedRow)
    assert row_of(again) == ROWS[1]


def test_rows_of_a_workbook_come_back_and_are_read_again(tmp_path: Path) -> None:
    kept = rows_as_they_were(io.BytesIO(saved(portfolio_book(*ROWS))), {2, 4})
    written = tmp_path / "rejected.xlsx"
    written.write_bytes(kept.table(written))
    again = [row_of(row) for row in read_portfolio(written) if not isinstance(row, RejectedRow)]
    assert again == [ROWS[0], ROWS[2]]


def test_objects_of_json_lines_come_back() -> None:
    text = "\n".join(json.dumps(row) for row in ROWS)
    kept = rows_as_they_were(io.BytesIO(text.encode()), [1])
    assert dict(zip(kept.headings, kept.rows[0], strict=True)) == ROWS[0]


def test_a_line_that_cannot_be_cut_into_columns_is_named() -> None:
    lines = csv_of(ROWS).splitlines()
    lines[2] += ",one,too,many"
    kept = rows_as_they_were(io.BytesIO("\n".join(lines).encode("gb18030")), {2, 3}, encoding=Encoding.GB18030)
    assert len(kept.rows) == 1
    assert kept.missing == [3]
    alone = rows_as_they_were(io.BytesIO("\n".join(lines).encode()), {3})
    assert (list(alone.headings), alone.rows, alone.missing) == (HEADER, [], [3])


def test_rows_of_a_mapped_file_keep_the_banks_headings() -> None:
    mapping = parse_mapping((MAPPING % 'currency = "CNY"').encode(), "the mapping")
    text = "证件类型,证件号码,借据号,合同号,逾期本金,数据日期,首次逾期日,逾期天数,告知时间,备注\n"
    text += f"01,{ROWS[0]['id_number']},A,B,350.00,20260105,20260101,4,2026-01-02T00:00:00,x\n"
    kept = rows_as_they_were(io.BytesIO(text.encode()), {2}, mapping=mapping)
    assert kept.headings[:3] == ("证件类型", "证件号码", "借据号")
    assert kept.rows[0][4] == "350.00"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"[columns", "the mapping is no TOML"),
        (b"\xff", "the mapping is no TOML"),
        (b"colums = 1", "the mapping: unknown settings: colums"),
        (b"#" * 70_000, "the mapping is longer than any settings"),
        (b'[columns]\n"a" = "no_column"', "the mapping"),
    ],
)
def test_a_mapping_that_is_not_in_order_is_named(raw: bytes, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        parse_mapping(raw, "the mapping")


def test_the_reasons_are_a_table() -> None:
    broken = Violation(row=7, reason="MALFORMED", field="as_of", rule="date.form", got="x", want="YYYY-MM-DD")
    table = rejected_table(Path("rejected.csv"), [broken]).decode()
    assert table == "row,reason,field,rule,got,want\n7,MALFORMED,as_of,date.form,x,YYYY-MM-DD\n"


def test_what_a_registry_says_of_a_row_is_no_formula_of_a_spreadsheet() -> None:
    hostile = Violation(
        row=1, reason="X", field="+1", rule="-1", got='=HYPERLINK("https://evil.example")', want="@SUM(1)"
    )
    (_, row) = csv.reader(io.StringIO(rejected_table(Path("rejected.csv"), [hostile]).decode()))
    assert row == ["1", "X", "'+1", "'-1", '\'=HYPERLINK("https://evil.example")', "'@SUM(1)"]
    said = rejected_table(Path("rejected.jsonl"), [hostile]).decode()
    assert json.loads(said)["want"] == "@SUM(1)"
