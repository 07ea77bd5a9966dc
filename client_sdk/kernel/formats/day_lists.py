"""The lists of days of a rulebook: free weekdays and worked weekends (proto/README.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.ascending import check_ascending
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import is_day, is_weekend

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DAY_LISTS", "check_days"]

DAY_LISTS = ("holidays", "workdays")
# Ten years of a calendar that is decreed year by year.
_MAX_DAYS = 400


def check_days(name: str, days: Sequence[str]) -> None:
    """Check a list of days of a rulebook: real ones in order, weekdays as holidays and weekends as workdays.

    Args:
        name: ``holidays`` or ``workdays``.
        days: YYYY-MM-DD.

    Raises:
        FormatError: a day is none, is in the wrong list or out of order, or there are too many.
    """
    for text in days:
        if not is_day(text):
            raise FormatError("rulebook", f"{name}.date", want="real days as YYYY-MM-DD")
        if is_weekend(text) is not (name == "workdays"):
            want = "Saturdays and Sundays" if name == "workdays" else "Mondays to Fridays"
            raise FormatError("rulebook", f"{name}.weekday", got=text, want=want)
    check_ascending(days, "rulebook", name)
    if len(days) > _MAX_DAYS:
        raise FormatError("rulebook", f"{name}.count", got=str(len(days)), want=f"at most {_MAX_DAYS}")
