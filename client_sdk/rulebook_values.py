"""Limits of a rulebook as people type them: numbers, true or false, texts, and days or words with commas between."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.ledger.rulebook_preview import EFFECTS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RulebookValueError", "effect_of", "typed_limits", "with_limits"]

# Lists that come from files, and are typed by nobody.
_OF_FILES = frozenset(("overlays", "witness_quorum", "replay_quorum"))
_TRUTH = {"true": True, "false": False}


class RulebookValueError(Exception):
    """What was typed is no value of a limit, or the values together make no rulebook.

    Attributes:
        name: of the limit; empty where it is all of them together.
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
        RulebookValueError: a value is none of its limit, or all together make no rulebook.
    """
    changed = {name: _value(name, type(getattr(rulebook, name)), text.strip()) for name, text in typed.items()}
    new = replace(rulebook, **changed, **(lists or {}))  # type: ignore[arg-type]  # each value is of its limit's type
    try:
        return Rulebook.of(new.message())
    except FormatError as error:
        raise RulebookValueError("", str(error)) from None
    except ValueError:
        raise RulebookValueError("", "numbers that are not out of range") from None


def _typed(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _value(name: str, kind: type, text: str) -> object:
    if kind is bool:
        if text not in _TRUTH:
            raise RulebookValueError(name, "true or false")
        return _TRUTH[text]
    if kind is int:
        if not (text.isascii() and text.isdigit()) or len(text) > len(str(2**63)):
            raise RulebookValueError(name, "a whole number")
        return int(text)
    return tuple(sorted({item.strip() for item in text.split(",") if item.strip()})) if kind is tuple else text
