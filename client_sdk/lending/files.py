"""Portfolios in files and streams: CSV and JSON Lines, read row by row and written.

CSV: one header row that names columns of ``client_sdk.lending.columns`` in any order and case, then one row a line.
Commas stand between the columns, or semicolons, tabs, bars or full-width commas where the header shows it. JSON Lines:
one object a line with the same names; texts, whole numbers, true and false, null for absent, and lists for measures and
contacts.
Either may be compressed (``.gz``), and is in UTF-8, GB18030 or UTF-16 (``client_sdk.lending.text_source``); UTF-8 is
what is written.

A row that cannot be read becomes a ``RejectedRow`` in its place, so one bad cell neither hides another nor holds up the
file; ``report_many`` counts it as rejected.
"""

from __future__ import annotations

import csv
import difflib
import gzip
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TextIO, TypeAlias, TypeVar, cast

from client_sdk._files import path_of
from client_sdk.errors import ConfigError, PreflightError
from client_sdk.kernel.formats import strict_json
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.lending.cells import Cells
from client_sdk.lending.columns import COLUMNS, customer_of, report_of
from client_sdk.lending.preflight import MAX_REFERENCE_CHARACTERS
from client_sdk.lending.rows import row_of
from client_sdk.lending.text_source import Encoding, TextSource, is_packed
from client_sdk.lending.typed_cells import cell_text, of_wrong_types
from client_sdk.models.batch import RejectedRow
from client_sdk.models.violation import Violation
from client_sdk.new_file import NewFile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from client_sdk.lending.columns import CustomerRow
    from client_sdk.models.report import Report

__all__ = [
    "Encoding",
    "Portfolio",
    "read_csv",
    "read_customers",
    "read_json_lines",
    "read_portfolio",
    "write_portfolio",
]

R = TypeVar("R")
# What makes a value of the cells of a row, or rejects it.
_Make: TypeAlias = "Callable[[dict[str, str], int], R | RejectedRow]"

_KNOWN = frozenset(COLUMNS)
# Without these no row is a report, or a customer.
_REQUIRED = ("kind", "standing", "id_type", "id_number", "reference")
_OF_A_CUSTOMER = ("id_type", "id_number", "consent_form")
# How alike a name must be to the column that it is perhaps meant to be, from 0 to 1.
_NEAR = 0.75
_MALFORMED = "MALFORMED"
_COMMA = ","
_SEPARATORS = {_COMMA: "commas", ";": "semicolons", "\t": "tabs", "|": "bars", "，": "full-width commas"}
_JSON_SUFFIXES = frozenset((".jsonl", ".ndjson", ".json"))
# As far as it has no escapes.
_JSON_REFERENCE = re.compile(rf'"reference"\s*:\s*"([^"\\]{{1,{MAX_REFERENCE_CHARACTERS}}})"')
# No header of CSV begins so.
_JSON_BEGINNINGS = frozenset("{[")


class _Header(NamedTuple):
    names: list[str]
    separator: str


class Portfolio:
    """The rows of a portfolio, which may be gone through again and again.

    Args:
        source: its text.
        is_json: whether it is JSON Lines.

    Attributes:
        encoding: in which it is read.
        separator: what stands between its columns, in a word such as ``commas``; empty for JSON Lines.

    Raises:
        PreflightError: its header names an unknown column, or one twice, or is missing.
    """

    def __init__(self, source: TextSource, *, is_json: bool) -> None:
        self._source = source
        self._is_json = is_json
        self.encoding = source.encoding
        self.separator = "" if is_json else _SEPARATORS[_header(next(source.lines(), "")).separator]

    def __iter__(self) -> Iterator[Report | RejectedRow]:
        """Yield the rows.

        Raises:
            ConfigError: the file cannot be read.
            PreflightError: its text is not in its encoding, or its compression is damaged.
        """
        try:
            yield from read_json_lines(self._source.lines()) if self._is_json else read_csv(self._source.lines())
        except OSError as error:
            raise ConfigError(f"the portfolio cannot be read: {error.strerror}") from error


def read_portfolio(source: str | Path | BinaryIO, *, encoding: Encoding | None = None) -> Portfolio:
    """Open a portfolio: JSON Lines where it is called ``.jsonl``, ``.ndjson`` or ``.json`` or begins so, else CSV.

    Args:
        source: path of a file or a pipe, or a stream of bytes; a pipe or a stream is kept in memory, at most 256 MiB.
        encoding: of the text; None finds it out.

    Raises:
        ConfigError: it cannot be opened or read, or is too long for a stream.
        PreflightError: it is no text, or not in its encoding, its compression is damaged, or its header names an
            unknown column, or one twice.
    """
    text, is_json = _opened(source, encoding)
    try:
        return Portfolio(text, is_json=is_json)
    except OSError as error:
        raise ConfigError(f"the portfolio cannot be read: {error}") from error


