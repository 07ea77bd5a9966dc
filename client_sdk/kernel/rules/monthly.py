"""Monthly history of a record, derived from those of its versions that a reader holds: what is known of each month.

    month     standing   days past due           code
    2026-02                                      #      not reported: no version that is known is of it
    2026-03   OPEN       29, at the month's end  1      follows from the version of April
    2026-04   OPEN       59 on 2026-04-30        2      stated by a version
    2026-05   OPEN                               #      the record stood so, and no version says more of the month

A version is of the day for which its facts hold. Where its facts are sealed to the reader, it is of the day on which it
was logged, or of that of the next version if that is earlier, as facts never go back. Of several versions of one month
the newest counts: that is how a past month is corrected, and nothing else is.

Days past due are calendar days since the oldest payment that is missed. Where a version counts them from the first day
of the episode, that payment was missed on each day in between, and the days of these months follow from it. Where it
counts fewer, older payments were made up for, no version says when, and the months in between are not reported.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.codes.crosswalk import MOST_DAYS, code_of
from client_sdk.kernel.rules.dates import months_later
from client_sdk.kernel.rules.fact_rules import DAYS_TOLERANCE
from client_sdk.kernel.rules.facts import DefaultFacts
from client_sdk.kernel.rules.lifecycle import is_running

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from client_sdk.kernel.rules.facts import Facts

__all__ = ["MONTHS", "NOT_REPORTED", "HistoryMonth", "KnownVersion", "monthly_history"]

# As many months as the credit report of the PBoC shows.
MONTHS = 60
# What the code list of the PBoC says of a month that is not known.
NOT_REPORTED = "#"
_CODES = "pboc-month"


class KnownVersion(NamedTuple):
    """A version of a record, as far as a reader knows it.

    Attributes:
        version: its number.
        standing: of it.
        logged_on: day on which it was logged, in the legal time zone.
        facts: of it; None where they are sealed to the reader.
    """

    version: int
    standing: Standing
    logged_on: date
    facts: Facts | None = None


class HistoryMonth(NamedTuple):
    """What is known of a record in one month.

    Attributes:
        month: YYYY-MM, of the legal calendar.
        standing: the last that was reported up to the end of the month; None where no known version is as old.
        version: the newest version that is of this month; None for none.
        as_of: day for which ``days_past_due`` hold; None where they are not reported.
        days_past_due: of a DEFAULT, calendar days; None where they are not reported.
        follows: whether the days follow from a later version, which counts them from the first day of the episode.
        code: month code of the PBoC for these days, ``#`` for not reported; empty for another kind than DEFAULT.
    """

    month: str
    standing: Standing | None
    version: int | None
    as_of: date | None
    days_past_due: int | None
    follows: bool
    code: str


def monthly_history(
    kind: Kind, versions: Sequence[KnownVersion], until: date, months: int = MONTHS
) -> tuple[HistoryMonth, ...]:
    """Return a row for each month of which something may be known, the oldest first.

    Rows begin with the oldest month of which a known version tells something. They end with the month of ``until``, or
    where the newest version ends the record, with the month that it speaks for.

    Args:
        kind: of the record.
        versions: known ones, at least one, ascending, without a gap, the newest version of the record last.
        until: day for which the newest version is the newest.
        months: the most rows; of more the newest.
    """
    dated = _dated(versions)
    newest, day = dated[-1]
    last = (until if is_running(newest.standing) else min(day, until)).replace(day=1)
    reaching = [facts for version in versions if (facts := _reaching_back(version)) is not None]
    begun = min([dated[0][1], *(facts.first_delinquency_on for facts in reaching)]).replace(day=1)
    first, rows = max(begun, months_later(last, 1 - months)), []
    while first <= last:
        rows.append(_row(kind, first, dated, reaching))
        first = months_later(first, 1)
    return tuple(rows)


def _dated(versions: Sequence[KnownVersion]) -> list[tuple[KnownVersion, date]]:
    """Return each version with the day that it speaks for; days ascend."""
    dated: list[tuple[KnownVersion, date]] = []
    for version in reversed(versions):
        day = version.logged_on if version.facts is None else version.facts.as_of
        dated.append((version, min(day, dated[-1][1]) if dated else day))
    return dated[::-1]


def _row(
    kind: Kind, first: date, dated: Sequence[tuple[KnownVersion, date]], reaching: Sequence[DefaultFacts]
) -> HistoryMonth:
    end = months_later(first, 1) - timedelta(1)
    so_far = [version for version, day in dated if day <= end]
    of_month = [version for version, day in dated if first <= day <= end]
    row = HistoryMonth(
        month=f"{first:%Y-%m}",
        standing=so_far[-1].standing if so_far else None,
        version=of_month[-1].version if of_month else None,
        as_of=None,
        days_past_due=None,
        follows=False,
        code=NOT_REPORTED if kind is Kind.DEFAULT else "",
    )
    known = _stated(of_month) or _following(end, reaching)
    if known is None:
        return row
    as_of, days, follows = known
    code = code_of(days, _CODES, as_of)
    return row._replace(as_of=as_of, days_past_due=days, follows=follows, code=code)


def _stated(of_month: Sequence[KnownVersion]) -> tuple[date, int, bool] | None:
    """Return what the newest version of a month says of its days; a debt that was sold is not one that was paid."""
    facts = of_month[-1].facts if of_month else None
    if not isinstance(facts, DefaultFacts) or of_month[-1].standing is Standing.TRANSFERRED:
        return None
    # Only an issuer that breaks the rules, with the registry's help, has more of them: no code is for these.
    return (facts.as_of, facts.days_past_due, False) if facts.days_past_due <= MOST_DAYS else None


def _following(end: date, reaching: Sequence[DefaultFacts]) -> tuple[date, int, bool] | None:
    """Return what follows for the end of a month from the newest later version that counts from the first day."""
    for facts in reversed(reaching):
        if facts.first_delinquency_on <= end < facts.as_of:
            days = facts.days_past_due - (facts.as_of - end).days
            return (end, days, True) if days > 0 else None
    return None


def _reaching_back(version: KnownVersion) -> DefaultFacts | None:
    """Return the facts of a version that counts its days past due from the first day of the episode."""
    facts = version.facts
    if not isinstance(facts, DefaultFacts) or facts.days_estimated or not is_running(version.standing):
        return None
    elapsed = (facts.as_of - facts.first_delinquency_on).days
    return facts if 0 < elapsed <= facts.days_past_due <= min(elapsed + DAYS_TOLERANCE, MOST_DAYS) else None
