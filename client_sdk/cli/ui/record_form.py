"""One report as a TOML form: a line for each column of a portfolio, with what it means above it.

    # Day of which the facts are.
    #   YYYY-MM-DD, such as 2026-03-31
    as_of = "2026-03-31"

What is empty is left out. Values have the types of a portfolio in JSON Lines; dates may also be those of TOML.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from datetime import date, datetime
from typing import TYPE_CHECKING

from client_sdk.errors import PreflightError
from client_sdk.lending.column_forms import form_of
from client_sdk.lending.column_guide import GUIDE
from client_sdk.lending.mapping import toml_text
from client_sdk.lending.typed_cells import cell_text, of_wrong_types
from client_sdk.models import Violation
from client_sdk.texts import N_, recognised, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk.models import Kind

__all__ = ["annotated", "form_text", "read_form", "without_notes"]

_HEADER = N_("""\
# One version of one record. Write between the quotes; what stays empty is left out. Whole numbers, true and false may
# stand without quotes. Money is in minor units: 350.00 CNY is 35000. Lines that begin with # are not read.
""")
_ASKED = N_("# Leave id_number empty to be asked for it, hidden.\n")
_NOTE = "#! "
_WIDTH = 118
_LINE = re.compile(r"[ \t]*([a-z_]+)[ \t]*=")
_PLACE = re.compile(r"line \d+, column \d+|end of document")
# What may be shown of a name that is no column: anything with a digit may be an identity number.
_SHOWN_NAME = re.compile(r"[A-Za-z_-]{1,40}")
_DATE_FORM = "YYYY-MM-DD"
_TIME_COLUMN = "notice_sent_at"
_MAX_BITS = 128


def form_text(kind: Kind | None, cells: Mapping[str, str], *, apart_from: Sequence[str] = ()) -> str:
    """Return a form.

    Args:
        kind: of the record; only its columns are in the form. None for all.
        cells: what is filled in already.
        apart_from: columns that are not in the form.
    """
    blocks = [say(_HEADER) + ("" if "id_number" in apart_from else say(_ASKED))]
    for name, column in GUIDE.items():
        if name in apart_from:
            continue
        if kind is not None and kind.name[0] not in column.kinds and name not in cells:
            continue
        value = kind.name if kind is not None and name == "kind" else cells.get(name, "")
        example = say(", such as {example}", example=column.example) if column.example else ""
        form = f"#   {form_of(name)}{example}"
        blocks.append(f"# {say(column.meaning)}\n{_folded(form)}\n{name} = {toml_text(value)}\n")
    return "\n".join(blocks)


def read_form(text: str) -> dict[str, str]:
    """Return the cells of a form; empty ones are left out.

    Raises:
        PreflightError: it is no TOML, names an unknown column, or a value has a type that its column does not take.
    """
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        # Not the library's own words: they may quote what it read.
        place = _PLACE.search(str(error))
        raise PreflightError(
            (_violation("file", "toml.form", 'NAME = "text", each name once', got=f"at {place[0]}" if place else ""),)
        ) from None
    if unknown := [_unknown(name) for name in content if name not in GUIDE]:
        raise PreflightError(tuple(unknown))
    values = {name: _value(name, value) for name, value in content.items()}
    if wrong := of_wrong_types(values, 0):
        raise PreflightError(tuple(wrong))
    return {name: cell for name, value in values.items() if (cell := cell_text(value)).strip()}


def annotated(text: str, violations: Sequence[Violation]) -> str:
    """Return a form with each broken rule as a comment above its line, or at the top where it has none."""
    # Not splitlines: a text may hold other characters that end lines.
    lines = text.removesuffix("\n").split("\n")
    places = {found[1]: number for number, line in reversed(list(enumerate(lines))) if (found := _LINE.match(line))}
    at_top = [_note(item, named=True) for item in violations if item.field not in places]
    noted: list[str] = [*at_top, ""] if at_top else []
    for number, line in enumerate(lines):
        noted += [_note(item, named=False) for item in violations if places.get(item.field) == number]
        noted.append(line)
    return "\n".join(noted) + "\n"


def without_notes(text: str) -> str:
    """Return a form without what ``annotated`` added."""
    return "\n".join(line for line in text.split("\n") if not line.startswith(_NOTE.strip()))


def _note(item: Violation, *, named: bool) -> str:
    got = say(", got {got}", got=recognised(item.got)) if item.got else ""
    field = f"{item.field}: " if named else ""
    want = recognised(item.want)
    rule = say("{reason}, rule {rule}", reason=item.reason, rule=item.rule)
    return _NOTE + field + say("want {want}", want=want) + f"{got} ({rule})"


def _folded(text: str) -> str:
    """Return a comment on lines of a width that people read, broken between the words of a list."""
    lines = [""]
    for part in re.split(r"(?<=[| ])", text):
        if len(lines[-1]) + len(part) > _WIDTH:
            lines.append("#   ")
        lines[-1] += part
    return "\n".join(line.rstrip() for line in lines)


def _value(name: str, value: object) -> object:
    """Return a value of TOML as a portfolio in JSON Lines has it, where its column takes it."""
    if isinstance(value, datetime):
        return value.isoformat() if name == _TIME_COLUMN else value
    if isinstance(value, date):
        return value.isoformat() if form_of(name) == _DATE_FORM else value
    if isinstance(value, int) and value.bit_length() > _MAX_BITS:
        # Python refuses to write thousands of digits.
        return float("inf")
    return value


def _unknown(name: str) -> Violation:
    near = difflib.get_close_matches(name.lower(), GUIDE, 1)
    shown = name if _SHOWN_NAME.fullmatch(name) else "file"
    if near:
        return _violation(shown, "columns.known", f"a column of the form; did you mean {near[0]}?", got="no column")
    return _violation(shown, "columns.known", "a column of the form", got="no column")


def _violation(field: str, rule: str, want: str, *, got: str = "") -> Violation:
    return Violation(reason="MALFORMED", field=field, rule=rule, got=got, want=want)
