"""Values as dictionaries that ``json.dumps`` takes: for logs of a member's own, for web services, for data frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import TypeAlias
from uuid import UUID

__all__ = ["LEFT_OUT", "Json", "Plain", "plain"]

Json: TypeAlias = "Mapping[str, Json] | Sequence[Json] | str | int | float | bool | None"

# Metadata of a dataclass field that no dictionary shows, such as an identity number.
LEFT_OUT = {"client_sdk.plain": False}
_SHOWN = "client_sdk.plain"
_RECORD_ID = "record_id"


class Plain:
    """A dataclass that becomes a dictionary."""

    __slots__ = ()

    def to_dict(self) -> dict[str, Json]:
        """Return the fields by name, as values that ``json.dumps`` takes.

        Times are ISO 8601 with their offset, dates YYYY-MM-DD, members of enumerations their words, record ids UUIDs,
        all other bytes hexadecimal; sets are sorted. Money stays in minor units. What identifies a person, such as
        an identity number, is left out.
        """
        return _fields(self)


def plain(value: object, name: str = "") -> Json:
    """Return a value as ``Plain.to_dict`` writes it.

    Args:
        value: text, number, time, bytes, enumeration, dataclass, or a collection of such.
        name: of the field that holds it.
    """
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return str(value.value)
        case str() | UUID():
            return str(value)
        case datetime():
            return value.isoformat(timespec="milliseconds")
        case date():
            return value.isoformat()
        case bytes():
            return str(UUID(bytes=value)) if name == _RECORD_ID else value.hex()
        case Plain():
            return value.to_dict()
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case AbstractSet():
            return [plain(item) for item in sorted(value)]
        case tuple() if hasattr(value, "_fields"):
            return {field: plain(item, field) for field, item in zip(value._fields, value, strict=True)}
        case tuple() | list():
            return [plain(item, name) for item in value]
        case _:
            return _fields(value)


def _fields(value: object) -> dict[str, Json]:
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} has no plain form")
    return {
        field.name: plain(getattr(value, field.name), field.name)
        for field in fields(value)
        if field.metadata.get(_SHOWN, True) and not field.name.startswith("_")
    }
