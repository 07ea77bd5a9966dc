"""Portfolios in files: CSV and JSON Lines, read as a stream and written.

CSV: UTF-8 (a byte order mark is skipped), commas, one header row that names columns of ``client_sdk.lending.columns``
in any order. JSON Lines: one object a line with the same names; texts, whole numbers, true and false, null for absent,
and a list for measures. Either may be compressed (``.gz``).

A row that cannot be read becomes a ``RejectedRow`` in its place, so one bad cell neither hides another nor holds up the
file; ``report_many`` counts it as rejected.
"""

from __future__ import annotations

import csv
import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TextIO

from client_sdk.errors import ConfigError, PreflightError
from client_sdk.lending.columns import COLUMNS, report_of
from client_sdk.lending.rows import row_of
from client_sdk.models.batch import RejectedRow
from client_sdk.models.violation import Violation
from client_sdk.signing import PRIVATE_MODE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from client_sdk.models.report import Report

__all__ = ["read_csv", "read_json_lines", "read_portfolio", "write_portfolio"]

_KNOWN = frozenset(COLUMNS)
_MALFORMED = "MALFORMED"
_JSON_SUFFIXES = frozenset((".jsonl", ".ndjson", ".json"))


def read_portfolio(path: str | Path) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a file: CSV, or JSON Lines where it is called ``.jsonl``, ``.ndjson`` or ``.json``.

    Raises:
        ConfigError: the file cannot be read, or is not UTF-8.
        PreflightError: its header names an unknown column, or one twice.
    """
    file = Path(path)
    try:
        with _open(file, "rt") as lines:
            yield from read_json_lines(lines) if _is_json(file) else read_csv(lines)
    except (OSError, EOFError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file} is not UTF-8") from error


def read_csv(lines: Iterable[str]) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a CSV text; a row is called by the line on which it ends.

    Raises:
        PreflightError: the header names an unknown column, or one twice, or is missing.
    """
    reader = csv.reader(lines, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error:
        header = []
    _check_header(header)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield _unreadable(reader.line_num, "csv.row", "quotes that end, and no control characters")
            continue
        if not any(cells):
            continue
        if len(cells) != len(header):
            yield _unreadable(reader.line_num, "csv.cells", f"{len(header)} cells", got=f"{len(cells)} cells")
            continue
        yield report_of(dict(zip(header, cells, strict=True)), reader.line_num)


def read_json_lines(lines: Iterable[str]) -> Iterator[Report | RejectedRow]:
    """Yield the rows of a text with one JSON object a line; empty lines are skipped."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            content = json.loads(line)
        except (ValueError, RecursionError):
            content = None
        if not isinstance(content, dict):
            yield _unreadable(number, "json.object", "one JSON object a line")
        elif unknown := set(content) - _KNOWN:
            yield _unreadable(number, "columns.known", "columns of the documentation", got=f"{len(unknown)} others")
        else:
            yield report_of({name: _text(value) for name, value in content.items()}, number)


def write_portfolio(path: str | Path, reports: Iterable[Report]) -> int:
    """Write reports to a new file with mode 0600, CSV or JSON Lines by its name; it holds identity numbers.

    Returns:
        The number of rows.

    Raises:
        ConfigError: the file cannot be written.
    """
    file = Path(path)
    count = 0
    try:
        file.touch(PRIVATE_MODE)
        file.chmod(PRIVATE_MODE)
        with _open(file, "wt") as lines:
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
    return count


def _is_json(path: Path) -> bool:
    name = path.with_suffix("") if path.suffix == ".gz" else path
    return name.suffix.lower() in _JSON_SUFFIXES


def _open(path: Path, mode: Literal["rt", "wt"]) -> TextIO:
    encoding = "utf-8-sig" if mode == "rt" else "utf-8"
    if path.suffix == ".gz":
        return gzip.open(path, mode, encoding=encoding, newline="")
    return path.open(mode, encoding=encoding, newline="")


def _check_header(header: list[str]) -> None:
    unknown = [name for name in header if name not in _KNOWN]
    if not header or unknown or len(set(header)) != len(header):
        got = ", ".join(unknown) or ("no header" if not header else "a column twice")
        want = f"a header row of {', '.join(COLUMNS)}"
        found = Violation(row=1, reason=_MALFORMED, field="header", rule="columns.known", got=got, want=want)
        raise PreflightError((found,))


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
        return " ".join(str(item) for item in value)
    # A fraction or an object keeps its form, which no column accepts.
    return value if isinstance(value, str) else json.dumps(value)
