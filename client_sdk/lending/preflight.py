"""Pre-flight: the registry's own rules, held against reports before anything is signed or sent (P5).

The rules are the kernel's, so what passes here is refused by the registry only for what it alone knows: other lenders'
records, quotas, the state of keys. Age (PIPL Art. 28 to 31, P07) is checked here alone; the registry never learns it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from client_sdk._protocol.statement import retain_until_of
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.readable import flaw_of, is_visible
from client_sdk.kernel.formats.rewritten import rewritten
from client_sdk.kernel.formats.statement import RecordKey, check_institution_id, check_record_id
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.rules.check import admission_rules, check_progress
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.fact_rules import fact_rules
from client_sdk.kernel.rules.facts import DefaultFacts, EnforcementFacts, JudgmentFacts, ListingFacts, parse_facts
from client_sdk.kernel.rules.field_types import check_field_types
from client_sdk.kernel.rules.jurisdiction import check_cause, check_part_payment, check_ripe
from client_sdk.kernel.rules.lifecycle import carries_subject, check_transition
from client_sdk.kernel.rules.listing import check_term
from client_sdk.kernel.rules.minors import check_age, check_born, listed_on
from client_sdk.kernel.rules.retention import check_retention, is_due, latest_day
from client_sdk.kernel.rules.satisfaction import check_satisfied
from client_sdk.kernel.subjects.identifiers import Identity
from client_sdk.lending.places import column_of
from client_sdk.models.report import Basis, DefaultReport, EnforcementReport, JudgmentReport, ListingReport, RecordName
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from datetime import date

    from client_sdk._protocol.statement import Version
    from client_sdk.kernel.formats.state import Rulebook
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.rules.fact_rules import Rule
    from client_sdk.kernel.rules.facts import Facts
    from client_sdk.models.report import Report

__all__ = [
    "MAX_ATTEMPT",
    "MAX_REFERENCE_CHARACTERS",
    "REFERENCE_WANTED",
    "Preflight",
    "broken_rules",
    "check_types",
    "violation_of_error",
]

MAX_REFERENCE_CHARACTERS = 128
REFERENCE_WANTED = f"1 to {MAX_REFERENCE_CHARACTERS} characters that can be seen"
# An unsigned 64-bit number in the name that a record id is derived from; no debt is withdrawn so often.
MAX_ATTEMPT = 2**32 - 1
_FACTS = {
    DefaultReport: DefaultFacts,
    JudgmentReport: JudgmentFacts,
    EnforcementReport: EnforcementFacts,
    ListingReport: ListingFacts,
}


def violation_of_error(error: FormatError | RuleError, row: int) -> Violation:
    """Return the violation for an error of the kernel."""
    complaint = error.complaint
    # Bytes that are not in their form have no reason of their own.
    return Violation.of(
        replace(complaint, reason=str(complaint.reason) or "MALFORMED", field=column_of(complaint.field)), row=row
    )


@dataclass(frozen=True, slots=True)
class Preflight:
    """Rules at one moment under one rulebook.

    Attributes:
        rulebook: of the registry, from its acts.
        now_ms: milliseconds since 1970 UTC, taken once for a whole call.
        institution: id of the reporting institution.
        directory: of the members; None where it is not known, and buyers of debts are not looked up.
    """

    rulebook: Rulebook
    now_ms: int
    institution: str = ""
    directory: Directory | None = None
    today: date = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "today", day_of(self.now_ms, self.rulebook.time_zone))

    def check_report(self, report: Report, row: int = 0) -> list[Violation]:
        """Return what is wrong with one version by itself; nothing if it is in order.

        Args:
            report: to be checked.
            row: where it comes from, for the violations.
        """
        return check_types(report, row) or broken_rules(self.rules_on(report), row)

    def rules_on(self, report: Report) -> Iterator[Rule]:
        """Yield the rules on one version by itself; each reads those fields alone that it is about."""
        yield lambda: _check_reference(report)
        yield lambda: _check_attempt(report)
        yield lambda: _check_first_day(report)
        yield lambda: check_age(report.identity.birth_date, self.today)
        yield lambda: _check_transferee(report)
        yield lambda: self._check_buyer(report)
        if report.facts is not None:
            yield from self._rules_on_age(report, report.facts)
        if not carries_subject(report.standing):
            return
        if report.facts is None:
            yield lambda: _refuse_absent(report)
        else:
            yield from self._rules_on_facts(report, report.facts)

    def is_over(self, report: Report) -> bool:
        """Return whether the retention period of this version is over."""
        if report.facts is None or isinstance(report, ListingReport):
            return False
        latest = latest_day(report.standing, report.facts, self.rulebook)
        return latest is not None and latest <= self.today

    def check_chain(self, reports: Sequence[Report], rows: Sequence[int]) -> list[list[Violation]]:
        """Check versions of one record, in order: each by itself, and each against the one before.

        What the registry holds below the first of them is checked by ``check_next``.

        Args:
            reports: consecutive versions of one record.
            rows: where each comes from.

        Returns:
            The violations of each. Where one is over its retention, so are those before it: sent without their end,
            they would call a debt open that was paid long ago.
        """
        found = [self.check_report(report, row) for report, row in zip(reports, rows, strict=True)]
        for place, (before, after) in enumerate(pairwise(reports), start=1):
            found[place] += broken_rules([partial(_check_step, self.rulebook, before, after)], rows[place])
        over = next((place for place, report in enumerate(reports) if self.is_over(report)), 0)
        for place in range(over):
            found[place].append(_ended_long_ago(rows[place], rows[over]))
        return found

    def check_next(
        self, report: Report, before: Version | None, row: int = 0, sold: Version | None = None
    ) -> list[Violation]:
        """Check a version against the one that the registry holds below it.

        Args:
            report: the version.
            before: the one below it; None for version 1.
            row: where it comes from.
            sold: newest version of the record that version 1 continues; None where it continues none.
        """

        def check() -> None:
            check_transition(report.kind, None if before is None else before.standing, report.standing)
            if report.facts is None or not carries_subject(report.standing):
                return
            followed = sold if before is None else before
            if followed is not None and followed.facts:
                previous = parse_facts(followed.kind, followed.facts)
                # The reports' debt_ref is not known yet; creditor and contract are what it is made of.
                check_progress(report.kind, followed.standing, previous, report.standing, report.facts, rekeyed=True)
                check_part_payment(followed.standing, previous, report.standing, report.facts, self.rulebook)
            if before is None:
                check_ripe(report.facts, self.rulebook)
                return
            until = retain_until_of(report, before, self.rulebook)
            check_retention(report.standing, until, before.retain_until, report.facts, self.rulebook)

        return broken_rules([check], row)

    def _rules_on_age(self, report: Report, facts: Facts) -> Iterator[Rule]:
        yield lambda: check_born(report.identity.birth_date, facts)
        yield lambda: _check_age_when_listed(report, facts)

    def _rules_on_facts(self, report: Report, facts: Facts) -> Iterator[Rule]:
        standing, rulebook = report.standing, self.rulebook
        yield from fact_rules(report.kind, standing, facts, chinese_case_numbers=rulebook.chinese_case_numbers)
        yield from admission_rules(
            facts,
            submitted_at_ms=self.now_ms,
            issued_at_ms=self.now_ms,
            notice_hours=rulebook.notice_hours,
            today=self.today,
        )
        yield lambda: check_satisfied(standing, facts, rulebook.paid_judgment_months)
        yield lambda: check_cause(facts, rulebook)
        if isinstance(facts, ListingFacts):
            yield lambda: check_term(facts, rulebook, self.today)
        yield lambda: self._check_retention(report, facts)

    def _check_buyer(self, report: Report) -> None:
        if report.transferee and self.directory is not None:
            self.directory.check_transferee(self.institution, report.transferee)

    def _check_retention(self, report: Report, facts: Facts) -> None:
        until = retain_until_of(report, None, self.rulebook)
        check_retention(report.standing, until, "", facts, self.rulebook)
        if is_due(until, self.now_ms, self.rulebook.time_zone):
            raise RuleError(
                RuleReason.RETENTION_INVALID,
                "statement.retain_until",
                "retention.over",
                got=until,
                want="an end that is still kept; a record that the registry holds open is withdrawn instead",
            )


def check_types(report: Report, row: int) -> list[Violation]:
    """Return what is wrong with the types of a report's fields; everything else may rely on them afterwards.

    Args:
        report: as a program made it, which nothing but its own type checker has looked at.
        row: for the violations.
    """
    return broken_rules([lambda: _check_types(report)], row)


def broken_rules(rules: Iterable[Rule], row: int, unread: Collection[str] = ()) -> list[Violation]:
    """Return which rules are broken, each where it is.

    Args:
        rules: of one version.
        row: for the violations.
        unread: names of attributes that its values lack, as they could not be read: a rule that reads one of them
            cannot be judged, and is left out.
    """
    found: list[Violation] = []
    for rule in rules:
        try:
            rule()
        except (RuleError, FormatError) as error:
            found.append(violation_of_error(error, row))
        except AttributeError as error:
            if error.name not in unread:
                raise
    return found


def _ended_long_ago(row: int, end: int) -> Violation:
    return Violation(
        row=row,
        reason=RuleReason.RETENTION_INVALID,
        field="statement.retain_until",
        rule="retention.record",
        got=f"an end in row {end} that is over its retention",
        want="no version of a record that ended so long ago",
    )


def _check_types(report: object) -> None:
    if not isinstance(report, DefaultReport | JudgmentReport | EnforcementReport | ListingReport):
        raise _type_refused("report", report, "a DefaultReport, JudgmentReport, EnforcementReport or ListingReport")
    check_field_types(report, "")
    identity: object = report.identity
    if not isinstance(identity, Identity):
        raise RuleError(RuleReason.IDENTIFIER_INVALID, "identity", "field.type", want="an Identity")
    identity.check_canonical()
    facts: object = report.facts
    if facts is not None:
        if not isinstance(facts, _FACTS[type(report)]):
            raise _type_refused("facts", facts, f"{_FACTS[type(report)].__name__} for a {type(report).__name__}")
        check_field_types(facts, "facts")
    if report.continues is not None:
        _check_record(report.continues, "continues")
    if report.basis is not None:
        _check_basis(report.basis)


def _check_basis(basis: object) -> None:
    if not isinstance(basis, Basis):
        raise _type_refused("basis", basis, "a Basis")
    check_field_types(basis, "basis")
    if isinstance(basis.record, RecordName):
        check_field_types(basis.record, "basis.record")
    else:
        _check_record(basis.record, "basis.record")


def _check_record(record: object, place: str) -> None:
    if not isinstance(record, RecordKey):
        raise _type_refused(place, record, "a RecordKey")
    issuer: object = record.issuer
    record_id: object = record.record_id
    if not isinstance(issuer, str):
        raise _type_refused(f"{place}.issuer", issuer, "text")
    if not isinstance(record_id, bytes):
        raise _type_refused(f"{place}.record_id", record_id, "16 bytes")
    check_institution_id(issuer, f"{place}.issuer", place)
    check_record_id(record_id, place)


def _type_refused(place: str, held: object, want: str) -> RuleError:
    return RuleError(RuleReason.FACTS_INVALID, place, "field.type", got=type(held).__name__, want=want)


def _check_reference(report: Report) -> None:
    text = report.reference
    if len(text) > MAX_REFERENCE_CHARACTERS or not is_visible(text):
        got = f"{len(text)} characters"
        raise RuleError(RuleReason.FACTS_INVALID, "reference", "reference.form", got=got, want=REFERENCE_WANTED)
    if flaw := flaw_of(text):
        # Of two that look the same, two records of one debt would come.
        raise RuleError(RuleReason.FACTS_INVALID, "reference", flaw.rule, got=flaw.got, want=flaw.want)
    if kind := rewritten(text):
        want = "your own name of the debt as your systems have it; format the column as text"
        raise RuleError(RuleReason.FACTS_INVALID, "reference", "reference.rewritten", got=kind, want=want)


def _check_attempt(report: Report) -> None:
    if report.attempt is not None and not 0 <= report.attempt <= MAX_ATTEMPT:
        want = "how many records of the episode were withdrawn before"
        raise RuleError(RuleReason.FACTS_INVALID, "attempt", "attempt.range", got="a number out of range", want=want)


def _check_first_day(report: Report) -> None:
    if report.name is None:
        raise RuleError(RuleReason.DATE_INVALID, "first_day", "first-day.present", want="the first day of the episode")


def _check_age_when_listed(report: Report, facts: Facts) -> None:
    if (listed := listed_on(facts)) is not None:
        check_age(report.identity.birth_date, listed, listing=True)


def _check_transferee(report: Report) -> None:
    if report.transferee:
        check_institution_id(report.transferee, "transferee", "transferee")
        if report.standing is not Standing.TRANSFERRED:
            raise RuleError(
                RuleReason.FACTS_INVALID,
                "transferee",
                "transferee.absent",
                got=report.standing.name,
                want="none but for TRANSFERRED",
            )


def _refuse_absent(report: Report) -> None:
    raise RuleError(
        RuleReason.FACTS_INVALID, "facts", "facts.present", got="none", want=f"facts for {report.standing.name}"
    )


def _check_step(rulebook: Rulebook, before: Report, after: Report) -> None:
    check_transition(after.kind, before.standing, after.standing)
    if before.identity != after.identity:
        want = f"the person of the version before{f', row {before.row}' if before.row else ''}"
        raise RuleError("SUBJECT_CHANGED", "identity", "record.person", got="another person", want=want)
    if before.facts is not None and after.facts is not None and carries_subject(after.standing):
        check_progress(after.kind, before.standing, before.facts, after.standing, after.facts)
        check_part_payment(before.standing, before.facts, after.standing, after.facts, rulebook)
