"""Milliseconds of the formats and aware datetimes say the same, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.moment import LAST_MS, milliseconds, moment


@given(st.integers(-62_135_596_800_000, LAST_MS))
def test_a_number_of_milliseconds_comes_back_from_its_time(count: int) -> None:
    assert milliseconds(moment(count)) == count
    assert moment(count).tzinfo is UTC


@given(st.integers(LAST_MS + 1, 2**64 - 1))
def test_a_time_after_every_calendar_is_shown_as_the_last_one(count: int) -> None:
    assert moment(count) == moment(LAST_MS) == datetime(9999, 12, 31, 23, 59, 59, 999_000, UTC)


def test_an_offset_changes_nothing_and_a_part_of_a_millisecond_is_dropped() -> None:
    east = datetime(2026, 3, 1, 10, 0, 0, 1_999, timezone(timedelta(hours=8)))
    assert moment(milliseconds(east)) == datetime(2026, 3, 1, 2, 0, 0, 1_000, UTC)
