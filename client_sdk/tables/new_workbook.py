"""Writing Excel workbooks: tables, and templates that people fill in. Needs ``openpyxl``, of the extra ``files``."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import IO, TYPE_CHECKING, Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile

from client_sdk.tables.extra import library

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from client_sdk.tables.values import Value

__all__ = ["TemplateColumn", "write_template", "write_workbook"]

_TEXT = "@"
_DAY = "yyyy-mm-dd"
_WHOLE = "0"
_SHEET = "portfolio"
# Of a workbook that has one sheet.
_SHEET_PART = "xl/worksheets/sheet1.xml"
_LISTS = "lists"
_NOTES = "columns"
# Rows of a template that are made ready; beyond them Excel copies the format of the row above.
_READY_ROWS = 1_000
_WIDEST = 40
# Characters that XML does not have, and what would be read as one of them.
_TO_ESCAPE = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


class TemplateColumn(NamedTuple):
    """A column of a template.

    Attributes:
        name: its heading.
        type: ``str`` for text, ``int`` for whole numbers, ``date`` for days.
        note: what people read when they point at the heading.
        facts: what the sheet of notes says of it, under the headings of ``write_template``.
        words: that its cells may hold; empty where any text may stand.
    """

    name: str
    type: type
    note: str
    facts: tuple[str, ...]
    words: tuple[str, ...]


def write_workbook(file: IO[bytes], columns: Sequence[tuple[str, type]], rows: Iterable[Sequence[Value]]) -> int:
    """Write a table as a workbook of one sheet; return the number of its rows.

    Args:
        file: to write to.
        columns: names and types: ``str``, ``int``, ``date`` or ``datetime``.
        rows: values of those types, or None; texts are never taken for formulas.

    Raises:
        ConfigError: ``openpyxl`` is not installed.
    """
    workbook = library("openpyxl").Workbook(write_only=True)
    sheet = workbook.create_sheet(_SHEET)
    sheet.freeze_panes = "A2"
    make = library("openpyxl.cell").WriteOnlyCell
    count = 0
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        with archive.open(_SHEET_PART, "w", force_zip64=True) as part:
            # The library would write the rows, and with them the numbers of people, to a file of its own first.
            writer = library("openpyxl.worksheet._writer").WorksheetWriter(sheet, part)
            sheet._writer = writer  # noqa: SLF001 - no argument of the library names where its rows go
            writer.write_top()
            sheet.append([_cell(make(sheet), name) for name, _ in columns])
            for row in rows:
                sheet.append([None if value in (None, "") else _cell(make(sheet), value) for value in row])
                count += 1
            sheet.close()
        _finish(workbook, sheet, archive)
    return count


def _finish(workbook: Any, sheet: Any, archive: ZipFile) -> None:
    """Write the parts of a workbook beside its only sheet, which the archive has already."""
    writer = library("openpyxl.writer.excel").ExcelWriter(workbook, archive)

    def write_worksheet(_: Any) -> None:
        sheet._rels = sheet._writer._rels  # noqa: SLF001 - as the method does that this one stands for
        writer.manifest.append(sheet)

    sheet._drawing = None  # noqa: SLF001 - a sheet has one while it is written
    writer.write_worksheet = write_worksheet
    writer.write_data()


def write_template(file: IO[bytes], columns: Sequence[TemplateColumn], headings: Sequence[str]) -> None:
    """Write a workbook to be filled in: lists to choose from, notes, and text where a number would lose digits.

    Args:
        file: to write to.
        columns: of its first sheet.
        headings: of the sheet of notes, one more than each column has facts.

    Raises:
        ConfigError: ``openpyxl`` is not installed.
    """
    workbook = library("openpyxl").Workbook()
    sheet, notes, lists = workbook.active, workbook.create_sheet(_NOTES), workbook.create_sheet(_LISTS)
    sheet.title = _SHEET
    sheet.freeze_panes = notes.freeze_panes = "A2"
    lists.sheet_state = "hidden"
    notes.append(list(headings))
    letter_of = library("openpyxl.utils").get_column_letter
    for place, column in enumerate(columns, start=1):
        letter = letter_of(place)
        _head(sheet.cell(1, place), column)
        sheet.column_dimensions[letter].width = min(_WIDEST, max(12, len(column.name) + 4))
        # The whole column, for rows beyond those that are ready.
        sheet.column_dimensions[letter].number_format = _format_of(column.type)
        for row in range(2, _READY_ROWS + 2):
            sheet.cell(row, place).number_format = _format_of(column.type)
        if column.words:
            _offer(sheet, lists, place, column.words)
        notes.append([column.name, *column.facts])
    _widen(notes, letter_of, len(headings))
    workbook.save(file)


def _head(cell: Any, column: TemplateColumn) -> None:
    cell.value, cell.data_type = column.name, "s"
    cell.font = library("openpyxl.styles").Font(bold=True)
    comment = library("openpyxl.comments").Comment(column.note, "credit-registry")
    comment.width, comment.height = 360, 140
    cell.comment = comment


def _offer(sheet: Any, lists: Any, place: int, words: Sequence[str]) -> None:
    """Let the cells of a column be chosen from words, which the sheet of lists holds."""
    letter = library("openpyxl.utils").get_column_letter(place)
    for row, word in enumerate(words, start=1):
        cell = lists.cell(row, place)
        cell.value, cell.data_type = word, "s"
    choice = library("openpyxl.worksheet.datavalidation").DataValidation(
        type="list", formula1=f"{_LISTS}!${letter}$1:${letter}${len(words)}", allow_blank=True
    )
    choice.error, choice.errorTitle, choice.showErrorMessage = "Choose one of the list.", "No such word", True
    sheet.add_data_validation(choice)
    choice.add(f"{letter}2:{letter}1048576")


def _widen(sheet: Any, letter_of: Any, count: int) -> None:
    for place in range(1, count + 1):
        sheet.column_dimensions[letter_of(place)].width = _WIDEST


def _format_of(type_: type) -> str:
    return _DAY if type_ is date else _WHOLE if type_ is int else _TEXT


def _cell(cell: Any, value: Value) -> Any:
    """Return a cell of a streamed sheet with a value; a text is text, whatever it begins with."""
    if isinstance(value, datetime):
        # A workbook knows no offsets.
        value = value.isoformat()
    if isinstance(value, str):
        cell.value, cell.data_type, cell.number_format = _escaped(value), "s", _TEXT
    else:
        cell.value = value
        cell.number_format = _format_of(type(value))
    return cell


def _escaped(text: str) -> str:
    """Return a text with what XML does not have as Excel writes it."""
    return _TO_ESCAPE.sub(lambda found: f"_x{ord(found.group()):04X}_", text)
