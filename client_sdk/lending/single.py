"""Reporting one version at a time: the logic of ``report``, ``correct``, ``withdraw`` and ``set_aside``.

The caller does the waiting: it fetches names and what is held, calls ``work_off``, sends, and hands the answer back.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import UUID

from creditregistry.v1 import submission_pb2 as pb

from client_sdk._protocol.own_record import names_another, open_held, version_of
from client_sdk._protocol.receipt import read_result
from client_sdk._protocol.statement import facts_of, sign_ending, sign_version
from client_sdk._protocol.verification import verifying
from client_sdk._transport.refusal import violation_error
from client_sdk.errors import ConflictError, OutboxError, PreflightError, VerificationError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Kind
from client_sdk.kernel.rules.dates import parse_date
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import parse_facts
from client_sdk.lending.chains import plan
from client_sdk.lending.comparison import Lookup
from client_sdk.lending.outbox import Outbox, Pending, Stored
from client_sdk.lending.preflight import violation_of_error
from client_sdk.lending.row_warnings import report_warnings, step_warnings
from client_sdk.lending.rows import facts_cells
from client_sdk.lending.signing_room import Prepared, SigningRoom
from client_sdk.lending.tally import Tally
from client_sdk.models.batch import ChangedColumn, FollowedVersion, PreflightReport
from client_sdk.models.record import RecordState
from client_sdk.models.report import DefaultReport, EnforcementReport, JudgmentReport, ListingReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from client_sdk._protocol.own_record import HeldRecord
    from client_sdk._protocol.statement import Issuer, RecordEnd
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.seal import Opened
    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.subjects.identifiers import Identity
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.lending.chains import Unit
    from client_sdk.lending.preflight import Preflight
    from client_sdk.models.receipt import Receipt
    from client_sdk.models.report import Report
    from client_sdk.models.row_warning import RowWarning
    from client_sdk.models.violation import Violation

__all__ = ["Dispatch", "SingleReport", "confirmation", "correction", "ending", "preview_of_correction", "succession"]


_REPORTS = {
    Kind.DEFAULT: DefaultReport,
    Kind.JUDGMENT: JudgmentReport,
    Kind.ENFORCEMENT: EnforcementReport,
    Kind.LISTING: ListingReport,
}


@dataclass(slots=True, repr=False)
class SingleReport:
    """One report in progress.

    Args:
        report: what is reported.
        issuer: the signing institution with its key.
        secret: behind record ids.
        preflight: rules and moment.

    Raises:
        PreflightError: a rule is broken.
    """

    report: Report
    issuer: Issuer
    secret: bytes
    preflight: Preflight
    # The record that version 1 continues, where it was sold to this lender.
    sold: Mapping[RecordKey, HeldRecord] = field(default_factory=dict)
    _unit: Unit = field(init=False)
    _lookups: list[Lookup] = field(init=False)
    _own: Lookup = field(init=False)

    def __post_init__(self) -> None:
        planned = plan([self.report], self.preflight)
        if planned.rejected:
            raise PreflightError(tuple(planned.rejected))
        (self._unit,) = planned.units
        self._lookups = [Lookup(chain, self.secret) for chain in self._unit.chains]
        # The other one, if any, is of the record that this one rests on.
        self._own = next(lookup for lookup in self._lookups if lookup.chain is self._unit.steps[0].chain)

    def wanted(self) -> list[bytes]:
        """Return record ids that have to be looked up next; none when all is known."""
        return [record_id for lookup in self._lookups for record_id in lookup.wanted()]

    def take(self, held: Sequence[HeldRecord]) -> None:
        """Take the records that were looked up."""
        found = {record.statement.record_id: record for record in held}
        for lookup in self._lookups:
            for record_id, attempt in lookup.wanted().items():
                lookup.known[attempt] = found.get(record_id)

    def newest(self) -> tuple[bytes, int]:
        """Return the id of its record, and the newest version that the registry holds; 0 for none."""
        found = self._own.find(0)
        return found.record_id, 0 if found.held is None else found.held.statement.version

    def check_correction(self) -> None:
        """Check that the registry holds the record with the standing that is reported.

        Raises:
            ConflictError: it does not.
        """
        held = self._own.find(0).held
        if held is None:
            raise ConflictError("RECORD_UNKNOWN", field="record", rule="record.known", got="none", want="an own record")
        if held.statement.standing is not self.report.standing:
            got, want = self.report.standing.name, held.statement.standing.name
            raise ConflictError("ILLEGAL_TRANSITION", field="standing", rule="correction.standing", got=got, want=want)

    def work_off(self, names: Mapping[int, Pseudonym], *, must_exist: bool = False) -> Prepared | None:
        """Return the signed submission; None where the registry holds this version already.

        Args:
            names: pseudonyms of the person, by version of the subject keys.
            must_exist: whether the registry has to hold the record already, with the same standing.

        Raises:
            PreflightError: a rule is broken.
            ConflictError: the record has ended or was erased, or it is not there as it must be.
        """
        if must_exist:
            self.check_correction()
        tally = Tally(None)
        prepared = self._prepare(self.issuer, names, tally)
        if tally.rejected:
            raise PreflightError(tuple(tally.rejected))
        for note in tally.notes:
            raise ConflictError.of(note)
        return prepared[0] if prepared else None

    def preview(self, names: Mapping[int, Pseudonym]) -> PreflightReport:
        """Return what ``work_off`` would refuse or warn of, without a signature.

        Args:
            names: pseudonyms of the person, by version of the subject keys.
        """
        tally = Tally(None)
        self._prepare(replace(self.issuer, signs_later=True), names, tally)
        follows = _followed(self._own.find(0).held, self.report, names)
        return _preview((*tally.rejected, *tally.notes), tally.warnings, follows, repeated=bool(tally.repeated))

    def _prepare(self, issuer: Issuer, names: Mapping[int, Pseudonym], tally: Tally) -> list[Prepared]:
        room = SigningRoom(issuer, self.preflight, self.preflight.now_ms // 1_000 * 1_000, tally, set())
        lookups = {lookup.chain.key: lookup for lookup in self._lookups}
        return room.work_off(self._unit, lookups, {self.report.identity: names}, self.sold)


def _preview(
    broken: Sequence[Violation],
    warnings: Iterable[RowWarning],
    follows: FollowedVersion | None = None,
    *,
    repeated: bool,
) -> PreflightReport:
    """Return what is wrong or odd in one report, as of a portfolio of one row."""
    return PreflightReport(
        rows=1,
        passed=0 if broken or repeated else 1,
        repeated=1 if repeated and not broken else 0,
        rejected_rows=1 if broken else 0,
        violations=tuple(broken),
        warnings=tuple(sorted(warnings, key=lambda warning: (warning.column, warning.rule))),
        follows=follows,
    )


def _followed(held: HeldRecord | None, report: Report, names: Mapping[int, Pseudonym]) -> FollowedVersion | None:
    """Return what a report would follow, and what it changes; None where no live record of the person is held."""
    if held is None or held.state is not RecordState.LIVE:
        return None
    opened = open_held(held, names)
    if opened is None:
        return None
    with verifying():
        old = facts_cells(parse_facts(held.statement.kind, opened.content))
    new = old if report.facts is None else facts_cells(report.facts)
    changed = [
        ChangedColumn(column=column, held=old.get(column, ""), said=new.get(column, ""))
        for column in sorted({*old, *new})
        if old.get(column, "") != new.get(column, "")
    ]
    statement = held.statement
    return FollowedVersion(
        record_id=statement.record_id, version=statement.version, standing=statement.standing, changed=tuple(changed)
    )


def ending(
    issuer: Issuer,
    found: Sequence[HeldRecord],
    how: RecordEnd,
    now_ms: int,
    names: Mapping[int, Pseudonym] | None = None,
    copied_at: int | None = None,
) -> Prepared:
    """Return the signed version that ends a record: WITHDRAWN or SET_ASIDE.

    Args:
        issuer: the signing institution with its key: the record's issuer, or its successor.
        found: what the registry holds under the record's id; one, or none.
        how: standing that it ends with, reason and evidence.
        now_ms: moment of the call, milliseconds since 1970 UTC; signed in whole seconds.
        names: pseudonyms of the person whom the record must name; None where the caller named no person.
        copied_at: when the first version of a listing that the court removed was logged, ms; None of another record.

    Raises:
        ConflictError: there is no such record, it is not live any more, or it is about another person.
        PreflightError: its standing may not be followed by that one, or the court cannot have removed it on that day.
    """
    held = _live(found)
    if names is not None and names_another(held, names):
        want = "the person whom the record names"
        raise ConflictError("SUBJECT_CHANGED", field="identity", rule="record.person", got="another person", want=want)
    issued_at = now_ms // 1_000 * 1_000
    try:
        submission, version = sign_ending(
            issuer, held.key, version_of(held, None), how, issued_at=issued_at, copied_at=copied_at
        )
    except RuleError as error:
        raise PreflightError((violation_of_error(error, 0),)) from error
    return Prepared(None, held.key, version.number, submission)


def succession(
    successor: Issuer, found: Sequence[HeldRecord], report: Report, preflight: Preflight, names: Mapping[int, Pseudonym]
) -> Prepared:
    """Return the signed next version of a record that is named by its id, as a successor ends one.

    Args:
        successor: the signing institution with its key.
        found: what the registry holds under the record's id; one, or none.
        report: the end; its reference is not looked at.
        preflight: rules and moment.
        names: pseudonyms of the person.

    Raises:
        ConflictError: there is no such record, it is not live any more, or it is about another person.
        PreflightError: a rule is broken.
    """
    held = _live(found)
    opened = _opened(held, names)
    before, rules = version_of(held, opened), replace(preflight, institution=held.key.issuer)
    broken = rules.check_report(report) or rules.check_next(report, before)
    if broken:
        raise PreflightError(tuple(broken))
    issued_at = preflight.now_ms // 1_000 * 1_000
    try:
        submission, version = sign_version(successor, report, held.key, names, before, issued_at=issued_at)
    except (RuleError, FormatError) as error:
        raise PreflightError((violation_of_error(error, 0),)) from error
    return Prepared(None, held.key, version.number, submission)


def correction(
    issuer: Issuer, found: Sequence[HeldRecord], report: Report, preflight: Preflight, names: Mapping[int, Pseudonym]
) -> Prepared | None:
    """Return the signed version that corrects an own record named by its id; None where the registry holds the same.

    Args:
        issuer: the signing institution with its key.
        found: what the registry holds under the record's id; one, or none.
        report: the whole record as it should be; its reference is not looked at.
        preflight: rules and moment.
        names: pseudonyms of the person.

    Raises:
        ConflictError: there is no such live record, its kind or standing is another, or it is about another person.
        PreflightError: a rule is broken.
    """
    held = _live(found)
    _check_same(report, held)
    if _says(held, report, names):
        return None
    return succession(issuer, found, report, preflight, names)


def preview_of_correction(
    issuer: Issuer, found: Sequence[HeldRecord], report: Report, preflight: Preflight, names: Mapping[int, Pseudonym]
) -> PreflightReport:
    """Return what ``correction`` would refuse or warn of, without a signature; arguments and ConflictError as there."""
    try:
        prepared = correction(replace(issuer, signs_later=True), found, report, preflight, names)
    except PreflightError as error:
        return _preview(error.violations, (), repeated=False)
    held = _live(found)
    warnings: list[RowWarning] = []
    if report.facts is not None:
        with verifying():
            before = parse_facts(held.statement.kind, _opened(held, names).content)
        warnings = [*report_warnings(report, 0), *step_warnings(before, report.facts, 0)]
    return _preview((), warnings, _followed(held, report, names), repeated=prepared is None)


def _check_same(report: Report, held: HeldRecord) -> None:
    """Check that a correction is one of the record's kind and standing."""
    kind, standing = held.statement.kind.name, held.statement.standing.name
    got = report.kind.name
    if got != kind:
        raise ConflictError("ILLEGAL_TRANSITION", field="kind", rule="correction.kind", got=got, want=kind)
    got = report.standing.name
    if got != standing:
        raise ConflictError("ILLEGAL_TRANSITION", field="standing", rule="correction.standing", got=got, want=standing)


