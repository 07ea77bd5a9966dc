"""Limits of a rulebook in words: each of them has its name, and a form shows those that people type."""

from __future__ import annotations

from dataclasses import fields

import pytest

from client_sdk.acts import Rulebook
from client_sdk.desk.rulebook_words import LIMITS, limit_field
from client_sdk.desk.texts import Language, say_in
from client_sdk.rulebook_values import typed_limits


def test_each_limit_has_its_words_and_no_other_is_left() -> None:
    assert set(LIMITS) == {field.name for field in fields(Rulebook)}
    assert len({limit.label for limit in LIMITS.values()}) == len(LIMITS)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("jurisdiction", ["cn", "uk"])
def test_a_limit_is_shown_with_its_unit_its_range_and_the_usual_value(language: Language, jurisdiction: str) -> None:
    rulebook, say = Rulebook.shipped(jurisdiction), say_in(language)
    for name, value in typed_limits(rulebook).items():
        shown = limit_field(name, value, rulebook, say)
        assert say(LIMITS[name].label) in shown.label
        assert say(LIMITS[name].unit) in shown.label
        assert say(LIMITS[name].does) in shown.hint
        assert name in shown.hint
