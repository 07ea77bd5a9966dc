"""Values of JSON and TOML as the cells of a portfolio: texts, whole numbers, true and false, lists of texts."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import TYPE_CHECKING

from client_sdk.lending.column_forms import FORMS, ColumnForm
from client_sdk.models.violation import Violation
from client_sdk.tables.values import Unclear

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.tables.values import Value

__all__ = ["cell_text", "json_value", "of_wrong_types"]

_FLAGS = frozenset(column for column, form in FORMS.items() if form is ColumnForm.FLAG)
_LISTS = frozenset(column for column, form in FORMS.items() if form is ColumnForm.LIST)
_TYPES: dict[type, str] = {
    dict: "an object",
    list: "a list",
    float: "a number with a decimal point",
    bool: "true or false",
    int: "a whole number",
    str: "text",
}


def cell_text(value: object) -> str:
    """Return the cell that a value of a right type stands for."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return " ".join(value)
    return str(value)


def json_value(value: object) -> Value:
    """Return a value of JSON as the cell of a table."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return [str(item) for item in value]
    if isinstance(value, float) and math.isfinite(value):
        return Decimal(repr(value))
    if value is None or isinstance(value, str | int):
        return value
    return Unclear("json.type", _TYPES.get(type(value), "a value of another type"), "text, a number or null")


def of_wrong_types(content: Mapping[str, object], row: int) -> list[Violation]:
    """Return the values of a row that no cell could hold; their types are named, never what they are.

    Args:
        content: value by column.
        row: line of the file; 0 for a record that is no row.
    """
    return [
        Violation(
            row=row,
            reason="MALFORMED",
            field=name,
            rule="json.type",
            got=_TYPES.get(type(value), "a value of another type"),
            want=_wanted_type(name),
        )
        for name, value in content.items()
        if not _has_type(name, value)
    ]


def _has_type(name: str, value: object) -> bool:
    if name in _LISTS and isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    if isinstance(value, bool):
        return name in _FLAGS
    return value is None or isinstance(value, str) or (isinstance(value, int) and name not in _FLAGS)


def _wanted_type(name: str) -> str:
    if name in _FLAGS:
        return "true, false or null"
    return "a list of texts" if name in _LISTS else "text, a whole number or null"
