"""Portfolios in files, streams and data frames, read row by row and written.

CSV: one header row that names columns of ``client_sdk.lending.columns`` in any order and case, then one row a line.
Commas stand between the columns, or semicolons, tabs, bars or full-width commas where the header shows it. JSON Lines:
one object a line with the same names; texts, whole numbers, true and false, null for absent, and lists for measures,
contacts and grounds. Either may be compressed (``.gz``), and is in UTF-8, GB18030 or UTF-16
(``client_sdk.lending.text_source``); UTF-8 is what is written.

Excel workbooks (``.xlsx``): the first row of a sheet is the header; days are days, amounts and counts numbers, all else
is text. Parquet and Arrow files have a column for each. A mapping (``client_sdk.lending.mapping``) gives a bank's own
headings and codes their columns and words.

A row that cannot be read becomes a ``RejectedRow`` in its place, so one bad cell neither hides another nor holds up the
file; ``report_many`` counts it as rejected.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

from client_sdk._files import path_of
from client_sdk.errors import ConfigError
from client_sdk.lending.column_forms import FORMS, ColumnForm
from client_sdk.lending.columns import customer_of, report_of
from client_sdk.lending.header import OF_A_CUSTOMER, OF_A_REPORT
from client_sdk.lending.mapping import ColumnMapping, read_mapping
from client_sdk.lending.row_maker import RowMaker
from client_sdk.lending.rows import row_of
from client_sdk.lending.source import TableSource, frame_source, opened_source, shown_sheets
from client_sdk.lending.text_rows import csv_rows, json_rows
from client_sdk.lending.text_source import Encoding
from client_sdk.new_file import NewFile
from client_sdk.tables.writing import TableKind, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from client_sdk.lending.columns import CustomerRow
    from client_sdk.models.batch import RejectedRow
    from client_sdk.models.report import Report
    from client_sdk.tables.values import Value

__all__ = [
    "Encoding",
    "Portfolio",
    "customer_steps",
    "headings_of",
    "portfolio_from_frame",
    "read_csv",
    "read_customers",
    "read_json_lines",
    "read_portfolio",
    "sheets_of",
    "write_portfolio",
]

T = TypeVar("T")

_TYPES: dict[ColumnForm, type] = {ColumnForm.DAY: date, ColumnForm.NUMBER: int}


class Portfolio:
    """The rows of a portfolio, which may be gone through again and again.

    Args:
        source: its table.
        make: of each row.

    Attributes:
        form: what it is, in words such as ``UTF-8 with commas`` or ``Excel, sheet 'portfolio'``.
        encoding: in which its text is read; None where it is no text.
        separator: what stands between its columns, in a word such as ``commas``; empty where nothing does.
        sheet: name of the sheet that is read; empty where it is no workbook.

    Raises:
        PreflightError: its header names an unknown column, or one twice, or is missing.
    """

    def __init__(self, source: TableSource, make: RowMaker[Report]) -> None:
        self._source, self._make = source, make
        described = source.described(OF_A_REPORT, make.mapping)
        self.form, self.encoding = described.form, described.encoding
        self.separator, self.sheet = described.separator, described.sheet

    def __iter__(self) -> Iterator[Report | RejectedRow]:
        """Yield the rows that are not empty; errors as for ``steps``."""
        return _filled(self.steps())

    def steps(self) -> Iterator[Report | RejectedRow | None]:
        """Yield the rows, and None for each that is empty: who reads counts all, and may stop at any.

        Raises:
            ConfigError: the file cannot be read.
            PreflightError: its text is not in its encoding, or it is damaged.
        """
        rows = self._source.rows(OF_A_REPORT, self._make)
        return _read_rows(rows)


def read_portfolio(
    source: str | Path | BinaryIO,
    *,
    encoding: Encoding | None = None,
    sheet: str | None = None,
    mapping: str | Path | ColumnMapping | None = None,
) -> Portfolio:
    """Open a portfolio: a workbook, Parquet or Arrow by its first bytes, JSON Lines by name or beginning, else CSV.

    Args:
        source: path of a file or a pipe, or a stream of bytes; a pipe or a stream is kept in memory, at most 256 MiB.
        encoding: of the text; None finds it out.
        sheet: of a workbook, by name or place from 1; None for the only one that is shown, or that called
            ``portfolio``.
        mapping: TOML file with the columns of the file's own headings, or what was read of one; None where its headings
            are columns.

    Raises:
        ConfigError: it cannot be opened or read, or is too long for a stream, or the mapping has a mistake.
        PreflightError: it is no portfolio, is damaged, is not in its encoding, or its header names an unknown column,
            or one twice.
    """
    make: RowMaker[Report] = RowMaker(report_of, _mapping(mapping))
    return _read(lambda: Portfolio(_opened(source, encoding, sheet), make))


def portfolio_from_frame(frame: object, *, mapping: str | Path | ColumnMapping | None = None) -> Portfolio:
    """Return the portfolio that a data frame holds, as of pandas or Polars; needs the extra ``files``.

    Args:
        frame: an object with ``__arrow_c_stream__``. Identity numbers, references and contracts are text; days are
            days, or texts that name them; rows are called by their place, counted from 1.
        mapping: as for ``read_portfolio``.

    Raises:
        ConfigError: it is no such object, ``pyarrow`` is not installed, or the mapping has a mistake.
        PreflightError: it names an unknown column, or one twice, or lacks a required one.
    """
    return Portfolio(frame_source(frame), RowMaker(report_of, _mapping(mapping)))


def read_customers(
    source: str | Path | BinaryIO,
    *,
    encoding: Encoding | None = None,
    sheet: str | None = None,
    mapping: str | Path | ColumnMapping | None = None,
) -> Iterator[CustomerRow | RejectedRow]:
    """Return the customers of a portfolio for a screening; arguments, forms and errors as for ``read_portfolio``.

    Identity, consent and reference are read; the other columns may be there or not.
    """
    return _filled(customer_steps(source, encoding=encoding, sheet=sheet, mapping=mapping))


def customer_steps(
    source: str | Path | BinaryIO,
    *,
    encoding: Encoding | None = None,
    sheet: str | None = None,
    mapping: str | Path | ColumnMapping | None = None,
) -> Iterator[CustomerRow | RejectedRow | None]:
    """Return what ``read_customers`` does, and None for each row that is empty."""
    make: RowMaker[CustomerRow] = RowMaker(customer_of, _mapping(mapping))
    table = _read(lambda: _opened(source, encoding, sheet))
    rows = table.rows(OF_A_CUSTOMER, make)
    return _read_rows(rows)


def _read_rows(rows: Iterator[T]) -> Iterator[T]:
    try:
        yield from rows
    except OSError as error:
        raise ConfigError(f"the portfolio cannot be read: {error.strerror}") from error


def _filled(rows: Iterable[T | None]) -> Iterator[T]:
    return (row for row in rows if row is not None)


def headings_of(
    source: str | Path | BinaryIO, *, encoding: Encoding | None = None, sheet: str | None = None
) -> list[str]:
    """Return the headings of a file as they are, for a mapping; arguments and errors as for ``read_portfolio``.

    Raises:
        PreflightError: also where the first row is no header but looks like the data of a person.
    """
    return _read(lambda: _opened(source, encoding, sheet).headings())


def sheets_of(source: str | Path | BinaryIO) -> list[str]:
    """Return the names of the sheets of a workbook that are shown; none where it is no workbook that can be read.

    Raises:
        ConfigError: it cannot be opened or read.
    """
    return _read(lambda: shown_sheets(_source(source)))


def _read(open_: Callable[[], T]) -> T:
    try:
        return open_()
    except OSError as error:
        raise ConfigError(f"the portfolio cannot be read: {error}") from error


def _mapping(given: str | Path | ColumnMapping | None) -> ColumnMapping | None:
    return given if given is None or isinstance(given, ColumnMapping) else read_mapping(path_of(given, "mapping"))


def _opened(source: str | Path | BinaryIO, encoding: Encoding | None, sheet: str | None) -> TableSource:
    named: object = sheet
    if named is not None and not isinstance(named, str):
        raise ConfigError(f"sheet: want a name or a place as text, got {type(named).__name__}")
    return opened_source(_source(source), _encoding(encoding), sheet)


def _source(source: str | Path | BinaryIO) -> Path | BinaryIO:
    path = source if callable(getattr(source, "read", None)) else path_of(cast("str | Path", source), "source")
    return cast("Path | BinaryIO", path)


def _encoding(given: Encoding | None) -> Encoding | None:
    try:
        return None if given is None else Encoding(given)
    except ValueError:
        raise ConfigError(f"encoding: want one of {', '.join(Encoding)}, or None") from None


def read_csv(lines: Iterable[str]) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a CSV text; see ``csv_rows``.

    Raises:
        PreflightError: the header names an unknown column, or one twice, lacks a required one, or is missing.
    """
    return _filled(csv_rows(lines, OF_A_REPORT, RowMaker(report_of)))


