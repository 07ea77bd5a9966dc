"""Reports about oneself that are free: which days count, and when a further one is chargeable."""

from __future__ import annotations

from datetime import date

import pytest

from client_sdk.kernel.rules.free_reports import tally_reports

TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("days", "had", "chargeable"),
    [
        ([], 0, False),
        ([TODAY, TODAY], 0, False),
        ([date(2026, 3, 1), TODAY], 1, False),
        # What was asked for on one day is one report.
        ([date(2026, 3, 1), date(2026, 3, 1)], 1, False),
        ([date(2026, 3, 1), date(2026, 11, 27)], 2, True),
        # A year ago is over, the day after it is not.
        ([date(2025, 11, 28), date(2025, 11, 29)], 1, False),
        ([date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)], 3, True),
    ],
)
def test_two_a_year_are_free(days: list[date], had: int, chargeable: bool) -> None:  # noqa: FBT001 - a row of the table
    tally = tally_reports(days, TODAY, 2)
    assert (tally.had, tally.free, tally.chargeable) == (had, 2, chargeable)


def test_a_leap_day_has_a_year_before_it() -> None:
    assert tally_reports([date(2027, 2, 28), date(2027, 3, 1)], date(2028, 2, 29), 2).had == 1