def read_customers(
    source: str | Path | BinaryIO, *, encoding: Encoding | None = None
) -> Iterator[CustomerRow | RejectedRow]:
    """Yield the customers of a portfolio for a screening; arguments, forms and errors as for ``read_portfolio``.

    Identity, consent and reference are read; the other columns may be there or not.
    """
    text, is_json = _opened(source, encoding)
    try:
        yield from (_json_rows if is_json else _csv_rows)(text.lines(), customer_of)
    except OSError as error:
        raise ConfigError(f"the portfolio cannot be read: {error.strerror}") from error


def _opened(source: str | Path | BinaryIO, encoding: Encoding | None) -> tuple[TextSource, bool]:
    """Return the text of a portfolio, and whether it is JSON Lines."""
    path = source if callable(getattr(source, "read", None)) else path_of(cast("str | Path", source), "source")
    try:
        text = TextSource(cast("Path | BinaryIO", path), _encoding(encoding))
        is_json = isinstance(path, Path) and _is_json(path)
        return text, is_json or text.first_character() in _JSON_BEGINNINGS
    except OSError as error:
        raise ConfigError(f"the portfolio cannot be read: {error}") from error


def _encoding(given: Encoding | None) -> Encoding | None:
    try:
        return None if given is None else Encoding(given)
    except ValueError:
        raise ConfigError(f"encoding: want one of {', '.join(Encoding)}, or None") from None


def read_csv(lines: Iterable[str]) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a CSV text, each on one line: no cell of these columns holds a line break.

    A quote that is left open is an error of its line and does not swallow the lines after it.

    Raises:
        PreflightError: the header names an unknown column, or one twice, lacks a required one, or is missing.
    """
    return _csv_rows(lines, report_of)


def _csv_rows(lines: Iterable[str], make: _Make[R]) -> Iterator[R | RejectedRow]:
    numbered = enumerate(lines, start=1)
    required = _OF_A_CUSTOMER if make is customer_of else _REQUIRED
    names, separator = _header(next(numbered, (1, ""))[1], required)
    for number, line in numbered:
        try:
            cells = _without_empty_end(_cells(line, separator), len(names))
        except csv.Error as error:
            yield replace(_unreadable_csv(number, error), references=_references(names, line.split(separator)))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(names):
            broken = _unreadable(number, "csv.cells", f"{len(names)} cells", got=f"{len(cells)} cells")
            yield replace(broken, references=_references(names, cells))
            continue
        yield make(dict(zip(names, cells, strict=True)), number)


def _references(names: Sequence[str], cells: Sequence[str]) -> tuple[str, ...]:
    """Return the cells of a line that may be its reference, where it has too many cells or too few.

    The reference is as far from its place at most as there are cells too many or missing.
    """
    if "reference" not in names:
        return ()
    place, off = names.index("reference"), abs(len(cells) - len(names))
    near = (text.strip().strip('"') for text in cells[max(0, place - off) : place + off + 1])
    return tuple(dict.fromkeys(text for text in near if 0 < len(text) <= MAX_REFERENCE_CHARACTERS))


def _without_empty_end(cells: list[str], length: int) -> list[str]:
    """Return cells without empty ones at their end, as long as there are more than columns have names."""
    while len(cells) > length and not cells[-1].strip():
        cells.pop()
    return cells


def _cells(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], strict=True, delimiter=separator), [])


def read_json_lines(lines: Iterable[str]) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a text with one JSON object a line; empty lines are skipped.

    Raises:
        PreflightError: the text is one JSON array.
    """
    return _json_rows(lines, report_of)


def _json_rows(lines: Iterable[str], make: _Make[R]) -> Iterator[R | RejectedRow]:
    is_first = True
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if is_first and line.lstrip().startswith("["):
            want = "JSON Lines: one object a line, without brackets around them and commas between them"
            raise _refused(number, "file", "json.lines", want, got="a JSON array")
        is_first = False
        try:
            content = strict_json.parse(line, "row")
        except FormatError as error:
            if error.rule == "json.once":
                broken = _unreadable(number, error.rule, error.want, got=error.got)
                yield replace(broken, references=_json_references(line))
                continue
            content = None
        if not isinstance(content, dict):
            broken = _unreadable(number, "json.object", "one JSON object a line")
            yield replace(broken, references=_json_references(line))
        elif unknown := set(content) - _KNOWN:
            yield _rejected(
                content,
                _violation(number, "columns.known", "columns of the documentation", got=f"{len(unknown)} others"),
            )
        elif wrong := of_wrong_types(content, number):
            yield _rejected(content, *wrong)
        else:
            yield make({name: cell_text(value) for name, value in content.items()}, number)


def _json_references(line: str) -> tuple[str, ...]:
    """Return the texts that a line which is no object, or names something twice, gives as its reference."""
    return tuple(found.group(1) for found in itertools.islice(_JSON_REFERENCE.finditer(line), 2))


