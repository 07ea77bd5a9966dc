"""Workbooks: what a cell plainly holds is its value; all else is refused with its row and what was seen."""

from __future__ import annotations

import io
import sys
import zipfile
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from itertools import product
from string import ascii_uppercase
from typing import TYPE_CHECKING, Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from client_sdk.tables import sheet_cells, workbook
from client_sdk.tables.number_format import NumberFormat, format_of, number, point_in_time
from client_sdk.tables.sheet_xml import MAX_COLUMNS, Area, area_of, column_of
from client_sdk.tables.values import TableError, TableRow, Unclear
from client_sdk.tables.workbook import Workbook, check_no_old_workbook
from tests.client_sdk.tables.workbooks import SHEET, book, changed, saved

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.tables.values import Value

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def opener(data: bytes) -> Callable[[], BinaryIO]:
    return lambda: io.BytesIO(data)


def rows_of(data: bytes, sheet: str | None = None) -> list[TableRow]:
    read = Workbook(opener(data))
    return [row for row in read.rows(read.sheet(sheet)) if row.values]


def values_of(data: bytes) -> list[list[Value]]:
    return [row.values for row in rows_of(data)]


def refusal(data: bytes, sheet: str | None = None) -> TableError:
    with pytest.raises(TableError) as caught:
        rows_of(data, sheet)
    return caught.value


def one_cell(xml: str) -> Value:
    """Return the value of A1, written as XML in a sheet of its own."""
    sheet = sheet_of(f'<row r="1">{xml}<c r="B1"><v>1</v></c></row>')
    return rows_of(changed(saved(book([[1]])), {SHEET: sheet}))[0].values[0]


def with_texts(texts: str) -> bytes:
    """Return a workbook whose only cell names the first of these texts."""

    def related(parts: bytes) -> bytes:
        more = b'<Relationship Id="rTexts" Type="x/sharedStrings" Target="sharedStrings.xml"/>'
        return parts.replace(b"</Relationships>", more + b"</Relationships>")

    sheet = sheet_of('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')
    parts: dict[str, Callable[[bytes], bytes] | bytes | None] = {
        SHEET: sheet,
        "xl/_rels/workbook.xml.rels": related,
        "xl/sharedStrings.xml": f"<sst>{texts}</sst>".encode(),
    }
    return changed(saved(book([[1]])), parts)


def sheet_of(rows: str) -> bytes:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def rule_of(value: Value) -> str:
    assert isinstance(value, Unclear), value
    return value.rule


def test_texts_numbers_days_and_flags_are_values() -> None:
    made = book([["a", 12, 12.5, date(2026, 1, 5), datetime(2026, 1, 5, 10, 30), True, None, "z"]])  # noqa: DTZ001 - of a workbook
    [row] = rows_of(saved(made))
    day_and_time = datetime(2026, 1, 5, 10, 30)  # noqa: DTZ001 - likewise
    assert row.values == ["a", 12, Decimal("12.5"), date(2026, 1, 5), day_and_time, "true", None, "z"]
    assert row == (1, row.values, None)


def test_rows_are_called_as_excel_calls_them_and_empty_ones_are_left_out() -> None:
    assert [row.number for row in rows_of(saved(book([["a"], [None], [""], ["b"]])))] == [1, 4]


