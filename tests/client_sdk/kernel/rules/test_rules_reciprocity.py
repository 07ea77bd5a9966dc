"""What a lender receives for what it gives: by kind, as long as it is current, and everything while it is new."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Kind
from client_sdk.kernel.rules.reciprocity import grace_until, held_back, standings

DEFAULT, JUDGMENT, ENFORCEMENT = Kind.DEFAULT, Kind.JUDGMENT, Kind.ENFORCEMENT
NEW = Contribution("lender-1", "2026-01-01")
RULEBOOK = Rulebook(reciprocity_days=30, reciprocity_grace_days=10)
LATER = date(2026, 3, 1)


def test_a_new_lender_receives_everything_until_its_grace_is_over() -> None:
    assert grace_until(NEW, RULEBOOK) == date(2026, 1, 10)
    assert held_back(NEW, RULEBOOK, date(2026, 1, 10)) == frozenset()
    assert held_back(NEW, RULEBOOK, date(2026, 1, 11)) == {DEFAULT, JUDGMENT, ENFORCEMENT}
    without = replace(RULEBOOK, reciprocity_grace_days=0)
    assert grace_until(NEW, without) is None
    assert held_back(NEW, without, date(2026, 1, 1)) == {DEFAULT, JUDGMENT, ENFORCEMENT}


@pytest.mark.parametrize(
    ("given", "held"),
    [
        ((), {DEFAULT, JUDGMENT, ENFORCEMENT}),
        ((DEFAULT,), {JUDGMENT, ENFORCEMENT}),
        ((JUDGMENT,), {DEFAULT}),
        ((ENFORCEMENT,), {DEFAULT}),
        ((DEFAULT, ENFORCEMENT), set()),
    ],
)
def test_who_gives_defaults_alone_receives_defaults_alone(given: tuple[Kind, ...], held: set[Kind]) -> None:
    contribution = NEW
    for kind in given:
        contribution = contribution.after(kind, "2026-02-20")
    assert held_back(contribution, RULEBOOK, LATER) == held


def test_what_was_given_counts_for_the_days_of_the_rulebook() -> None:
    given = NEW.after(DEFAULT, "2026-01-30")
    assert DEFAULT not in held_back(given, RULEBOOK, date(2026, 3, 1))
    assert DEFAULT in held_back(given, RULEBOOK, date(2026, 3, 2))
    level, judgment, _ = standings(given, RULEBOOK, date(2026, 3, 2))
    assert (level.given_on, level.until, level.reached) == (date(2026, 1, 30), date(2026, 3, 1), False)
    assert (judgment.given_on, judgment.until, judgment.reached) == (None, None, False)
    # After a correction of the log's time a day may lie ahead.
    assert DEFAULT not in held_back(NEW.after(DEFAULT, "2027-01-01"), RULEBOOK, LATER)
    assert DEFAULT not in held_back(NEW.after(DEFAULT, "2199-12-31"), RULEBOOK, LATER)


def test_of_a_kind_that_no_level_names_nothing_is_held_back() -> None:
    assert held_back(NEW, replace(RULEBOOK, reciprocity_levels=()), LATER) == frozenset()
    assert held_back(NEW, replace(RULEBOOK, reciprocity_levels=("JUDGMENT:ENFORCEMENT",)), LATER) == {ENFORCEMENT}
