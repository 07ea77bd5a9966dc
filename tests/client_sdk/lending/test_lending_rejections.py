"""Rows that were not accepted: in the columns of their own file, so that they are corrected and read again."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import ConfigError, PreflightError
from client_sdk.lending.files import Encoding, read_customers, read_portfolio
from client_sdk.lending.mapping import parse_mapping
from client_sdk.lending.rejections import rejected_table, rows_as_they_were
from client_sdk.lending.rows import row_of
from client_sdk.models import RejectedRow, Violation
from tests.client_sdk.lending.test_lending_mapping import MAPPING
from tests.client_sdk.sdk_samples import default_report
from tests.client_sdk.tables.workbooks import SHEET, book, changed, portfolio_book, saved

if TYPE_CHECKING:
    from collections.abc import Callable

ROWS = [row_of(default_report(who)) for who in (1, 2, 3)]
HEADER = list(ROWS[0])
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_REFERENCE_ALONE = b"""
[columns]
reference = "reference"
[constants]
kind = "DEFAULT"
standing = "OPEN"
id_type = "CN_RESIDENT_ID"
id_number = "1"
"""


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
    ("name", "half"),
    [
        ("rejected.csv", "\ufffd"),
        ("rejected.jsonl", "\ufffd"),
        ("rejected.parquet", "\ufffd"),
        ("rejected.xlsx", "\ud800"),
    ],
)
def test_half_of_a_surrogate_pair_comes_back_as_far_as_a_file_has_it(name: str, half: str) -> None:
    lines = json.dumps(ROWS[0] | {"reference": "A\ud800"})
    kept = rows_as_they_were(io.BytesIO(lines.encode()), {1})
    (again,) = read_portfolio(io.BytesIO(kept.table(Path(name))))
    assert not isinstance(again, RejectedRow)
    assert again.reference == f"A{half}"


def test_rows_that_name_one_long_text_fill_no_memory() -> None:
    # Each cell names the same text of the workbook, which is written once.
    text, rows = "x" * 60_000, 10_000
    head = '<row r="1"><c r="A1" t="inlineStr"><is><t>reference</t></is></c></row>'
    cells = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(2, rows + 2))
    more = b'<Relationship Id="rTexts" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>'
    parts: dict[str, Callable[[bytes], bytes] | bytes | None] = {
        SHEET: f'<worksheet xmlns="{_MAIN}"><sheetData>{head}{cells}</sheetData></worksheet>'.encode(),
        "xl/sharedStrings.xml": f"<sst><si><t>{text}</t></si></sst>".encode(),
        "xl/_rels/workbook.xml.rels": lambda related: related.replace(b"</Relationships>", more),
    }
    content = changed(saved(book([[1]])), parts)
    mapping = parse_mapping(_REFERENCE_ALONE, "the mapping")
    with pytest.raises(PreflightError, match=r"table\.size"):
        rows_as_they_were(io.BytesIO(content), range(1, rows + 2), mapping=mapping)


def test_a_customer_has_a_reference_as_long_as_a_records() -> None:
    header = "id_type,id_number,reference,consent_form,consent_date,consent_digest"
    line = f"CN_RESIDENT_ID,{ROWS[0]['id_number']},%s,WRITTEN,2025-06-01,{'ab' * 32}"
    text = "\n".join([header, line % ("x" * 128), line % ("x" * 129)])
    known, refused = read_customers(io.BytesIO(text.encode()))
    assert not isinstance(known, RejectedRow)
    assert isinstance(refused, RejectedRow)
    assert [(item.field, item.rule) for item in refused.violations] == [("reference", "reference.form")]


def test_a_text_that_names_no_record_is_not_kept() -> None:
    row = ROWS[0] | {"reference": "x" * 129, "days_past_due": "?"}
    (found,) = read_portfolio(io.BytesIO(csv_of([row]).encode()))
    assert isinstance(found, RejectedRow)
    assert found.references == ()


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
