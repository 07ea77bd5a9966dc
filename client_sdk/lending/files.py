"""Portfolios in files: CSV and JSON Lines, read as a stream and written.

CSV: UTF-8 (a byte order mark is skipped), commas, one header row that names columns of ``client_sdk.lending.columns``
in any order and case, then one row a line. JSON Lines: one object a line with the same names; texts, whole numbers,
true and false, null for absent, and a list for measures. Either may be compressed (``.gz``).

A row that cannot be read becomes a ``RejectedRow`` in its place, so one bad cell neither hides another nor holds up the
file; ``report_many`` counts it as rejected.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from client_sdk.errors import ConfigError, PreflightError
from client_sdk.kernel.formats import strict_json
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.lending.columns import COLUMNS, report_of
from client_sdk.lending.rows import row_of
from client_sdk.models.batch import RejectedRow
from client_sdk.models.violation import Violation
from client_sdk.new_file import NewFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from client_sdk.models.report import Report

__all__ = ["read_csv", "read_json_lines", "read_portfolio", "write_portfolio"]

_KNOWN = frozenset(COLUMNS)
_MALFORMED = "MALFORMED"
_FLAGS = frozenset(("estimated", "days_estimated"))
_JSON_TYPES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    float: "a number with a decimal point",
    bool: "true or false",
    int: "a whole number",
    str: "text",
}
_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars", "，": "full-width commas"}
# First bytes of files that are no text in UTF-8.
_NO_TEXT = {
    b"PK\x03\x04": "a workbook or another zip file",
    b"\xd0\xcf\x11\xe0": "a workbook of the old form",
    b"PAR1": "a Parquet file",
    b"\x1f\x8b": "a gzip file whose name does not end in .gz",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_JSON_SUFFIXES = frozenset((".jsonl", ".ndjson", ".json"))
# What stands for a byte that is no UTF-8; UTF-8 itself never decodes to it.
_UNDECODED = re.compile("[\udc80-\udcff]")


def read_portfolio(path: str | Path) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a file: CSV, or JSON Lines where it is called ``.jsonl``, ``.ndjson`` or ``.json``.

    Raises:
        ConfigError: the file cannot be opened or read.
        PreflightError: it is not UTF-8, its compression is damaged, or its header names an unknown column, or one
            twice.
    """
    file = Path(path)
    try:
        if not _is_packed(file):
            _check_is_text(file)
        with _open(file, "rt", packed=_is_packed(file)) as lines:
            whole = _whole(lines)
            yield from read_json_lines(whole) if _is_json(file) else read_csv(whole)
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error


