"""The cells of one worksheet as values; what is not plainly a value is ``Unclear``, with what was seen."""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING

from client_sdk.tables.number_format import NumberFormat, number, point_in_time
from client_sdk.tables.sheet_xml import FILLED, FORMULA, MAX_COLUMNS, TEXT, area_of, column_of, sheet_rows
from client_sdk.tables.values import TableError, TableRow, Unclear

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from client_sdk.tables.sheet_xml import XmlCell, XmlRow
    from client_sdk.tables.values import Value

__all__ = ["SheetCells", "unescaped"]

_CHUNK = 256 * 1024
# Of a sheet with tens of thousands of merged cells, which no portfolio has; less than a piece that the parser takes.
_MAX_TAIL = 1024 * 1024
_ROWS_END = re.compile(rb"</(?:\w+:)?sheetData\s*>")
# Longer than that tag, with any prefix that a program gives it.
_TAG = 64
_MERGED = re.compile(rb"""<(?:\w+:)?mergeCell\s[^>]*?\bref\s*=\s*["']([A-Z0-9:$]+)["']""")
_TRUE = frozenset(("1", "true"))
_ERRORS = frozenset(("#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#SPILL!", "#CALC!"))
_PLACE = re.compile(r"[0-9]{1,6}", re.ASCII)
_ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
_LAST_ROW = 1_048_576
_LAST_ROW_DIGITS = 7
_MOST_LETTERS = 3
# A spreadsheet keeps so many digits of a number.
_SURE_DIGITS = 15
_SAVED = "a workbook as Excel saves it"
_PASTE = "a value: copy the cells and paste them as values"


