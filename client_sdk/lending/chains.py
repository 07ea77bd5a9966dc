"""Sorting the rows of a portfolio: which are versions of one record, and which records rest on each other."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.record_id import derive_record_id
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.lending.preflight import check_types
from client_sdk.models.batch import RejectedRow
from client_sdk.models.report import RecordName
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.lending.preflight import Preflight
    from client_sdk.models.report import Report

__all__ = ["PRECEDING_REJECTED", "Chain", "ChainKey", "Plan", "Row", "Unit", "plan", "record_id_of"]

# Reason of a row that is not sent because an earlier version of the same record was refused.
PRECEDING_REJECTED = "PRECEDING_REJECTED"


class ChainKey(NamedTuple):
    """Which episode: what a record id is derived from, without the attempt where that is not told."""

    kind: Kind
    reference: str
    first_day: date
    attempt: int | None

    @classmethod
    def of(cls, name: RecordName) -> ChainKey:
        """Return the key of a record's name; references are compared in NFC."""
        return cls(name.kind, unicodedata.normalize("NFC", name.reference), name.first_day, name.attempt)


def record_id_of(secret: bytes, key: ChainKey, attempt: int) -> bytes:
    """Return the record id of one attempt of an episode (proto/README.md 2)."""
    return derive_record_id(secret, key.kind, key.reference, key.first_day, attempt)


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One report.

    Attributes:
        place: in the input, counted from 1.
        number: what violations call it: the line of its file, or its place.
        report: the report.
    """

    place: int
    number: int
    report: Report


@dataclass(slots=True, eq=False)
class Chain:
    """All rows of one episode, in order, cut after each WITHDRAWN: what follows is the next attempt.

    A chain without rows is a record that another one of the input rests on.
    """

    key: ChainKey
    segments: list[list[Row]] = field(default_factory=list)

    def add(self, row: Row) -> int:
        """Take a row as the newest version, and return which segment it went to."""
        if not self.segments or self.segments[-1][-1].report.standing is Standing.WITHDRAWN:
            self.segments.append([])
        self.segments[-1].append(row)
        return len(self.segments) - 1


class Step(NamedTuple):
    """One row of a unit with the chain and segment that it belongs to."""

    row: Row
    chain: Chain
    segment: int


@dataclass(slots=True, eq=False)
class Unit:
    """Records that are sent together, in the order of the input: of one debt, or resting on each other."""

    chains: list[Chain] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """A portfolio that was read and held against the rules.

    Attributes:
        rows: of the input.
        units: what is to be sent.
        rejected: violations of rows that are not sent.
        rejected_rows: how many rows that are.
        records: different records that the rows are versions of.
    """

    rows: int = 0
    records: int = 0
    units: list[Unit] = field(default_factory=list)
    rejected: list[Violation] = field(default_factory=list)
    rejected_rows: int = 0


def plan(reports: Iterable[Report | RejectedRow], preflight: Preflight) -> Plan:
    """Read a portfolio, hold it against the rules, and sort it.

    Args:
        reports: versions of one record, records of one debt, and what rests on each other, each in order of time.
        preflight: rules and moment.
    """
    result = Plan()
    chains: dict[ChainKey, Chain] = {}
    steps: list[Step] = []
    for place, item in enumerate(reports, start=1):
        result.rows += 1
        if isinstance(item, RejectedRow):
            _reject(result, item.violations)
            continue
        row = Row(place, item.row or place, item)
        if broken := check_types(item, row.number):
            _reject(result, broken)
            continue
        name = item.name
        if name is None:
            _reject(result, preflight.check_report(item, row.number))
            continue
        key = ChainKey.of(name)
        chain = chains.setdefault(key, Chain(key))
        steps.append(Step(row, chain, chain.add(row)))
    result.records = sum(len(chain.segments) for chain in chains.values())
    kept = _in_order(chains.values(), preflight, result)
    result.units = list(_units([step for step in steps if step.row in kept], chains))
    return result


def _reject(result: Plan, violations: Iterable[Violation]) -> None:
    result.rejected += violations
    result.rejected_rows += 1


def _in_order(chains: Iterable[Chain], preflight: Preflight, result: Plan) -> set[Row]:
    """Return the rows that may be sent; a refused version keeps back the later ones of its record."""
    kept: set[Row] = set()
    for chain in chains:
        for segment in chain.segments:
            found = preflight.check_chain([row.report for row in segment], [row.number for row in segment])
            good = next((place for place, violations in enumerate(found) if violations), len(segment))
            kept.update(segment[:good])
            for place in range(good, len(segment)):
                _reject(result, found[place] or [held_back(segment[place].number)])
            del segment[good:]
    return kept


def held_back(number: int, rule: str = "chain.order") -> Violation:
    """Return why a row is not sent although nothing is wrong with it."""
    want = "an earlier version of this record to be accepted"
    return Violation(row=number, reason=PRECEDING_REJECTED, field="statement.version", rule=rule, want=want)


def _units(steps: Iterable[Step], chains: dict[ChainKey, Chain]) -> Iterator[Unit]:
    """Join chains of which one rests on the other, and those of one debt; everything else is a unit of its own.

    Only one record of a debt may run at a time (proto/README.md 3): a new episode waits for the end of the one before.
    """
    units: dict[ChainKey, Unit] = {}
    debts: dict[tuple[Identity, Kind, str, str], Chain] = {}

    def unit_of(chain: Chain) -> Unit:
        unit = units.get(chain.key)
        if unit is None:
            unit = units[chain.key] = Unit([chain])
        return unit

    for step in steps:
        unit = unit_of(step.chain)
        report = step.row.report
        if report.facts is not None:
            debt = report.facts.debt
            first = debts.setdefault((report.identity, report.kind, debt.original_creditor, debt.contract), step.chain)
            unit = _join(units, unit_of(first), unit)
        if report.basis is not None and isinstance(report.basis.record, RecordName):
            key = ChainKey.of(report.basis.record)
            unit = _join(units, unit_of(chains.setdefault(key, Chain(key))), unit)
        unit.steps.append(step)
    seen: set[int] = set()
    for unit in units.values():
        if id(unit) not in seen and unit.steps:
            seen.add(id(unit))
            yield unit


def _join(units: dict[ChainKey, Unit], first: Unit, second: Unit) -> Unit:
    if first is second:
        return first
    first.chains += second.chains
    first.steps = sorted((*first.steps, *second.steps), key=lambda step: step.row.place)
    units.update(dict.fromkeys((chain.key for chain in second.chains), first))
    return first
