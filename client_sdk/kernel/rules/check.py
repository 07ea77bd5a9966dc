"""The rules on facts: within one version, and at the moment it is admitted.

Pre-flight, registry and every verifier that opens facts run the same functions, in this order: ``check_facts`` (one
version by itself), ``check_admission`` (against the moment of submission), ``check_progress`` (against the version
before), ``check_basis`` (against the record it rests on). Each raises the first rule that is broken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.debt import canonical_contract, check_creditor
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.arrangement import check_arrangement, check_contacts
from client_sdk.kernel.rules.basis import check_basis
from client_sdk.kernel.rules.case_number import check_enforcement_number, check_judgment_number, parse_case_number
from client_sdk.kernel.rules.consent import check_consent
from client_sdk.kernel.rules.dates import check_order
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.evidence import check_digest
from client_sdk.kernel.rules.facts import (
    CollectionStage,
    DefaultFacts,
    EnforcementFacts,
    Facts,
    JudgmentFacts,
    JudgmentStage,
    LegalBasis,
    ListingFacts,
    SubjectRole,
    kind_of,
)
from client_sdk.kernel.rules.forbidden import check_names_nobody, check_not_forbidden
from client_sdk.kernel.rules.instrument import canonical_instrument, is_instrument
from client_sdk.kernel.rules.lifecycle import NEXT, has_ended
from client_sdk.kernel.rules.listing import check_entry
from client_sdk.kernel.rules.money import check_amounts
from client_sdk.kernel.rules.notice import check_notice
from client_sdk.kernel.rules.progress import check_progress
from client_sdk.kernel.rules.text import check_text

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.rules.facts import Debt

__all__ = ["DAYS_TOLERANCE", "check_admission", "check_basis", "check_facts", "check_progress"]

# A day either way: whether the first day of an episode counts as day 0 or as day 1.
DAYS_TOLERANCE = 1
_MAX_DAYS = 36_500
_MAX_TEXT = 128
_MAX_SHORT_TEXT = 64
# A lender's clock may be this much ahead of the registry's.
_CLOCK_TOLERANCE_MS = 300_000

_ENDED_STAGES = frozenset((CollectionStage.ENDED,))
# Stages of collection that a standing contradicts.
_CONTRADICTED: dict[Standing, frozenset[CollectionStage]] = {
    Standing.OPEN: frozenset((CollectionStage.ARRANGED, CollectionStage.ENDED)),
    Standing.ARRANGED: _ENDED_STAGES,
    Standing.TRANSFERRED: _ENDED_STAGES,
    Standing.CURED: frozenset(CollectionStage) - _ENDED_STAGES,
}


def check_facts(kind: Kind, standing: Standing, facts: Facts, *, chinese_case_numbers: bool = True) -> None:
    """Check one version by itself: money, dates, stage, case numbers, role, debt, approver.

    Args:
        kind: of the record.
        standing: of the version; it must be one that carries facts.
        facts: of the version.
        chinese_case_numbers: of the rulebook; where it is not, a number is any short text.

    Raises:
        RuleError: the first rule that is broken.
    """
    # A standing after which nothing may follow, or that the kind does not have, carries no facts.
    if kind_of(facts) is not kind or standing not in NEXT[kind]:
        raise _refused("facts", "facts.kind", got=f"{kind_of(facts).name} for {kind.name} {standing.name}")
    _check_end(standing, facts)
    _check_debt(facts.debt)
    _check_digests(facts)
    _check_approver(facts.approver)
    match facts:
        case DefaultFacts():
            _check_default(standing, facts)
        case JudgmentFacts():
            _check_judgment(standing, facts)
        case EnforcementFacts():
            _check_enforcement(standing, facts)
        case ListingFacts():
            _check_listing(facts)
    if isinstance(facts, DefaultFacts):
        return
    if chinese_case_numbers:
        _check_case_numbers(facts)
    else:
        _check_free_numbers(facts)


def check_admission(facts: Facts, *, submitted_at_ms: int, issued_at_ms: int, notice_hours: int, today: date) -> None:
    """Check one version against the moment at which it is supplied.

    Args:
        facts: of the version.
        submitted_at_ms: moment of admission, milliseconds since 1970 UTC.
        issued_at_ms: of the statement.
        notice_hours: of the rulebook.
        today: date of the submission in the registry's legal time zone (``dates.day_of``).

    Raises:
        RuleError: NOTICE_MISSING or NOTICE_LATE (C06), CONSENT_MISSING (C03, C20), DATE_INVALID where facts or
            statement are of the future.
    """
    check_notice(facts.notice, facts.legal_basis, submitted_at_ms=submitted_at_ms, notice_hours=notice_hours)
    check_consent(facts.consent, facts.legal_basis, today=today)
    if facts.as_of > today:
        raise RuleError(
            RuleReason.DATE_INVALID,
            "facts.as_of",
            "date.future",
            got=facts.as_of.isoformat(),
            want=f"not after {today.isoformat()}",
        )
    if issued_at_ms > submitted_at_ms + _CLOCK_TOLERANCE_MS:
        raise RuleError(
            RuleReason.DATE_INVALID,
            "statement.issued_at",
            "date.future",
            got=f"{issued_at_ms - submitted_at_ms} ms after the submission",
            want=f"at most {_CLOCK_TOLERANCE_MS} ms after",
        )


def _check_end(standing: Standing, facts: Facts) -> None:
    if (facts.ended_on is not None) is not has_ended(standing):
        want = "a date" if has_ended(standing) else "none"
        raise RuleError(
            RuleReason.DATE_INVALID,
            "facts.ended_on",
            "facts.ended",
            got=standing.name,
            want=f"{want} for this standing",
        )
    check_order(facts.ended_on, "facts.ended_on", facts.as_of, "facts.as_of")


def _check_debt(debt: Debt) -> None:
    try:
        check_creditor(debt.original_creditor)
    except FormatError as error:
        raise RuleError(
            RuleReason.IDENTIFIER_INVALID, "facts.debt.original_creditor", error.rule, want=error.want
        ) from error
    try:
        canonical = canonical_contract(debt.contract) == debt.contract
    except FormatError as error:
        if error.rule == "contract.rewritten":
            raise _refused("facts.debt.contract", error.rule, got=error.got, want=error.want) from error
        canonical = False
    if not canonical:
        raise _refused("facts.debt.contract", "debt.contract", want="1 to 64 letters and digits, NFKC, upper case")


def _check_digests(facts: Facts) -> None:
    if len(facts.debt.debt_ref) != HASH_BYTES:
        got = f"{len(facts.debt.debt_ref)} bytes"
        raise _refused("facts.debt.debt_ref", "digest.length", got=got, want=f"{HASH_BYTES} bytes")
    if facts.notice is not None:
        check_digest(facts.notice.digest, "facts.notice.digest")
    if facts.consent is not None:
        check_digest(facts.consent.digest, "facts.consent.digest")


def _check_approver(approver: str) -> None:
    if not approver.strip():
        raise RuleError(RuleReason.APPROVER_MISSING, "facts.approver", "F33", want="who approved the record")
    check_text(approver, "facts.approver", _MAX_SHORT_TEXT)
    check_names_nobody(approver, "facts.approver")


def _check_default(standing: Standing, facts: DefaultFacts) -> None:
    if facts.legal_basis is not LegalBasis.CONSENT:
        raise _refused(
            "facts.legal_basis", "C03", got=facts.legal_basis.name, want="CONSENT: no default is public by law"
        )
    if (facts.called_on is not None) is not (facts.subject_role is SubjectRole.GUARANTOR):
        raise RuleError(
            RuleReason.ROLE_NOT_LIABLE,
            "facts.called_on",
            "F30",
            got=facts.subject_role.name,
            want="the day on which a guarantor was called on (代偿), and none for others",
        )
    check_amounts(facts.amounts, "facts.amounts")
    for day, field in ((facts.called_on, "facts.called_on"), (facts.ended_on, "facts.ended_on")):
        check_order(facts.first_delinquency_on, "facts.first_delinquency_on", day, field)
    check_order(facts.first_delinquency_on, "facts.first_delinquency_on", facts.as_of, "facts.as_of")
    check_order(facts.called_on, "facts.called_on", facts.as_of, "facts.as_of")
    _check_days(standing, facts)
    if facts.collection_stage in _CONTRADICTED[standing]:
        raise _refused(
            "facts.collection_stage",
            "stage.standing",
            got=f"{facts.collection_stage.name} while {standing.name}",
            want="a stage that goes with the standing",
        )
    check_contacts(facts.contacts)
    if facts.arrangement is not None:
        check_arrangement(standing, facts.arrangement, since=facts.first_delinquency_on, as_of=facts.as_of)


def _check_days(standing: Standing, facts: DefaultFacts) -> None:
    elapsed = (facts.as_of - facts.first_delinquency_on).days + DAYS_TOLERANCE
    most = _MAX_DAYS if facts.days_estimated else min(elapsed, _MAX_DAYS)
    if not 0 <= facts.days_past_due <= most:
        raise _refused(
            "facts.days_past_due",
            "days.plausible",
            want="0 or more, and no more days than from first_delinquency_on to as_of",
        )
    if standing is Standing.OPEN:
        if not facts.days_past_due:
            raise _refused("facts.days_past_due", "days.open", got="0", want="at least 1 while OPEN")
        if not facts.amounts.total and not facts.amounts.estimated:
            raise _refused("facts.amounts", "money.open", want="something overdue while OPEN, unless estimated")


def _check_judgment(standing: Standing, facts: JudgmentFacts) -> None:
    judged = facts.stage is not JudgmentStage.FILED
    _check_presence(facts.judged_on is not None, judged, "facts.judged_on", facts.stage.name)
    _check_presence(facts.result is not None, judged, "facts.result", facts.stage.name)
    effective = facts.stage is JudgmentStage.EFFECTIVE
    _check_presence(facts.effective_on is not None, effective, "facts.effective_on", facts.stage.name)
    if standing is Standing.SATISFIED and not judged:
        raise _refused("facts.stage", "stage.standing", got="FILED while SATISFIED", want="JUDGED or later")
    check_amounts(facts.amounts, "facts.amounts")
    check_order(facts.filed_on, "facts.filed_on", facts.judged_on, "facts.judged_on")
    check_order(facts.judged_on, "facts.judged_on", facts.effective_on, "facts.effective_on")
    check_order(facts.filed_on, "facts.filed_on", facts.ended_on, "facts.ended_on")
    for day, field in (
        (facts.filed_on, "facts.filed_on"),
        (facts.judged_on, "facts.judged_on"),
        (facts.effective_on, "facts.effective_on"),
    ):
        check_order(day, field, facts.as_of, "facts.as_of")
    check_text(facts.court, "facts.court", _MAX_TEXT, required=True)
    check_text(facts.cause, "facts.cause", _MAX_TEXT, required=True)
    check_text(facts.batch_reference, "facts.batch_reference", _MAX_SHORT_TEXT)
    check_not_forbidden(facts.cause, "facts.cause")
    check_names_nobody(facts.cause, "facts.cause")
    check_names_nobody(facts.batch_reference, "facts.batch_reference")


def _check_enforcement(standing: Standing, facts: EnforcementFacts) -> None:
    _check_presence(facts.stayed_on is not None, standing is Standing.STAYED, "facts.stayed_on", standing.name)
    check_amounts(facts.applied, "facts.applied")
    check_amounts(facts.executed, "facts.executed")
    if facts.applied.currency != facts.executed.currency:
        raise RuleError(
            RuleReason.CURRENCY_INVALID, "facts.executed.currency", "money.same-currency", want="that of applied"
        )
    check_order(facts.filed_on, "facts.filed_on", facts.stayed_on, "facts.stayed_on")
    check_order(facts.filed_on, "facts.filed_on", facts.ended_on, "facts.ended_on")
    check_order(facts.filed_on, "facts.filed_on", facts.as_of, "facts.as_of")
    check_order(facts.stayed_on, "facts.stayed_on", facts.as_of, "facts.as_of")
    check_text(facts.court, "facts.court", _MAX_TEXT, required=True)
    if any(later <= earlier for earlier, later in zip(facts.measures, facts.measures[1:], strict=False)):
        raise _refused("facts.measures", "measures.order", want="ascending, without repetition")


def _check_listing(facts: ListingFacts) -> None:
    check_entry(facts)
    check_amounts(facts.amounts, "facts.amounts")
    check_text(facts.court, "facts.court", _MAX_TEXT, required=True)
    check_text(facts.issued_by, "facts.issued_by", _MAX_TEXT, required=True)


def _check_case_numbers(facts: JudgmentFacts | EnforcementFacts | ListingFacts) -> None:
    number = parse_case_number(facts.case_number)
    _check_canonical(number.text, facts.case_number, "facts.case_number")
    if isinstance(facts, JudgmentFacts):
        check_judgment_number(number, (facts.judged_on or facts.as_of).year)
        return
    check_enforcement_number(number, facts.as_of.year)
    enforced, field = facts.judgment_case_number, "facts.judgment_case_number"
    if is_instrument(enforced):
        _check_canonical(canonical_instrument(enforced), enforced, field)
    else:
        judgment = parse_case_number(enforced, field)
        _check_canonical(judgment.text, enforced, field)
        check_judgment_number(judgment, facts.filed_on.year, field)


def _check_free_numbers(facts: JudgmentFacts | EnforcementFacts | ListingFacts) -> None:
    """Check numbers of a jurisdiction whose courts have no one form for them."""
    numbers = {"facts.case_number": facts.case_number}
    if not isinstance(facts, JudgmentFacts):
        numbers["facts.judgment_case_number"] = facts.judgment_case_number
    for field, number in numbers.items():
        check_text(number, field, _MAX_SHORT_TEXT, required=True)
        check_names_nobody(number, field)


def _check_presence(present: bool, wanted: bool, field: str, state: str) -> None:  # noqa: FBT001 - two facts compared
    if present is not wanted:
        raise _refused(field, "facts.stage", got=state, want="present" if wanted else "absent")


def _check_canonical(canonical: str, written: str, field: str) -> None:
    if canonical != written:
        raise RuleError(
            RuleReason.CASE_NUMBER_INVALID, field, "case-number.canonical", want="full-width brackets and nothing else"
        )


def _refused(field: str, rule: str, *, got: str = "", want: str = "") -> RuleError:
    return RuleError(RuleReason.FACTS_INVALID, field, rule, got=got, want=want)