@pytest.mark.parametrize(
    ("xml", "rule", "got"),
    [
        ('<c r="A1"><f>B1*100</f><v>100</v></c>', "cell.formula", "a formula"),
        ('<c r="A1"><f t="shared" si="0"/><v>100</v></c>', "cell.formula", "a formula"),
        ('<c r="A1"><f>[1]Sheet1!A1</f><v>1</v></c>', "cell.formula", "a formula that reads another workbook"),
        ('<c r="A1" t="e"><v>#N/A</v></c>', "cell.error", "an error of a spreadsheet: #N/A"),
        ('<c r="A1" t="e"><v>110105180001010010</v></c>', "cell.error", "an error of a spreadsheet"),
        ('<c r="A1" t="s"><v>9</v></c>', "cell.kind", "a text that the workbook does not have"),
        ('<c r="A1" t="s"><v>-1</v></c>', "cell.kind", "a text that the workbook does not have"),
        ('<c r="A1" t="x"><v>1</v></c>', "cell.kind", "a cell of an unknown kind"),
        ('<c r="A1"><v>1.10105180001010E+17</v></c>', "cell.rounded", "18 digits"),
        ('<c r="A1"><v>110105180001010010</v></c>', "cell.rounded", "18 digits"),
        ('<c r="A1"><v>1e999</v></c>', "cell.number", "a number that cannot be read"),
        ('<c r="A1"><v>abc</v></c>', "cell.number", "a number that cannot be read"),
    ],
)
def test_what_is_no_value_is_told_for_what_it_is(xml: str, rule: str, got: str) -> None:
    value = one_cell(xml)
    assert isinstance(value, Unclear)
    assert value.rule == rule
    assert got in value.got
    assert "110105" not in value.got


def test_an_array_formula_fills_cells_that_do_not_hold_it() -> None:
    xml = '<c r="A1"><f t="array" ref="A1:C2">X</f><v>1</v></c><c r="C1"><v>1</v></c>'
    sheet = sheet_of(f'<row r="1">{xml}</row><row r="2"><c r="B2"><v>7</v></c><c r="D2"><v>8</v></c></row>')
    first, second = values_of(changed(saved(book([[1]])), {SHEET: sheet}))
    assert [rule_of(first[0]), rule_of(first[2])] == ["cell.formula"] * 2
    assert rule_of(second[1]) == "cell.formula"
    assert second[3] == 8


@pytest.mark.parametrize("second", ["A2:A3", "B1:B9", "A1:A1"])
def test_array_formulas_of_which_one_fills_cells_of_another_are_refused(second: str) -> None:
    first = '<row r="1"><c r="A1"><f t="array" ref="A1:C3">X</f></c></row>'
    sheet = sheet_of(f'{first}<row r="2"><c r="A2"><f t="array" ref="{second}">X</f></c></row>')
    assert refusal(changed(saved(book([[1]])), {SHEET: sheet})).rule == "file.form"


def test_as_many_array_formulas_and_merged_cells_as_rows_are_read_in_time_that_grows_with_them() -> None:
    """Formulas of a whole column beside each other, and merged cells: each row was held against all of them."""
    count = 1_500
    rows = "".join(
        f'<row r="{at}"><c r="A{at}"><f t="array" ref="A{at}:A{at}">X</f><v>1</v></c><c r="B{at}"><v>2</v></c></row>'
        for at in range(1, count + 1)
    )
    merged = "".join(f'<mergeCell ref="C{at}:D{at}"/>' for at in range(1, count, 2))
    sheet = sheet_of(rows).replace(b"</sheetData>", f"</sheetData><mergeCells>{merged}</mergeCells>".encode())
    steps = 0

    def count_lines(*_: object) -> Any:
        nonlocal steps
        steps += 1
        return count_lines

    data, before = changed(saved(book([[1]])), {SHEET: sheet}), sys.gettrace()
    sys.settrace(count_lines)
    try:
        found = rows_of(data)
    finally:
        sys.settrace(before)
    assert [rule_of(row.values[0]) for row in found] == ["cell.formula"] * count
    assert [row.fault is not None for row in found] == [at % 2 == 1 for at in range(1, count)] + [False]
    assert steps < 400 * count


def test_cells_that_hold_nothing_are_passed_over_wherever_they_stand() -> None:
    empty = "".join(f'<c r="{letter}1" s="1"/>' for letter in "BCDEFG")
    row = f'<row r="1"><c r="A1"><v>1</v></c>{empty}<c r="H1"><v>8</v></c><c r="I1" s="1"/><c r="J1"></c></row>'
    (found,) = values_of(changed(saved(book([[1]])), {SHEET: sheet_of(row)}))
    assert found == [1, *[None] * 6, 8]
    quoted = f'<c r="A1" t="inlineStr"><is><t><![CDATA[{empty}]]></t></is></c><c r="B1"/><c r="C1"><v>3</v></c>'
    (found,) = values_of(changed(saved(book([[1]])), {SHEET: sheet_of(f'<row r="1">{quoted}</row>')}))
    assert found == [empty, None, 3]


