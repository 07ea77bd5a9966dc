"""The header of a portfolio: which columns its headings name, and what it looks like instead of one."""

from __future__ import annotations

import csv
import difflib
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.refusal import refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.lending.mapping import ColumnMapping

__all__ = [
    "OF_A_CUSTOMER",
    "OF_A_REPORT",
    "SEPARATORS",
    "Header",
    "check_names",
    "csv_cells",
    "folded",
    "header_of",
]

# Without these no row is a report, or a customer.
OF_A_REPORT = ("kind", "standing", "id_type", "id_number", "reference")
OF_A_CUSTOMER = ("id_type", "id_number", "consent_form")
_COMMA = ","
SEPARATORS = {_COMMA: "commas", ";": "semicolons", "\t": "tabs", "|": "bars", "，": "full-width commas"}
_KNOWN = frozenset(COLUMNS)
# How alike a name must be to the column that it is perhaps meant to be, from 0 to 1.
_NEAR = 0.75


class Header(NamedTuple):
    """The first row of a text.

    Attributes:
        names: its headings: columns, or with a mapping what that maps.
        separator: what stands between its columns.
    """

    names: list[str]
    separator: str


def csv_cells(line: str, separator: str) -> list[str]:
    """Return the cells of a line.

    Raises:
        csv.Error: a quote is open, or a cell is too long.
    """
    return next(csv.reader([line], strict=True, delimiter=separator), [])


def header_of(line: str, required: Sequence[str], mapping: ColumnMapping | None = None) -> Header:
    """Return the headings that a first line names, and what stands between them.

    Another separator than the comma is taken only where it leaves nothing but headings that are known.

    Raises:
        PreflightError: the line names an unknown column, or one twice, or none.
    """
    known = _KNOWN if mapping is None else mapping.headings
    headers = [Header(_names(line, separator, mapping), separator) for separator in SEPARATORS]
    # Of a bank's own headings, those that most are known of are told best.
    fallback = headers[0] if mapping is None else max(headers, key=lambda header: len(known.intersection(header.names)))
    found = next((header for header in headers if len(header.names) > 1 and set(header.names) <= known), fallback)
    check_names(found.names, line, required, mapping)
    return found


def _names(line: str, separator: str, mapping: ColumnMapping | None) -> list[str]:
    try:
        cells = csv_cells(line, separator)
    except csv.Error:
        return []
    return folded(cells, mapping)


def folded(cells: Sequence[str], mapping: ColumnMapping | None) -> list[str]:
    """Return headings as they are looked up; those of columns in any case, without empty ones at the end."""
    names = [unicodedata.normalize("NFC", cell.strip()) for cell in cells]
    if mapping is None:
        names = [name.lower() for name in names]
    while names and not names[-1]:
        names.pop()
    return names


def check_names(header: list[str], line: str, required: Sequence[str], mapping: ColumnMapping | None = None) -> None:
    """Reject a file without a header; its cells are not shown, since they may be personal data.

    Args:
        header: names of the columns.
        line: as it was read, to say what it looks like instead.
        required: columns without which no row can be read.
        mapping: from headings to columns, if they are not columns themselves.

    Raises:
        PreflightError: it names an unknown column, or one twice, lacks a required one, or is missing.
    """
    if mapping is not None:
        mapping.check_header(header, required)
        return
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
    raise refused(1, "header", "columns.known", "a header row of the columns of a portfolio", got=got)


def _instead_of_header(line: str) -> str:
    """Return a description of a first line that names no column."""
    for separator, name in SEPARATORS.items():
        if {cell.strip().lower() for cell in line.split(separator)} & _KNOWN:
            return f"a header with {name} between its columns, some of which are unknown"
    if line.lower().startswith("sep="):
        return "a line that names the separator, want the header first"
    return "no header"
