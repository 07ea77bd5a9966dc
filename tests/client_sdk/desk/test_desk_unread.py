"""A file of which no row can be read, at the desk: why, and the way on by its sheet, its headings or an empty file."""

from __future__ import annotations

import io
import re
import tomllib
from typing import TYPE_CHECKING

import pytest
from openpyxl import Workbook, load_workbook

from client_sdk.desk.dropped import DroppedFile
from client_sdk.desk.form import Form
from client_sdk.desk.form_values import FieldError
from client_sdk.desk.unread_file import UnreadFile
from client_sdk.errors import PreflightError
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.files import Encoding, sheets_of
from client_sdk.lending.mapping import parse_mapping
from client_sdk.lending.rows import row_of
from client_sdk.models import RejectedRow
from tests.client_sdk.desk.desk_forms import csv_of, drop
from tests.client_sdk.desk.test_desk_chinese import SENTENCE
from tests.client_sdk.desk.test_desk_screening import customers, screen
from tests.client_sdk.sdk_samples import default_report
from tests.client_sdk.tables.workbooks import portfolio_book, saved
from tests.support.desk import RunningDesk, Visitor, typed_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.testing import TestRegistry

# Of an old office form, as an encrypted workbook has it: the name of its stream stands somewhere in it.
LOCKED = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "EncryptedPackage".encode("utf-16-le") + bytes(600)
NO_COLUMNS = ("Its headings are not our columns", "文件的表头不是本系统的列名")
OWN_HEADINGS = {"id_number": "证件号码", "principal": "本金余额", "as_of": "数据日期"}


@pytest.fixture(scope="module")
def officer(registry: TestRegistry, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Visitor]:
    with RunningDesk(registry.enrol("lender-unread"), tmp_path_factory.mktemp("unread")) as desk:
        visitor = desk.visitor()
        visitor.get("/portfolio")
        yield visitor


def two_sheets() -> bytes:
    """A workbook with two sheets that are shown, of which the second has the rows."""
    book = load_workbook(io.BytesIO(saved(portfolio_book(row_of(default_report(701))))))
    book.active.title = "2026-11"
    book.create_sheet("说明", 0)
    return saved(book)


def renamed(number: int) -> bytes:
    """A CSV with some headings of a bank's own; kind and currency, which all rows share, are left out."""
    row = {**row_of(default_report(number)), "principal": "1200.00", "interest": "30.00", "as_of": "30/04/2025"}
    text = csv_of([row]).decode()
    header, line, *_ = text.splitlines()
    names, cells = header.split(","), line.split(",")
    kept = [(OWN_HEADINGS.get(name, name), cell) for name, cell in zip(names, cells, strict=True) if name != "kind"]
    return "\n".join([",".join(name for name, _ in kept), ",".join(cell for _, cell in kept)]).encode()


def test_a_sheet_is_chosen_where_a_workbook_has_several(officer: Visitor) -> None:
    path, unread = drop(officer, two_sheets())
    assert "The file cannot be read as it is" in unread.words
    assert "Choose the sheet that has the rows." in unread.words
    assert unread.text.count("MALFORMED") == 0
    assert re.findall(r'<option value="([^"]+)"[^>]*>(?:说明|2026-11)<', unread.text) == ["说明", "2026-11"]
    odd = officer.post(f"{path}/again", {"sheet": "another"}, {})
    assert "Sheet: Choose one of the list." in odd.words
    again = officer.post(f"{path}/again", {"sheet": "2026-11"}, {})
    assert "Sign and send 1 row " in officer.finished(again).words
    assert officer.get(path).status == 404, "the file lies with the new job alone"


def test_columns_are_chosen_for_headings_that_are_not_known(officer: Visitor) -> None:
    path, unread = drop(officer, renamed(702))
    assert "Header row: Its headings are not our columns" in unread.words
    headings = re.findall(r'<label for="(column\.\d+)">([^<]+)</label>', unread.text)
    assert {name for _, name in headings} >= set(OWN_HEADINGS.values())
    own = {heading: column for column, heading in OWN_HEADINGS.items()}
    chosen = {field: own.get(heading, heading) for field, heading in headings}
    given = {"constant.kind": "DEFAULT", "amounts": "major", "dates": "DD/MM/YYYY"}
    twice = officer.post(f"{path}/again", chosen | given | {"constant.id_type": "CN_RESIDENT_ID"}, {})
    assert "Give each column to one heading alone" in twice.words
    mixed = officer.finished(officer.post(f"{path}/again", chosen | given, {}))
    # The mapping names one way in which all days are written, and the others have the year first.
    assert "What would be sent" in mixed.words
    assert "Sign and send" not in mixed.words
    path, _ = drop(officer, renamed(702).replace(b"30/04/2025", b"2025-04-30"))
    right = officer.finished(officer.post(f"{path}/again", chosen | given | {"dates": ""}, {}))
    assert "Sign and send 1 row " in right.words


