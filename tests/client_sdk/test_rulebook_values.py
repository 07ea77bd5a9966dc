"""Limits of a rulebook as people type them: those of a rulebook make the same one, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from client_sdk.kernel.formats.state import Rulebook
from client_sdk.rulebook_values import RulebookValueError, effect_of, range_of, typed_limits, with_changes, with_limits

SHIPPED = [Rulebook(), Rulebook.shipped("uk"), replace(Rulebook(), holidays=("2027-01-01", "2027-02-08"))]


@pytest.mark.parametrize("rulebook", SHIPPED)
def test_what_is_typed_for_a_rulebook_makes_the_same_one(rulebook: Rulebook) -> None:
    typed = typed_limits(rulebook)
    assert with_limits(rulebook, typed) == rulebook
    assert all(effect_of(name) for name in typed)


def test_one_limit_changes_and_the_rest_stays() -> None:
    assert with_limits(Rulebook(), {"dispute_days": " 15 "}) == replace(Rulebook(), dispute_days=15)
    assert with_limits(Rulebook(), {"no_fraud_cause": "true"}) == replace(Rulebook(), no_fraud_cause=True)
    days = {"holidays": "2027-02-08, 2027-01-01,"}
    assert with_limits(Rulebook(), {"daily_statements": str(2**64 - 1)}).daily_statements == 2**64 - 1
    assert with_limits(Rulebook(), days).holidays == ("2027-01-01", "2027-02-08")


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ({"dispute_days": "-1"}, "dispute_days"),
        ({"dispute_days": "many"}, "dispute_days"),
        ({"dispute_days": "９"}, "dispute_days"),
        ({"dispute_days": "9" * 10_000}, "dispute_days"),
        ({"no_fraud_cause": "yes"}, "no_fraud_cause"),
        ({"retention_years": "9" * 18}, "retention_years"),
        ({"retention_years": str(2**32)}, "retention_years"),
        ({"daily_statements": str(2**64)}, "daily_statements"),
    ],
)
def test_what_is_no_value_of_its_limit_is_told(typed: dict[str, str], name: str) -> None:
    with pytest.raises(RulebookValueError) as caught:
        with_limits(Rulebook(), typed)
    (mistake,) = caught.value.mistakes
    assert mistake.name == name
    assert mistake.want


def test_all_that_is_wrong_with_the_limits_is_told_at_once() -> None:
    typed = {"dispute_days": "99", "stale_days": "many", "holidays": "tomorrow", "no_fraud_cause": "maybe"}
    with pytest.raises(RulebookValueError) as caught:
        with_limits(Rulebook(), typed | {"notice_hours": "24"})
    assert {item.name for item in caught.value.mistakes} == set(typed)


def test_each_number_has_the_range_that_the_format_checks() -> None:
    rulebook = Rulebook()
    for name, text in typed_limits(rulebook).items():
        if type(getattr(rulebook, name)) is not int:
            continue
        least, most = range_of(name, rulebook)
        assert getattr(with_limits(rulebook, {name: str(least)}), name) == least
        for beyond in ([] if most is None else [most + 1]) + ([0] if least else []):
            with pytest.raises(RulebookValueError):
                with_limits(rulebook, {name: str(beyond)})
        assert least <= int(text) <= (most or int(text)), name


@pytest.mark.parametrize(
    ("typed", "rule", "want"),
    [
        ({"stale_days": "5000", "notice_hours": "1"}, "stale_days.limit", "at most 3660"),
        ({"holidays": "tomorrow"}, "holidays.date", "real days"),
        ({"dispute_days": "0"}, "rulebook.complete", "every limit"),
    ],
)
def test_what_makes_no_rulebook_names_the_rule(typed: dict[str, str], rule: str, want: str) -> None:
    with pytest.raises(RulebookValueError) as caught:
        with_limits(Rulebook(), typed)
    (mistake,) = caught.value.mistakes
    assert (mistake.rule, mistake.name) == (rule, next(iter(typed)))
    assert want in mistake.want


def test_days_are_read_as_people_type_them() -> None:
    changed = with_limits(Rulebook(), {"holidays": "2026/1/1, 2026年1月2日"})
    assert changed.holidays == ("2026-01-01", "2026-01-02")


def test_changes_of_one_rulebook_are_made_to_another() -> None:
    before, other = Rulebook(), replace(Rulebook(), stale_days=92, overlays=(), notice_hours=24)
    after = replace(before, dispute_days=15, notice_hours=72)
    assert with_changes(other, before, after) == replace(other, dispute_days=15, notice_hours=72)
    assert with_changes(other, before, before) == other