def test_a_row_whose_cells_are_empty_up_to_the_last_column_of_a_spreadsheet_is_read() -> None:
    """The parser meets few of them: it would take longer for these than for all else in a workbook."""
    letters = ["".join(chosen) for length in (1, 2, 3) for chosen in product(ascii_uppercase, repeat=length)][:16_384]
    empty = "".join(f'<c r="{name}{{at}}" s="1"/>' for name in letters[1:])
    rows = (f'<row r="{at}"><c r="A{at}"><v>{at}</v></c>{empty.format(at=at)}</row>' for at in range(1, 21))
    data = changed(saved(book([[1]])), {SHEET: sheet_of("".join(rows))})
    assert values_of(data) == [[at] for at in range(1, 21)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("120000", 120_000),
        ("12345.0", 12_345),
        ("1.5E3", 1500),
        ("0.1", Decimal("0.1")),
        ("-3", -3),
        ("12500.100000000001", Decimal("12500.1")),
        ("999999999999999", 999_999_999_999_999),
    ],
)
def test_numbers_are_those_that_a_spreadsheet_shows(text: str, value: Value) -> None:
    assert number(text, NumberFormat.PLAIN) == value


@pytest.mark.parametrize(
    ("id_", "code", "shown"),
    [
        (0, None, NumberFormat.PLAIN), (14, None, NumberFormat.DAY), (22, None, NumberFormat.DAY),
        (57, None, NumberFormat.DAY), (20, None, NumberFormat.TIME), (49, None, NumberFormat.PLAIN),
        (164, "General", NumberFormat.PLAIN), (164, "yyyy-mm-dd", NumberFormat.DAY),
        (164, 'yyyy"年"m"月"d"日"', NumberFormat.DAY), (164, "[$-804]aaaa;@", NumberFormat.PLAIN),
        (164, "m/d/yy h:mm", NumberFormat.DAY), (164, "h:mm:ss", NumberFormat.TIME), (164, "[h]:mm", NumberFormat.TIME),
        (164, "mmm", NumberFormat.DAY), (164, "00000", NumberFormat.PADDED), (164, "000-00-0000", NumberFormat.PADDED),
        (164, "0.00", NumberFormat.PLAIN), (164, "#,##0.00", NumberFormat.PLAIN), (164, "0", NumberFormat.PLAIN),
        (164, '"day "0', NumberFormat.PLAIN), (164, "0.00E+00", NumberFormat.PLAIN),
        (164, "[Red]0", NumberFormat.PLAIN),
    ],
)  # fmt: skip
def test_a_format_says_what_a_number_is(id_: int, code: str | None, shown: NumberFormat) -> None:
    assert format_of(id_, code) is shown


def test_zeros_that_a_format_shows_and_times_without_a_day_are_refused() -> None:
    made = book([[4711, 0.5, 60, "x"]])
    for column, code in (("A", "00000000"), ("B", "h:mm"), ("C", "yyyy-mm-dd")):
        made.active[f"{column}1"].number_format = code
    [[padded, time, no_day, _]] = values_of(saved(made))
    assert [rule_of(value) for value in (padded, time, no_day)] == ["cell.padded", "cell.day", "cell.day"]


@pytest.mark.parametrize(
    ("days", "day"),
    [("1", date(1900, 1, 1)), ("59", date(1900, 2, 28)), ("61", date(1900, 3, 1)), ("46027", date(2026, 1, 5))],
)
def test_days_count_from_1900_with_its_false_leap_day(days: str, day: date) -> None:
    assert point_in_time(days, from_1904=False) == day


