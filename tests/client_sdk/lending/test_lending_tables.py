"""Portfolios as workbooks, files of columns and data frames: the same rows as text, and no number that lost a digit."""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import tracemalloc
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.errors import ConfigError, PreflightError
from client_sdk.lending.column_forms import FORMS, ColumnForm
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.files import (
    headings_of,
    portfolio_from_frame,
    read_csv,
    read_customers,
    read_portfolio,
    write_portfolio,
)
from client_sdk.lending.rows import row_of
from client_sdk.lending.screened import RESULT_COLUMNS, screened_table
from client_sdk.lending.typed_text import NoDayError, read_day, typed_day, typed_number, typed_time
from client_sdk.models import DefaultReport, RejectedRow, Report, Violation
from client_sdk.tables.columnar import ColumnarKind, frame_batches
from client_sdk.tables.columnar_file import ColumnFile
from client_sdk.tables.values import TableError
from client_sdk.tables.writing import TableKind, table_bytes
from tests.client_sdk.lending.test_lending_files import PORTFOLIO, csv_text, without_rows
from tests.client_sdk.sdk_samples import default_report
from tests.client_sdk.tables.workbooks import book, portfolio_book, saved, typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

ROW = row_of(default_report(1))
NUMBER = ROW["id_number"]


def good(rows: Iterable[Report | RejectedRow]) -> list[Report]:
    found = list(rows)
    assert not [row for row in found if isinstance(row, RejectedRow)], found
    return without_rows([row for row in found if not isinstance(row, RejectedRow)])


def broken(rows: Iterable[Report | RejectedRow]) -> list[Violation]:
    (row,) = rows
    assert isinstance(row, RejectedRow), row
    assert NUMBER not in f"{row} {row.to_dict()}"
    return list(row.violations)


def excel(tmp_path: Path, made: Any) -> Path:
    file = tmp_path / "portfolio.xlsx"
    file.write_bytes(saved(made))
    return file


def with_cell(tmp_path: Path, column: str, value: object) -> Path:
    """Return a workbook of one row with this value in a column."""
    made = portfolio_book(ROW)
    cell = made.active.cell(2, COLUMNS.index(column) + 1)
    cell.number_format = "General"
    cell.value = value
    return excel(tmp_path, made)


