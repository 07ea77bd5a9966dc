"""Codes for days past due in the terms of other systems, decoded as of a date.

    code_of(45, "china-m", date(2026, 3, 1))        "M2"
    days_of("M2", "china-m", date(2026, 3, 1))      31 to 60

One day has different codes in different systems, so a record holds days, and codes are derived. The lists are data,
``crosswalks/overdue.toml``: each has editions, and a change of a list is a further edition.
"""

from __future__ import annotations

import tomllib
from bisect import bisect_left
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.rules.errors import RuleError, RuleReason

if TYPE_CHECKING:
    from datetime import date

__all__ = ["MOST_DAYS", "CodeList", "DayRange", "Edition", "code_lists", "code_of", "days_of", "edition_of"]

_DATA = resources.files("client_sdk.kernel.rules.codes") / "crosswalks" / "overdue.toml"
# As facts have them.
MOST_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Edition:
    """A code list from a day on.

    Attributes:
        since: first day on which it is in force.
        upto: greatest number of days of each code but the last, ascending.
        codes: from least to most days.
    """

    since: date
    upto: tuple[int, ...]
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CodeList:
    """A code list with all its editions.

    Attributes:
        name: stable id.
        title: for people.
        source: law or standard.
        editions: ascending by day.
    """

    name: str
    title: str
    source: str
    editions: tuple[Edition, ...]


class DayRange(NamedTuple):
    """Days past due that have one code.

    Attributes:
        least: fewest days.
        most: most days; None for no limit.
    """

    least: int
    most: int | None

    @property
    def exact(self) -> bool:
        """Whether the code stands for one number of days, so that nothing is lost."""
        return self.least == self.most


@cache
def code_lists() -> dict[str, CodeList]:
    """Return all code lists by name."""
    content = tomllib.loads(_DATA.read_text("utf-8"))
    return {name: _read(name, value) for name, value in sorted(content.items())}


def _read(name: str, value: dict[str, object]) -> CodeList:
    editions = value["editions"]
    made = [Edition(item["since"], tuple(item["upto"]), tuple(item["codes"])) for item in editions]  # type: ignore[attr-defined]  # a list of tables, as the tests show
    return CodeList(name, str(value["title"]), str(value["source"]), tuple(sorted(made, key=lambda one: one.since)))


def edition_of(name: str, as_of: date) -> Edition:
    """Return the edition of a code list that is in force on a day.

    Raises:
        RuleError: FACTS_INVALID; there is no such list, or it is not in force yet.
    """
    found = code_lists().get(name)
    if found is None:
        raise _refused("list", "codes.list", name[:32], " or ".join(code_lists()))
    editions = [edition for edition in found.editions if edition.since <= as_of]
    if not editions:
        raise _refused("as_of", "codes.since", as_of.isoformat(), f"not before {found.editions[0].since.isoformat()}")
    return editions[-1]


def code_of(days: int, name: str, as_of: date) -> str:
    """Return the code for days past due.

    Args:
        days: 0 to 36,500.
        name: of the code list.
        as_of: day of which the facts are.

    Raises:
        RuleError: FACTS_INVALID; as ``edition_of``, or the days are out of range.
    """
    if not 0 <= days <= MOST_DAYS:
        raise _refused("days_past_due", "codes.days", str(days)[:16], f"0 to {MOST_DAYS}")
    edition = edition_of(name, as_of)
    return edition.codes[bisect_left(edition.upto, days)]


def days_of(code: str, name: str, as_of: date) -> DayRange:
    """Return the days past due that a code stands for; one number only where nothing is lost.

    Raises:
        RuleError: FACTS_INVALID; as ``edition_of``, or the list has no such code.
    """
    edition = edition_of(name, as_of)
    if code not in edition.codes:
        raise _refused("code", "codes.code", code[:16], " or ".join(edition.codes))
    place = edition.codes.index(code)
    least = edition.upto[place - 1] + 1 if place else 0
    return DayRange(least, edition.upto[place] if place < len(edition.upto) else None)


def _refused(field: str, rule: str, got: str, want: str) -> RuleError:
    return RuleError(RuleReason.FACTS_INVALID, field, rule, got=got, want=want)
