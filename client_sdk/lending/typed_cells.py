"""Values of JSON and TOML as the cells of a portfolio: texts, whole numbers, true and false, lists of texts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["cell_text", "of_wrong_types"]

_FLAGS = frozenset(("estimated", "days_estimated"))
_LISTS = frozenset(("measures", "contacts"))
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
