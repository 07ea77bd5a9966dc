"""Workbooks for tests: made by openpyxl, then changed part by part as other programs and attackers write them."""

from __future__ import annotations

import io
import zipfile
from datetime import date
from typing import TYPE_CHECKING, Any

import openpyxl

from client_sdk.lending.column_forms import FORMS, ColumnForm
from client_sdk.lending.columns import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["SHEET", "book", "changed", "portfolio_book", "saved", "typed"]

SHEET = "xl/worksheets/sheet1.xml"


def typed(row: Mapping[str, str]) -> list[object]:
    """Return the cells of a row as a person has them in Excel: days as days, counts and amounts as numbers."""
    return [_typed(column, row.get(column, "")) for column in COLUMNS]


def _typed(column: str, text: str) -> object:

    if not text:
        return None
    if FORMS[column] is ColumnForm.DAY:
        return date.fromisoformat(text)
    return int(text) if FORMS[column] is ColumnForm.NUMBER else text


def book(rows: Sequence[Sequence[object]]) -> Any:
    """Return a workbook with one sheet of these rows."""
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(list(row))
    return made


def portfolio_book(*rows: Mapping[str, str]) -> Any:
    """Return a workbook of a portfolio."""
    return book([COLUMNS, *map(typed, rows)])


def saved(made: Any) -> bytes:
    """Return the bytes of a workbook."""
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def changed(data: bytes, changes: Mapping[str, Callable[[bytes], bytes] | bytes | None]) -> bytes:
    """Return a package with parts changed, added, or (with None) left out."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        names = [*old.namelist(), *(name for name in changes if name not in old.namelist())]
        for name in names:
            change = changes.get(name, old.read(name) if name in old.namelist() else b"")
            if change is not None:
                new.writestr(name, change(old.read(name)) if callable(change) else change)
    return file.getvalue()