def test_what_an_amount_is_has_to_be_said_and_is_seen_before_anything_is_sent(officer: Visitor) -> None:
    """Whole yuan, read as minor units, would be reported a hundredth of what is owed."""
    content = renamed(704).replace(b"1200.00", b"1200").replace(b"30.00", b"30").replace(b"30/04/2025", b"2025-04-30")
    path, unread = drop(officer, content)
    own = {heading: column for column, heading in OWN_HEADINGS.items()}
    headings = re.findall(r'<label for="(column\.\d+)">([^<]+)</label>', unread.text)
    chosen = {field: own.get(heading, heading) for field, heading in headings} | {"constant.kind": "DEFAULT"}
    asked = officer.post(f"{path}/again", chosen, {})
    assert "Amounts: Say what an amount of 35000 in this file is: 350.00, or 35,000.00." in asked.words
    assert 'value="id_number" selected' in asked.text, "what was chosen for the headings stays"
    read = officer.finished(officer.post(f"{path}/again", chosen | {"amounts": "major"}, {}))
    assert "Smallest and largest amount of a row 1,230.00 to 1,230.00 CNY" in read.words
    assert "Default · open 1,230.00 CNY would be sent" in read.words


def test_what_was_chosen_stays_where_the_file_cannot_be_read_for_another_reason(officer: Visitor) -> None:
    path, unread = drop(officer, renamed(705))
    headings = re.findall(r'<label for="(column\.\d+)">([^<]+)</label>', unread.text)
    own = {heading: column for column, heading in OWN_HEADINGS.items() if column != "id_number"}
    chosen = {
        field: own.get(heading, "" if heading in OWN_HEADINGS.values() else heading) for field, heading in headings
    }
    given = {"constant.kind": "DEFAULT", "amounts": "major", "dates": "DD/MM/YYYY"}
    sent = officer.post(f"{path}/again", chosen | given, {})
    lacking = officer.finished(sent)
    assert "no column “Identity number of the person”" in lacking.words
    typed = typed_in(lacking.text)
    assert {name: typed[name] for name in chosen | given} == chosen | given


def test_a_mapping_that_no_form_can_say_is_not_shown_as_one() -> None:
    for text in ('[codes.kind]\n"1" = "DEFAULT"\n', '[constants]\ncontract = "HT-1"\n'):
        mapping = parse_mapping(f'[columns]\na = "kind"\n{text}'.encode(), "mapping")
        unread = UnreadFile(DroppedFile(b"a,b\n", mapping=mapping), PreflightError(()), (), ("a", "kind"))
        assert unread.chosen() == {"sheet": "", "encoding": "", "column.0": "", "column.1": "kind"}


def test_a_mapping_for_the_headings_is_saved_to_be_filled_in(officer: Visitor) -> None:
    path, _ = drop(officer, renamed(703))
    mapping = officer.get(f"{path}/mapping.toml")
    assert mapping.headers["content-disposition"] == 'attachment; filename="mapping.toml"'
    assert '"证件号码" = ""' in mapping.text
    officer.language = "zh"
    try:
        chinese = officer.get(f"{path}/mapping.toml").text
    finally:
        officer.language = "en"
    assert tomllib.loads(chinese) == tomllib.loads(mapping.text)
    assert "您的表头 = 栏名" in chinese
    assert not SENTENCE.search(chinese), chinese
    wrong = officer.post(f"{path}/again", {}, {"mapping": b"columns = 3"})
    assert "This mapping is not in order" in wrong.words
    filled = mapping.text.replace('"证件号码" = ""', '"证件号码" = "id_number"').replace("# kind =", "kind =")
    for column in ("principal", "as_of"):
        filled = filled.replace(f'"{OWN_HEADINGS[column]}" = ""', f'"{OWN_HEADINGS[column]}" = "{column}"')
    again = officer.post(f"{path}/again", {}, {"mapping": filled.encode()})
    assert "What would be sent" in officer.finished(again).words