@pytest.mark.parametrize("days", ["60", "-1", "0", "0.5", "2958466", "1e30", "x", ""])
def test_a_number_that_is_no_day_is_refused(days: str) -> None:
    assert rule_of(point_in_time(days, from_1904=False)) == "cell.day"


def test_a_workbook_of_an_old_macintosh_counts_from_1904() -> None:
    made = book([[date(2026, 1, 5)]])
    made.epoch = CALENDAR_MAC_1904
    data = saved(made)
    assert b'date1904="1"' in zipfile.ZipFile(io.BytesIO(data)).read("xl/workbook.xml")
    assert values_of(data) == [[date(2026, 1, 5)]]


def test_hidden_rows_and_merged_cells_are_faults_of_their_rows() -> None:
    made = book([["a", "b"], ["c", "d"], ["e", "f"], ["g", "h"]])
    made.active.row_dimensions[2].hidden = True
    made.active.merge_cells("A3:A4")
    faults = [row.fault and row.fault.rule for row in rows_of(saved(made))]
    assert faults == [None, "sheet.hidden", "sheet.merged", "sheet.merged"]


def test_a_hidden_column_is_refused_where_it_may_hold_something() -> None:
    made = book([["a", "b"]])
    made.active.column_dimensions["B"].hidden = True
    found = refusal(saved(made))
    assert (found.rule, found.got) == ("sheet.hidden", "a hidden column, at place 2")
    made = book([["a", "b"]])
    made.active.column_dimensions["E"].hidden = True
    assert values_of(saved(made)) == [["a", "b"]]


def test_which_sheet_is_read() -> None:
    made = book([["first"]])
    made.create_sheet("second").append(["second"])
    data = saved(made)
    found = refusal(data)
    assert (found.rule, found.got) == ("workbook.sheets", "2 sheets that are shown")
    assert rows_of(data, "second")[0].values == rows_of(data, "2")[0].values == ["second"]
    for wrong in ("third", "0", "3", "9" * 40, ""):
        assert refusal(data, wrong).rule == "workbook.sheets"
    made["second"].sheet_state = "hidden"
    assert values_of(saved(made)) == [["first"]]
    made["second"].sheet_state = "visible"
    made["second"].title = "Portfolio"
    assert values_of(saved(made)) == [["second"]]


def test_a_chart_is_no_sheet_to_read() -> None:
    made = book([["a"]])
    made.create_chartsheet("chart")
    data = saved(made)
    assert [sheet.name for sheet in Workbook(opener(data)).sheets] == ["Sheet"]
    chart = f'<chartsheet xmlns="{MAIN}"/>'.encode()
    assert refusal(changed(data, {SHEET: chart})).rule == "workbook.sheet"


def test_rich_and_phonetic_text_and_escaped_characters() -> None:
    rich = '<is><r><rPr/><t>ab</t></r>\n  <r><t xml:space="preserve"> cd</t></r><rPh sb="0" eb="1"><t>xx</t></rPh></is>'
    assert one_cell(f'<c r="A1" t="inlineStr">{rich}</c>') == "ab cd"
    assert one_cell('<c r="A1" t="inlineStr"><is><t>a_x000D_b</t></is></c>') == "a\rb"
    assert one_cell('<c r="A1" t="inlineStr"><is><t>_xD83D__xDE00_</t></is></c>') == "\U0001f600"
    assert one_cell('<c r="A1" t="inlineStr"><is><t>_xDE00__xD83D_</t></is></c>') == "\ude00\ud83d"
    texts = '<si><r><t>ab</t></r><r><t>cd</t></r><rPh sb="0" eb="1"><t>xx</t></rPh></si>'
    assert values_of(with_texts(texts)) == [["abcd"]]


def test_a_pronunciation_of_nothing_is_none() -> None:
    assert values_of(with_texts('<si><rPh sb="0" eb="0"/></si>')) == []


