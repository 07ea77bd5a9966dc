"""Rows of a portfolio that is text: CSV and JSON Lines."""

from __future__ import annotations

import csv
import itertools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from client_sdk.kernel.formats import strict_json
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.lending.columns import COLUMNS
from client_sdk.lending.header import csv_cells, header_of
from client_sdk.lending.preflight import MAX_REFERENCE_CHARACTERS
from client_sdk.lending.refusal import refused
from client_sdk.lending.row_maker import rejected
from client_sdk.lending.typed_cells import cell_text, json_value, of_wrong_types
from client_sdk.models.batch import RejectedRow
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from client_sdk.lending.row_maker import RowMaker

__all__ = ["csv_rows", "json_names", "json_rows"]

R = TypeVar("R")

_KNOWN = frozenset(COLUMNS)
# As far as it has no escapes.
_JSON_REFERENCE = re.compile(rf'"reference"\s*:\s*"([^"\\]{{1,{MAX_REFERENCE_CHARACTERS}}})"')


def csv_rows(lines: Iterable[str], required: Sequence[str], make: RowMaker[R]) -> Iterator[R | RejectedRow | None]:
    """Yield the rows of a CSV text, each on one line: no cell of a portfolio holds a line break.

    A line without a cell is None, so that its reader can count it and stop.

    A quote that is left open is an error of its line and does not swallow the lines after it.

    Args:
        lines: of the text, the header first.
        required: columns without which no row can be read.
        make: of the cells of a row.

    Raises:
        PreflightError: the header names an unknown column, or one twice, lacks a required one, or is missing.
    """
    numbered = enumerate(lines, start=1)
    names, separator = header_of(next(numbered, (1, ""))[1], required, make.mapping)
    for number, line in numbered:
        try:
            cells = _without_empty_end(csv_cells(line, separator), len(names))
        except csv.Error as error:
            yield replace(_unreadable_csv(number, error), references=_references(names, line.split(separator)))
            continue
        if not any(cell.strip() for cell in cells):
            yield None
            continue
        if len(cells) != len(names):
            broken = _unreadable(number, "csv.cells", f"{len(names)} cells", got=f"{len(cells)} cells")
            yield replace(broken, references=_references(names, cells))
            continue
        yield make.of_texts(dict(zip(names, cells, strict=True)), number)


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


def json_rows(lines: Iterable[str], make: RowMaker[R]) -> Iterator[R | RejectedRow | None]:
    """Yield the rows of a text with one JSON object a line; None for an empty line.

    Raises:
        PreflightError: the text is one JSON array.
    """
    known = _KNOWN if make.mapping is None else make.mapping.headings
    is_first = True
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            yield None
            continue
        if is_first and line.lstrip().startswith("["):
            want = "JSON Lines: one object a line, without brackets around them and commas between them"
            raise refused(number, "file", "json.lines", want, got="a JSON array")
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
        elif unknown := set(content) - known:
            want = "columns of the documentation" if make.mapping is None else "headings that the mapping names"
            yield _rejected(content, _violation(number, "columns.known", want, got=f"{len(unknown)} others"))
        elif make.mapping is not None:
            yield make({name: json_value(value) for name, value in content.items()}, number)
        elif wrong := of_wrong_types(content, number):
            yield _rejected(content, *wrong)
        else:
            yield make.of_texts({name: cell_text(value) for name, value in content.items()}, number)


def json_names(line: str) -> list[str]:
    """Return the names that an object has; none where the line is no object."""
    try:
        content = strict_json.parse(line, "row")
    except FormatError:
        return []
    return list(content) if isinstance(content, dict) else []


def _json_references(line: str) -> tuple[str, ...]:
    """Return the texts that a line which is no object, or names something twice, gives as its reference."""
    return tuple(found.group(1) for found in itertools.islice(_JSON_REFERENCE.finditer(line), 2))


def _unreadable_csv(row: int, error: csv.Error) -> RejectedRow:
    # The module has one kind of error; its text is what tells them apart.
    if "field limit" in str(error):
        return _unreadable(row, "csv.length", f"cells of at most {csv.field_size_limit()} characters")
    if "unexpected end" in str(error):
        return _unreadable(row, "csv.quote", "a quote that ends on its line", got="an open quote")
    return _unreadable(row, "csv.row", "quotes that end, and no control characters")


def _unreadable(row: int, rule: str, want: str, *, got: str = "") -> RejectedRow:
    return RejectedRow(row=row, violations=(_violation(row, rule, want, got=got),))


def _rejected(content: Mapping[str, object], *violations: Violation) -> RejectedRow:
    """Return an object that is no row, with what it calls its record as far as that is text."""
    texts = {name: value for name, value in content.items() if isinstance(value, str)}
    return rejected(texts, violations[0].row, *violations)


def _violation(row: int, rule: str, want: str, *, got: str) -> Violation:
    return Violation(row=row, reason="MALFORMED", field="row", rule=rule, got=got, want=want)