def write_portfolio(path: str | Path, reports: Iterable[Report]) -> int:
    """Write reports to a new file with mode 0600, CSV or JSON Lines by its name; it holds identity numbers.

    Returns:
        The number of rows.

    Raises:
        ConfigError: the file exists already, or cannot be written.
    """
    count = 0
    with NewFile(path) as new:
        file = new.path
        try:
            with _open_new(new.draft, packed=is_packed(file)) as lines:
                write = csv.DictWriter(lines, COLUMNS, restval="", lineterminator="\n")
                if not _is_json(file):
                    write.writeheader()
                for row in map(row_of, reports):
                    if _is_json(file):
                        lines.write(json.dumps(row, ensure_ascii=False) + "\n")
                    else:
                        write.writerow(row)
                    count += 1
        except OSError as error:
            raise ConfigError(f"{file} cannot be written: {error}") from error
        new.publish()
    return count


def _is_json(path: Path) -> bool:
    name = path.with_suffix("") if is_packed(path) else path
    return name.suffix.lower() in _JSON_SUFFIXES


def _open_new(path: Path, *, packed: bool) -> TextIO:
    if packed:
        return gzip.open(path, "wt", encoding="utf-8", newline="")
    return path.open("w", encoding="utf-8", newline="")


def _header(line: str, required: Sequence[str] = _REQUIRED) -> _Header:
    """Return the columns that a first line names, and what stands between them.

    Another separator than the comma is taken only where it leaves nothing but columns that are known.

    Raises:
        PreflightError: the line names an unknown column, or one twice, or none.
    """
    headers = [_Header(_names(line, separator), separator) for separator in _SEPARATORS]
    found = next((header for header in headers if len(header.names) > 1 and set(header.names) <= _KNOWN), headers[0])
    _check_header(found.names, line, required)
    return found


def _names(line: str, separator: str) -> list[str]:
    try:
        names = [name.strip().lower() for name in _cells(line, separator)]
    except csv.Error:
        return []
    while names and not names[-1]:
        names.pop()
    return names


def _check_header(header: list[str], line: str, required: Sequence[str]) -> None:
    """Reject a file without a header; its cells are not shown, since they may be personal data.

    Args:
        header: names of the columns.
        line: as it was read, to say what it looks like instead.
        required: columns without which no row can be read.

    Raises:
        PreflightError: it names an unknown column, or one twice, lacks a required one, or is missing.
    """
    unknown = [place for place, name in enumerate(header, start=1) if name not in _KNOWN]
    if len(unknown) == len(header):
        got = _instead_of_header(line)
    elif unknown:
        columns = "1 unknown column" if len(unknown) == 1 else f"{len(unknown)} unknown columns"
        # A name that nearly is one of the columns is no personal data.
        near = difflib.get_close_matches(header[unknown[0] - 1], COLUMNS, n=1, cutoff=_NEAR)
        got = f"{columns}, the first at place {unknown[0]}" + (f", perhaps {near[0]}" if near else "")
    elif len(set(header)) != len(header):
        got = "a column twice"
    elif missing := [column for column in required if column not in header]:
        got = f"no column {' and none '.join(missing)}"
    else:
        return
    raise _refused(1, "header", "columns.known", "a header row of the columns of a portfolio", got=got)


def _instead_of_header(line: str) -> str:
    """Return a description of a first line that names no column."""
    for separator, name in _SEPARATORS.items():
        if {cell.strip().lower() for cell in line.split(separator)} & _KNOWN:
            return f"a header with {name} between its columns, some of which are unknown"
    if line.lower().startswith("sep="):
        return "a line that names the separator, want the header first"
    return "no header"


def _refused(row: int, field: str, rule: str, want: str, *, got: str) -> PreflightError:
    return PreflightError((Violation(row=row, reason=_MALFORMED, field=field, rule=rule, got=got, want=want),))


def _unreadable_csv(row: int, error: csv.Error) -> RejectedRow:
    # The module has one kind of error; its text is what tells them apart.
    if "field limit" in str(error):
        return _unreadable(row, "csv.length", f"cells of at most {csv.field_size_limit()} characters")
    if "unexpected end" in str(error):
        return _unreadable(row, "csv.quote", "a quote that ends on its line", got="an open quote")
    return _unreadable(row, "csv.row", "quotes that end, and no control characters")


def _rejected(content: Mapping[str, object], *violations: Violation) -> RejectedRow:
    """Return an object that is no row, with what it calls its record as far as that is text."""
    cells = Cells({name: value for name, value in content.items() if isinstance(value, str)}, violations[0].row)
    cells.violations += violations
    return cells.rejected()


def _unreadable(row: int, rule: str, want: str, *, got: str = "") -> RejectedRow:
    return RejectedRow(row=row, violations=(_violation(row, rule, want, got=got),))


def _violation(row: int, rule: str, want: str, *, got: str) -> Violation:
    return Violation(row=row, reason=_MALFORMED, field="row", rule=rule, got=got, want=want)