@pytest.mark.parametrize("name", ["p.xlsx", "p.parquet", "p.arrow", "p.feather"])
def test_what_is_written_as_a_table_reads_as_the_same(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    assert write_portfolio(file, PORTFOLIO) == len(PORTFOLIO)
    assert file.stat().st_mode & 0o777 == 0o600
    portfolio = read_portfolio(file)
    assert good(portfolio) == good(portfolio) == PORTFOLIO
    assert good(read_portfolio(io.BytesIO(file.read_bytes()))) == PORTFOLIO


def test_the_plan_can_say_what_was_read(tmp_path: Path) -> None:
    write_portfolio(tmp_path / "p.xlsx", PORTFOLIO)
    found = read_portfolio(tmp_path / "p.xlsx")
    assert (found.form, found.encoding, found.separator) == ("Excel, sheet 'portfolio'", None, "")
    assert found.sheet == "portfolio"
    write_portfolio(tmp_path / "p.csv", PORTFOLIO)
    assert read_portfolio(tmp_path / "p.csv").form == "UTF-8 with commas"


def test_rows_of_a_workbook_are_called_as_excel_calls_them(tmp_path: Path) -> None:
    file = excel(tmp_path, portfolio_book(ROW, {}, ROW))
    assert [row.row for row in read_portfolio(file)] == [2, 4]


@pytest.mark.parametrize(
    ("column", "value", "rule", "got"),
    [
        ("id_number", int(NUMBER), "cell.rounded", "18 digits"),
        ("id_number", 110105491231002, "cell.type", "a number of 15 digits, not text"),
        ("id_number", "=A1", "cell.formula", "a formula"),
        ("id_number", f"'{NUMBER}", "identity.characters", ""),
        ("contract", 12345.5, "cell.type", "decimal point"),
        ("contract", "2.02601E+15", "contract.spreadsheet", ""),
        ("contract", 2.02601e15, "cell.rounded", "16 digits"),
        ("contract", date(2026, 3, 1), "cell.type", "a day"),
        ("reference", "#REF!", "", ""),
        ("reference", date(2026, 3, 1), "cell.type", "a day"),
        ("principal", 350.5, "column.integer", "digits with a decimal point"),
        ("as_of", 45777, "date.form", "5 digits"),
        ("as_of", datetime(2026, 1, 5, 10), "cell.type", "a day with a time"),  # noqa: DTZ001 - of a workbook
        ("notice_sent_at", datetime(2026, 1, 5, 10), "cell.type", "without its offset"),  # noqa: DTZ001 - likewise
        ("notice_sent_at", date(2026, 1, 5), "cell.type", "a day without a time"),
        ("days_past_due", "#N/A", "cell.error", "#N/A"),
    ],
)
def test_what_a_spreadsheet_did_to_a_cell_is_refused(
    tmp_path: Path, column: str, value: object, rule: str, got: str
) -> None:
    file = with_cell(tmp_path, column, value)
    portfolio = list(read_portfolio(file))
    if column == "reference" and value == "#REF!":
        # openpyxl writes it as the error that it is.
        assert [item.rule for item in broken(portfolio)] == ["cell.error"]
        return
    found = broken(portfolio)
    assert found[0].field == column
    assert (found[0].row, found[0].reason != "") == (2, True)
    assert found[0].rule == rule or not rule or found[0].rule.startswith(rule.split(".", maxsplit=1)[0])
    assert got in found[0].got


def test_whole_numbers_of_a_few_digits_are_texts_too(tmp_path: Path) -> None:
    (report,) = good(read_portfolio(with_cell(tmp_path, "contract", 4711)))
    assert report.facts is not None
    assert report.facts.debt.contract == "4711"


def test_a_row_with_several_bad_cells_is_one_rejection_and_holds_up_nothing(tmp_path: Path) -> None:
    made = portfolio_book(ROW, ROW, ROW)
    for column, value in (("id_number", 1), ("contract", 1.5), ("as_of", "5.1.2026")):
        made.active.cell(3, COLUMNS.index(column) + 1).value = value
    made.active.row_dimensions[4].hidden = True
    first, second, third = read_portfolio(excel(tmp_path, made))
    assert isinstance(first, DefaultReport)
    assert isinstance(second, RejectedRow)
    assert {item.field for item in second.violations} == {"id_number", "contract", "as_of"}
    assert second.references == (ROW["reference"],)
    assert isinstance(third, RejectedRow)
    assert [(item.field, item.rule) for item in third.violations] == [("row", "sheet.hidden")]


@pytest.mark.parametrize(
    ("header", "got"),
    [
        ([], "no row"),
        (["Loans of the north", None], "no header"),
        ([*COLUMNS, "colour"], "1 unknown column"),
        ([*COLUMNS[:5], 12], "no text at place 6"),
        (["kind", "kind"], "a column twice"),
    ],
)
def test_a_workbook_without_its_header_is_refused(tmp_path: Path, header: list[object], got: str) -> None:
    with pytest.raises(PreflightError) as caught:
        read_portfolio(excel(tmp_path, book([header, typed(ROW)] if header else [])))
    assert got in caught.value.violations[0].got


def test_a_cell_behind_the_last_heading_is_refused(tmp_path: Path) -> None:
    made = portfolio_book(ROW)
    made.active.cell(2, len(COLUMNS) + 3).value = "note"
    [found] = broken(read_portfolio(excel(tmp_path, made)))
    assert (found.rule, found.got) == ("table.cells", f"a cell at place {len(COLUMNS) + 3}")


def test_a_sheet_is_named_for_workbooks_alone(tmp_path: Path) -> None:
    made = portfolio_book(ROW)
    made.create_sheet("other")
    file = excel(tmp_path, made)
    with pytest.raises(PreflightError, match=r"workbook\.sheets"):
        read_portfolio(file)
    assert good(read_portfolio(file, sheet="1")) == [default_report(1)]
    write_portfolio(tmp_path / "p.csv", PORTFOLIO)
    with pytest.raises(PreflightError, match=r"workbook\.sheets .*this is no workbook"):
        read_portfolio(tmp_path / "p.csv", sheet="1")


def test_the_customers_of_a_workbook_are_read_for_a_screening(tmp_path: Path) -> None:
    (customer,) = read_customers(excel(tmp_path, portfolio_book(ROW)))
    assert not isinstance(customer, RejectedRow)
    assert (customer.row, customer.customer.identity) == (2, default_report(1).identity)


def columns_of(*rows: Mapping[str, str]) -> dict[str, list[object]]:
    cells = [typed(row) for row in rows]
    return {column: [row[place] for row in cells] for place, column in enumerate(COLUMNS)}


@pytest.mark.parametrize("library", ["pandas", "polars", "arrow"])
def test_a_data_frame_is_a_portfolio(library: str) -> None:
    rows = [row_of(report) for report in PORTFOLIO]
    columns = columns_of(*rows)
    make: dict[str, Any] = {"pandas": pd.DataFrame, "polars": pl.DataFrame, "arrow": pa.table}
    portfolio = portfolio_from_frame(make[library](columns))
    assert good(portfolio) == PORTFOLIO
    assert [row.row for row in portfolio] == list(range(1, len(PORTFOLIO) + 1))
    assert portfolio.form == "a data frame"


@pytest.mark.parametrize(
    ("column", "values", "rule", "got"),
    [
        ("id_number", [int(NUMBER), None], "cell.type", "a number of 18 digits, not text"),
        ("contract", [12345.0, None], "cell.type", "decimal point"),
        ("principal", [12.5, None], "column.integer", ""),
        ("as_of", [pd.Timestamp("2025-04-30 10:00"), None], "cell.type", "a day with a time"),
        ("approver", [["a", "b"], None], "cell.type", "a list"),
        ("approver", [b"x", None], "cell.type", "another type"),
        ("principal", [float("inf"), None], "cell.number", "without an end"),
    ],
)
def test_what_a_frame_did_to_a_column_is_refused(column: str, values: list[object], rule: str, got: str) -> None:
    columns = columns_of(ROW) | {column: values[:1]}
    found = broken(portfolio_from_frame(pa.table(columns)))[0]
    assert (found.row, found.field, found.rule) == (1, column, rule)
    assert got in found.got


def test_numbers_of_a_frame_that_became_fractions_are_whole_where_numbers_are_wanted() -> None:
    columns = columns_of(ROW) | {
        "principal": [120_000.0],
        "fees": [float("nan")],
        "as_of": [pd.Timestamp("2025-04-30")],
    }
    assert good(portfolio_from_frame(pd.DataFrame(columns))) == [default_report(1)]
    sent = datetime(2025, 1, 2, tzinfo=UTC)
    assert good(portfolio_from_frame(pl.DataFrame(columns_of(ROW) | {"notice_sent_at": [sent]}))) == [default_report(1)]


def parquet(**columns: object) -> io.BytesIO:
    """A Parquet file in which a text that stands in many rows is kept once."""
    file = io.BytesIO()
    table = pa.table(columns)
    table = table.append_column("kind", pa.array(["DEFAULT"] * table.num_rows))
    pq.write_table(table, file, compression="zstd", store_schema=False, dictionary_pagesize_limit=2**30)
    return io.BytesIO(file.getvalue())


def test_a_text_that_a_small_file_repeats_fills_no_memory() -> None:
    rows, names = 4_096, ("standing", "id_type", "id_number", "reference")
    empty = {name: pa.array([""] * rows) for name in names}
    long = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 1_000_000]))
    file = parquet(**empty | {"reference": long})
    assert file.getbuffer().nbytes < 10_000
    # Too long a text, or no room for all of them: which comes first is the library's.
    with pytest.raises(PreflightError, match=r"table\.(cell|size)"):
        list(read_portfolio(file))
    many = pa.array([["x" * 1_000] * 65] * rows)
    with pytest.raises(PreflightError, match=r"table\.cell"):
        list(read_portfolio(parquet(**empty | {"measures": many})))
    # Unpacked, the four columns would take a quarter of a gigabyte.
    rows //= 4
    short = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 60_000]))
    batches = ColumnFile(lambda: parquet(**dict.fromkeys(names, short)), ColumnarKind.PARQUET)
    tracemalloc.start()
    read = sum(1 for _ in batches.rows())
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert read == rows
    assert most < 128 * 1024**2


