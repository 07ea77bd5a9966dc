"""Limits of a rulebook as people type them: numbers, true or false, texts, and days or words with commas between."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats.day_lists import DAY_LISTS
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.ledger.rulebook_preview import EFFECTS
from client_sdk.lending.typed_text import typed_day

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "NUMBER_WANTED",
    "SMALLER_WANTED",
    "TRUTH_WANTED",
    "RulebookValueError",
    "effect_of",
    "typed_limits",
    "with_changes",
    "with_limits",
]

# What a value should be.
TRUTH_WANTED = "true or false"
NUMBER_WANTED = "a whole number"
SMALLER_WANTED = "a smaller number"


# Lists that come from files, and are typed by nobody.
_OF_FILES = frozenset(("overlays", "witness_quorum", "replay_quorum"))
_MOST_DIGITS = 20
_TRUTH = {"true": True, "false": False}


class RulebookValueError(Exception):
    """What was typed is no value of a limit.

    Attributes:
        name: of the limit.
        want: what it should be.
    """

    def __init__(self, name: str, want: str) -> None:
        super().__init__(name, want)
        self.name, self.want = name, want


def typed_limits(rulebook: Rulebook) -> dict[str, str]:
    """Return each limit that can be typed, as it is typed, by name."""
    values = {field.name: getattr(rulebook, field.name) for field in fields(rulebook) if field.name not in _OF_FILES}
    return {name: _typed(value) for name, value in values.items()}


def effect_of(name: str) -> str:
    """Return whom a change of a limit concerns, and from when on; a text to be said in a language."""
    return EFFECTS[name]


def with_limits(rulebook: Rulebook, typed: Mapping[str, str], lists: Mapping[str, object] | None = None) -> Rulebook:
    """Return a rulebook with some limits as they were typed.

    Args:
        rulebook: from which the rest is taken.
        typed: by name; the names are those of ``typed_limits``.
        lists: by name, those that come from files.

    Raises:
        RulebookValueError: a value is none of its limit.
        FormatError: all together make no rulebook; it names the limit or the rule.
    """
    changed = {name: _value(name, type(getattr(rulebook, name)), text.strip()) for name, text in typed.items()}
    return _checked(rulebook, changed | dict(lists or {}))


def with_changes(rulebook: Rulebook, before: Rulebook, after: Rulebook) -> Rulebook:
    """Return a rulebook with the limits that differ between two others.

    Raises:
        FormatError: all together make no rulebook.
    """
    changed = {field.name: getattr(after, field.name) for field in fields(Rulebook)}
    return _checked(rulebook, {name: value for name, value in changed.items() if value != getattr(before, name)})


def _checked(rulebook: Rulebook, changed: Mapping[str, object]) -> Rulebook:
    new = replace(rulebook, **changed)  # type: ignore[arg-type]  # each value is of its limit's type
    return Rulebook.of(new.message())


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _value(name: str, kind: type, text: str) -> object:
    if kind is bool:
        if text not in _TRUTH:
            raise RulebookValueError(name, TRUTH_WANTED)
        return _TRUTH[text]
    if kind is int:
        if not (text.isascii() and text.isdigit()):
            raise RulebookValueError(name, NUMBER_WANTED)
        # By length first: Python reads no number of many thousand digits.
        if len(text) > _MOST_DIGITS or int(text) > _most(name):
            raise RulebookValueError(name, SMALLER_WANTED)
        return int(text)
    if kind is not tuple:
        return text
    items = {item.strip() for item in text.split(",") if item.strip()}
    return tuple(sorted(map(typed_day, items) if name in DAY_LISTS else items))


def _most(name: str) -> int:
    """Return the largest number that the format holds for a limit."""
    field = pb.Rulebook.DESCRIPTOR.fields_by_name[name]
    bits = 32 if field.type == field.TYPE_UINT32 else 64
    return (1 << bits) - 1
