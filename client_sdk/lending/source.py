"""The table of a portfolio: a text, a sheet of a workbook, a file of columns or a data frame."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, TypeVar

from client_sdk.kernel.formats.digits import plain_digits
from client_sdk.lending.header import SEPARATORS, check_names, csv_cells, folded, header_of
from client_sdk.lending.metro2 import HEADINGS, is_metro2, metro2_rows
from client_sdk.lending.refusal import refused
from client_sdk.lending.table_rows import heading_texts, refusal_of, table_rows
from client_sdk.lending.text_rows import csv_rows, json_names, json_rows
from client_sdk.lending.text_source import TextSource, is_packed, opener
from client_sdk.tables.columnar import ColumnarKind, frame_batches
from client_sdk.tables.columnar_file import ColumnFile
from client_sdk.tables.values import TableError
from client_sdk.tables.workbook import Workbook, check_no_old_workbook
from client_sdk.tables.writing import TableKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from client_sdk.lending.mapping import ColumnMapping
    from client_sdk.lending.row_maker import RowMaker
    from client_sdk.lending.text_source import Encoding
    from client_sdk.models.batch import RejectedRow
    from client_sdk.tables.columnar import ColumnBatches

__all__ = ["Described", "TableSource", "frame_source", "opened_source", "shown_sheets"]

R = TypeVar("R")

_JSON_BEGINNINGS = frozenset("{[")
_FIRST_BYTES = 8
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_COLUMNAR = {b"PAR1": ColumnarKind.PARQUET, b"ARROW1": ColumnarKind.ARROW}
_FORMS = {ColumnarKind.PARQUET: "Parquet", ColumnarKind.ARROW: "Arrow"}
# Longer than a heading, or with so many digits in a row: the data of a person.
_MOST_HEADING = 80
_PERSONAL = re.compile(r"[0-9]{6}")


class Described(NamedTuple):
    """What a source is.

    Attributes:
        form: in words.
        encoding: of its text; None where it is none.
        separator: what stands between its columns, in a word; empty where nothing does.
        sheet: that is read; empty where it is no workbook.
    """

    form: str
    encoding: Encoding | None = None
    separator: str = ""
    sheet: str = ""


class TableSource(Protocol):
    """A table that may be read again and again."""

    def described(self, required: Sequence[str], mapping: ColumnMapping | None) -> Described:
        """Return what it is, and check its header.

        Raises:
            PreflightError: its header names an unknown column, or one twice, or is missing.
        """

    def headings(self) -> list[str]:
        """Return its headings as they are written.

        Raises:
            PreflightError: it has none.
        """

    def rows(self, required: Sequence[str], make: RowMaker[R]) -> Iterator[R | RejectedRow | None]:
        """Yield what its rows make, and None for each that is empty: who reads counts all, and may stop at any.

        Raises:
            PreflightError: it is damaged, or its header is not what is wanted.
        """


def opened_source(source: Path | BinaryIO, encoding: Encoding | None, sheet: str | None) -> TableSource:
    """Return the table that a file or a stream holds, by its first bytes.

    Raises:
        ConfigError: it cannot be opened.
        PreflightError: it is no table, or a sheet is named and it has none.
        OSError: it cannot be read.
    """
    open_ = opener(source)
    with open_() as file:
        first = file.read(_FIRST_BYTES)
    try:
        with open_() as file:
            check_no_old_workbook(file)
        if first.startswith((_ZIP, _EMPTY_ZIP)):
            return _WorkbookTable(Workbook(open_), sheet)
        if sheet is not None:
            want = "no name of a sheet, or a workbook"
            raise refused(1, "file", "workbook.sheets", want, got="a sheet is named, and this is no workbook")
        for beginning, kind in _COLUMNAR.items():
            if first.startswith(beginning):
                return _ColumnarTable(ColumnFile(open_, kind), _FORMS[kind])
    except TableError as error:
        raise refusal_of(error) from None
    if is_metro2(first):
        return _Metro2Table(open_)
    path = source if isinstance(source, Path) else None
    text = TextSource(open_, packed=None if path is None else is_packed(path), encoding=encoding)
    is_json = path is not None and TableKind.of(path) is TableKind.JSON_LINES
    return _TextTable(text, is_json=is_json or text.first_character() in _JSON_BEGINNINGS)


def shown_sheets(source: Path | BinaryIO) -> list[str]:
    """Return the names of the sheets of a workbook that are shown; none where it is no workbook that can be read.

    Raises:
        ConfigError: it cannot be opened.
        OSError: it cannot be read.
    """
    open_ = opener(source)
    with open_() as file:
        if not file.read(_FIRST_BYTES).startswith(_ZIP):
            return []
    try:
        return [sheet.name for sheet in Workbook(open_).sheets if not sheet.hidden]
    except TableError:
        return []


def frame_source(frame: object) -> TableSource:
    """Return the table that a data frame holds.

    Raises:
        ConfigError: it is none, or ``pyarrow`` is not installed.
        PreflightError: it is none that can be read.
    """
    try:
        return _ColumnarTable(frame_batches(frame), "a data frame")
    except TableError as error:
        raise refusal_of(error) from None


class _TextTable:
    """A text: CSV or JSON Lines."""

    def __init__(self, text: TextSource, *, is_json: bool) -> None:
        self._text, self._is_json = text, is_json

    def described(self, required: Sequence[str], mapping: ColumnMapping | None) -> Described:
        encoding = self._text.encoding
        if self._is_json:
            return Described(encoding, encoding)
        separator = SEPARATORS[header_of(self._first_line(), required, mapping).separator]
        return Described(f"{encoding} with {separator}", encoding, separator)

    def headings(self) -> list[str]:
        if self._is_json:
            names = next((line for line in self._text.lines() if line.strip()), "")
            return _checked(json_names(names))
        line = self._first_line()
        return _checked(max((_cells(line, separator) for separator in SEPARATORS), key=len))

    def rows(self, required: Sequence[str], make: RowMaker[R]) -> Iterator[R | RejectedRow | None]:
        lines = self._text.lines()
        if self._is_json:
            return json_rows(lines, make)
        return csv_rows(lines, required, make)

    def _first_line(self) -> str:
        return next(self._text.lines(), "")


class _WorkbookTable:
    """One sheet of a workbook."""

    def __init__(self, workbook: Workbook, sheet: str | None) -> None:
        self._workbook = workbook
        self._sheet = workbook.sheet(sheet)

    def described(self, required: Sequence[str], mapping: ColumnMapping | None) -> Described:
        names = folded(self.headings_as_written(), mapping)
        check_names(names, "", required, mapping)
        return Described(f"Excel, sheet '{self._sheet.name}'", sheet=self._sheet.name)

    def headings(self) -> list[str]:
        return _checked(self.headings_as_written())

    def headings_as_written(self) -> list[str]:
        try:
            return heading_texts(self._workbook.rows(self._sheet))
        except TableError as error:
            raise refusal_of(error) from None

    def rows(self, required: Sequence[str], make: RowMaker[R]) -> Iterator[R | RejectedRow | None]:
        try:
            rows = self._workbook.rows(self._sheet)
            header = heading_texts(rows)
        except TableError as error:
            raise refusal_of(error) from None
        yield from table_rows(rows, header, required, make)


class _ColumnarTable:
    """A file of columns, or a data frame."""

    def __init__(self, table: ColumnBatches | ColumnFile, form: str) -> None:
        self._table, self._form = table, form

    def described(self, required: Sequence[str], mapping: ColumnMapping | None) -> Described:
        check_names(folded(self._table.names, mapping), "", required, mapping)
        return Described(self._form)

    def headings(self) -> list[str]:
        return _checked(self._table.names)

    def rows(self, required: Sequence[str], make: RowMaker[R]) -> Iterator[R | RejectedRow | None]:
        return table_rows(self._table.rows(), self._table.names, required, make)


class _Metro2Table:
    """Base segments of Metro 2."""

    def __init__(self, open_: Callable[[], BinaryIO]) -> None:
        self._open = open_

    def described(self, required: Sequence[str], mapping: ColumnMapping | None) -> Described:
        self._check(required, mapping)
        return Described("Metro 2")

    def headings(self) -> list[str]:
        return list(HEADINGS)

    def rows(self, required: Sequence[str], make: RowMaker[R]) -> Iterator[R | RejectedRow | None]:
        self._check(required, make.mapping)
        return table_rows(metro2_rows(self._open), HEADINGS, required, make)

    def _check(self, required: Sequence[str], mapping: ColumnMapping | None) -> None:
        if mapping is None:
            want = "a mapping, for what its fields do not say: see `report FILE --mapping-template`"
            raise refused(1, "file", "metro2.mapping", want, got="base segments of Metro 2")
        check_names(list(HEADINGS), "", required, mapping)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return csv_cells(line, separator)
    except csv.Error:
        return []


def _checked(headings: Sequence[str]) -> list[str]:
    """Return headings without empty ones, unless they look like the data of a person.

    Raises:
        PreflightError: they do, or there are none.
    """
    found = [heading.strip() for heading in headings if heading.strip()]
    are_personal = (len(name) > _MOST_HEADING or _PERSONAL.search(plain_digits(name)) for name in found)
    personal = [place for place, is_personal in enumerate(are_personal, start=1) if is_personal]
    if not found or personal:
        got = f"a value and no heading, at place {personal[0]}" if personal else "no header"
        raise refused(1, "header", "columns.known", "a header row", got=got)
    return found