def _says(held: HeldRecord, report: Report, names: Mapping[int, Pseudonym]) -> bool:
    """Whether the newest version says what the report says, and is kept as long as the report asks for, if it does."""
    if report.facts is None:
        return False
    opened = _opened(held, names)
    same = facts_of(report.facts, names[held.statement.subject_key_version]).encode() == opened.content
    asked = report.retain_until
    return same and (asked is None or asked.isoformat() == held.statement.retain_until)


def _opened(held: HeldRecord, names: Mapping[int, Pseudonym]) -> Opened:
    """Return the opened facts of a record.

    Raises:
        ConflictError: it is about another person.
    """
    opened = open_held(held, names)
    if opened is None:
        want = "the person whom the record names"
        raise ConflictError("SUBJECT_CHANGED", field="identity", rule="record.person", got="another person", want=want)
    return opened


def confirmation(
    issuer: Issuer,
    found: Sequence[HeldRecord],
    identity: Identity,
    preflight: Preflight,
    names: Mapping[int, Pseudonym],
) -> Prepared:
    """Return the signed version that says once more what a key in doubt has signed.

    Args:
        issuer: the signing institution with a key that runs.
        found: what the registry holds under the record's id; one, or none.
        identity: of the person.
        preflight: rules and moment.
        names: pseudonyms of the person.

    Raises:
        ConflictError: there is no such live record, its key is not in doubt, or it is about another person.
        PreflightError: what was signed breaks a rule, so that it is corrected or withdrawn instead.
        VerificationError: what it discloses does not open to facts.
    """
    held = _live(found)
    if not held.contested:
        want = "a record whose newest version a key in doubt has signed"
        raise ConflictError("NOT_CONTESTED", field="record", rule="record.contested", got="no doubt", want=want)
    statement, opened = held.statement, open_held(held, names)
    with verifying():
        facts = None if opened is None else parse_facts(statement.kind, opened.content)
    until = parse_date(statement.retain_until, "statement.retain_until")
    common = {
        "identity": identity,
        "reference": str(UUID(bytes=statement.record_id)),
        "standing": statement.standing,
        "retain_until": until,
        "transferee": statement.transferee,
    }
    report = _REPORTS[statement.kind](**common, facts=facts)
    return succession(issuer, found, report, preflight, names)


