"""The rulebooks that ship are valid, and London's days are those of its summer time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.jurisdiction import JURISDICTIONS
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.rules.dates import check_zone, day_of


@pytest.mark.parametrize("name", JURISDICTIONS)
def test_each_is_a_valid_rulebook_and_no_limit_of_its_law_is_exceeded(name: str) -> None:
    rulebook = Rulebook.shipped(name)
    assert Rulebook.of(rulebook.message()) == rulebook
    check_zone(rulebook.time_zone)
    with pytest.raises(FormatError, match="retention_years"):
        Rulebook.of(replace(rulebook, retention_years=rulebook.retention_years + 1).message())


def test_china_is_the_default_and_an_unknown_one_is_refused() -> None:
    assert Rulebook.shipped("cn") == Rulebook()
    with pytest.raises(FormatError, match="jurisdiction"):
        Rulebook.shipped("xx")


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-03-28T23:30", "2026-03-28"),
        ("2026-03-29T00:59", "2026-03-29"),
        ("2026-03-29T23:00", "2026-03-30"),
        ("2026-10-24T23:00", "2026-10-25"),
        ("2026-10-25T23:30", "2026-10-25"),
    ],
)
def test_a_day_begins_an_hour_earlier_in_summer(text: str, day: str) -> None:
    moment = datetime.fromisoformat(text).replace(tzinfo=UTC)
    assert day_of(int(moment.timestamp() * 1000), "Europe/London").isoformat() == day