def test_names_with_a_prefix_and_cells_without_a_place_are_read() -> None:
    row = '<x:row><x:c><x:v>1</x:v></x:c><x:c t="inlineStr"><x:is><x:t>b</x:t></x:is></x:c></x:row>'
    merged = '<x:mergeCells><x:mergeCell ref="A1:B1"/></x:mergeCells>'
    sheet = f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData>{row}</x:sheetData>{merged}</x:worksheet>'
    [found] = rows_of(changed(saved(book([[1]])), {SHEET: sheet.encode()}))
    assert found.values == [1, "b"]
    assert found.fault is not None


def cells(*references: str) -> bytes:
    inside = "".join(f'<c r="{reference}"><v>1</v></c>' for reference in references)
    return sheet_of(f'<row r="1">{inside}</row>')


@pytest.mark.parametrize(
    ("sheet", "rule"),
    [
        (cells("XFD1"), "workbook.columns"),
        (cells("ZZZZZZZZ1"), "workbook.columns"),
        (cells(*["A1"] * 2), "file.form"),
        (cells("B1", "A1"), "file.form"),
        (cells("A2"), "file.form"),
        (cells("1"), "file.form"),
        (sheet_of('<row r="1"/>' * 2), "file.form"),
        (sheet_of('<row r="99999999"/>'), "file.form"),
        (sheet_of("<row>" + "<c/>" * (MAX_COLUMNS + 1) + "</row>"), "workbook.columns"),
        (sheet_of(f'<row><c t="inlineStr"><is><t>{"x" * 70_000}</t></is></c></row>'), "workbook.cell"),
        (b"<worksheet><sheetData><row>", "file.form"),
        (b"", "file.form"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet>&a;</worksheet>', "file.form"),
    ],
)  # fmt: skip
def test_a_sheet_that_no_program_saves_is_refused(sheet: bytes, rule: str) -> None:
    assert refusal(changed(saved(book([[1]])), {SHEET: sheet})).rule == rule


def test_other_files_of_office_are_called_by_their_names() -> None:
    data = saved(book([["a"]]))
    for part, rule, got in (
        ("xl/vbaProject.bin", "workbook.macros", ".xlsm"),
        ("xl/workbook.bin", "file.form", ".xlsb"),
        ("word/document.xml", "file.form", "text document"),
        ("EncryptedPackage", "workbook.encrypted", "encrypted"),
    ):
        found = refusal(changed(data, {part: b"x"}))
        assert (found.rule, got in found.got) == (rule, True)
    calc = io.BytesIO()
    with zipfile.ZipFile(calc, "w") as made:
        made.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        made.writestr("content.xml", "<x/>")
    assert ".ods" in refusal(calc.getvalue()).got
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as made:
        made.writestr("readme.txt", "x")
    assert refusal(other.getvalue()).got == "another zip file"


@pytest.mark.parametrize(
    ("inside", "rule", "got"),
    [(b"", "file.form", ".xls"), ("EncryptedPackage".encode("utf-16-le"), "workbook.encrypted", "encrypted workbook")],
)
def test_the_old_form_and_encrypted_workbooks_are_told_apart(inside: bytes, rule: str, got: str) -> None:
    data = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000_000) + inside
    with pytest.raises(TableError) as caught:
        check_no_old_workbook(io.BytesIO(data))
    assert caught.value.rule == rule
    assert got in caught.value.got


def test_links_to_other_workbooks_are_not_followed() -> None:
    link = b'<Relationships><Relationship Id="r1" Type="x/externalLinkPath" Target="file:///x" TargetMode="External"/>'
    parts = {
        "xl/externalLinks/externalLink1.xml": b"<externalLink/>",
        "xl/externalLinks/_rels/externalLink1.xml.rels": link + b"</Relationships>",
    }
    data = changed(saved(book([["a"]])), parts)
    assert values_of(data) == [["a"]]


