"""Reports about oneself that are free: two a year (征信业管理条例 Art. 17); a third is chargeable, and not refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

__all__ = ["ReportTally", "tally_reports"]


class ReportTally(NamedTuple):
    """How many reports about oneself a person has had in the 12 months that end with a day.

    Attributes:
        had: on so many earlier days of these months; what was asked for on one day is one report.
        free: so many are free, by the rulebook.
    """

    had: int
    free: int

    @property
    def chargeable(self) -> bool:
        """Whether a fee may be taken for the report of this day."""
        return self.had >= self.free


def tally_reports(asked_on: Iterable[date], today: date, free: int) -> ReportTally:
    """Return how many reports a person has had before the one of today.

    Args:
        asked_on: days of all inquiries for SUBJECT_ACCESS about the person; today's do not count.
        today: of the report.
        free: of the rulebook.
    """
    begun = _year_before(today)
    return ReportTally(len({day for day in asked_on if begun < day < today}), free)


def _year_before(day: date) -> date:
    """Return the same day a year earlier; of 29 February, the 28th."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day.replace(year=day.year - 1, day=28)
