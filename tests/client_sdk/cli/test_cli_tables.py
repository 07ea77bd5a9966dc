"""Workbooks at the command line: planned, reported, screened, what was rejected written back; templates to fill in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import openpyxl
import pytest

from client_sdk.lending.column_guide import GUIDE, words_of_column
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.files import read_portfolio
from client_sdk.lending.rows import row_of
from tests.client_sdk.cli.command_samples import id_number
from tests.client_sdk.sdk_samples import default_report, person
from tests.client_sdk.tables.workbooks import book, portfolio_book, saved, typed

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from tests.support.command import Command


def workbook(tmp_path: Path, made: Any, name: str = "loans.xlsx") -> Path:
    file = tmp_path / name
    file.write_bytes(saved(made))
    return file


def rows(number: int, count: int) -> list[dict[str, str]]:
    """Return rows of persons that no other test has, and that are of age however many tests there are."""
    return [row_of(default_report(20_000 + 10 * number + place)) for place in range(count)]


def test_a_workbook_is_planned_reported_and_what_was_rejected_written_back(
    lender: Command, number: int, tmp_path: Path
) -> None:
    made = portfolio_book(*rows(number, 3))
    made.active.cell(3, COLUMNS.index("id_number") + 1).value = 110105180001010010
    file = workbook(tmp_path, made)
    plan = lender("report", str(file), "--dry-run", code=1).content
    assert (plan["form"], plan["sheet"], plan["encoding"], plan["rows"]) == ("Excel, sheet 'Sheet'", "Sheet", None, 3)
    assert "read as Excel, sheet 'Sheet'" in lender.said("report", str(file), "--dry-run", code=1).out
    assert [(item["row"], item["rule"]) for item in plan["rejected"]] == [(3, "cell.rounded")]
    told = lender("report", str(file), "--yes", code=1).content
    assert (told["accepted"], told["rejected_rows"]) == (2, 1)
    assert told["rejected_file"] == f"{file}.rejected.xlsx"
    sheet = openpyxl.load_workbook(told["rejected_file"]).active
    header, row = sheet.iter_rows(values_only=True)
    assert header == ("row", "reason", "field", "rule", "got", "want")
    assert row[:4] == (3, "MALFORMED", "id_number", "cell.rounded")
    csv = tmp_path / "rejected.csv"
    again = lender("report", str(file), "--rejected", str(csv), "--yes", code=1).content
    assert (again["accepted"], again["repeated"]) == (0, 2)
    assert csv.read_text().splitlines()[1].startswith("3,MALFORMED,id_number,cell.rounded,")


def test_which_sheet_is_read_is_asked_for(lender: Command, number: int, tmp_path: Path) -> None:
    made = portfolio_book(*rows(number, 1))
    made.create_sheet("notes").append(["x"])
    file = workbook(tmp_path, made)
    refused = lender("report", str(file), "--dry-run", code=2).content["error"]
    assert refused["violations"][0]["rule"] == "workbook.sheets"
    assert lender("report", str(file), "--sheet", "1", "--dry-run").content["rows"] == 1
    assert lender("quality", str(file), "--sheet", "Sheet").content["rows"] == 1
    lender("quality", "--sheet", "1", code=2)


@pytest.mark.parametrize("ending", ["xlsx", "parquet", "jsonl"])
def test_a_workbook_is_screened_and_the_findings_written_as_a_table(
    lender: Command, number: int, tmp_path: Path, ending: str
) -> None:
    file = workbook(tmp_path, portfolio_book(*rows(number, 2)))
    found = tmp_path / f"found.{ending}"
    lender("screen", str(file), "--purpose", "POST_LOAN_REVIEW", "--officer", "desk-1", "-o", str(found))
    if ending == "xlsx":
        header, *findings = openpyxl.load_workbook(found).active.iter_rows(values_only=True)
        assert header == ("row", "reference", "finding", "outcome", "rule")
        assert [(row[0], row[2]) for row in findings] == [(2, "CLEAR"), (3, "CLEAR")]
    assert found.stat().st_size > 100


def test_a_bank_file_is_mapped_with_a_template_of_its_own_headings(
    lender: Command, number: int, tmp_path: Path
) -> None:
    [row] = rows(number, 1)
    headings = ["借据编号" if name == "reference" else name for name in COLUMNS]
    file = workbook(tmp_path, book([headings, typed(row)]))
    template = lender.said("report", str(file), "--mapping-template").out
    assert '"借据编号" = ""\n' in template
    assert '"kind" = "kind"\n' in template
    mapping = tmp_path / "mapping.toml"
    mapping.write_text(template, encoding="utf-8")
    assert "借据编号" in lender.said("report", str(file), "--mapping", str(mapping), "--dry-run", code=5).err
    mapping.write_text(template.replace('"借据编号" = ""', '"借据编号" = "reference"'), encoding="utf-8")
    assert lender("report", str(file), "--mapping", str(mapping), "--dry-run").content["passed"] == 1
    lender("report", "--mapping-template", code=2)


def test_a_template_has_lists_notes_and_text_where_digits_would_be_lost(lender: Command, tmp_path: Path) -> None:
    file = tmp_path / "empty.xlsx"
    assert lender("report", "--template", str(file)).content["columns"] == list(COLUMNS)
    made = openpyxl.load_workbook(file)
    sheet = made["portfolio"]
    header = {cell.value: cell for cell in sheet[1]}
    assert tuple(header) == COLUMNS
    for name, cell in header.items():
        assert GUIDE[name].meaning in cell.comment.text
    assert sheet.cell(2, COLUMNS.index("id_number") + 1).number_format == "@"
    assert sheet.cell(2, COLUMNS.index("as_of") + 1).number_format == "yyyy-mm-dd"
    assert sheet.cell(2, COLUMNS.index("principal") + 1).number_format == "0"
    offered = {str(one.sqref).split(":")[0]: one.formula1 for one in sheet.data_validations.dataValidation}
    kind = made["lists"]["A1:A4"]
    assert offered["A2"] == "lists!$A$1:$A$4"
    assert [cell.value for (cell,) in kind] == list(words_of_column("kind"))
    assert made["lists"].sheet_state == "hidden"
    notes = list(made["columns"].iter_rows(values_only=True))
    assert notes[0] == ("column", "kinds of record", "meaning", "form", "example")
    assert [note[0] for note in notes[1:]] == list(COLUMNS)


def test_a_filled_template_is_a_portfolio(lender: Command, number: int, tmp_path: Path) -> None:
    file = tmp_path / "filled.xlsx"
    lender("report", "--template", "--kind", "DEFAULT", str(file))
    made = openpyxl.load_workbook(file)
    [row] = rows(number, 1)
    cells = dict(zip(COLUMNS, typed(row), strict=True))
    for cell in made["portfolio"][1]:
        made["portfolio"].cell(2, cell.column).value = cells[cell.value]
    workbook(tmp_path, made, "filled-in.xlsx")
    plan = lender("report", str(tmp_path / "filled-in.xlsx"), "--dry-run").content
    assert (plan["rows"], plan["passed"], plan["sheet"]) == (1, 1, "portfolio")
    lender("report", str(file), "--dry-run", code=2)


def test_templates_of_other_forms_and_names_that_are_taken(lender: Command, tmp_path: Path) -> None:
    lender("report", "--template", "--kind", "JUDGMENT", str(tmp_path / "empty.csv"))
    header = (tmp_path / "empty.csv").read_text().strip().split(",")
    assert "case_number" in header
    assert "product" not in header
    lender("report", "--template", str(tmp_path / "empty.parquet"))
    assert list(read_portfolio(tmp_path / "empty.parquet")) == []
    lender("report", "--template", str(tmp_path / "empty.csv"), code=5)
    lender("report", "--template", str(tmp_path / "empty.jsonl"), code=2)
    assert id_number(1) not in (tmp_path / "empty.csv").read_text()
    assert person(1).number not in (tmp_path / "empty.csv").read_text()


def test_statistics_are_a_workbook_where_the_name_says_so(lender: Command, tmp_path: Path) -> None:
    file = tmp_path / "counts.xlsx"
    assert lender("statistics", "--csv", str(file)).content["csv"] == str(file)
    header = next(openpyxl.load_workbook(file).active.iter_rows(values_only=True))
    assert header == ("month", "breakdown", "column", "count")
