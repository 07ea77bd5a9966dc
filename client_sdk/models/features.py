"""Features of an answer: a fixed list of numbers about a person's records, for a lender's own statistical model.

A pure function of the answer, as an assessment is. It rests on the facts that were opened: a record that must not be
counted is left out altogether, and one whose facts are not shown is counted as such and in nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.dates import months_later
from client_sdk.kernel.rules.facts import (
    ArrangementOutcome,
    CollectionStage,
    DefaultFacts,
    EnforcementFacts,
    JudgmentFacts,
    ListingFacts,
    SubjectRole,
)
from client_sdk.kernel.rules.lifecycle import is_paid, is_running

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from client_sdk.kernel.rules.facts import Facts
    from client_sdk.models.listed import ListedRecord

__all__ = ["FEATURES", "FEATURE_SET", "Feature", "Features", "features_of"]

# Raised where a feature changes its meaning or its place; a model is trained and used with one of them.
FEATURE_SET = 1
_CURRENCY_LETTERS = 3
_YEAR_MONTHS = 12
_TWO_YEARS_MONTHS = 24


class Feature(NamedTuple):
    """One number.

    Attributes:
        name: stable.
        unit: of its value.
        meaning: what is counted.
    """

    name: str
    unit: str
    meaning: str


_STATES = (
    (Kind.DEFAULT, (Standing.OPEN, Standing.ARRANGED, Standing.CURED, Standing.TRANSFERRED)),
    (Kind.JUDGMENT, (Standing.OPEN, Standing.SATISFIED, Standing.TRANSFERRED)),
    (Kind.ENFORCEMENT, (Standing.OPEN, Standing.STAYED, Standing.SATISFIED, Standing.TRANSFERRED)),
    (Kind.LISTING, (Standing.OPEN,)),
)
_OWING = (Kind.DEFAULT, Kind.JUDGMENT, Kind.ENFORCEMENT)
_STATE_NAMES = {
    (kind, standing): f"{kind.name.lower()}_{standing.name.lower()}"
    for kind, standings in _STATES
    for standing in standings
}

FEATURES: tuple[Feature, ...] = (
    Feature("records", "records", "with facts that were opened"),
    Feature("unopened_records", "records", "whose facts are not shown, whatever the reason"),
    Feature("lenders", "institutions", "that issued a record"),
    Feature("debts", "debts", "of different creditor or contract"),
    *(Feature(name, "records", f"{kind.name}, {standing.name}") for (kind, standing), name in _STATE_NAMES.items()),
    Feature("disputed_records", "records", "to which the person objects"),
    Feature("contested_records", "records", "signed by a key in doubt"),
    Feature("stale_records", "records", "running, and not touched for long"),
    Feature("guaranteed_records", "records", "of what is owed as a guarantor"),
    Feature("days_past_due_worst", "days", "the most of a running DEFAULT"),
    Feature("months_overdue_12", "months", "of the last 12, this one included, with a DEFAULT past due"),
    Feature("months_overdue_24", "months", "of the last 24, this one included, with a DEFAULT past due"),
    Feature("month_days_worst_24", "days", "past due, the most that a DEFAULT had in one of the last 24 months"),
    Feature("days_since_first_delinquency", "days", "since the oldest episode began; none without a DEFAULT"),
    Feature("days_since_last_delinquency", "days", "since the newest episode began; none without a DEFAULT"),
    Feature("days_since_last_end", "days", "since conduct last ended; none where none has"),
    Feature("days_since_last_report", "days", "since a version was last logged; none without a record"),
    Feature("collection_stage_worst", "0 to 5", "of a running DEFAULT, from REMINDED (1) to WRITTEN_OFF (5)"),
    Feature("judgment_stage_worst", "0 to 4", "of an open JUDGMENT, from FILED (1) to EFFECTIVE (4)"),
    Feature("arrangements_running", "records", "whose newest arrangement runs"),
    Feature("arrangements_kept", "records", "whose newest arrangement was kept"),
    Feature("arrangements_broken", "records", "whose newest arrangement was broken"),
    *(
        Feature(f"owed_{kind.name.lower()}", "minor units", f"still owed by {kind.name}s in the currency, a debt once")
        for kind in _OWING
    ),
    Feature("other_currencies", "currencies", "in which something else is owed"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Features(Plain):
    """Features of one answer.

    Attributes:
        feature_set: which list of features it is.
        currency: of what is owed.
        as_of: for when the answer is proved, UTC.
        values: by name, in the order of ``FEATURES``; None where there is nothing to measure.
    """

    feature_set: int
    currency: str
    as_of: datetime
    values: Mapping[str, int | None]

    def vector(self) -> list[float]:
        """Return the values in the order of ``FEATURES``; NaN where there is nothing to measure."""
        return [math.nan if value is None else float(value) for value in self.values.values()]


def features_of(records: Sequence[ListedRecord], as_of: datetime, currency: str) -> Features:
    """Return the features of the records of one person.

    Args:
        records: all that there are.
        as_of: for when they are proved, UTC.
        currency: ISO 4217, of what is owed.

    Raises:
        ConfigError: that is no currency.
    """
    given: object = currency
    if not isinstance(given, str) or len(given) != _CURRENCY_LETTERS or not (given.isascii() and given.isupper()):
        raise ConfigError("currency: want three capitals, ISO 4217")
    counted = [record for record in records if not record.restricted]
    opened = [(record, record.facts) for record in counted if record.facts is not None]
    values: dict[str, int | None] = {
        "records": len(opened),
        "unopened_records": len(counted) - len(opened),
        "lenders": len({record.issuer for record, _ in opened}),
        "debts": len({(facts.debt.original_creditor, facts.debt.contract) for _, facts in opened}),
        **_states(opened),
        "disputed_records": sum(record.disputed for record, _ in opened),
        "contested_records": sum(record.contested for record, _ in opened),
        "stale_records": sum(record.stale for record, _ in opened),
        "guaranteed_records": sum(facts.subject_role is SubjectRole.GUARANTOR for _, facts in opened),
        **_overdue(opened, as_of.date()),
        **_recency(opened, as_of.date()),
        **_stages(opened),
        **_owed(opened, currency),
    }
    ordered = {feature.name: values[feature.name] for feature in FEATURES}
    return Features(feature_set=FEATURE_SET, currency=currency, as_of=as_of, values=ordered)


def _states(opened: Iterable[tuple[ListedRecord, Facts]]) -> dict[str, int]:
    counts = dict.fromkeys(_STATE_NAMES.values(), 0)
    for record, _ in opened:
        counts[_STATE_NAMES[record.kind, record.standing]] += 1
    return counts


def _overdue(opened: Sequence[tuple[ListedRecord, Facts]], today: date) -> dict[str, int]:
    defaults = [(record, facts) for record, facts in opened if isinstance(facts, DefaultFacts)]
    # By month, the most days of any record; months are texts that sort as they follow each other.
    worst: dict[str, int] = {}
    for record, _ in defaults:
        for month in record.months:
            worst[month.month] = max(worst.get(month.month, 0), month.days_past_due or 0)
    year, two_years = (
        [days for month, days in worst.items() if month >= _month_before(today, count)]
        for count in (_YEAR_MONTHS, _TWO_YEARS_MONTHS)
    )
    return {
        "days_past_due_worst": max(
            (facts.days_past_due for record, facts in defaults if is_running(record.standing)), default=0
        ),
        "months_overdue_12": sum(days > 0 for days in year),
        "months_overdue_24": sum(days > 0 for days in two_years),
        "month_days_worst_24": max(two_years, default=0),
    }


def _month_before(today: date, count: int) -> str:
    """Return the first of so many months, the last of which is today's."""
    return f"{months_later(today.replace(day=1), 1 - count):%Y-%m}"


