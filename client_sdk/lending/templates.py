"""Files to be filled in: an empty portfolio with its columns explained, and a mapping of a file's own headings."""

from __future__ import annotations

from datetime import date
from typing import IO, TYPE_CHECKING

from client_sdk.lending.column_forms import FORMS, ColumnForm, form_of
from client_sdk.lending.column_guide import GUIDE, words_of_column
from client_sdk.lending.mapping import toml_text
from client_sdk.models import Kind
from client_sdk.tables.new_workbook import TemplateColumn, write_template
from client_sdk.tables.writing import TableKind, write_table
from client_sdk.texts import N_

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

__all__ = ["KINDS", "columns_of_kind", "mapping_template", "write_portfolio_template"]

KINDS = {"D": Kind.DEFAULT.name, "J": Kind.JUDGMENT.name, "E": Kind.ENFORCEMENT.name, "L": Kind.LISTING.name}
_LETTERS = {name: letter for letter, name in KINDS.items()}
_TYPES: dict[ColumnForm, type] = {ColumnForm.DAY: date, ColumnForm.NUMBER: int}
_NOTE_HEADINGS = (N_("column"), N_("kinds of record"), N_("meaning"), N_("form"), N_("example"))
_UNITS = {"MINOR-UNITS": N_("whole minor units: 350.00 CNY is 35000"), "NUMBER": N_("whole number"), "TEXT": "text"}
_FLAGS = ("true", "false")
_MAPPING_HEAD = N_(
    """\
# What your headings, codes, days and amounts stand for. Give each heading its column, or move it into `ignored`.
# dates = "YYYYMMDD"        # how days are written; without it: year, month, day, as 2026-01-05 or 2026/1/5
# amounts = "major"         # if 350.00 means 350 yuan; without it amounts are minor units: 35000
# offset = "+08:00"         # from UTC, of times that are written without it
ignored = []

[columns]                   # your heading = a column, or ["several", "columns"]
"""
)
_MAPPING_TAIL = N_(
    """
[constants]                 # columns that are the same in each row, as the column is written; amounts in minor units
# kind = "DEFAULT"

# [codes.id_type]           # your code = our word
# "01" = "CN_RESIDENT_ID"

# Columns:
"""
)


def columns_of_kind(kind: str) -> list[str]:
    """Return the columns of the records of a kind; of all kinds for an empty one."""
    return [name for name, column in GUIDE.items() if not kind or _LETTERS[kind] in column.kinds]


def write_portfolio_template(file: IO[bytes], path: Path, names: Sequence[str], say: Callable[..., str]) -> None:
    """Write an empty portfolio, in the form that the name of a file says: Excel, CSV, Parquet or Arrow.

    Args:
        file: to write to.
        path: its name.
        names: of the columns.
        say: says texts in the language of who fills it.

    Raises:
        ConfigError: a library of the extra ``files`` is missing.
    """
    if TableKind.of(path) is TableKind.EXCEL:
        write_template(file, [_column(name, say) for name in names], [say(name) for name in _NOTE_HEADINGS])
    else:
        write_table(file, path, [(name, _type(name)) for name in names], ())


def mapping_template(headings: Sequence[str], say: Callable[..., str]) -> str:
    """Return a mapping for headings of a file, to be filled in.

    Args:
        headings: as the file has them.
        say: says texts in the language of who fills it.
    """
    return "".join(_mapping_lines(headings, say))


def _type(name: str) -> type:
    return _TYPES.get(FORMS[name], str)


def _column(name: str, say: Callable[..., str]) -> TemplateColumn:
    column = GUIDE[name]
    kinds = (
        say("all records")
        if len(column.kinds) == len(KINDS)
        else say(" and ").join(KINDS[letter] for letter in column.kinds)
    )
    form = _written(name, say)
    example = say("\nSuch as {example}", example=column.example) if column.example else say("\nUsually empty.")
    words = _FLAGS if FORMS[name] is ColumnForm.FLAG else words_of_column(name)
    return TemplateColumn(
        name=name,
        type=_type(name),
        note=say(
            "{meaning}\nOf {kinds}.\n{form}{example}",
            meaning=say(column.meaning),
            kinds=kinds,
            form=form,
            example=example,
        ),
        facts=(kinds, say(column.meaning), form, column.example),
        # Several of these words may stand in one cell.
        words=() if FORMS[name] is ColumnForm.LIST else words,
    )


def _written(name: str, say: Callable[..., str]) -> str:
    form = form_of(name)
    return say(_UNITS[form]) if form in _UNITS else form.replace("|", say(" or "))


def _mapping_lines(headings: Sequence[str], say: Callable[..., str]) -> Iterator[str]:
    yield say(_MAPPING_HEAD)
    for heading in headings:
        known = heading.lower() if heading.lower() in GUIDE else ""
        yield f"{toml_text(heading)} = {toml_text(known)}\n"
    yield say(_MAPPING_TAIL)
    for name, column in GUIDE.items():
        yield f"# {name:<24} {say(column.meaning)} {_written(name, say)}\n"
