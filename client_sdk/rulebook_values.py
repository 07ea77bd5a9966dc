"""Limits of a rulebook as people type them: numbers, true or false, texts, and days or words with commas between."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats.day_lists import DAY_LISTS
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.state import Rulebook, bounds_of
from client_sdk.kernel.ledger.rulebook_preview import EFFECTS
from client_sdk.lending.typed_text import typed_day

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "NUMBER_WANTED",
    "SMALLER_WANTED",
    "TRUTH_WANTED",
    "LimitMistake",
    "RulebookValueError",
    "effect_of",
    "range_of",
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


class LimitMistake(NamedTuple):
    """What is wrong with a limit.

    Attributes:
        name: of the limit; empty where only several limits together are wrong.
        rule: stable id of the broken rule.
        got: what was found, as far as the rule says it.
        want: what the rule asks for.
    """

    name: str
    rule: str
    got: str
    want: str

    @classmethod
    def of(cls, name: str, error: FormatError) -> LimitMistake:
        """Return what an error says of a limit."""
        return cls(name, error.complaint.rule, error.complaint.got, error.complaint.want)


class RulebookValueError(Exception):
    """What was typed makes no rulebook.

    Attributes:
        mistakes: all that is wrong.
    """

    def __init__(self, mistakes: Sequence[LimitMistake]) -> None:
        super().__init__(*mistakes)
        self.mistakes = tuple(mistakes)


def typed_limits(rulebook: Rulebook) -> dict[str, str]:
    """Return each limit that can be typed, as it is typed, by name."""
    values = {field.name: getattr(rulebook, field.name) for field in fields(rulebook) if field.name not in _OF_FILES}
    return {name: _typed(value) for name, value in values.items()}


def effect_of(name: str) -> str:
    """Return whom a change of a limit concerns, and from when on; a text to be said in a language."""
    return EFFECTS[name]


def range_of(name: str, rulebook: Rulebook) -> tuple[int, int | None]:
    """Return the least and the largest number that a limit takes; None where no largest is set."""
    return bounds_of(name, rulebook.jurisdiction)


def with_limits(rulebook: Rulebook, typed: Mapping[str, str], lists: Mapping[str, object] | None = None) -> Rulebook:
    """Return a rulebook with some limits as they were typed.

    Args:
        rulebook: from which the rest is taken.
        typed: by name; the names are those of ``typed_limits``.
        lists: by name, those that come from files.

    Raises:
        RulebookValueError: values are none of their limits, or make no rulebook; it tells all of them.
    """
    changed, wrong = dict(lists or {}), list[LimitMistake]()
    for name, text in typed.items():
        try:
            changed[name] = _value(name, type(getattr(rulebook, name)), text.strip())
        except FormatError as error:
            wrong.append(LimitMistake.of(name, error))
    try:
        found = _checked(rulebook, changed)
    except FormatError as error:
        alone = list(_wrong_alone(rulebook, changed))
        raise RulebookValueError(wrong + (alone or [LimitMistake.of("", error)])) from None
    if wrong:
        raise RulebookValueError(wrong)
    return found


def _wrong_alone(rulebook: Rulebook, changed: Mapping[str, object]) -> Iterator[LimitMistake]:
    """Yield what is wrong with each limit by itself: a rulebook as a whole tells the first one alone."""
    for name, value in changed.items():
        try:
            _checked(rulebook, {name: value})
        except FormatError as error:
            yield LimitMistake.of(name, error)


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


def _refused(want: str) -> FormatError:
    return FormatError("rulebook", "limit.value", want=want)


def _value(name: str, kind: type, text: str) -> object:
    if kind is bool:
        if text not in _TRUTH:
            raise _refused(TRUTH_WANTED)
        return _TRUTH[text]
    if kind is int:
        if not (text.isascii() and text.isdigit()):
            raise _refused(NUMBER_WANTED)
        # By length first: Python reads no number of many thousand digits.
        if len(text) > _MOST_DIGITS or int(text) > _most(name):
            raise _refused(SMALLER_WANTED)
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
