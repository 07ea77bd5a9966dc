"""Lines of JSON by which the process that reads a file of columns says what it holds: names, rows, end, or an error.

    {"names": ["reference", "days"]}     first, where it can be read
    [["loan-1", 30], ["loan-2", null]]   some rows; what JSON has no form for is {"day": "2026-01-05"} and the like
    {"end": "rows"}                      last, where all rows were read
    {"refused": [RULE, GOT, WANT]}       in place of what would follow
    {"errno": 5}                         likewise: the file could not be read

Not ``pickle``: what a damaged file makes of that process is to run nothing in this one.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from client_sdk.tables.values import TableError, Unclear

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from client_sdk.tables.values import Value

__all__ = ["END", "ENDED", "ERRNO", "NAMES", "REFUSED", "Said", "line_of", "refused_line", "rows_line", "said"]

NAMES, END, REFUSED, ERRNO = "names", "end", "refused", "errno"
ENDED = {END: "rows"}
_UNCLEAR, _NUMBER, _DAY, _TIME = "unclear", "number", "day", "time"

_PLAIN = frozenset((str, int, type(None), list))

# Rows, or what is said beside them.
Said: TypeAlias = "list[list[Value]] | dict[str, object]"


def line_of(what: Mapping[str, object]) -> bytes:
    """Return a line that says something beside rows."""
    return _line(what)


def refused_line(error: TableError) -> bytes:
    """Return the line of a file that is refused."""
    return _line({REFUSED: [error.rule, error.got, error.want]})


def rows_line(rows: Sequence[Sequence[Value]]) -> bytes:
    """Return the line of some rows."""
    return _line([[value if type(value) in _PLAIN else _coded(value) for value in row] for row in rows])


def said(line: bytes) -> Said:
    """Return what a line says.

    Raises:
        ValueError: it is none that this module makes.
    """
    found: object = json.loads(line, object_hook=_decoded, parse_float=_no_value, parse_constant=_no_value)
    if isinstance(found, dict) or (isinstance(found, list) and all(isinstance(row, list) for row in found)):
        return found
    raise ValueError("no line of a table")


def _line(what: object) -> bytes:
    return json.dumps(what, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _coded(value: Value) -> object:
    """Return what stands for a value that JSON has no form for, or may take for another one."""
    if isinstance(value, Unclear):
        return {_UNCLEAR: list(value)}
    if value is None or isinstance(value, str | int | list):
        return value
    if isinstance(value, Decimal):
        return {_NUMBER: str(value)}
    return {_TIME if isinstance(value, datetime) else _DAY: value.isoformat()}


def _decoded(found: dict[str, object]) -> object:
    """Return the value that stands in a line, or what the line says, which no value is named as."""
    if len(found) != 1:
        raise ValueError("no value of a table")
    ((name, content),) = found.items()
    if name == _UNCLEAR and isinstance(content, list):
        rule, got, want = content
        return Unclear(str(rule), str(got), str(want))
    make = _OF_TEXT.get(name)
    return make(content) if make is not None and isinstance(content, str) else found


_OF_TEXT: dict[str, Callable[[str], Decimal | date]] = {
    _NUMBER: Decimal,
    _DAY: date.fromisoformat,
    _TIME: datetime.fromisoformat,
}


def _no_value(_: str) -> None:
    raise ValueError("no value of a table")