def read_json_lines(lines: Iterable[str]) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a text with one JSON object a line; see ``json_rows``.

    Raises:
        PreflightError: the text is one JSON array.
    """
    return _filled(json_rows(lines, RowMaker(report_of)))


def write_portfolio(path: str | Path, reports: Iterable[Report]) -> int:
    """Write reports to a new file with mode 0600; it holds identity numbers.

    Args:
        path: its form is that of its name: ``.csv``, ``.jsonl`` (either with ``.gz``), ``.xlsx``, ``.parquet`` or
            ``.arrow``.
        reports: to be written.

    Returns:
        The number of rows.

    Raises:
        ConfigError: the file exists already, or cannot be written, or a library of the extra ``files`` is missing.
    """
    with NewFile(path) as new:
        typed = TableKind.of(new.path) not in (TableKind.CSV, TableKind.JSON_LINES)
        columns = [(column, _TYPES.get(form, str)) for column, form in FORMS.items()]
        rows = map(row_of, reports)
        try:
            with new.draft.open("wb") as file:
                count = write_table(file, new.path, columns, (_values(row, typed=typed) for row in rows))
        except OSError as error:
            raise ConfigError(f"{new.path} cannot be written: {error}") from error
        new.publish()
    return count


def _values(row: Mapping[str, str], *, typed: bool) -> list[Value]:
    """Return the cells of a row; days and numbers as such where the file knows them."""
    texts = (row.get(column, "") for column in FORMS)
    if not typed:
        return list(texts)
    return [_typed(text, form) for text, form in zip(texts, FORMS.values(), strict=True)]


def _typed(text: str, form: ColumnForm) -> Value:
    if not text:
        return None
    if form is ColumnForm.DAY:
        return date.fromisoformat(text)
    return int(text) if form is ColumnForm.NUMBER else text
