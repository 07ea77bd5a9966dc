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
from typing import TYPE_CHECKING, TypeVar

from client_sdk.cli.ui.failures import UsageError
from client_sdk.forms import Word
from client_sdk.models import Criteria, JudgmentStage, Kind, Standing

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_criteria"]

E = TypeVar("E", bound=Word)

_MAX_BYTES = 1024 * 1024
_NUMBERS = frozenset(("min_days_past_due",))
_FLAGS = frozenset(("count_guarantors", "refer_disputed", "refer_stale"))
_STATES = frozenset(("counted", "watched"))


def read_criteria(file: Path | None) -> Criteria:
    """Return the criteria of a file; the defaults without a file.

    Raises:
        UsageError: it is no TOML, or a setting is unknown or of another form.
    """
    if file is None:
        return Criteria()
    try:
        with file.open("rb") as opened:
            data = opened.read(_MAX_BYTES + 1)
        if len(data) > _MAX_BYTES:
            raise UsageError(f"{file} is longer than any criteria", f"want at most {_MAX_BYTES:,} bytes.")
        content = tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        # Beside what is no TOML: numbers longer than Python reads, lists in lists without end.
        told = "" if isinstance(error, RecursionError) else f": {str(error)[:200]}"
        raise UsageError(f"{file} is no TOML{told}") from error
    return Criteria(**{name: _value(name, value) for name, value in content.items()})  # type: ignore[arg-type]  # each value was checked for its name


def _value(name: str, value: object) -> object:
    if name in _STATES:
        return frozenset(_state(name, item) for item in _list(name, value))
    if name == "judgment_stages":
        return frozenset(_member(JudgmentStage, name, item) for item in _list(name, value))
    if name in _FLAGS and isinstance(value, bool):
        return value
    if name in _NUMBERS and _is_number(value):
        return value
    if name == "forget_ended_after_days" and _is_number(value):
        return value or None
    if name == "min_amounts" and isinstance(value, dict) and all(map(_is_number, value.values())):
        return value
    raise UsageError(f"criteria: {name} is unknown or has a wrong form", "see the defaults in `Criteria` of the SDK.")


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _list(name: str, value: object) -> list[object]:
    if not isinstance(value, list):
        raise UsageError(f"criteria: {name} must be a list of words")
    return value


def _state(name: str, item: object) -> tuple[Kind, Standing]:
    kind, _, standing = str(item).partition(" ")
    return _member(Kind, name, kind), _member(Standing, name, standing)


def _member(words: type[E], name: str, item: object) -> E:
    found = words.__members__.get(str(item).strip().upper())
    if found is None:
        raise UsageError(f"criteria: {name}: {item!r} is none of {', '.join(words.__members__)}")
    return found
