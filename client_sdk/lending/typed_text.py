"""Days and numbers as people and spreadsheets write them, brought to the one form that rules know.

Only what can be read in one way is brought there: the year first, or groups of thousands that are no decimal comma.
Another text stays as it is, and is refused with what was seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from client_sdk.kernel.rules.dates import parse_date, required_date
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.lending.kind_of_text import kind_of_text

if TYPE_CHECKING:
    from datetime import date

__all__ = [
    "DAY_WANTED",
    "NoDayError",
    "day_of_cell",
    "half_width",
    "read_day",
    "typed_day",
    "typed_number",
    "typed_time",
]

# What the API says; command and pages say it in a sentence of their own, which has its Chinese.
DAY_WANTED = "a day with the year first, such as 2026-01-05, 2026/1/5, 2026年1月5日 or 20260105"

# 2026/1/5, 2026-1-5, 2026.1.5, 2026年1月5日, each with a time of nought as spreadsheets add one.
_DAY = re.compile(
    r"([0-9]{4})(?:([-/.])([0-9]{1,2})\2([0-9]{1,2})|年([0-9]{1,2})月([0-9]{1,2})日)(?: 0?0:00(?::00(?:\.0+)?)?)?"
)
_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIGHT_DAY = re.compile(r"((?:19|20|21)[0-9]{2})([0-9]{2})([0-9]{2})")
_TIME = re.compile(
    r"([0-9年月日/.-]+)[ T]([0-9]{1,2}):([0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?) ?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
# One group alone may be a decimal comma: 12,500 is 12.5 where three places are usual.
_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3}){2,}")
_LONGEST = 48
# Signs of full width, as Chinese input methods type them; other signs that look like digits, such as ², are none.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}


def half_width(text: str) -> str:
    """Return a text with signs of full width as those that they stand for."""
    return text if text.isascii() else text.translate(_HALF_WIDTH)


def typed_day(text: str) -> str:
    """Return a day as YYYY-MM-DD; another text as it is."""
    if len(text) > _LONGEST:
        return text
    plain = half_width(text)
    if found := _DAY.fullmatch(plain):
        year, _, month, day, chinese_month, chinese_day = found.groups()
        return f"{year}-{int(month or chinese_month):02}-{int(day or chinese_day):02}"
    if found := _TIGHT_DAY.fullmatch(plain):
        return "-".join(found.groups())
    return text


class NoDayError(ValueError):
    """What was typed is no day, or can be read in two ways.

    Attributes:
        got: in a few words what was typed, without it: it may be an identity number.
    """

    def __init__(self, *, got: str) -> None:
        super().__init__(got)
        self.got = got


def read_day(text: str) -> date:
    """Return the day that a person typed, of the years 1900 to 2199.

    Raises:
        NoDayError: it is none, or it may be read in two ways.
    """
    plain = typed_day(text.strip())
    try:
        return required_date(plain, "day")
    except RuleError:
        raise NoDayError(got=_no_day(plain)) from None


def day_of_cell(text: str, column: str) -> date | None:
    """Return the day in a cell, of the years 1900 to 2199; None for an empty one.

    Raises:
        RuleError: DATE_INVALID; it is none, or it may be read in two ways.
    """
    plain = typed_day(text)
    try:
        return parse_date(plain, column)
    except RuleError as error:
        if error.rule != "date.form":
            raise
        got = _no_day(plain)
        raise RuleError(error.reason, column, error.rule, got=got, want=DAY_WANTED) from None


def _no_day(text: str) -> str:
    got = "a day that no calendar of 1900 to 2199 has"
    return got if _ISO_DAY.fullmatch(text) else kind_of_text(text)


def typed_time(text: str) -> str:
    """Return a time of a day in ISO 8601, with its offset from UTC if it has one; another text as it is."""
    found = _TIME.fullmatch(half_width(text)) if len(text) <= _LONGEST else None
    if found is None:
        return text
    day, hour, rest, offset = found.groups()
    return f"{typed_day(day)}T{int(hour):02}:{rest}{offset or ''}"


def typed_number(text: str) -> str:
    """Return a whole number as digits alone; another text as it is."""
    if len(text) > _LONGEST or (text.isascii() and text.isdigit()):
        return text
    plain = half_width(text)
    return plain.replace(",", "") if plain.isascii() and (plain.isdigit() or _GROUPS.fullmatch(plain)) else text