def test_a_reference_is_kept_as_long_as_one_may_be(officer: Visitor) -> None:
    row = row_of(default_report(704)) | {"reference": "x" * 1_000}
    _, checked = drop(officer, csv_of([row]))
    assert "1,000 characters" in checked.words or "128" in checked.words
    assert "x" * 128 in checked.text
    assert "x" * 129 not in checked.text


@pytest.mark.parametrize(
    ("content", "english", "chinese"),
    [
        (LOCKED, "save it without one, and drop that file", "另存为不带密码的文件"),
        (b"PK\x03\x04 no workbook", "Save it as a workbook (.xlsx)", "请另存为工作簿"),
        (b"x,y\n1,2\n", "Its headings are not our columns", "文件的表头不是本系统的列名"),
        (
            csv_of([]).decode().encode("utf-16-le")[:-1],
            "Its headings are not our columns",
            "文件的表头不是本系统的列名",
        ),
    ],
)
def test_a_file_that_fails_as_a_whole_leads_on(officer: Visitor, content: bytes, english: str, chinese: str) -> None:
    sent = officer.post("/portfolio", {}, {"file": content})
    page = officer.finished(sent)
    assert english in page.words
    assert 'href="/templates/portfolio.xlsx"' in page.text
    assert page.text.count("MALFORMED") <= 1
    officer.language = "zh"
    try:
        said = officer.get(sent.headers["location"]).words
    finally:
        officer.language = "en"
    assert chinese in said
    assert "模板（Excel）" in said


def test_a_file_that_is_empty_is_told_at_once(officer: Visitor) -> None:
    sent = officer.post("/portfolio", {}, {"file": b""})
    assert (sent.status, "Choose a file that is not empty." in sent.words) == (422, True)


@pytest.mark.parametrize("name", ["portfolio.xlsx", "portfolio.csv"])
def test_an_empty_file_has_our_columns(officer: Visitor, name: str) -> None:
    template = officer.get(f"/templates/{name}")
    assert template.headers["content-disposition"] == f'attachment; filename="{name}"'
    if name.endswith("xlsx"):
        sheet = load_workbook(io.BytesIO(template.body)).worksheets[0]
        found = [cell.value for cell in sheet[1]]
    else:
        found = template.text.splitlines()[0].split(",")
    assert found == list(COLUMNS)
    assert officer.get("/templates/other.pdf").headers["location"] == "/portfolio"


def test_a_screening_goes_on_with_its_purpose_and_watch_list(officer: Visitor) -> None:
    content = customers(711).replace(b"id_number", "证件号码".encode(), 1)
    path, unread = screen(officer, content, watch="monthly")
    assert "The file cannot be read as it is" in unread.words
    headings = re.findall(r'<label for="(column\.\d+)">([^<]+)</label>', unread.text)
    chosen = {field: "id_number" if heading == "证件号码" else heading for field, heading in headings}
    assert 'name="watch" value="monthly"' in unread.text
    again = officer.post(f"{path}/again", chosen | {"purpose": "POST_LOAN_REVIEW", "watch": "monthly"}, {})
    assert "Watch list monthly: what has changed" in officer.finished(again).words


def test_rows_that_break_rules_are_no_unread_file() -> None:
    file = DroppedFile(csv_of([{**row_of(default_report(704)), "as_of": "soon"}]))
    (row,) = file.portfolio()
    assert isinstance(row, RejectedRow)
    assert UnreadFile.of(file, PreflightError(row.violations)) is None
    with pytest.raises(PreflightError) as raised:
        DroppedFile(b"a,b\n").portfolio()
    unread = UnreadFile.of(DroppedFile(b"a,b\n"), raised.value)
    assert unread is not None
    assert unread.headings == ("a", "b")
    with pytest.raises(FieldError):
        unread.again(Form({"encoding": "EBCDIC"}))
    assert unread.again(Form({"encoding": "GB18030"})).encoding is Encoding.GB18030
    assert unread.again(Form({"column.0": "id_number", "constant.kind": "DEFAULT"})).mapping == parse_mapping(
        b'ignored = ["b"]\n[columns]\na = "id_number"\n[constants]\nkind = "DEFAULT"\n', "mapping"
    )


def test_sheets_are_those_of_a_workbook_that_are_shown() -> None:
    book = Workbook()
    book.active.title = "rows"
    book.create_sheet("lists").sheet_state = "hidden"
    assert sheets_of(io.BytesIO(saved(book))) == ["rows"]
    assert sheets_of(io.BytesIO(b"PK\x03\x04 no workbook")) == []
    assert sheets_of(io.BytesIO(b"a,b\n")) == []
