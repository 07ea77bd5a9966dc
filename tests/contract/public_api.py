"""Writes the public names of the SDK with their signatures, one a line.

python -m tests.contract.public_api      writes tests/contract/public_api.txt anew
"""

from __future__ import annotations

import dataclasses
import enum
import importlib
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FROZEN", "MODULES", "describe"]

FROZEN = Path(__file__).with_name("public_api.txt")
MODULES = (
    "client_sdk",
    "client_sdk.acts",
    "client_sdk.checkpoints",
    "client_sdk.forms",
    "client_sdk.lending.files",
    "client_sdk.home",
    "client_sdk.signing",
    "client_sdk.subject_report",
    "client_sdk.testing",
)


def describe() -> str:
    """Return one line a name, and one a method, field or member below it."""
    lines = [line for module in MODULES for line in _module(module)]
    return "\n".join(lines) + "\n"


def _module(name: str) -> Iterator[str]:
    module = importlib.import_module(name)
    for public in sorted(module.__all__):
        value = getattr(module, public)
        yield f"{name}.{public}{_shape(value)}"
        if isinstance(value, type):
            yield from (f"    {line}" for line in _members(value))


def _shape(value: object) -> str:
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return " enum"
    if isinstance(value, type):
        return f" class({', '.join(base.__name__ for base in value.__bases__ if _is_shown(base)) or 'object'})"
    if inspect.isfunction(value):
        return str(inspect.signature(value))
    return ""


def _is_shown(base: type) -> bool:
    """Whether a base class is listed: one in a private module of ours is part of the class itself."""
    return not base.__module__.startswith("client_sdk._")


def _members(value: type) -> Iterator[str]:
    if issubclass(value, enum.Enum):
        yield from (f"{member.name} = {member.value!r}" for member in value)
        return
    if dataclasses.is_dataclass(value):
        yield from (_field(field) for field in dataclasses.fields(value) if not field.name.startswith("_"))
    for name, member in sorted(_own(value).items()):
        if name.startswith("_") and name != "__init__":
            continue
        if name == "__init__" and (dataclasses.is_dataclass(value) or issubclass(value, tuple)):
            continue
        if isinstance(member, property):
            yield f"{name} -> {inspect.signature(member.fget).return_annotation}" if member.fget else name
        elif isinstance(member, classmethod | staticmethod):
            yield f"{name}{inspect.signature(member.__func__)}"
        elif inspect.isfunction(member):
            yield f"{name}{inspect.signature(member)}"


def _own(value: type) -> dict[str, object]:
    """Return the members of a class, with those of bases that are ours and have no public name."""
    public = {name for module in MODULES for name in importlib.import_module(module).__all__}
    bases = [base for base in value.__mro__[1:] if base.__module__.startswith("client_sdk.")]
    hidden = [vars(base) for base in reversed(bases) if base.__name__ not in public]
    return {name: member for members in (*hidden, vars(value)) for name, member in members.items()}


def _field(field: dataclasses.Field[object]) -> str:
    optional = field.default is not dataclasses.MISSING or field.default_factory is not dataclasses.MISSING
    return f"{field.name}: {field.type}{' = ...' if optional else ''}"


if __name__ == "__main__":
    FROZEN.write_text(describe(), encoding="utf-8")
    sys.stdout.write(f"{FROZEN}\n")
