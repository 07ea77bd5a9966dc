"""Statistics of what lenders reported, by month of the legal calendar: from the log and from two counters of admission.

Every count is of statements, none of persons, and none names a record: nothing here is erased, as nothing leads to
anybody. What is published is withheld where it is small (``suppression``), and is of months that are over: their counts
never change, so that two answers tell no more than one.

    EVENT            what the statements of a month did: record opened, standing changed, record updated
    ISSUER_SIZE      the same statements by the size of the issuer: records that it had opened by the end of the month
    OPENED_PRODUCT   the defaults opened in the month, by product of the loan; OPENED_CAUSE by cause
    CURED_PRODUCT    the defaults cured in the month, by product; CURED_CAUSE by the cause that was known at last

The first two follow from the log alone. Product and cause are sealed facts: admission counts them as it checks them.
"""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from client_sdk.kernel.formats.words import Kind, Standing, Word
from client_sdk.kernel.rules.dates import day_of, months_later
from client_sdk.kernel.rules.fact_words import DefaultCause, Product
from client_sdk.kernel.rules.facts import DefaultFacts
from client_sdk.kernel.rules.lifecycle import NEXT
from client_sdk.kernel.rules.suppression import withhold

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from client_sdk.kernel.rules.facts import Facts

__all__ = [
    "BY_FACT",
    "COLUMNS",
    "MAX_MONTHS",
    "NOT_SAID",
    "Breakdown",
    "FactCount",
    "MonthRow",
    "StatementCount",
    "StatementTally",
    "counted_facts",
    "event_of",
    "month_of",
    "months_reopened",
    "publish",
    "size_of",
]


class Breakdown(Word):
    """By what a row divides its total."""

    EVENT = "EVENT", 1
    ISSUER_SIZE = "ISSUER_SIZE", 2
    OPENED_PRODUCT = "OPENED_PRODUCT", 3
    OPENED_CAUSE = "OPENED_CAUSE", 4
    CURED_PRODUCT = "CURED_PRODUCT", 5
    CURED_CAUSE = "CURED_CAUSE", 6


class StatementCount(NamedTuple):
    """Which statements are counted together: issuer, month (YYYY-MM), kind of the record, and event."""

    issuer: str
    month: str
    kind: Kind
    event: str


class FactCount(NamedTuple):
    """Which facts of DEFAULTs are counted together: month (YYYY-MM), breakdown, and its word."""

    month: str
    breakdown: Breakdown
    word: str


class MonthRow(NamedTuple):
    """One month under one breakdown, as it is published.

    Attributes:
        month: YYYY-MM.
        breakdown: of the total.
        total: the sum of all counts; None where it is withheld, and every count with it.
        counts: one for each column of the breakdown, in order; None for what is withheld.
    """

    month: str
    breakdown: Breakdown
    total: int | None
    counts: tuple[int | None, ...]


# Months of one answer, of more the newest: some six rows of twenty counts each.
MAX_MONTHS = 240
OPENED = "OPENED"
UPDATED = "UPDATED"
NOT_SAID = "NOT_SAID"
_EventKey: TypeAlias = "tuple[Kind, str]"


def _changes(kind: Kind) -> list[Standing]:
    """Return the standings that a record of a kind may come to have from another one."""
    return sorted({after for before, followers in NEXT[kind].items() for after in followers if after is not before})


_EVENTS: tuple[_EventKey, ...] = tuple(
    (kind, event) for kind in Kind for event in (OPENED, UPDATED, *(standing.name for standing in _changes(kind)))
)
# The most records of an issuer of each size; the last has no limit.
_SIZES = (("UP_TO_99", 99), ("UP_TO_999", 999), ("UP_TO_9999", 9_999), ("FROM_10000", None))
_PRODUCTS = tuple(product.name for product in Product)
_CAUSES = (NOT_SAID, *(cause.name for cause in DefaultCause))

