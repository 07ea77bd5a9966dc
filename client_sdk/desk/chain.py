"""The chain of a debt, 逾期 → 判决 → 执行 → 履行, as events in time: from the opened facts of listed records."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from client_sdk.desk.texts import N_
from client_sdk.models import DefaultFacts, EnforcementFacts, JudgmentFacts, ListingFacts, Standing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from client_sdk.models import Facts, ListedRecord

__all__ = ["STAGES", "DebtChain", "Event", "Span", "Stage", "chains_of"]


class Stage(IntEnum):
    """Stage of a debt that is not paid, in their order."""

    OVERDUE = 0
    JUDGMENT = 1
    ENFORCEMENT = 2
    PERFORMANCE = 3


STAGES = {
    Stage.OVERDUE: N_("Overdue"),
    Stage.JUDGMENT: N_("Judgment"),
    Stage.ENFORCEMENT: N_("Enforcement"),
    Stage.PERFORMANCE: N_("Performance"),
}
_ENDED = {
    Standing.CURED: N_("paid up"),
    Standing.SATISFIED: N_("satisfied"),
    Standing.TRANSFERRED: N_("debt sold"),
}


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that happened on a day.

    Attributes:
        on: the day.
        stage: of the debt.
        text: what, to be said in a language.
    """

    on: date
    stage: Stage
    text: str


@dataclass(frozen=True, slots=True)
class Span:
    """How long a stage has lasted: from a day to its end, or to the day of the newest facts where it goes on."""

    stage: Stage
    first: date
    last: date
    ended: bool


@dataclass(frozen=True, slots=True)
class DebtChain:
    """One debt.

    Attributes:
        contract: its number.
        issuers: institution ids of the lenders whose records tell of it.
        events: ascending.
        spans: at most one a record.
    """

    contract: str
    issuers: tuple[str, ...]
    events: tuple[Event, ...]
    spans: tuple[Span, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Stages that the debt has reached, ascending."""
        return tuple(sorted({event.stage for event in self.events}))


def chains_of(records: Sequence[ListedRecord]) -> tuple[DebtChain, ...]:
    """Return the chains of the records whose facts are opened, in the order of the records."""
    debts: dict[tuple[str, str], list[ListedRecord]] = {}
    for record in records:
        if record.facts is not None:
            debt = record.facts.debt
            debts.setdefault((debt.original_creditor, debt.contract), []).append(record)
    return tuple(_chain(contract, found) for (_, contract), found in debts.items())


def _chain(contract: str, records: Sequence[ListedRecord]) -> DebtChain:
    events = sorted({event for record in records for event in _events(record)})
    spans = [span for record in records if record.facts is not None for span in _span(record.facts)]
    return DebtChain(contract, tuple(sorted({record.issuer for record in records})), tuple(events), tuple(spans))


def _events(record: ListedRecord) -> Iterator[Event]:
    facts = record.facts
    match facts:
        case DefaultFacts():
            yield Event(facts.first_delinquency_on, Stage.OVERDUE, N_("first day overdue"))
            if facts.arrangement is not None:
                yield Event(facts.arrangement.agreed_on, Stage.PERFORMANCE, N_("payment arranged"))
        case JudgmentFacts():
            yield Event(facts.filed_on, Stage.JUDGMENT, N_("suit filed"))
            if facts.judged_on is not None:
                yield Event(facts.judged_on, Stage.JUDGMENT, N_("judged"))
            if facts.effective_on is not None:
                yield Event(facts.effective_on, Stage.JUDGMENT, N_("final"))
        case EnforcementFacts():
            yield Event(facts.filed_on, Stage.ENFORCEMENT, N_("enforcement begun"))
            if facts.stayed_on is not None:
                yield Event(facts.stayed_on, Stage.ENFORCEMENT, N_("stayed"))
            if facts.executed.total and facts.ended_on is None:
                yield Event(facts.as_of, Stage.PERFORMANCE, N_("recovered in part"))
        case ListingFacts():
            yield Event(facts.listed_on, Stage.ENFORCEMENT, N_("listed as dishonest"))
        case _:
            return
    ended_on = None if isinstance(facts, ListingFacts) else facts.ended_on
    if ended_on is not None:
        yield Event(ended_on, Stage.PERFORMANCE, _ENDED.get(record.standing, N_("ended")))


def _span(facts: Facts) -> Iterator[Span]:
    match facts:
        case DefaultFacts():
            stage, first = Stage.OVERDUE, facts.first_delinquency_on
        case JudgmentFacts():
            stage, first = Stage.JUDGMENT, facts.filed_on
        case EnforcementFacts():
            stage, first = Stage.ENFORCEMENT, facts.filed_on
        case _:
            # An entry of the courts' list is a day, and no stage.
            return
    last = facts.ended_on or facts.as_of
    if first <= last:
        yield Span(stage, first, last, ended=facts.ended_on is not None)