def test_a_sheet_outside_of_the_package_is_none() -> None:
    def away(relations: bytes) -> bytes:
        return relations.replace(b"/xl/worksheets/sheet1.xml", b"../../../../etc/passwd")

    assert refusal(changed(saved(book([["a"]])), {"xl/_rels/workbook.xml.rels": away})).rule == "file.form"


def test_zip_bombs_are_refused_before_they_are_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    data = saved(book([["a"]]))
    monkeypatch.setattr(workbook, "MAX_UNPACKED", 20_000)
    bomb = changed(data, {SHEET: b"<worksheet>" + b" " * 30_000})
    assert len(bomb) < 20_000
    assert refusal(bomb).rule == "workbook.size"
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "MAX_TEXTS_UNPACKED", 100)
    assert refusal(with_texts("<si><t/></si>" * 100)).rule == "workbook.size"
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "_MAX_TEXTS", 100)
    assert refusal(with_texts("<si><t/></si>" * 101)).rule == "workbook.size"
    monkeypatch.undo()
    monkeypatch.setattr(sheet_cells, "_MAX_TAIL", 100)
    tail = b"<worksheet><sheetData></sheetData>" + b" " * 200 + b"</worksheet>"
    assert refusal(changed(data, {SHEET: tail})).rule == "workbook.size"


@pytest.mark.parametrize("inside", ["<v>", "<a>", "<c><v>", "x" * 100 + "<v/>"])
def test_xml_without_an_end_is_given_up_before_it_fills_the_memory(inside: str) -> None:
    data = saved(book([["a"]]))
    endless = f'<worksheet><sheetData><row r="1">{inside * (6_000_000 // len(inside))}'.encode()
    assert refusal(changed(data, {SHEET: endless})).rule in {"workbook.size", "workbook.columns", "workbook.cell"}
    token = b'<worksheet><sheetData><row r="1"><c r="' + b"A" * 6_000_000
    assert refusal(changed(data, {SHEET: token})).rule == "workbook.size"
    assert refusal(with_texts(f"<si><t>{'x' * 6_000_000}")).rule == "workbook.size"
    assert refusal(with_texts("<a>" * 1_000)).rule == "file.form"


@given(st.integers(0, 6_000), st.binary(min_size=1, max_size=8))
def test_damaged_workbooks_are_refused_or_read(place: int, bytes_: bytes) -> None:
    data = saved(book([["a", 1], ["b", 2]]))
    place %= len(data)
    # Anything else that is raised fails the test.
    with suppress(TableError):
        rows_of(data[:place] + bytes_ + data[place + len(bytes_) :])


def test_a_workbook_that_breaks_off_is_refused() -> None:
    data = saved(book([["a", 1]]))
    for length in range(0, len(data), 97):
        assert refusal(data[:length]).rule == "file.form"


@pytest.mark.parametrize(
    ("text", "area"), [("B2:C9", Area(2, 1, 9, 2)), ("$A$1", Area(1, 0, 1, 0)), ("A", None), ("A1:", None)]
)
def test_references_name_cells(text: str, area: Area | None) -> None:
    assert area_of(text) == area
    assert column_of("XFD") == 16_383


def test_parts_with_more_elements_than_any_workbook_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = with_texts("<si><t>x</t></si>" * 200)
    assert values_of(data) == [["x"]]
    monkeypatch.setattr("client_sdk.tables.workbook._MAX_TEXT_ELEMENTS", 100)
    assert refusal(data).rule == "workbook.size"
    monkeypatch.setattr("client_sdk.tables.workbook._MAX_SMALL_ELEMENTS", 5)
    assert "5 elements" in refusal(saved(book([[1]]))).got


@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_workbook_that_is_packed_as_none_is_is_refused(packing: int) -> None:
    packed, real = io.BytesIO(), saved(book([["reference"]]))
    with zipfile.ZipFile(io.BytesIO(real)) as plain, zipfile.ZipFile(packed, "w", packing) as other:
        for name in plain.namelist():
            other.writestr(name, plain.read(name))
    assert refusal(packed.getvalue()).rule == "file.form"