COLUMNS: Mapping[Breakdown, tuple[str, ...]] = {
    Breakdown.EVENT: tuple(f"{kind.name} {event}" for kind, event in _EVENTS),
    Breakdown.ISSUER_SIZE: tuple(name for name, _ in _SIZES),
    Breakdown.OPENED_PRODUCT: _PRODUCTS,
    Breakdown.OPENED_CAUSE: _CAUSES,
    Breakdown.CURED_PRODUCT: _PRODUCTS,
    Breakdown.CURED_CAUSE: _CAUSES,
}
# Breakdowns by a sealed fact, each with the count of EVENT that it divides.
BY_FACT: Mapping[Breakdown, _EventKey] = {
    Breakdown.OPENED_PRODUCT: (Kind.DEFAULT, OPENED),
    Breakdown.OPENED_CAUSE: (Kind.DEFAULT, OPENED),
    Breakdown.CURED_PRODUCT: (Kind.DEFAULT, Standing.CURED.name),
    Breakdown.CURED_CAUSE: (Kind.DEFAULT, Standing.CURED.name),
}
_PRODUCT_OF = {OPENED: Breakdown.OPENED_PRODUCT, Standing.CURED.name: Breakdown.CURED_PRODUCT}
_CAUSE_OF = {OPENED: Breakdown.OPENED_CAUSE, Standing.CURED.name: Breakdown.CURED_CAUSE}


def event_of(before: Standing | None, after: Standing) -> str:
    """Return what a statement does to its record: OPENED, UPDATED, or the standing to which it changes.

    Args:
        before: standing of the version before; None for version 1.
        after: standing of the version.
    """
    if before is None:
        return OPENED
    return UPDATED if before is after else after.name


def month_of(milliseconds: int, time_zone: str) -> str:
    """Return the month of a moment, ms since 1970 UTC, in the registry's legal time zone, as YYYY-MM."""
    return day_of(milliseconds, time_zone).isoformat()[:7]


def size_of(opened: int) -> str:
    """Return the size of an issuer that has opened so many records."""
    return next(name for name, most in _SIZES if most is None or opened <= most)


def counted_facts(month: str, event: str, facts: Facts | None) -> tuple[FactCount, ...]:
    """Return under what the facts of a version are counted: those of a DEFAULT that is opened or cured, once each.

    Args:
        month: in which it is logged.
        event: what it does.
        facts: of the version; None for one that has none.
    """
    if event not in _PRODUCT_OF or not isinstance(facts, DefaultFacts):
        return ()
    cause = NOT_SAID if facts.default_cause is None else facts.default_cause.name
    return FactCount(month, _PRODUCT_OF[event], facts.product.name), FactCount(month, _CAUSE_OF[event], cause)


class StatementTally:
    """Counts statements as a log is replayed.

    Args:
        until: size of the log at which the counting ends; None for all of it.

    Attributes:
        counts: number of statements, by what they are counted under.
        before: month of the last HEAD that was counted: only earlier ones are over. Empty without one.
        reopened: months that were over and began again, as an act set the log's time back.
    """

    def __init__(self, until: int | None = None) -> None:
        self._until = until
        self._zone = ""
        self._logged_at = -1
        self._month = ""
        self.counts: Counter[StatementCount] = Counter()
        self.before = ""
        self.reopened: set[str] = set()

    def take_statement(
        self, index: int, logged_at: int, issuer: str, kind: Kind, before: Standing | None, after: Standing
    ) -> None:
        """Count a statement; its month is by the time zone in force when its commit began."""
        month = self.month(index, logged_at)
        if month:
            self.counts[StatementCount(issuer, month, kind, event_of(before, after))] += 1

    def month(self, index: int, logged_at: int) -> str:
        """Return the month in which a leaf is counted; empty where it is not."""
        if not self._zone or (self._until is not None and index >= self._until):
            return ""
        if logged_at != self._logged_at:
            self._logged_at, self._month = logged_at, month_of(logged_at, self._zone)
        return self._month

    def take_head(self, index: int, logged_at: int, time_zone: str) -> None:
        """Take the end of a commit, with the time zone that is in force after it."""
        if self._until is None or index < self._until:
            self._zone, self._logged_at = time_zone, -1
            self.before = month_of(logged_at, time_zone)

    def take_clock(self, index: int, ahead: int, logged_at: int) -> None:
        """Take an act that sets the log's time back.

        Args:
            index: of its leaf.
            ahead: time of the leaf before it, ms.
            logged_at: of its own leaf, ms.
        """
        if self._until is None or index < self._until:
            self.reopened |= months_reopened(ahead, logged_at, self._zone)