def read_csv(lines: Iterable[str]) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a CSV text, each on one line: no cell of these columns holds a line break.

    A quote that is left open is told at its line and takes no line behind it along.

    Raises:
        PreflightError: the header names an unknown column, or one twice, or is missing.
    """
    numbered = enumerate(lines, start=1)
    first = next(numbered, (1, ""))[1]
    try:
        header = [name.strip().lower() for name in _cells(first)]
    except csv.Error:
        header = []
    _check_header(header, first)
    for number, line in numbered:
        try:
            cells = _cells(line)
        except csv.Error as error:
            yield _unreadable_csv(number, error)
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            yield _unreadable(number, "csv.cells", f"{len(header)} cells", got=f"{len(cells)} cells")
            continue
        yield report_of(dict(zip(header, cells, strict=True)), number)


def _cells(line: str) -> list[str]:
    return next(csv.reader([line], strict=True), [])


def read_json_lines(lines: Iterable[str]) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a text with one JSON object a line; empty lines are skipped."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            content = strict_json.parse(line, "row")
        except FormatError as error:
            if error.rule == "json.once":
                yield _unreadable(number, error.rule, error.want, got=error.got)
                continue
            content = None
        if not isinstance(content, dict):
            yield _unreadable(number, "json.object", "one JSON object a line")
        elif unknown := set(content) - _KNOWN:
            yield _unreadable(number, "columns.known", "columns of the documentation", got=f"{len(unknown)} others")
        elif wrong := _of_wrong_types(content, number):
            yield RejectedRow(row=number, violations=tuple(wrong))
        else:
            yield report_of({name: _text(value) for name, value in content.items()}, number)


def write_portfolio(path: str | Path, reports: Iterable[Report]) -> int:
    """Write reports to a new file with mode 0600, CSV or JSON Lines by its name; it holds identity numbers.

    Returns:
        The number of rows.

    Raises:
        ConfigError: the file exists already, or cannot be written.
    """
    file = Path(path)
    count = 0
    with NewFile(file) as new:
        try:
            with _open(new.draft, "wt", packed=_is_packed(file)) as lines:
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
    name = path.with_suffix("") if _is_packed(path) else path
    return name.suffix.lower() in _JSON_SUFFIXES


def _is_packed(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _open(path: Path, mode: Literal["rt", "wt"], *, packed: bool) -> TextIO:
    # Bytes that are no UTF-8 are refused line by line, so that the line is known.
    encoding, errors = ("utf-8-sig", "surrogateescape") if mode == "rt" else ("utf-8", "strict")
    if packed:
        return gzip.open(path, mode, encoding=encoding, errors=errors, newline="")
    return path.open(mode, encoding=encoding, errors=errors, newline="")


def _check_is_text(path: Path) -> None:
    """Refuse by name a file whose first bytes say that it is no text.

    Raises:
        PreflightError: it is one.
    """
    with path.open("rb") as file:
        first = file.read(4)
    found = next((kind for start, kind in _NO_TEXT.items() if first.startswith(start)), None)
    if found is not None:
        raise _refused(1, "file", "file.form", "text; save it as CSV in UTF-8", got=found)


def _whole(lines: TextIO) -> Iterator[str]:
    """Yield the lines of a file that was opened for reading, as long as they are in order.

    Raises:
        PreflightError: a line is not UTF-8, or the compression breaks off or is damaged.
    """
    number = 0
    try:
        for number, line in enumerate(lines, start=1):
            if not line.isascii() and _UNDECODED.search(line):
                raise _refused(number, "file", "file.encoding", "UTF-8", got=_encoding_of(line))
            yield line
    except (EOFError, zlib.error, gzip.BadGzipFile):
        # Of what was read ahead nothing is left: the damage is in this line or soon behind it.
        want = "a gzip file, whole and undamaged"
        raise _refused(number + 1, "file", "file.gzip", want, got="damage in this line or behind it") from None


def _encoding_of(line: str) -> str:
    """Return in what a line with bytes that are no UTF-8 seems to be written."""
    try:
        line.encode("utf-8", "surrogateescape").decode("gb18030")
    except ValueError:
        return "other bytes"
    return "bytes that look like GBK or GB18030"


def _check_header(header: list[str], line: str) -> None:
    """Reject a file without a header; its cells are not shown, since they may be personal data.

    Args:
        header: names of the columns.
        line: as it was read, to say what it looks like instead.

    Raises:
        PreflightError: it names an unknown column, or one twice, or is missing.
    """
    unknown = [place for place, name in enumerate(header, start=1) if name not in _KNOWN]
    if len(unknown) == len(header):
        got = _instead_of_header(line)
    elif unknown:
        columns = "1 unknown column" if len(unknown) == 1 else f"{len(unknown)} unknown columns"
        got = f"{columns}, the first at place {unknown[0]}"
    elif len(set(header)) != len(header):
        got = "a column twice"
    else:
        return
    raise _refused(1, "header", "columns.known", f"a header row of {', '.join(COLUMNS)}", got=got)


def _instead_of_header(line: str) -> str:
    """Return what a first line is that names no column."""
    for separator, name in _SEPARATORS.items():
        if {cell.strip().lower() for cell in line.split(separator)} & _KNOWN:
            return f"a header with {name} between its columns, want commas"
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


def _unreadable(row: int, rule: str, want: str, *, got: str = "") -> RejectedRow:
    return RejectedRow(
        row=row, violations=(Violation(row=row, reason=_MALFORMED, field="row", rule=rule, got=got, want=want),)
    )


def _text(value: object) -> str:
    """Return the cell that a JSON value stands for."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(value)
    return str(value)


def _of_wrong_types(content: Mapping[str, object], number: int) -> list[Violation]:
    """Return the values of a row that no cell could hold; their types are named, never what they are."""
    return [
        Violation(
            row=number,
            reason=_MALFORMED,
            field=name,
            rule="json.type",
            got=_JSON_TYPES.get(type(value), "a value of another type"),
            want=_wanted_type(name),
        )
        for name, value in content.items()
        if not _has_type(name, value)
    ]


def _has_type(name: str, value: object) -> bool:
    if name == "measures" and isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    if isinstance(value, bool):
        return name in _FLAGS
    return value is None or isinstance(value, str) or (isinstance(value, int) and name not in _FLAGS)


def _wanted_type(name: str) -> str:
    if name in _FLAGS:
        return "true, false or null"
    return "a list of texts" if name == "measures" else "text, a whole number or null"
