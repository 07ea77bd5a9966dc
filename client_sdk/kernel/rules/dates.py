"""Calendar dates of facts and statements: YYYY-MM-DD in the registry's legal time zone (proto/README.md 1)."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.statement import FIRST_YEAR, LAST_YEAR
from client_sdk.kernel.rules.errors import RuleError, RuleReason

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "check_order",
    "check_zone",
    "day_of",
    "is_month",
    "month_before",
    "months_later",
    "offset_of",
    "parse_date",
    "required_date",
]

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)

_HOUR = timedelta(hours=1)
_SUNDAY = 6


def _fixed(hours: int) -> Callable[[datetime], timedelta]:
    return lambda _: timedelta(hours=hours)


def _european(moment: datetime) -> timedelta:
    """Return an hour in summer: from the last Sunday of March, 01:00 UTC, to that of October (Directive 2000/84/EC)."""
    begin, end = (_last_sunday(moment.year, month) for month in (3, 10))
    return _HOUR if begin <= moment < end else timedelta()


def _last_sunday(year: int, month: int) -> datetime:
    last = datetime(year, month, 31, 1, tzinfo=UTC)
    return last - timedelta(days=(last.weekday() - _SUNDAY) % 7)


# The legal time zones that a rulebook may name, each by one rule for all times, so that every machine gets the same
# date, whatever its zone files say. China has had no summer time since 1991; the rule of the United Kingdom is that
# since 1996.
_ZONES: dict[str, Callable[[datetime], timedelta]] = {
    "Asia/Shanghai": _fixed(8),
    "Europe/London": _european,
    "UTC": _fixed(0),
}


def parse_date(text: str, field: str) -> date | None:
    """Return the date that the text names, None for an empty text.

    Raises:
        RuleError: DATE_INVALID; anything but a real date as YYYY-MM-DD of the years 1900 to 2199.
    """
    return required_date(text, field) if text else None


def is_month(text: str) -> bool:
    """Whether a month is written as YYYY-MM."""
    return _MONTH.fullmatch(text) is not None


def month_before(month: str) -> str:
    """Return the month before one, both as YYYY-MM."""
    year, number = divmod(12 * int(month[:4]) + int(month[5:]) - 2, 12)
    return f"{year:04}-{number + 1:02}"


def required_date(text: str, field: str) -> date:
    """Return the date that the text names.

    Raises:
        RuleError: DATE_INVALID; no text, or as ``parse_date``.
    """
    if not text:
        raise _refused(field, "date.present", "a date as YYYY-MM-DD")
    day = _date(text)
    if day is None:
        raise _refused(field, "date.form", "a real date as YYYY-MM-DD")
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise _refused(field, "date.range", f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    return day


def check_order(earlier: date | None, earlier_field: str, later: date | None, later_field: str) -> None:
    """Check that one date is not after another; where either is absent there is nothing to check.

    Raises:
        RuleError: DATE_INVALID.
    """
    if earlier is not None and later is not None and earlier > later:
        raise RuleError(
            RuleReason.DATE_INVALID,
            later_field,
            "date.order",
            got=later.isoformat(),
            want=f"not before {earlier_field}, {earlier.isoformat()}",
        )


def day_of(milliseconds: int, time_zone: str) -> date:
    """Return the calendar date of a moment in the registry's legal time zone.

    Args:
        milliseconds: since 1970 UTC.
        time_zone: ``Asia/Shanghai``, ``Europe/London`` or ``UTC``, as the rulebook carries it.

    Raises:
        RuleError: DATE_INVALID; the moment is past every calendar, or a rulebook may not name the zone.
    """
    try:
        moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
        return (moment + offset_of(moment, time_zone)).date()
    except (OverflowError, OSError, ValueError):
        raise _refused("time", "date.range", "milliseconds since 1970 UTC") from None


def offset_of(moment: datetime, time_zone: str) -> timedelta:
    """Return how far a legal time zone is before UTC at a moment, which carries UTC.

    Raises:
        RuleError: DATE_INVALID; a rulebook may not name the zone.
    """
    return _zone(time_zone)(moment)


def months_later(day: date, months: int) -> date:
    """Return the same day so many calendar months later; the last day of that month where it has no such day.

    A day past the last of all calendars is that last day.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def check_zone(time_zone: str) -> None:
    """Check that a rulebook may name a time zone.

    Raises:
        RuleError: DATE_INVALID; another one than ``Asia/Shanghai``, ``Europe/London`` and ``UTC``.
    """
    _zone(time_zone)


@lru_cache(maxsize=4096)  # a portfolio has many records and few dates
def _date(text: str) -> date | None:
    """Return a date as YYYY-MM-DD; None where it is none: the library's error holds the text."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # fromisoformat also reads 20250131 and 2025-W05-5.
    return day if day.isoformat() == text else None


def _zone(name: str) -> Callable[[datetime], timedelta]:
    try:
        return _ZONES[name]
    except KeyError:
        raise _refused("rulebook.time_zone", "time-zone.known", " or ".join(_ZONES)) from None


def _refused(field: str, rule: str, want: str) -> RuleError:
    return RuleError(RuleReason.DATE_INVALID, field, rule, want=want)