def months_reopened(ahead: int, logged_at: int, time_zone: str) -> set[str]:
    """Return the months that were over at a time, ms, and are not at the earlier one to which an act sets it back."""
    month, last = month_of(logged_at, time_zone), month_of(ahead, time_zone)
    found: set[str] = set()
    while month < last:
        found.add(month)
        month = months_later(date.fromisoformat(f"{month}-01"), 1).isoformat()[:7]
    return found


def publish(
    statements: Mapping[StatementCount, int],
    facts: Mapping[FactCount, int] | None,
    before: str,
    reopened: Collection[str] = (),
) -> tuple[MonthRow, ...]:
    """Return what is published: a row for each month that is over and each breakdown, ascending by month.

    A month of which a part cannot be hidden is withheld whole: its rows share their totals, and one would tell another.
    So is one that was published and then began again: two sets of its counts would tell what lies between them.

    Args:
        statements: all counts since the log began, as an issuer's size follows from them.
        facts: counts of facts; None to leave these breakdowns out, as an auditor does, who cannot know them.
        before: the first month that is not over, YYYY-MM.
        reopened: months that an act has begun again.
    """
    events: dict[str, Counter[_EventKey]] = {}
    issuers: dict[str, Counter[str]] = {}
    opened: dict[str, Counter[str]] = {}
    for (issuer, month, kind, event), count in statements.items():
        if month < before:
            events.setdefault(month, Counter())[kind, event] += count
            issuers.setdefault(month, Counter())[issuer] += count
            opened.setdefault(month, Counter())[issuer] += count if event == OPENED else 0
    by_fact: dict[str, dict[Breakdown, Counter[str]]] = {}
    for (month, breakdown, word), count in (facts or {}).items():
        by_fact.setdefault(month, {}).setdefault(breakdown, Counter())[word] += count
    rows: list[MonthRow] = []
    so_far: Counter[str] = Counter()
    for month in sorted(events):
        so_far.update(opened[month])
        sizes: Counter[str] = Counter()
        for issuer, count in issuers[month].items():
            sizes[size_of(so_far[issuer])] += count
        made = _month(month, events[month], sizes, None if facts is None else by_fact.get(month, {}))
        rows += [_withheld(month, row.breakdown) for row in made] if month in reopened else made
    return tuple(rows)


def _month(
    month: str,
    events: Counter[_EventKey],
    sizes: Counter[str],
    by_fact: Mapping[Breakdown, Counter[str]] | None,
) -> list[MonthRow]:
    shown = [
        _row(month, Breakdown.EVENT, [events[event] for event in _EVENTS]),
        _row(month, Breakdown.ISSUER_SIZE, [sizes[name] for name in COLUMNS[Breakdown.ISSUER_SIZE]]),
    ]
    published = dict(zip(_EVENTS, shown[0].counts, strict=True))
    for breakdown, event in {} if by_fact is None else BY_FACT.items():
        words = COLUMNS[breakdown]
        if published[event] is None:
            shown.append(_withheld(month, breakdown))
        else:
            found = (by_fact or {}).get(breakdown, Counter())
            shown.append(_row(month, breakdown, [found[word] for word in words]))
    if all(row.total is not None or _goes_with(row, published) for row in shown):
        return shown
    return [_withheld(month, row.breakdown) for row in shown]


def _goes_with(row: MonthRow, published: Mapping[_EventKey, int | None]) -> bool:
    """Whether a row is withheld only because its total is a withheld count of EVENT."""
    return row.breakdown in BY_FACT and published[BY_FACT[row.breakdown]] is None


def _row(month: str, breakdown: Breakdown, counts: Iterable[int]) -> MonthRow:
    counts = tuple(counts)
    shown = withhold(counts)
    return _withheld(month, breakdown) if shown is None else MonthRow(month, breakdown, sum(counts), shown)


def _withheld(month: str, breakdown: Breakdown) -> MonthRow:
    return MonthRow(month, breakdown, None, (None,) * len(COLUMNS[breakdown]))