class SheetCells:
    """Reads one worksheet.

    Args:
        texts: that cells name by their place.
        formats: of the cells, by their style.
        from_1904: whether days count from 1904.
    """

    def __init__(self, texts: Sequence[str], formats: Sequence[NumberFormat], *, from_1904: bool) -> None:
        self._texts, self._from_1904 = texts, from_1904
        self._formats = {str(style): shown for style, shown in enumerate(formats)}
        # Of the cells that are merged, the first rows and the last ones, in order.
        self._merged: list[tuple[int, int]] = []
        # Of each column, down to which row one formula fills it.
        self._filled = [0] * MAX_COLUMNS
        self._last_filled = 0
        self._hidden_columns: list[tuple[int, int]] = []
        self._columns: dict[str, int] = {}

    def look_behind(self, file: IO[bytes]) -> None:
        """Read which cells are merged: it stands behind the rows.

        Raises:
            TableError: there is too much behind them.
        """
        tail, is_behind = b"", False
        while chunk := file.read(_CHUNK):
            tail += chunk
            if not is_behind:
                end = _ROWS_END.search(tail)
                is_behind = end is not None
                tail = tail[end.end() :] if end is not None else tail[-_TAG:]
            if len(tail) > _MAX_TAIL:
                raise TableError("workbook.size", got="too much behind the rows of the sheet", want="a plain table")
        areas = (area_of(found.decode()) for found in _MERGED.findall(tail))
        self._merged = sorted((area.first_row, area.last_row) for area in areas if area is not None)

    def rows(self, file: IO[bytes]) -> Iterator[TableRow]:
        """Yield the rows, those without a value as empty ones.

        Raises:
            TableError: it is damaged, its rows are out of order, or one of its columns is hidden.
        """
        number_before, checked = 0, False
        are_merged = self._merged_at()
        next(are_merged)
        for row in sheet_rows(file, self._note_columns):
            at = _row_number(row, number_before)
            number_before = at
            values = self._values(row, at)
            is_merged = are_merged.send(at)
            if not any(value is not None and value != "" for value in values):
                yield TableRow(at, [])
                continue
            if not checked:
                self._check_columns(len(values))
                checked = True
            yield TableRow(at, values, self._fault(row, is_merged=is_merged))

    def _note_columns(self, attributes: dict[str, str]) -> None:
        if attributes.get("hidden") in _TRUE or attributes.get("width") == "0":
            first, last = attributes.get("min", ""), attributes.get("max", "")
            if all(_PLACE.fullmatch(number) for number in (first, last)):
                self._hidden_columns.append((int(first), int(last)))

    def _check_columns(self, count: int) -> None:
        """Refuse hidden columns among the first so many: what they hold nobody has looked at."""
        hidden = next((first for first, _ in sorted(self._hidden_columns) if first <= count), None)
        if hidden is not None:
            got = f"a hidden column, at place {hidden}"
            raise TableError("sheet.hidden", got=got, want="all columns shown: show it, or delete it")

    def _merged_at(self) -> Generator[bool, int, None]:
        """Say of the rows that are sent, in their order, whether cells are merged in them."""
        last = passed = 0
        at = yield False
        while True:
            while passed < len(self._merged) and self._merged[passed][0] <= at:
                last = max(last, self._merged[passed][1])
                passed += 1
            at = yield at <= last

    def _fault(self, row: XmlRow, *, is_merged: bool) -> Unclear | None:
        if row.attributes.get("hidden") in _TRUE:
            want = "a row that is shown: end the filter, show the row or delete it"
            return Unclear("sheet.hidden", "a hidden row", want)
        if is_merged:
            return Unclear("sheet.merged", "merged cells", "a cell to each column: separate the cells and fill each")
        return None

    def _values(self, row: XmlRow, at: int) -> list[Value]:
        """Return the values of a row, by their column."""
        values: list[Value] = []
        columns, convert, in_row = self._columns, self._value, str(at)
        for cell in row.cells:
            reference = cell.get("r")
            if reference is not None:
                if TEXT not in cell and FORMULA not in cell:
                    # Programs write cells that have a border and nothing else, up to the last column.
                    continue
                letters = reference.removesuffix(in_row)
                place = columns[letters] if letters in columns else self._new_column(letters)
                if place != len(values):
                    if place < len(values):
                        raise TableError("file.form", got="cells out of order", want=_SAVED, row=at)
                    values += [None] * (place - len(values))
            values.append(convert(cell))
            if FILLED in cell:
                self._fill(cell[FILLED], at)
        if self._last_filled >= at:
            for place, last in enumerate(self._filled[: len(values)]):
                if last >= at:
                    values[place] = _formula("")
        return values

    def _fill(self, reference: str, at: int) -> None:
        """Note which cells a formula fills, from its own row on.

        Raises:
            TableError: another formula fills one of them.
        """
        area = area_of(reference)
        if area is None:
            return
        columns = slice(area.first_column, min(area.last_column + 1, MAX_COLUMNS))
        before = self._filled[columns]
        # Of formulas that no others overlap, all together fill no more cells than there are.
        if max(before, default=0) >= at:
            raise TableError("file.form", got="array formulas that fill the same cells", want=_SAVED, row=at)
        self._filled[columns] = [area.last_row] * len(before)
        self._last_filled = max(self._last_filled, area.last_row)

    def _new_column(self, letters: str) -> int:
        if not (letters.isascii() and letters.isalpha() and letters.isupper()):
            raise TableError("file.form", got="a cell in another row than its own", want=_SAVED)
        place = column_of(letters[:_MOST_LETTERS])
        if place >= MAX_COLUMNS:
            got = f"a cell beyond column {MAX_COLUMNS:,}"
            raise TableError("workbook.columns", got=got, want="a column for each thing that a portfolio tells")
        self._columns[letters] = place
        return place

    def _value(self, cell: XmlCell) -> Value:
        if FORMULA in cell:
            return _formula(cell[FORMULA])
        if TEXT not in cell:
            return None
        text, kind = cell[TEXT], cell.get("t", "n")
        if kind == "s":
            return self._shared(text)
        if kind == "n":
            return self._number(text, cell.get("s"))
        if kind in ("inlineStr", "str"):
            return unescaped(text) if "_x" in text else text
        if kind == "b":
            return "true" if text.strip() == "1" else "false"
        if kind == "e":
            error = text.strip()
            named = f": {error}" if error in _ERRORS else ""
            return Unclear("cell.error", f"an error of a spreadsheet{named}", "a value, or an empty cell")
        return text if kind == "d" else Unclear("cell.kind", "a cell of an unknown kind", "text, a number or a day")

    def _shared(self, text: str) -> Value:
        try:
            # A place before the first text would be one from the end.
            return self._texts[int(text) if text.isdigit() else len(self._texts)]
        except (ValueError, IndexError):
            return Unclear("cell.kind", "a text that the workbook does not have", _SAVED)

    def _number(self, text: str, style: str | None) -> Value:
        shown = NumberFormat.PLAIN if style is None else self._formats.get(style, NumberFormat.PLAIN)
        if shown is NumberFormat.PLAIN and len(text) <= _SURE_DIGITS and text.isdigit() and text.isascii():
            return int(text)
        text = text.strip()
        if not text:
            return None
        if shown is NumberFormat.DAY:
            return point_in_time(text, from_1904=self._from_1904)
        if shown is NumberFormat.TIME:
            return Unclear("cell.day", "a time or a duration, without a day", "a day, or a number")
        return number(text, shown)


def _row_number(row: XmlRow, before: int) -> int:
    text = row.attributes.get("r")
    is_number = text is not None and text.isascii() and text.isdigit() and len(text) <= _LAST_ROW_DIGITS
    at = before + 1 if text is None else int(text) if is_number else 0
    if not before < at <= _LAST_ROW:
        raise TableError("file.form", got="rows out of order", want=_SAVED, row=max(1, before))
    return at


def _formula(text: str) -> Unclear:
    got = "a formula that reads another workbook" if "[" in text else "a formula"
    return Unclear("cell.formula", got, _PASTE)


def unescaped(text: str) -> str:
    """Return a text with the characters that XML does not have, which Excel writes as ``_x000D_``."""
    if "_x" not in text:
        return text
    found = _ESCAPED.sub(lambda found: chr(int(found.group(1), 16)), text)
    # A character beyond the first plane is written as two halves.
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
