"""Reciprocity: a lender receives what it gives, by kind of record and currency (proto/README.md 6).

A pure function of what the log shows that a lender has given, of the rulebook, and of a day: the registry, the reader
of an answer and the auditor compute the same. What is held back is the sealed disclosure of a record, never that the
record exists.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.contribution import levels_of
from client_sdk.kernel.rules.dates import required_date

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.contribution import Contribution
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.words import Kind

__all__ = ["LevelStanding", "grace_until", "held_back", "kept_until", "standings"]


class LevelStanding(NamedTuple):
    """How a lender stands at one level.

    Attributes:
        gives: the kind that the level asks for.
        receives: whose facts it opens.
        given_on: day of the newest record of that kind that it gave; None where it never gave one.
        until: last day for which that counts as current; None where it never gave one.
        reached: whether it does.
    """

    gives: Kind
    receives: tuple[Kind, ...]
    given_on: date | None
    until: date | None
    reached: bool


def standings(contribution: Contribution, rulebook: Rulebook, today: date) -> tuple[LevelStanding, ...]:
    """Return how a lender stands at each level of the rulebook.

    Args:
        contribution: what it has given.
        rulebook: in force.
        today: legal day of the HEAD.
    """
    return tuple(
        _standing(level.gives, level.receives, contribution.given_on(level.gives), rulebook.reciprocity_days, today)
        for level in levels_of(rulebook.reciprocity_levels)
    )


def _standing(gives: Kind, receives: tuple[Kind, ...], given_on: str, days: int, today: date) -> LevelStanding:
    if not given_on:
        return LevelStanding(gives, receives, None, None, reached=False)
    given = required_date(given_on, "contribution.given_on")
    until = _later(given, days)
    return LevelStanding(gives, receives, given, until, reached=today <= until)


def grace_until(contribution: Contribution, rulebook: Rulebook) -> date | None:
    """Return the last day on which nothing is held back from a new lender; None where the rulebook gives no grace."""
    days = rulebook.reciprocity_grace_days
    return _later(required_date(contribution.enrolled_on, "contribution.enrolled_on"), days - 1) if days else None


def kept_until(contribution: Contribution, rulebook: Rulebook, today: date, last: str) -> Contribution:
    """Return what a lender has given once its registry closes: what counts today is as of the last day.

    From then on no record begins, so that a lender without running ones could give nothing any more.

    Args:
        contribution: what it has given until today.
        rulebook: in force.
        today: legal day of the closing act.
        last: day until which the registry serves, YYYY-MM-DD.
    """
    for given in contribution.given:
        given_on = required_date(given.given_on, "contribution.given_on")
        if given.given_on < last and today <= _later(given_on, rulebook.reciprocity_days):
            contribution = contribution.after(given.kind, last)
    return contribution


def held_back(contribution: Contribution, rulebook: Rulebook, today: date) -> frozenset[Kind]:
    """Return the kinds of record whose disclosures are held back from a lender: those of levels it has not reached.

    Args:
        contribution: what it has given.
        rulebook: in force.
        today: legal day of the HEAD.
    """
    grace = grace_until(contribution, rulebook)
    if grace is not None and today <= grace:
        return frozenset()
    found = standings(contribution, rulebook, today)
    return _received(found) - _received([standing for standing in found if standing.reached])


def _received(found: Sequence[LevelStanding]) -> frozenset[Kind]:
    return frozenset(kind for standing in found for kind in standing.receives)


def _later(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max
