"""Working days, and the last day of a period that is counted in days (民法典 Art. 201, 203).

The rulebook names the days on which weekdays are free and weekends are worked; the State Council decrees them for one
year at a time.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.statement import is_weekend
from client_sdk.kernel.rules.dates import day_of

if TYPE_CHECKING:
    from client_sdk.kernel.formats.state import Rulebook

__all__ = ["answer_due_on", "is_working_day", "last_day", "next_working_day"]


def is_working_day(day: date, rulebook: Rulebook) -> bool:
    """Whether people work on a day."""
    text = day.isoformat()
    return text in rulebook.workdays if is_weekend(text) else text not in rulebook.holidays


def next_working_day(day: date, rulebook: Rulebook) -> date:
    """Return the day, or the first working day after it."""
    while not is_working_day(day, rulebook):
        day += timedelta(days=1)
    return day


def last_day(begun: date, days: int, rulebook: Rulebook) -> date:
    """Return the last day of a period.

    Args:
        begun: the day of what begins it, which is not counted.
        days: calendar days.
        rulebook: with the calendar; where the last day is no working day, the period ends with the next one. A
            period past the last day of all calendars ends on that day.
    """
    try:
        return next_working_day(begun + timedelta(days=days), rulebook)
    except OverflowError:
        return date.max


def answer_due_on(disputed_at: int, rulebook: Rulebook) -> date:
    """Return the last day on which a dispute may be answered (征信业管理条例 Art. 25).

    Args:
        disputed_at: logged_at of the annotation since which it waits for an answer, ms.
        rulebook: in force.

    Raises:
        RuleError: DATE_INVALID; no calendar has the time.
    """
    return last_day(day_of(disputed_at, rulebook.time_zone), rulebook.dispute_days, rulebook)