def _recency(opened: Sequence[tuple[ListedRecord, Facts]], today: date) -> dict[str, int | None]:
    begun = [facts.first_delinquency_on for _, facts in opened if isinstance(facts, DefaultFacts)]
    ended = [facts.ended_on for _, facts in opened if facts.ended_on is not None]
    logged = [record.logged_at.date() for record, _ in opened]
    return {
        "days_since_first_delinquency": _days(min(begun, default=None), today),
        "days_since_last_delinquency": _days(max(begun, default=None), today),
        "days_since_last_end": _days(max(ended, default=None), today),
        "days_since_last_report": _days(max(logged, default=None), today),
    }


def _days(day: date | None, today: date) -> int | None:
    # East of UTC a day may have begun that in UTC has not.
    return None if day is None else max(0, (today - day).days)


def _stages(opened: Sequence[tuple[ListedRecord, Facts]]) -> dict[str, int]:
    collection, suits, arrangements = [0], [0], dict.fromkeys(ArrangementOutcome, 0)
    for record, facts in opened:
        match facts:
            case DefaultFacts():
                if is_running(record.standing) and facts.collection_stage is not CollectionStage.ENDED:
                    collection.append(facts.collection_stage.number)
                if facts.arrangement is not None:
                    arrangements[facts.arrangement.outcome] += 1
            case JudgmentFacts() if record.standing is Standing.OPEN:
                suits.append(facts.stage.number)
    return {
        "collection_stage_worst": max(collection),
        "judgment_stage_worst": max(suits),
        "arrangements_running": arrangements[ArrangementOutcome.RUNNING],
        "arrangements_kept": arrangements[ArrangementOutcome.KEPT],
        "arrangements_broken": arrangements[ArrangementOutcome.BROKEN],
    }


def _owed(opened: Sequence[tuple[ListedRecord, Facts]], currency: str) -> dict[str, int]:
    """Return what is owed by kind; of several records of one kind and debt, what the newest of them says."""
    newest: dict[tuple[Kind, str, str], tuple[ListedRecord, Facts]] = {}
    for record, facts in sorted(opened, key=lambda item: item[0].index):
        if not isinstance(facts, ListingFacts):
            newest[record.kind, facts.debt.original_creditor, facts.debt.contract] = (record, facts)
    owed = dict.fromkeys(_OWING, 0)
    others: set[str] = set()
    for record, facts in newest.values():
        if is_paid(record.standing):
            continue
        amounts = facts.applied if isinstance(facts, EnforcementFacts) else facts.amounts
        left = amounts.total - (facts.executed.total if isinstance(facts, EnforcementFacts) else 0)
        if amounts.currency == currency:
            owed[record.kind] += max(0, left)
        elif left > 0:
            others.add(amounts.currency)
    return {**{f"owed_{kind.name.lower()}": amount for kind, amount in owed.items()}, "other_currencies": len(others)}