def test_what_is_no_frame_is_told() -> None:
    with pytest.raises(ConfigError, match="Arrow interchange"):
        portfolio_from_frame([ROW])
    with pytest.raises(PreflightError, match=r"columns\.known"):
        portfolio_from_frame(pd.DataFrame({"colour": ["red"]}))
    with pytest.raises(TableError) as caught:
        frame_batches(pl.DataFrame({f"c{place}": ["x"] for place in range(2_000)}))
    assert caught.value.rule == "table.columns"


@pytest.mark.parametrize("name", ["p.parquet", "p.arrow"])
def test_damaged_files_of_columns_are_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    write_portfolio(file, PORTFOLIO)
    data = file.read_bytes()
    for damaged in (data[: len(data) // 2], data[:8], data[:-1], data[:-200] + b"\xff" * 150 + data[-50:]):
        file.write_bytes(damaged)
        with pytest.raises(PreflightError, match=r"file\.form|columns\.known"):
            list(read_portfolio(file))


def test_a_table_inside_of_a_gzip_file_is_told(tmp_path: Path) -> None:

    file = tmp_path / "p.csv.gz"
    file.write_bytes(gzip.compress(saved(portfolio_book(ROW))))
    with pytest.raises(PreflightError, match=r"file\.form.*zip file inside of a gzip file"):
        read_portfolio(file)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026/1/5", "2026-01-05"), ("2026-1-5", "2026-01-05"), ("2026.01.05", "2026-01-05"),
        ("2026年1月5日", "2026-01-05"), ("20260105", "2026-01-05"), ("２０２６／１／５", "2026-01-05"),
        ("2026/1/5 0:00", "2026-01-05"), ("2026-01-05 00:00:00", "2026-01-05"),
        ("05/01/2026", None), ("5.1.2026", None), ("2026/1-5", None), ("2026/1/5 10:00", None), ("260105", None),
        ("45777", None), ("2026年1月", None), ("99990105", None), ("", None),
    ],
)  # fmt: skip
def test_days_as_people_type_them(text: str, day: str | None) -> None:
    assert typed_day(text) == (day or text)