def _live(found: Sequence[HeldRecord]) -> HeldRecord:
    if not found:
        raise ConflictError("RECORD_UNKNOWN", field="record_id", rule="record.known", want="a record of the issuer")
    (held,) = found
    if held.state is not RecordState.LIVE:
        reason = "RECORD_ERASED" if held.state is RecordState.ERASED else "RECORD_ENDED"
        raise ConflictError(reason, field="record", rule="record.live", got=held.state.value, want="a live record")
    return held


class Dispatch:
    """Keeps one signed submission in the outbox while it is on its way, and settles it with the answer.

    Args:
        outbox: of the lender.
        prepared: what is sent.
        key: of the log, from the trust root.
    """

    def __init__(self, outbox: Outbox, prepared: Prepared, key: VerifierKey) -> None:
        self._outbox = outbox
        self._item = prepared
        self._key = key
        # Whether something older was sent instead; the report itself has to be held against the registry once more.
        self.replaced = False

    def keep(self) -> pb.SubmitRequest:
        """Store the signed bytes durably, and return the request that sends them.

        What an interrupted call has signed for the same version is sent instead: its fate is not known, and two
        payloads for one version would contradict each other.

        Raises:
            OutboxError: they cannot be stored; nothing may be sent.
        """
        key, version = self._item.key, self._item.version
        waiting = self._outbox.pending_version(key.issuer, key.record_id, version)
        if waiting is None:
            raw = self._item.submission.SerializeToString()
            self._outbox.add([Pending(key.issuer, key.record_id, version, raw)])
        else:
            submission = pb.Submission()
            if submission.ParseFromString(waiting.submission) != len(waiting.submission):
                raise OutboxError("a pending submission is damaged")
            self._item = self._item._replace(submission=submission)
            self.replaced = True
        return pb.SubmitRequest(submission=self._item.submission)

    def settle(self, response: pb.SubmitResponse) -> Receipt:
        """Verify the answer, store the receipt, and return it.

        Raises:
            RefusedError: the registry refused the version; it is forgotten.
            VerificationError: the receipt does not verify; the signed bytes are kept.
        """
        result = response.result
        if result.outcome == pb.OUTCOME_REFUSED:
            error = violation_error(result.violation)
            self.forget()
            raise error
        if result.outcome not in (pb.OUTCOME_ACCEPTED, pb.OUTCOME_REPEATED):
            raise VerificationError("submission", "submission.outcome", got=f"outcome {result.outcome}")
        signed = self._item.submission.statement
        receipt = read_result(signed, self._item.key, self._item.version, result, response.checkpoint, self._key)
        self._outbox.settle(response.checkpoint, receipt.size, [Stored.of(receipt, signed)])
        return receipt

    def forget(self) -> None:
        """Delete a submission that the registry has refused for good."""
        key = self._item.key
        self._outbox.settle(b"", 0, [], [(key.issuer, key.record_id, self._item.version)])
