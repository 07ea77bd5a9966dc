"""A lender's own criteria from a TOML file.

    counted = ["DEFAULT OPEN", "JUDGMENT OPEN"]       # what makes a person BLACKLISTED
    watched = ["DEFAULT CURED"]                       # what makes it WATCH
    min_days_past_due = 30
    judgment_stages = ["JUDGED", "EFFECTIVE"]
    forget_ended_after_days = 365                     # 0 for never
    count_guarantors = true
    refer_disputed = false
    refer_stale = false

    [min_amounts]                                     # minor units by currency
    CNY = 50000

What is left out keeps its default.
"""

from __future__ import annotations

import tomllib
from dataclasses import fields
from typing import TYPE_CHECKING, TypeVar

from client_sdk.errors import ConfigError
from client_sdk.forms import Word
from client_sdk.models import Criteria, JudgmentStage, Kind, Standing
from client_sdk.whole_file import open_regular

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CriteriaFileError", "read_criteria"]

E = TypeVar("E", bound=Word)

_MAX_BYTES = 1024 * 1024
_DEFAULTS = Criteria()
_NAMES = tuple(field.name for field in fields(Criteria))


class CriteriaFileError(ConfigError):
    """A file holds no criteria.

    Attributes:
        hint: what to write instead; may be empty.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


def read_criteria(file: Path | None) -> Criteria:
    """Return the criteria of a file; the defaults without a file.

    Raises:
        CriteriaFileError: it is no TOML, or a setting is unknown or of another form.
    """
    if file is None:
        return Criteria()
    try:
        with open_regular(file) as opened:
            data = opened.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise CriteriaFileError(f"{file} is longer than any criteria", f"want at most {_MAX_BYTES:,} bytes.")
        content = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        # Beside what is no TOML: numbers longer than Python reads, lists in lists without end.
        text = "" if isinstance(error, RecursionError) else f": {str(error)[:200]}"
        raise CriteriaFileError(f"{file} is no TOML{text}") from error
    return Criteria(**{name: _value(name, value) for name, value in content.items()})  # type: ignore[arg-type]  # each value was checked for its name


def _value(name: str, value: object) -> object:
    """Return a setting as the criterion holds it, by the type of its default: a new criterion needs no line here."""
    if name not in _NAMES:
        raise CriteriaFileError(f"criteria: {name}: no such setting", f"one of {', '.join(_NAMES)}.")
    match getattr(_DEFAULTS, name):
        case bool():
            if not isinstance(value, bool):
                raise _wrong(name, "true or false")
            return value
        case int():
            if not _is_number(value):
                raise _wrong(name, "a whole number, 0 or more")
            return value or None if name == "forget_ended_after_days" else value
        case frozenset() as held:
            read = _state if isinstance(next(iter(held)), tuple) else _stage
            return frozenset(read(name, item) for item in _list(name, value))
        case _:
            if not isinstance(value, dict) or not all(map(_is_number, value.values())):
                raise _wrong(name, "a table with a whole number of minor units for each currency, such as CNY = 50000")
            return value


def _wrong(name: str, want: str) -> CriteriaFileError:
    return CriteriaFileError(
        f"criteria: {name}: want {want}", "correct the file; what it leaves out keeps its default."
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _list(name: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise _wrong(name, "a list of words")
    return value


def _state(name: str, item: object) -> tuple[Kind, Standing]:
    kind, _, standing = str(item).partition(" ")
    return _member(Kind, name, kind), _member(Standing, name, standing)


def _stage(name: str, item: object) -> JudgmentStage:
    return _member(JudgmentStage, name, item)


def _member(words: type[E], name: str, item: object) -> E:
    found = words.__members__.get(str(item).strip().upper())
    if found is None:
        raise CriteriaFileError(f"criteria: {name}: {item!r} is none of {', '.join(words.__members__)}")
    return found