@pytest.mark.parametrize(
    "text", ["2026-01-05", "2026/1/5", "2026.1.5", "2026年1月5日", "20260105", " ２０２６-０１-０５ "]
)
def test_a_day_is_read_as_people_type_it(text: str) -> None:
    assert read_day(text) == date(2026, 1, 5)


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("", "nothing"),
        ("05/01/2026", "10 characters: digits, '/'"),
        ("5.1.2026", "8 characters: digits, '.'"),
        ("2026-02-30", "a day that no calendar of 1900 to 2199 has"),
        ("1899年1月5日", "a day that no calendar of 1900 to 2199 has"),
        ("110105194912310021", "18 digits"),
        ("2026-W01-1", "10 characters: letters, digits, '-'"),
        ("tomorrow", "8 characters: letters"),
    ],
)
def test_what_is_no_day_or_two_is_refused_with_what_was_seen(text: str, got: str) -> None:
    with pytest.raises(NoDayError) as refused:
        read_day(text)
    assert refused.value.got == got


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026/1/20 9:05", "2026-01-20T09:05"), ("2026-01-20T10:00:00+08:00", "2026-01-20T10:00:00+08:00"),
        ("2026年1月20日 10:00:30 +08:00", "2026-01-20T10:00:30+08:00"), ("2026/1/20 9:05Z", "2026-01-20T09:05Z"),
        ("20/1/2026 9:05", "20/1/2026T09:05"), ("2026/1/20", None), ("9:05", None), ("", None),
    ],
)  # fmt: skip
def test_times_as_people_type_them(text: str, time: str | None) -> None:
    assert typed_time(text) == (time or text)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1,250,000", "1250000"), ("１２５００", "12500"), ("1，250，000", "1250000"), ("12500", "12500"),
        ("12,500", None), ("1,25,000", None), ("12500.00", None), ("￥12500", None), ("0,250,000", None),
        ("-1", None), ("1 250 000", None), ("²", None), ("", None),
    ],
)  # fmt: skip
def test_numbers_as_people_type_them(text: str, number: str | None) -> None:
    assert typed_number(text) == (number or text)


def test_a_csv_file_as_excel_in_china_writes_it(tmp_path: Path) -> None:
    row = ROW | {"as_of": "2025/4/30", "first_delinquency_on": "2025年3月31日", "principal": "120000", "approver": "王"}
    for codec, separator in (("gb18030", ","), ("gb18030", ";"), ("utf-8-sig", "\t"), ("utf-8", ";")):
        names, cells = csv_text(row).splitlines()
        file = tmp_path / f"{codec}{ord(separator)}.csv"
        file.write_bytes(f"{names}\r\n{cells}\r\n".replace(",", separator).encode(codec))
        (report,) = good(read_portfolio(file))
        assert report.facts is not None
        assert (report.facts.approver, report.facts.as_of) == ("王", date(2025, 4, 30))


