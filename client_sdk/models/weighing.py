"""Weighing: the assessment of an answer's records by a lender's own criteria.

A pure function of records and time: it reads no clock and asks nobody, so the same answer and criteria give the same
assessment at any time. It has reasons with stable ids, because it must be explained to the person
(PIPL Art. 24). What could not be opened makes it REFER, whatever else speaks.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.words import AnnotationFlag, Kind, Standing
from client_sdk.kernel.rules.facts import (
    DefaultFacts,
    EnforcementFacts,
    JudgmentFacts,
    JudgmentStage,
    ListingFacts,
    SubjectRole,
)
from client_sdk.kernel.rules.lifecycle import is_paid
from client_sdk.models.assessment import Assessment, Outcome, Reason, ReasonId, Total
from client_sdk.models.listed import Unopened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from client_sdk.kernel.rules.facts import Amounts, Facts
    from client_sdk.models.listed import ListedRecord

__all__ = ["Criteria", "weigh"]

_SEVERITY = {outcome: place for place, outcome in enumerate(Outcome)}

COUNTED = frozenset(
    (
        (Kind.DEFAULT, Standing.OPEN),
        (Kind.JUDGMENT, Standing.OPEN),
        (Kind.ENFORCEMENT, Standing.OPEN),
        (Kind.ENFORCEMENT, Standing.STAYED),
        (Kind.LISTING, Standing.OPEN),
    )
)
_CURRENCY = re.compile("[A-Z]{3}", re.ASCII)
# Of a time that can be taken off a date.
_MOST_DAYS = 999_999_999
_STATE = (Kind, Standing)
WATCHED = frozenset(
    (
        (Kind.DEFAULT, Standing.ARRANGED),
        (Kind.DEFAULT, Standing.CURED),
        (Kind.DEFAULT, Standing.TRANSFERRED),
        (Kind.JUDGMENT, Standing.SATISFIED),
        (Kind.JUDGMENT, Standing.TRANSFERRED),
        (Kind.ENFORCEMENT, Standing.SATISFIED),
        (Kind.ENFORCEMENT, Standing.TRANSFERRED),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """A lender's criteria. By default open records are counted and ended ones are watched.

    Attributes:
        counted: kind and standing of records that make a person BLACKLISTED.
        watched: kind and standing of records that make it WATCH; all others are NOT_ADVERSE.
        min_days_past_due: an open default overdue for fewer days is only watched.
        min_amounts: minor units by currency; less is only watched. Estimated amounts are not held against it.
        judgment_stages: stages at which an open suit counts; at others it is only watched.
        forget_ended_after_days: days since the conduct ended, after which it is NOT_ADVERSE; None for never.
        count_guarantors: whether what is owed as a guarantor counts like one's own; if not, it is watched.
        refer_disputed: whether a disputed record makes the assessment REFER; if not, it counts, and
            the dispute is a reason without an outcome.
        refer_stale: the same of a record that its furnisher has left alone for the rulebook's ``stale_days``.

    Raises:
        ConfigError: one is of another type.
    """

    counted: frozenset[tuple[Kind, Standing]] = COUNTED
    watched: frozenset[tuple[Kind, Standing]] = WATCHED
    min_days_past_due: int = 1
    min_amounts: Mapping[str, int] = field(default_factory=dict)
    judgment_stages: frozenset[JudgmentStage] = frozenset((JudgmentStage.JUDGED, JudgmentStage.EFFECTIVE))
    forget_ended_after_days: int | None = 365
    count_guarantors: bool = True
    refer_disputed: bool = False
    refer_stale: bool = False

    def __post_init__(self) -> None:
        for name, fits in _FITTING.items():
            held = getattr(self, name)
            if not fits(held):
                raise ConfigError(f"criteria: {name} cannot hold what was given: {type(held).__name__}")
        # What is weighed by, and kept with the assessment, does not change with the caller's own sets.
        for name in ("counted", "watched", "judgment_stages"):
            object.__setattr__(self, name, frozenset(getattr(self, name)))
        object.__setattr__(self, "min_amounts", dict(self.min_amounts))


def _are_states(held: object) -> bool:
    """Say whether these are pairs of a kind and a standing, which may be given as words."""
    return isinstance(held, AbstractSet) and all(
        isinstance(state, tuple)
        and len(state) == len(_STATE)
        and all(word in kind.__members__ for word, kind in zip(state, _STATE, strict=True))
        for state in held
    )


def _are_stages(held: object) -> bool:
    return isinstance(held, AbstractSet) and all(stage in JudgmentStage.__members__ for stage in held)


def _is_number(held: object) -> bool:
    return type(held) is int and 0 <= held <= _MOST_DAYS


def _are_amounts(held: object) -> bool:
    return isinstance(held, Mapping) and all(
        isinstance(currency, str) and _CURRENCY.fullmatch(currency) and type(amount) is int
        for currency, amount in held.items()
    )


_FITTING: dict[str, Callable[[object], bool]] = {
    "counted": _are_states,
    "watched": _are_states,
    "min_days_past_due": lambda held: type(held) is int,
    "min_amounts": _are_amounts,
    "judgment_stages": _are_stages,
    "forget_ended_after_days": lambda held: held is None or _is_number(held),
    "count_guarantors": lambda held: type(held) is bool,
    "refer_disputed": lambda held: type(held) is bool,
    "refer_stale": lambda held: type(held) is bool,
}


class _Weighed(NamedTuple):
    """A record with open facts, and its outcome."""

    record: ListedRecord
    facts: Facts
    outcome: Outcome
    reason: ReasonId


def weigh(records: Sequence[ListedRecord], as_of: datetime, criteria: Criteria) -> Assessment:
    """Weigh the live records of one person, all of which are proved, by a lender's criteria.

    Args:
        records: all that there are.
        as_of: for when they are proved, UTC.
        criteria: of the lender.
    """
    if not records:
        reason = Reason(id=ReasonId.NO_LIVE_RECORD, outcome=Outcome.NOT_ADVERSE)
        return Assessment(outcome=Outcome.NOT_ADVERSE, reasons=(reason,), totals=(), as_of=as_of)
    remarks = [reason for record in records for reason in _remarks(record, criteria)]
    weighed = [
        _weigh(record, record.facts, as_of, criteria)
        for record in records
        if record.facts is not None and not record.restricted
    ]
    kept, doubles = _once_a_debt(weighed)
    reasons = [*(_reason(item) for item in kept), *doubles, *remarks]
    outcomes = [reason.outcome for reason in reasons if reason.outcome is not None]
    worst = max(outcomes, key=_SEVERITY.__getitem__, default=Outcome.NOT_ADVERSE)
    return Assessment(outcome=worst, reasons=tuple(reasons), totals=_totals(kept), as_of=as_of)


def _remarks(record: ListedRecord, criteria: Criteria) -> Iterable[Reason]:
    """Remarks on a record, and whether they make the assessment REFER."""
    ref = record.ref
    if record.restricted:
        yield Reason(id=ReasonId.RESTRICTED, record=ref, detail="must not be counted")
    elif record.unopened is not None and record.unopened is not Unopened.SCOPE_PAID:
        yield Reason(id=ReasonId(record.unopened.value), outcome=Outcome.REFER, record=ref)
    elif record.contested:
        yield Reason(id=ReasonId.CONTESTED, outcome=Outcome.REFER, record=ref, detail="signed by a key in doubt")
    elif record.unopened is not None:
        # Proved to be paid, and longer ago than the rulebook lets this purpose look back: what is not known cannot be
        # grave.
        yield Reason(id=ReasonId.SCOPE_PAID, outcome=Outcome.NOT_ADVERSE, record=ref)
    if record.statement_unopened is Unopened.DISCLOSURE_MISMATCH and not record.restricted:
        lost = "the person's own statement is not shown"
        yield Reason(id=ReasonId.DISCLOSURE_MISMATCH, outcome=Outcome.REFER, record=ref, detail=lost)
    if record.disputed:
        refer = criteria.refer_disputed and not record.restricted
        yield Reason(id=ReasonId.DISPUTED, outcome=Outcome.REFER if refer else None, record=ref)
    if record.stale:
        refer = criteria.refer_stale and not record.restricted
        detail = "its furnisher has not touched it for long"
        yield Reason(id=ReasonId.STALE, outcome=Outcome.REFER if refer else None, record=ref, detail=detail)
    if AnnotationFlag.STATEMENT in record.flags:
        yield Reason(id=ReasonId.SUBJECT_STATEMENT, record=ref)


def _weigh(record: ListedRecord, facts: Facts, as_of: datetime, criteria: Criteria) -> _Weighed:
    """Return the outcome of one record with open facts, and its reasons."""
    state = (record.kind, record.standing)
    if state not in criteria.counted and state not in criteria.watched:
        return _Weighed(record, facts, Outcome.NOT_ADVERSE, ReasonId.NOT_COUNTED_KIND)
    if _long_ended(facts, as_of, criteria.forget_ended_after_days):
        return _Weighed(record, facts, Outcome.NOT_ADVERSE, ReasonId.ENDED_LONG_AGO)
    if isinstance(facts, ListingFacts) and facts.listed_until is not None and facts.listed_until <= as_of.date():
        # The court's list does not have it any more; the registry erases the copy within the hour.
        return _Weighed(record, facts, Outcome.NOT_ADVERSE, ReasonId.LISTING_ENDED)
    if state in criteria.watched:
        return _Weighed(record, facts, Outcome.WATCH, ReasonId.WATCHED)
    milder = _milder(record, facts, criteria)
    if milder is not None:
        return _Weighed(record, facts, Outcome.WATCH, milder)
    return _Weighed(record, facts, Outcome.BLACKLISTED, ReasonId.COUNTED)


def _long_ended(facts: Facts, as_of: datetime, days: int | None) -> bool:
    if days is None or facts.ended_on is None:
        return False
    return as_of.date() - facts.ended_on > timedelta(days=days)


def _milder(record: ListedRecord, facts: Facts, criteria: Criteria) -> ReasonId | None:
    """Return why a record that would count is only watched."""
    if record.issuer_ended:
        # Nobody is left who could say that it is paid.
        return ReasonId.ISSUER_ENDED
    if facts.subject_role is SubjectRole.GUARANTOR and not criteria.count_guarantors:
        return ReasonId.GUARANTOR
    if isinstance(facts, DefaultFacts) and facts.days_past_due < criteria.min_days_past_due:
        return ReasonId.BELOW_DAYS
    suit = record.standing is Standing.OPEN and isinstance(facts, JudgmentFacts)
    if suit and isinstance(facts, JudgmentFacts) and facts.stage not in criteria.judgment_stages:
        return ReasonId.EARLY_STAGE
    currency, owed, estimated = _owed(record, facts)
    if not estimated and owed < criteria.min_amounts.get(currency, 0):
        return ReasonId.BELOW_AMOUNT
    return None


def _owed(record: ListedRecord, facts: Facts) -> tuple[str, int, bool]:
    """Return currency, minor units still owed, and whether that is an estimate."""
    if isinstance(facts, EnforcementFacts):
        parts: Sequence[Amounts] = (facts.applied, facts.executed)
        owed = max(0, facts.applied.total - facts.executed.total)
    else:
        parts = (facts.amounts,)
        owed = facts.amounts.total
    if is_paid(record.standing):
        owed = 0
    return parts[0].currency, owed, any(part.estimated for part in parts)


def _once_a_debt(weighed: Sequence[_Weighed]) -> tuple[list[_Weighed], list[Reason]]:
    """Keep the gravest record of each debt and kind (proto/README.md 3); of equals the newest.

    ``debt_ref`` was recomputed from creditor and contract when the facts were opened, and differs between versions of
    the subject keys; so two records are of one debt exactly where creditor and contract are the same.
    """
    debts: defaultdict[tuple[Kind, str, str], list[_Weighed]] = defaultdict(list)
    for item in weighed:
        debts[item.record.kind, item.facts.debt.original_creditor, item.facts.debt.contract].append(item)
    kept: list[_Weighed] = []
    doubles: list[Reason] = []
    for items in debts.values():
        first, *others = sorted(items, key=lambda item: (_SEVERITY[item.outcome], item.record.index), reverse=True)
        kept.append(first)
        doubles += (
            Reason(id=ReasonId.SAME_DEBT, record=item.record.ref, detail=f"counted as {first.record.ref}")
            for item in others
        )
    return kept, doubles


def _reason(item: _Weighed) -> Reason:
    state = f"{item.record.kind.name} {item.record.standing.name}"
    return Reason(id=item.reason, outcome=item.outcome, record=item.record.ref, detail=state)


def _totals(kept: Iterable[_Weighed]) -> tuple[Total, ...]:
    sums: defaultdict[tuple[Kind, str], list[tuple[int, bool]]] = defaultdict(list)
    for item in kept:
        if item.outcome in (Outcome.BLACKLISTED, Outcome.WATCH):
            currency, owed, estimated = _owed(item.record, item.facts)
            sums[item.record.kind, currency].append((owed, estimated))
    return tuple(
        Total(
            kind=kind,
            currency=currency,
            records=len(parts),
            amount=sum(owed for owed, _ in parts),
            estimated=any(estimated for _, estimated in parts),
        )
        for (kind, currency), parts in sorted(sums.items())
    )
