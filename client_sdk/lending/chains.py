"""Grouping the rows of a portfolio: versions of one record, and records that rest on each other."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from client_sdk.kernel.formats.record_id import derive_record_id
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.lifecycle import is_running
from client_sdk.lending.broken_rows import BrokenRows
from client_sdk.lending.preflight import check_types
from client_sdk.lending.row_warnings import (
    basis_warnings,
    repeated_row,
    report_warnings,
    rests_on_broken,
    step_warnings,
)
from client_sdk.models.batch import PreflightReport, RejectedRow
from client_sdk.models.report import RecordName
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet
    from datetime import date

    from client_sdk.kernel.rules.facts import Facts
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.lending.preflight import Preflight
    from client_sdk.models.report import Report
    from client_sdk.models.row_warning import RowWarning

__all__ = ["PRECEDING_REJECTED", "ChainKey", "Episode", "Plan", "Row", "Unit", "plan", "record_id_of"]

# Reason of a row that is not sent because an earlier version of the same record was refused.
PRECEDING_REJECTED = "PRECEDING_REJECTED"


# Whose debt, of which kind of record, from which creditor, under which contract.
_DebtKey: TypeAlias = "tuple[Identity, Kind, str, str]"


class ChainKey(NamedTuple):
    """Which episode: what a record id is derived from, without the attempt where none is given."""

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
class Episode:
    """All rows of one episode, in order, cut after each WITHDRAWN: what follows is the next attempt.

    A chain without rows is a record that another one of the input rests on.
    """

    key: ChainKey
    segments: list[list[Row]] = field(default_factory=list)
    _said: dict[Report, Row] = field(default_factory=dict)

    def repeated(self, row: Row) -> Row | None:
        """Return the row of the newest record that says the same; None where this one is new."""
        first = self._said.get(_said(row))
        is_over = bool(self.segments) and self.segments[-1][-1].report.standing is Standing.WITHDRAWN
        # What follows the end is the next attempt, though it says what the first one said.
        return None if is_over and row.report.standing is not Standing.WITHDRAWN else first

    def add(self, row: Row) -> int:
        """Take a row as the newest version, and return which segment it went to."""
        if not self.segments or self.segments[-1][-1].report.standing is Standing.WITHDRAWN:
            self.segments.append([])
            self._said.clear()
        self.segments[-1].append(row)
        self._said[_said(row)] = row
        return len(self.segments) - 1


def _said(row: Row) -> Report:
    """Return the content of a row, without its place."""
    return replace(row.report, row=0)


class UnitRow(NamedTuple):
    """One row of a unit with the chain and segment that it belongs to."""

    row: Row
    chain: Episode
    segment: int


@dataclass(slots=True, eq=False)
class Unit:
    """Records that are sent together, in the order of the input: of one debt, or resting on each other."""

    chains: list[Episode] = field(default_factory=list)
    steps: list[UnitRow] = field(default_factory=list)

    def only(self, rows: AbstractSet[Row]) -> Unit:
        """Return the same records with those of their rows alone, to follow what the registry holds by now."""
        chains = {
            # A segment without rows stays, as segments are counted to tell attempts apart.
            chain.key: Episode(chain.key, [[row for row in segment if row in rows] for segment in chain.segments])
            for chain in self.chains
        }
        steps = [UnitRow(row, chains[chain.key], segment) for row, chain, segment in self.steps if row in rows]
        return Unit(list(chains.values()), steps)


@dataclass(slots=True)
class Plan:
    """A portfolio that was read and held against the rules.

    Attributes:
        rows: of the input.
        units: what is to be sent.
        rejected: violations of rows that are not sent.
        rejected_rows: how many rows that are.
        repeated: rows that say the same as an earlier one that is sent.
        warnings: about rows that are sent.
        records: different records that the rows are versions of.
    """

    rows: int = 0
    records: int = 0
    units: list[Unit] = field(default_factory=list)
    rejected: list[Violation] = field(default_factory=list)
    rejected_rows: int = 0
    repeated: int = 0
    warnings: list[RowWarning] = field(default_factory=list)

    def report(self) -> PreflightReport:
        """Return the counts; violations and warnings are in order of rows."""
        return PreflightReport(
            rows=self.rows,
            passed=self.rows - self.rejected_rows - self.repeated,
            repeated=self.repeated,
            rejected_rows=self.rejected_rows,
            violations=tuple(sorted(self.rejected, key=lambda violation: violation.row)),
            warnings=tuple(sorted(self.warnings, key=lambda warning: warning.row)),
        )


def plan(reports: Iterable[Report | RejectedRow], preflight: Preflight) -> Plan:
    """Read a portfolio, hold it against the rules, and sort it.

    Args:
        reports: versions of one record, records of one debt, and what rests on each other, each in order of time.
        preflight: rules and moment.
    """
    result = Plan()
    chains: dict[ChainKey, Episode] = {}
    steps: list[UnitRow] = []
    repeats: list[tuple[Row, Row]] = []
    unread = BrokenRows()
    for place, item in enumerate(reports, start=1):
        result.rows += 1
        if isinstance(item, RejectedRow):
            _reject(result, _violations_of(item, place))
            unread.add(item, _number(item, place))
            continue
        if broken := check_types(item, _number(item, place)):
            _reject(result, broken)
            unread.add(item, _number(item, place))
            continue
        row = Row(place, item.row or place, item)
        name = item.name
        if name is None:
            _reject(result, preflight.check_report(item, row.number))
            unread.add(item, row.number)
            continue
        key = ChainKey.of(name)
        chain = chains.setdefault(key, Episode(key))
        if (first := chain.repeated(row)) is not None:
            repeats.append((row, first))
            continue
        if (earlier := unread.before(name)) is not None:
            _reject(result, [held_back(row.number, earlier=earlier)])
            continue
        steps.append(UnitRow(row, chain, chain.add(row)))
    result.records = sum(len(chain.segments) for chain in chains.values())
    kept = _in_order(chains.values(), preflight, result)
    _one_record_a_debt(steps, kept, result)
    _count_repeats(repeats, kept, result)
    result.warnings += _warnings(chains.values())
    result.warnings += _on_broken(steps, kept, result.rejected, unread)
    result.units = list(_units([step for step in steps if step.row in kept], chains))
    return result


def _on_broken(
    steps: Iterable[UnitRow], kept: set[Row], rejected: Iterable[Violation], unread: BrokenRows
) -> Iterator[RowWarning]:
    """Warn of rows that are sent and rest on a record a row of which is not: they may be refused for that."""
    left: dict[ChainKey, int] = {}
    numbers = {violation.row for violation in rejected}
    for step in steps:
        if step.row not in kept and step.row.number in numbers:
            left.setdefault(step.chain.key, step.row.number)
    for step in steps:
        basis = step.row.report.basis
        if step.row in kept and basis is not None and isinstance(basis.record, RecordName):
            number = left.get(ChainKey.of(basis.record)) or unread.before(basis.record)
            if number is not None:
                yield rests_on_broken(step.row.number, number)


def _violations_of(item: RejectedRow, place: int) -> tuple[Violation, ...]:
    """Return why a row was rejected before; that it does not say so, where it does not."""
    found: object = item.violations
    if isinstance(found, tuple) and all(isinstance(one, Violation) and type(one.row) is int for one in found):
        return found
    got, want = type(found).__name__, "a tuple of Violation"
    return (Violation(row=place, reason="MALFORMED", field="violations", rule="field.type", got=got, want=want),)


def _number(item: object, place: int) -> int:
    """Return the row number for violations, of a report whose types were not checked yet."""
    row = getattr(item, "row", None)
    return row if isinstance(row, int) and row else place


def _reject(result: Plan, violations: Iterable[Violation]) -> None:
    result.rejected += violations
    result.rejected_rows += 1


def _in_order(chains: Iterable[Episode], preflight: Preflight, result: Plan) -> set[Row]:
    """Return the rows that may be sent; a refused version keeps back the later ones of its record."""
    kept: set[Row] = set()
    for chain in chains:
        for place_of_record, segment in enumerate(chain.segments):
            found = preflight.check_chain([row.report for row in segment], [row.number for row in segment])
            if place_of_record:
                # What follows a WITHDRAWN of the input is certainly the first version of a record.
                found[0] += preflight.check_next(segment[0].report, None, segment[0].number)
            good = next((place for place, violations in enumerate(found) if violations), len(segment))
            kept.update(segment[:good])
            for place in range(good, len(segment)):
                _reject(result, found[place] or [held_back(segment[place].number)])
            del segment[good:]
    return kept


def _one_record_a_debt(steps: Iterable[UnitRow], kept: set[Row], result: Plan) -> None:
    """Reject the rows with which a second record of a debt would run beside the first (proto/README.md 3)."""
    running: dict[_DebtKey, Episode] = {}
    debts: dict[tuple[ChainKey, int], _DebtKey] = {}
    stopped: set[tuple[ChainKey, int]] = set()
    for step in steps:
        row, report, record = step.row, step.row.report, (step.chain.key, step.segment)
        if row not in kept:
            continue
        if report.facts is not None:
            debts[record] = _debt_of(report, report.facts)
        debt = debts.get(record)
        first = None if debt is None else running.get(debt)
        taken = first is not None and first is not step.chain and is_running(report.standing)
        if taken or record in stopped:
            _reject(result, [held_back(row.number) if record in stopped else _taken(row, first)])
            stopped.add(record)
            kept.discard(row)
            step.chain.segments[step.segment].remove(row)
        elif debt is not None and is_running(report.standing):
            running[debt] = step.chain
        elif debt is not None and first is step.chain:
            del running[debt]


def _taken(row: Row, first: Episode | None) -> Violation:
    rows = [] if first is None or not first.segments else first.segments[-1]
    got = f"a running record of the same debt in row {rows[0].number}" if rows else "a running record of the same debt"
    want = "one record of a debt at a time: one reference, or an end of the first before the second begins"
    return Violation(row=row.number, reason="DEBT_TAKEN", field="contract", rule="debt.one-record", got=got, want=want)


def _count_repeats(repeats: Iterable[tuple[Row, Row]], kept: set[Row], result: Plan) -> None:
    for row, first in repeats:
        if first in kept:
            result.repeated += 1
            result.warnings.append(repeated_row(row.number, first.number))
        else:
            want = f"row {first.number}, which says the same, to be accepted"
            broken = Violation(row=row.number, reason=PRECEDING_REJECTED, field="row", rule="row.repeated", want=want)
            _reject(result, [broken])


def _warnings(chains: Iterable[Episode]) -> Iterator[RowWarning]:
    chains = tuple(chains)
    newest = {chain.key: _newest_facts(chain) for chain in chains}
    for chain in chains:
        for segment in chain.segments:
            before = None
            for row in segment:
                yield from report_warnings(row.report, row.number)
                facts = row.report.facts
                if before is not None and facts is not None:
                    yield from step_warnings(before, facts, row.number)
                before = facts
                basis = row.report.basis
                if basis is not None and isinstance(basis.record, RecordName) and facts is not None:
                    rested = newest.get(ChainKey.of(basis.record))
                    if rested is not None:
                        yield from basis_warnings(rested, facts, row.number)


def _newest_facts(chain: Episode) -> Facts | None:
    """Return the last facts that the input has of a record; None for none."""
    rows = (row.report.facts for segment in reversed(chain.segments) for row in reversed(segment))
    return next((facts for facts in rows if facts is not None), None)


def held_back(number: int, *, earlier: int | None = None) -> Violation:
    """Return why a row is not sent although nothing is wrong with it.

    Args:
        number: of the row.
        earlier: number of the row that it waits for, where that is known.
    """
    want = "an earlier version of this record to be accepted"
    if earlier is not None:
        want = f"an earlier version of this record, row {earlier}, to be accepted"
    return Violation(row=number, reason=PRECEDING_REJECTED, field="statement.version", rule="chain.order", want=want)


def _units(steps: Iterable[UnitRow], chains: dict[ChainKey, Episode]) -> Iterator[Unit]:
    """Join chains of which one rests on the other, and those of one debt; everything else is a unit of its own.

    Only one record of a debt may run at a time (proto/README.md 3): a new episode waits for the end of the one before.
    """
    units: dict[ChainKey, Unit] = {}
    debts: dict[_DebtKey, Episode] = {}

    def unit_of(chain: Episode) -> Unit:
        unit = units.get(chain.key)
        if unit is None:
            unit = units[chain.key] = Unit([chain])
        return unit

    for step in steps:
        unit = unit_of(step.chain)
        report = step.row.report
        if report.facts is not None:
            first = debts.setdefault(_debt_of(report, report.facts), step.chain)
            unit = _join(units, unit_of(first), unit)
        if report.basis is not None and isinstance(report.basis.record, RecordName):
            key = ChainKey.of(report.basis.record)
            unit = _join(units, unit_of(chains.setdefault(key, Episode(key))), unit)
        unit.steps.append(step)
    seen: set[int] = set()
    for unit in units.values():
        if id(unit) not in seen and unit.steps:
            seen.add(id(unit))
            yield unit


def _debt_of(report: Report, facts: Facts) -> _DebtKey:
    return report.identity, report.kind, facts.debt.original_creditor, facts.debt.contract


def _join(units: dict[ChainKey, Unit], first: Unit, second: Unit) -> Unit:
    if first is second:
        return first
    first.chains += second.chains
    first.steps = sorted((*first.steps, *second.steps), key=lambda step: step.row.place)
    units.update(dict.fromkeys((chain.key for chain in second.chains), first))
    return first