def test_an_ambiguous_day_is_told_with_what_was_seen() -> None:
    found = broken(read_csv(io.StringIO(csv_text(ROW | {"as_of": "05/04/2025"}))))
    assert [(item.row, item.field, item.rule) for item in found] == [(2, "as_of", "date.form")]


def test_a_reference_of_a_screening_is_no_formula_of_a_spreadsheet() -> None:
    rows = [(number, f"{sign}1+1", "LISTED", "", "") for number, sign in enumerate("=+-@x", start=2)]
    lines = screened_table(Path("found.csv"), RESULT_COLUMNS, rows).decode().splitlines()
    assert [line.split(",")[1] for line in lines[1:]] == ["'=1+1", "'+1+1", "'-1+1", "'@1+1", "x1+1"]
    told = screened_table(Path("found.jsonl"), RESULT_COLUMNS, rows[:1]).decode()
    assert json.loads(told)["reference"] == "=1+1"


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl.gz", "r.xlsx", "r.parquet", "r.arrow"])
def test_a_table_is_made_without_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # A file of a library's own would hold the numbers of people, in clear and beyond the home.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    rows = [(1, NUMBER, date(2026, 1, 5)), (2, NUMBER, None)]
    assert table_bytes(Path(name), (("row", int), ("id_number", str), ("as_of", date)), rows)


@pytest.mark.parametrize("name", ["r.csv", "r.jsonl", "r.xlsx", "r.parquet", "r.arrow"])
def test_texts_of_results_are_never_formulas(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    rows = [(1, "=1+1", None), (2, "a\x01_x0041_b", "+x")]
    path.write_bytes(table_bytes(path, (("row", int), ("got", str), ("want", str)), rows))
    assert TableKind.of(path).name in {"CSV", "JSON_LINES", "EXCEL", "PARQUET", "ARROW"}
    if name.endswith("xlsx"):
        import openpyxl

        from client_sdk.tables.workbook import Workbook

        cell = openpyxl.load_workbook(path).active["B2"]
        assert (cell.value, cell.data_type, cell.number_format) == ("=1+1", "s", "@")
        read = Workbook(lambda: path.open("rb"))
        first, second = [cells for _, cells, _ in read.rows(read.sheets[0])][1:]
        assert (first, second) == ([1, "=1+1"], [2, "a\x01_x0041_b", "+x"])


@given(
    st.dictionaries(
        st.sampled_from(COLUMNS),
        st.one_of(
            st.text(max_size=12),
            st.integers(-(2**63), 2**63 - 1),
            st.dates(),
            st.decimals(places=2, max_value=10**12, min_value=0),
        ),
    )
)  # fmt: skip
def test_any_values_give_reports_or_rejected_rows(values: dict[str, str | int | date | Decimal]) -> None:
    columns = {name: pa.array([value]) for name, value in values.items() if not _is_surrogate(value)}
    for name in ("kind", "standing", "id_type", "id_number", "reference"):
        columns.setdefault(name, pa.array(["DEFAULT" if name == "kind" else ""]))
    for item in portfolio_from_frame(pa.table(columns)):
        assert isinstance(item, RejectedRow) or item.reference


def _is_surrogate(value: object) -> bool:
    return isinstance(value, str) and not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value)


def test_headings_are_shown_and_persons_are_not(tmp_path: Path) -> None:
    file = excel(tmp_path, book([["证件号码", None, " 余额 "], ["x"]]))
    assert headings_of(file) == ["证件号码", "余额"]
    assert headings_of(io.BytesIO("证件号码;余额\n".encode("gb18030"))) == ["证件号码", "余额"]
    assert headings_of(io.BytesIO(b'{"a": 1, "b": 2}\n')) == ["a", "b"]
    in_numerals = "一一〇一〇五一九四九一二三一〇〇二X,x\n".encode()
    for data in (f"{NUMBER},x\n".encode(), b"", saved(book([[NUMBER]])), in_numerals):
        with pytest.raises(PreflightError, match=r"columns\.known") as caught:
            headings_of(io.BytesIO(data))
        assert NUMBER not in f"{caught.value}"


def test_every_column_has_its_form() -> None:
    assert tuple(FORMS) == COLUMNS
    assert {column for column, form in FORMS.items() if form is ColumnForm.LIST} == {"contacts", "measures", "grounds"}
    assert replace(default_report(1), row=3).row == 3
