"""The format of a number in a workbook: whether it is a day, and whether it shows digits that are not there."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from functools import lru_cache

from client_sdk.tables.values import Unclear, Value

__all__ = ["NumberFormat", "format_of", "number", "point_in_time"]

# Formats that have no code in the file (ECMA-376 part 1, 18.8.30): days and times, in all languages of Excel.
_BUILT_IN_DAYS = frozenset((*range(14, 18), 22, *range(27, 32), 36, *range(50, 55), 57, 58))
_BUILT_IN_TIMES = frozenset((18, 19, 20, 21, *range(32, 36), 45, 46, 47, 55, 56))
# Quoted text, escaped characters, spaces and fillings, colours and conditions.
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
_ELAPSED = re.compile(r"\[[hms]+\]", re.IGNORECASE)
_ZEROS_BEFORE = re.compile(r"^[^0#?.]*0[^.#?]*0|^[^0#?.]*0[^.]*[-/ ]")
_KEPT_DIGITS = 15
# Excel takes no longer ones.
_LONGEST_CODE = 255
_DAY_SECONDS = 86_400
_LAST_DAY = 2_958_465
# The spreadsheet's calendar has a 29 February 1900, which is day 60.
_FALSE_LEAP_DAY = 60
_PLAIN = re.compile(r"[0-9]{1,15}")
_AS_TEXT = "the column formatted as text, and the number typed anew"


class NumberFormat(Enum):
    """What is shown of a number."""

    PLAIN = "a number"
    DAY = "a day, with or without a time"
    TIME = "a time or a duration"
    PADDED = "a number with signs or zeros before it that are not part of it"


def format_of(number_format_id: int, code: str | None) -> NumberFormat:
    """Return what a format shows.

    Args:
        number_format_id: of the style.
        code: from the workbook; None for one that is built in.
    """
    if code is None:
        if number_format_id in _BUILT_IN_DAYS:
            return NumberFormat.DAY
        return NumberFormat.TIME if number_format_id in _BUILT_IN_TIMES else NumberFormat.PLAIN
    code = code[:_LONGEST_CODE]
    if _ELAPSED.search(code):
        return NumberFormat.TIME
    bare = _LITERALS.sub("", code.split(";")[0]).lower()
    if bare == "general":
        return NumberFormat.PLAIN
    has_clock = re.search(r"[hs]", bare) is not None
    if re.search(r"[yd]", bare) or ("m" in bare and not has_clock):
        return NumberFormat.DAY
    if has_clock:
        return NumberFormat.TIME
    return NumberFormat.PADDED if _ZEROS_BEFORE.match(bare) else NumberFormat.PLAIN


def number(text: str, shown: NumberFormat) -> Value:
    """Return a number as a spreadsheet keeps it: 15 digits at most."""
    if shown is NumberFormat.PADDED:
        return Unclear("cell.padded", "a number whose format shows zeros or signs that are not in it", _AS_TEXT)
    if _PLAIN.fullmatch(text):
        return int(text)
    try:
        # More digits are noise of binary fractions.
        value = Decimal(f"{float(text):.{_KEPT_DIGITS}g}")
    except (ValueError, ArithmeticError):
        return Unclear("cell.number", "a number that cannot be read", "a number")
    if not value.is_finite():
        return Unclear("cell.number", "a number that cannot be read", "a number")
    if value != value.to_integral_value():
        return value
    if abs(value) >= 10**_KEPT_DIGITS:
        digits = value.adjusted() + 1
        got = f"a number of {digits} digits, of which a spreadsheet keeps {_KEPT_DIGITS}"
        return Unclear("cell.rounded", got, _AS_TEXT)
    return int(value)


@lru_cache(maxsize=65_536)
def point_in_time(text: str, *, from_1904: bool) -> Value:
    """Return the day, or the time of a day, that a number stands for.

    Args:
        text: days since the first one of the calendar.
        from_1904: whether that is 1 January 1904, as on old Macintoshes, and not 31 December 1899.
    """
    try:
        days = float(text)
    except ValueError:
        return Unclear("cell.day", "a number that cannot be read, shown as a day", "a day")
    first = date(1904, 1, 1) if from_1904 else date(1899, 12, 30)
    if not (0 if from_1904 else 1) <= days < _LAST_DAY + 1 or (not from_1904 and int(days) == _FALSE_LEAP_DAY):
        return Unclear("cell.day", "a number that is no day of the calendar, shown as one", "a day")
    if not from_1904 and days < _FALSE_LEAP_DAY:
        first += timedelta(days=1)
    seconds = round(days % 1 * _DAY_SECONDS)
    day = first + timedelta(days=int(days))
    if seconds == 0:
        return day
    return datetime(day.year, day.month, day.day) + timedelta(seconds=seconds)  # noqa: DTZ001 - it has no zone
