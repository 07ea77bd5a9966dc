"""Signing of compared rows as submissions, without I/O; used by ``report_many`` and ``report``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from client_sdk._protocol.own_record import open_held, version_of
from client_sdk._protocol.statement import Issuer, Version, sign_version
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.ledger.submission import OpenedBasis, OpenedFacts
from client_sdk.kernel.rules.basis import OPENS_BASIS, check_basis
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import parse_facts
from client_sdk.lending.chains import ChainKey, held_back
from client_sdk.lending.comparison import Found, Lookup, compare
from client_sdk.lending.preflight import Preflight, violation_of_error
from client_sdk.lending.row_warnings import basis_warnings, step_warnings
from client_sdk.models.record import RecordState
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from creditregistry.v1 import submission_pb2

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.lending.chains import Episode, Row, Unit, UnitRow
    from client_sdk.lending.tally import Tally
    from client_sdk.models.report import Basis

__all__ = ["Prepared", "SigningRoom"]


class Prepared(NamedTuple):
    """A signed submission with the row that it comes from.

    Attributes:
        row: of the input; None for what an interrupted call had signed.
        key: which record.
        version: of the record.
        submission: ready to be sent.
    """

    row: Row | None
    key: RecordKey
    version: int
    submission: submission_pb2.Submission


@dataclass(slots=True, repr=False)
class _Record:
    """One record while its rows are processed."""

    found: Found
    before: Version | None
    skip: int
    stopped: bool = False


class SigningRoom:
    """Signs what is new of each unit, and counts what is not sent.

    Args:
        issuer: the signing institution with its key.
        preflight: rules and moment of the call.
        issued_at: of every statement of the call, milliseconds since 1970 UTC, in whole seconds.
        tally: counts rows.
        just_logged: issuer, record id and version of what this call has logged while it resumed.
    """

    def __init__(
        self,
        issuer: Issuer,
        preflight: Preflight,
        issued_at: int,
        tally: Tally,
        just_logged: set[tuple[bytes, int]],
    ) -> None:
        self._issuer = issuer
        self._preflight = preflight
        self._issued_at = issued_at
        self._tally = tally
        self._just_logged = just_logged

    def work_off(
        self,
        unit: Unit,
        lookups: Mapping[ChainKey, Lookup],
        names: Mapping[Identity, Mapping[int, Pseudonym]],
        sold: Mapping[RecordKey, HeldRecord],
    ) -> list[Prepared]:
        """Return the signed submissions of a unit, in order.

        Args:
            unit: records that rest on each other, or one.
            lookups: finished, by chain.
            names: pseudonyms of all persons in the unit.
            sold: records that version 1 of one in the unit continues, as far as they were sold to this lender.
        """
        records: dict[tuple[ChainKey, int], _Record] = {}
        prepared: list[Prepared] = []
        for step in unit.steps:
            people = names[step.row.report.identity]
            record = self._record(records, lookups, step.chain, step.segment, people)
            if record.skip:
                record.skip -= 1
                continue
            if record.stopped:
                continue
            basis = self._basis(step, records, lookups, people) if record.before is None else None
            item = self._sign(step.row, record, people, basis, sold)
            if item is None:
                self._hold_back(step, record)
            else:
                prepared.append(item)
        return prepared

    def _record(
        self,
        records: dict[tuple[ChainKey, int], _Record],
        lookups: Mapping[ChainKey, Lookup],
        chain: Episode,
        segment: int,
        people: Mapping[int, Pseudonym],
    ) -> _Record:
        """Return the record of a segment; the first time, count what is not sent."""
        place = (chain.key, segment)
        if place not in records:
            found = lookups[chain.key].find(segment)
            rows = chain.segments[segment] if chain.segments else []
            record = records[place] = _Record(found, None, 0)
            try:
                compare(found, rows, people)
            except VerificationError as error:
                self._refuse_all(rows, Violation(reason="UNVERIFIABLE", field=error.part, rule=error.rule))
                record.stopped = True
                return record
            record.before, record.skip = found.before, found.repeated
            self._count(record, rows)
        return records[place]

    def _count(self, record: _Record, rows: Sequence[Row]) -> None:
        found, tally = record.found, self._tally
        if found.state is not RecordState.LIVE:
            for row in rows:
                if found.state is RecordState.ERASED or found.held is None:
                    tally.note_erased(row)
                else:
                    tally.note_ended(row, found.held.statement.standing.name)
            record.stopped = True
        elif found.other_subject:
            want = "the person whom the record names; a wrong one is mended by WITHDRAWN under the number reported"
            broken = Violation(
                reason="SUBJECT_CHANGED", field="id_number", rule="record.person", got="another person", want=want
            )
            self._refuse_all(rows, broken)
            record.stopped = True
        elif found.held is not None:
            newest = found.held.statement.version
            for row in rows[: found.unheld]:
                # Over one version, why it cannot be sent is certain.
                refused = self._preflight.check_next(row.report, found.before, row.number) if newest == 1 else []
                tally.reject(refused or [_not_held(row, newest)])
            first = newest - found.repeated + found.unheld + 1
            for version in range(first, newest + 1):
                if (found.record_id, version) in self._just_logged:
                    tally.accepted += 1
                else:
                    tally.repeated += 1

    def _refuse_all(self, rows: Sequence[Row], violation: Violation) -> None:
        for row in rows:
            self._tally.reject([replace(violation, row=row.number)])

    def _basis(
        self,
        step: UnitRow,
        records: dict[tuple[ChainKey, int], _Record],
        lookups: Mapping[ChainKey, Lookup],
        people: Mapping[int, Pseudonym],
    ) -> _BasisSoFar | None:
        """Return the basis record of this row, including earlier rows of the same input."""
        basis = step.row.report.basis
        if basis is None:
            return None
        if isinstance(basis.record, RecordKey):
            return _BasisSoFar(basis.record, None, basis)
        key = ChainKey.of(basis.record)
        chain = lookups[key].chain
        record = self._record(records, lookups, chain, max(0, len(chain.segments) - 1), people)
        own = RecordKey(self._issuer.institution, record.found.record_id)
        return _BasisSoFar(own, record.before)

    def _sign(
        self,
        row: Row,
        record: _Record,
        people: Mapping[int, Pseudonym],
        basis: _BasisSoFar | None,
        sold: Mapping[RecordKey, HeldRecord],
    ) -> Prepared | None:
        """Return the signed next version; None where a rule refuses it, which is counted."""
        report, before = row.report, record.before
        key = RecordKey(self._issuer.institution, record.found.record_id)
        try:
            bought = None if report.continues is None or before else _bought(report.continues, sold, people)
            broken = self._preflight.check_next(report, before, row.number, bought)
            if broken:
                self._tally.reject(broken)
                return None
            opened = _checked(row, basis) if before is None else None
            submission, version = sign_version(
                self._issuer, report, key, people, before, issued_at=self._issued_at, basis=opened, sold=bought
            )
        except (RuleError, FormatError) as error:
            self._tally.reject([violation_of_error(error, row.number)])
            return None
        self._warn(row, before or bought, None if basis is None else basis.newest)
        record.before = version
        return Prepared(row, key, version.number, submission)

    def _warn(self, row: Row, before: Version | None, basis: Version | None) -> None:
        """Note what looks wrong against the version, and the basis, that the registry holds."""
        facts = row.report.facts
        if basis is not None and basis.facts and facts is not None:
            self._tally.warnings.update(basis_warnings(parse_facts(basis.kind, basis.facts), facts, row.number))
        if before is not None and before.facts and facts is not None:
            self._tally.warnings.update(step_warnings(parse_facts(before.kind, before.facts), facts, row.number))

    def _hold_back(self, step: UnitRow, record: _Record) -> None:
        """Count the later versions of a record whose version was refused."""
        rows = step.chain.segments[step.segment]
        record.stopped = True
        for row in rows[rows.index(step.row) + 1 :]:
            self._tally.reject([held_back(row.number)])


def _not_held(row: Row, newest: int) -> Violation:
    """Return that a row is not known to be held, and cannot be sent: what came after it is the newest version."""
    few = "" if newest == 1 else ", and fewer versions than rows come before it"
    return Violation(
        row=row.number,
        reason=RuleReason.ILLEGAL_TRANSITION,
        field="statement.version",
        rule="chain.earlier",
        got=f"version {newest} is a later row{few}",
        want="a row after the newest version; `records correct` mends that one",
    )


def _bought(key: RecordKey, sold: Mapping[RecordKey, HeldRecord], people: Mapping[int, Pseudonym]) -> Version:
    """Return the newest version of a record that was sold to this lender, with its facts.

    Raises:
        RuleError: CONTINUES_INVALID; there is no such record, or it is about another person.
    """
    held = sold.get(key)
    if held is None:
        want = "a live record that is TRANSFERRED to this lender"
        raise RuleError("CONTINUES_INVALID", "continues", "record.continues", got="none", want=want)
    opened = open_held(held, people)
    if opened is None:
        want = "the same subject and debt"
        raise RuleError("CONTINUES_INVALID", "continues", "record.continues", got="another person", want=want)
    return version_of(held, opened)


class _BasisSoFar(NamedTuple):
    """A basis record: an own one with its newest version, or another lender's as the report names it."""

    key: RecordKey
    newest: Version | None
    stated: Basis | None = None


def _checked(row: Row, basis: _BasisSoFar | None) -> OpenedBasis | None:
    """Return the basis as it is sent, once the rules hold that can be checked here."""
    report = row.report
    if report.facts is None:
        return None
    if basis is None:
        check_basis(report.kind, report.facts, None, None, None)
        return None
    if basis.stated is not None:
        return OpenedBasis(basis.key, OpenedFacts(basis.stated.opening, basis.stated.facts))
    newest = basis.newest
    if newest is None:
        want = "a record that the registry holds, or that comes before in the input"
        raise RuleError(RuleReason.BASIS_MISSING, "basis.record", "basis.known", got="none", want=want)
    opened = parse_facts(newest.kind, newest.facts) if newest.facts else None
    check_basis(report.kind, report.facts, newest.kind, newest.standing, opened)
    # Nothing is shown the facts of what it rests on that does not need them (proto/README.md 2).
    if report.kind not in OPENS_BASIS:
        return OpenedBasis(basis.key)
    return OpenedBasis(basis.key, OpenedFacts(newest.opening, newest.facts))
