"""Quality of what a member reports, by month: counted events, and a score that follows from them (proto/README.md 12).

    units    statements, of several of one record on one day only the first, submissions that were refused, and disputes
             that came to an answer or to its last day
    faults   what was wrong with them, each with a weight of at most 10
    score    10,000 x (10 x units - sum of the weights of all faults) / (10 x units), rounded down; 10,000 for no units

Some events follow from the log: an auditor counts them again. What facts say, and what was refused, admission alone
knows: it counts as it checks. Every count is of one member and of one month; none names a record.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import DisputeOutcome, LapseKind, Standing, WithdrawalReason, Word
from client_sdk.kernel.rules.correction import corrects
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.lifecycle import has_ended
from client_sdk.kernel.rules.stale import is_stale

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from client_sdk.kernel.formats.lapse import Lapse
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.formats.statement import Annotation, Statement
    from client_sdk.kernel.ledger.state_store import StateStore
    from client_sdk.kernel.ledger.statistics import StatementTally
    from client_sdk.kernel.rules.facts import Facts

__all__ = [
    "FROM_LOG",
    "LATE_END_DAYS",
    "MAX_COUNTS",
    "WEIGHTS",
    "QualityCount",
    "QualityEvent",
    "QualityRow",
    "QualityTally",
    "VersionBefore",
    "events_of_annotation",
    "events_of_facts",
    "events_of_lapse",
    "events_of_statement",
    "rows_of",
    "score_of",
]


class QualityEvent(Word):
    """What is counted of a member in a month."""

    # A version that it signed was logged.
    STATEMENT = "STATEMENT", 1
    # It answered a dispute: the record was right.
    DISPUTE_CONFIRMED = "DISPUTE_CONFIRMED", 2
    # It answered a dispute: the record was wrong.
    DISPUTE_LOST = "DISPUTE_LOST", 3
    # It answered a dispute: whether the record is right cannot be shown.
    DISPUTE_UNCONFIRMED = "DISPUTE_UNCONFIRMED", 4
    # It let the last day for the answer to a dispute pass.
    DISPUTE_UNANSWERED = "DISPUTE_UNANSWERED", 5
    # It withdrew a record as an error of its own.
    WITHDRAWN_ERROR = "WITHDRAWN_ERROR", 6
    # A version corrects the one before.
    CORRECTION = "CORRECTION", 7
    # A version came after the record, a running one, had been left alone for longer than the rulebook's stale_days.
    LATE_UPDATE = "LATE_UPDATE", 8
    # The end of a debt was reported more than LATE_END_DAYS after it.
    LATE_END = "LATE_END", 9
    # A submission was refused by a rule.
    REFUSED = "REFUSED", 10
    # A version came on the legal day of the one before: it makes no unit of its own, or many at once would hide faults.
    SAME_DAY = "SAME_DAY", 11


# Days after the end of a debt within which it is reported.
LATE_END_DAYS = 31
# Counts of one answer, of more those of the newest months: about 1 MiB.
MAX_COUNTS = 20_000
_MOST = 10_000
_FULL = 10
_UNITS = frozenset(
    (
        QualityEvent.STATEMENT,
        QualityEvent.REFUSED,
        QualityEvent.DISPUTE_CONFIRMED,
        QualityEvent.DISPUTE_LOST,
        QualityEvent.DISPUTE_UNCONFIRMED,
        QualityEvent.DISPUTE_UNANSWERED,
    )
)
# Of one unit never more than 10 together, so that no score is below 0.
WEIGHTS: Mapping[QualityEvent, int] = {
    QualityEvent.DISPUTE_UNANSWERED: 10,
    QualityEvent.WITHDRAWN_ERROR: 5,
    QualityEvent.DISPUTE_LOST: 5,
    QualityEvent.DISPUTE_UNCONFIRMED: 5,
    QualityEvent.CORRECTION: 2,
    QualityEvent.LATE_END: 2,
    QualityEvent.LATE_UPDATE: 1,
    QualityEvent.REFUSED: 1,
}
# What an auditor counts again; of the others about facts the log gives no more than that they are statements.
FROM_LOG = frozenset(
    (
        QualityEvent.STATEMENT,
        QualityEvent.SAME_DAY,
        QualityEvent.LATE_UPDATE,
        QualityEvent.WITHDRAWN_ERROR,
        QualityEvent.DISPUTE_CONFIRMED,
        QualityEvent.DISPUTE_LOST,
        QualityEvent.DISPUTE_UNCONFIRMED,
        QualityEvent.DISPUTE_UNANSWERED,
    )
)
_ANSWERS = {
    DisputeOutcome.CONFIRMED: QualityEvent.DISPUTE_CONFIRMED,
    DisputeOutcome.CORRECTED: QualityEvent.DISPUTE_LOST,
    DisputeOutcome.UNCONFIRMED: QualityEvent.DISPUTE_UNCONFIRMED,
}


class QualityCount(NamedTuple):
    """Which events are counted together.

    Attributes:
        member: institution id of who signed, or by whose silence a record was restricted.
        month: YYYY-MM, of the legal calendar.
        event: what happened.
        rule: id of the rule by which a submission was refused; empty for every other event.
    """

    member: str
    month: str
    event: QualityEvent
    rule: str = ""


def score_of(counts: Mapping[QualityEvent, int]) -> int:
    """Return the score of a month in hundredths of a percent, 0 to 10,000.

    Args:
        counts: of each event, refusals by all rules together.
    """
    units = sum(count for event, count in counts.items() if event in _UNITS) - counts.get(QualityEvent.SAME_DAY, 0)
    whole = _FULL * max(units, 0)
    lost = sum(WEIGHTS.get(event, 0) * count for event, count in counts.items())
    return _MOST if not whole else _MOST * max(whole - lost, 0) // whole


class VersionBefore(NamedTuple):
    """The version of a record before another one.

    Attributes:
        standing: its standing.
        logged_at: of its leaf, ms.
    """

    standing: Standing
    logged_at: int


def events_of_statement(
    statement: Statement, before: VersionBefore | None, logged_at: int, rulebook: Rulebook
) -> Iterator[QualityEvent]:
    """Yield what a logged version is counted as, as far as the log tells.

    Args:
        statement: the version.
        before: the one before; None for version 1.
        logged_at: of its leaf, ms.
        rulebook: in force.
    """
    yield QualityEvent.STATEMENT
    if before is not None:
        if day_of(before.logged_at, rulebook.time_zone) == day_of(logged_at, rulebook.time_zone):
            yield QualityEvent.SAME_DAY
        # By the log's time: what day the facts are of, the member says itself.
        if is_stale(before.standing, before.logged_at, logged_at, rulebook.stale_days):
            yield QualityEvent.LATE_UPDATE
    if statement.standing is Standing.WITHDRAWN and statement.reason is WithdrawalReason.ERROR:
        yield QualityEvent.WITHDRAWN_ERROR


def events_of_facts(
    before: Standing, previous: Facts, after: Standing, facts: Facts, today: date
) -> Iterator[QualityEvent]:
    """Yield what a further version is counted as by its facts.

    Args:
        before: standing of the version before.
        previous: its facts.
        after: standing of the version.
        facts: of the version.
        today: day on which it is logged.
    """
    if corrects(previous, facts, moved=before is not after):
        yield QualityEvent.CORRECTION
    ended_on = getattr(facts, "ended_on", None)
    if has_ended(after) and before is not after and ended_on is not None and (today - ended_on).days > LATE_END_DAYS:
        yield QualityEvent.LATE_END


def events_of_annotation(annotation: Annotation) -> Iterator[QualityEvent]:
    """Yield what an answer to a dispute is counted as; nothing for every other annotation."""
    event = None if annotation.outcome is None else _ANSWERS.get(annotation.outcome)
    if event is not None:
        yield event


def events_of_lapse(what: LapseKind) -> Iterator[QualityEvent]:
    """Yield what a lapse is counted as, of the issuer of the record."""
    if what is LapseKind.RESTRICTED:
        yield QualityEvent.DISPUTE_UNANSWERED


class QualityRow(NamedTuple):
    """One member in one month.

    Attributes:
        month: YYYY-MM.
        member: institution id.
        counts: above 0, by event and rule, ascending.
        score: hundredths of a percent.
    """

    month: str
    member: str
    counts: tuple[tuple[QualityEvent, str, int], ...]
    score: int

    @property
    def by_event(self) -> Counter[QualityEvent]:
        """The counts by event, refusals by all rules together."""
        total: Counter[QualityEvent] = Counter()
        for event, _, count in self.counts:
            total[event] += count
        return total


def rows_of(counts: Mapping[QualityCount, int], *, rules: bool) -> tuple[QualityRow, ...]:
    """Return the rows that counts make: of the newest months, ascending by month and member.

    Of so many months as fit into ``MAX_COUNTS`` counts, whole ones and at least one.

    Args:
        counts: above 0.
        rules: whether refusals are told by rule; else all together.
    """
    found: dict[str, dict[str, Counter[tuple[QualityEvent, str]]]] = {}
    for key, count in counts.items():
        row = found.setdefault(key.month, {}).setdefault(key.member, Counter())
        row[key.event, key.rule if rules else ""] += count
    months: list[str] = []
    room = MAX_COUNTS
    for month in sorted(found, reverse=True):
        room -= sum(len(row) for row in found[month].values())
        if months and room < 0:
            break
        months.append(month)
    return tuple(
        _row(month, member, found[month][member]) for month in sorted(months) for member in sorted(found[month])
    )


def _row(month: str, member: str, counts: Counter[tuple[QualityEvent, str]]) -> QualityRow:
    shown = tuple((event, rule, counts[event, rule]) for event, rule in sorted(counts))
    row = QualityRow(month, member, shown, 0)
    return row._replace(score=score_of(row.by_event))


class QualityTally:
    """Counts events as a log is replayed, in the months of its statistics.

    Args:
        months: knows the month of each leaf, and where the counting ends.
        store: takes what grows with the log.

    Attributes:
        counts: of the events that follow from the log.
    """

    def __init__(self, months: StatementTally, store: StateStore) -> None:
        self._months = months
        self._logged_at = store.mapping("logged at", RecordKey, int)
        self.counts: Counter[QualityCount] = Counter()

    def take_statement(
        self, index: int, logged_at: int, statement: Statement, before: Standing | None, rulebook: Rulebook
    ) -> None:
        """Count a version; ``before`` is the standing of the one before, None for version 1."""
        # Of a record whose first version counts the time is known; no other has a version before.
        then = None if before is None else VersionBefore(before, self._logged_at.get(statement.key, logged_at))
        self._logged_at[statement.key] = logged_at
        self._count(index, logged_at, statement.signer, events_of_statement(statement, then, logged_at, rulebook))

    def take_annotation(self, index: int, logged_at: int, annotation: Annotation) -> None:
        """Count an annotation."""
        self._count(index, logged_at, annotation.author, events_of_annotation(annotation))

    def take_lapse(self, index: int, logged_at: int, lapse: Lapse) -> None:
        """Count a lapse."""
        self._count(index, logged_at, lapse.key.issuer, events_of_lapse(lapse.what))

    def _count(self, index: int, logged_at: int, member: str, events: Iterator[QualityEvent]) -> None:
        month = self._months.month(index, logged_at)
        if month:
            # Not Counter.update, which takes some microseconds a call: this is done for each leaf of a log.
            for event in events:
                self.counts[QualityCount(member, month, event)] += 1
