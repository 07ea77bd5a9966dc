"""The rules on one version of a record by itself: money, dates, stage, case numbers, role, debt, approver.

Each rule reads those fields alone that it is about, so that it can be judged of facts that lack others.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from client_sdk.kernel.formats.debt import canonical_contract, check_creditor
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.arrangement import check_arrangement, check_contacts
from client_sdk.kernel.rules.case_number import check_enforcement_number, check_judgment_number, parse_case_number
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
from client_sdk.kernel.rules.listing import check_grounds, check_has_term
from client_sdk.kernel.rules.money import check_amounts
from client_sdk.kernel.rules.text import check_text

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DAYS_TOLERANCE", "Rule", "fact_rules"]

# Raises RuleError where it is broken.
Rule: TypeAlias = "Callable[[], None]"
# A day either way: whether the first day of an episode counts as day 0 or as day 1.
DAYS_TOLERANCE = 1
_MAX_DAYS = 36_500
_MAX_TEXT = 128
_MAX_SHORT_TEXT = 64

_ENDED_STAGES = frozenset((CollectionStage.ENDED,))
# Stages of collection that a standing contradicts.
_CONTRADICTED: dict[Standing, frozenset[CollectionStage]] = {
    Standing.OPEN: frozenset((CollectionStage.ARRANGED, CollectionStage.ENDED)),
    Standing.ARRANGED: _ENDED_STAGES,
    Standing.TRANSFERRED: _ENDED_STAGES,
    Standing.CURED: frozenset(CollectionStage) - _ENDED_STAGES,
}


def fact_rules(kind: Kind, standing: Standing, facts: Facts, *, chinese_case_numbers: bool = True) -> list[Rule]:
    """Return the rules that ``check_facts`` checks, in its order, with its arguments.

    Each reads those fields alone that it is about, so that it can be judged of facts that lack others.
    """
    # A standing after which nothing may follow, or that the kind does not have, carries no facts.
    if kind_of(facts) is not kind or standing not in NEXT[kind]:
        return [partial(_refuse_kind, kind, standing, facts)]
    rules: list[Rule] = [
        partial(_check_end, standing, facts),
        *_in_order(facts, ("ended_on", "as_of")),
        *(partial(check, facts) for check in (_check_creditor, _check_contract, _check_digests, _check_approver)),
    ]
    match facts:
        case DefaultFacts():
            return rules + _default_rules(standing, facts)
        case JudgmentFacts():
            rules += _judgment_rules(standing, facts)
        case EnforcementFacts():
            rules += _enforcement_rules(standing, facts)
        case ListingFacts():
            rules += _listing_rules(facts)
    return rules + (_case_number_rules(facts) if chinese_case_numbers else _free_number_rules(facts))


def _refuse_kind(kind: Kind, standing: Standing, facts: Facts) -> None:
    raise _refused("facts", "facts.kind", got=f"{kind_of(facts).name} for {kind.name} {standing.name}")


def _in_order(facts: Facts, *pairs: tuple[str, str]) -> list[Rule]:
    """Return the rules that the second day of each pair of fields is not before the first."""
    return [partial(_check_days_in_order, facts, earlier, later) for earlier, later in pairs]


def _check_days_in_order(facts: Facts, earlier: str, later: str) -> None:
    check_order(getattr(facts, earlier), f"facts.{earlier}", getattr(facts, later), f"facts.{later}")


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


def _check_creditor(facts: Facts) -> None:
    try:
        check_creditor(facts.debt.original_creditor)
    except FormatError as error:
        raise RuleError(
            RuleReason.IDENTIFIER_INVALID, "facts.debt.original_creditor", error.rule, want=error.want
        ) from error


def _check_contract(facts: Facts) -> None:
    contract = facts.debt.contract
    try:
        canonical = canonical_contract(contract) == contract
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


def _check_approver(facts: Facts) -> None:
    approver = facts.approver
    if not approver.strip():
        raise RuleError(RuleReason.APPROVER_MISSING, "facts.approver", "F33", want="who approved the record")
    check_text(approver, "facts.approver", _MAX_SHORT_TEXT)
    check_names_nobody(approver, "facts.approver")


def _default_rules(standing: Standing, facts: DefaultFacts) -> list[Rule]:
    return [
        partial(_check_default_basis, facts),
        partial(_check_called_on, facts),
        lambda: check_amounts(facts.amounts, "facts.amounts"),
        *_in_order(
            facts,
            ("first_delinquency_on", "called_on"),
            ("first_delinquency_on", "ended_on"),
            ("first_delinquency_on", "as_of"),
            ("called_on", "as_of"),
        ),
        partial(_check_days, facts),
        partial(_check_open_days, standing, facts),
        partial(_check_open_money, standing, facts),
        partial(_check_collection_stage, standing, facts),
        lambda: check_contacts(facts.contacts),
        partial(_check_arrangement, standing, facts),
    ]


def _check_default_basis(facts: DefaultFacts) -> None:
    if facts.legal_basis is not LegalBasis.CONSENT:
        raise _refused(
            "facts.legal_basis", "C03", got=facts.legal_basis.name, want="CONSENT: no default is public by law"
        )


def _check_called_on(facts: DefaultFacts) -> None:
    if (facts.called_on is not None) is not (facts.subject_role is SubjectRole.GUARANTOR):
        raise RuleError(
            RuleReason.ROLE_NOT_LIABLE,
            "facts.called_on",
            "F30",
            got=facts.subject_role.name,
            want="the day on which a guarantor was called on (代偿), and none for others",
        )


def _check_days(facts: DefaultFacts) -> None:
    elapsed = (facts.as_of - facts.first_delinquency_on).days + DAYS_TOLERANCE
    most = _MAX_DAYS if facts.days_estimated else min(elapsed, _MAX_DAYS)
    if not 0 <= facts.days_past_due <= most:
        raise _refused(
            "facts.days_past_due",
            "days.plausible",
            want="0 or more, and no more days than from first_delinquency_on to as_of",
        )


def _check_open_days(standing: Standing, facts: DefaultFacts) -> None:
    if standing is Standing.OPEN and not facts.days_past_due:
        raise _refused("facts.days_past_due", "days.open", got="0", want="at least 1 while OPEN")


def _check_open_money(standing: Standing, facts: DefaultFacts) -> None:
    if standing is Standing.OPEN and not facts.amounts.total and not facts.amounts.estimated:
        raise _refused("facts.amounts", "money.open", want="something overdue while OPEN, unless estimated")


def _check_collection_stage(standing: Standing, facts: DefaultFacts) -> None:
    if facts.collection_stage in _CONTRADICTED[standing]:
        raise _refused(
            "facts.collection_stage",
            "stage.standing",
            got=f"{facts.collection_stage.name} while {standing.name}",
            want="a stage that goes with the standing",
        )


def _check_arrangement(standing: Standing, facts: DefaultFacts) -> None:
    if facts.arrangement is not None:
        check_arrangement(standing, facts.arrangement, since=facts.first_delinquency_on, as_of=facts.as_of)


def _judgment_rules(standing: Standing, facts: JudgmentFacts) -> list[Rule]:
    return [
        *(partial(check, facts) for check in (_check_judged_on, _check_result, _check_effective_on)),
        partial(_check_judged_when_paid, standing, facts),
        lambda: check_amounts(facts.amounts, "facts.amounts"),
        *_in_order(
            facts,
            ("filed_on", "judged_on"),
            ("judged_on", "effective_on"),
            ("filed_on", "ended_on"),
            ("filed_on", "as_of"),
            ("judged_on", "as_of"),
            ("effective_on", "as_of"),
        ),
        lambda: check_text(facts.court, "facts.court", _MAX_TEXT, required=True),
        partial(_check_cause, facts),
        partial(_check_batch_reference, facts),
    ]


def _check_judged_on(facts: JudgmentFacts) -> None:
    wanted = facts.stage is not JudgmentStage.FILED
    _check_presence(facts.judged_on is not None, wanted, "facts.judged_on", facts.stage.name)


def _check_result(facts: JudgmentFacts) -> None:
    wanted = facts.stage is not JudgmentStage.FILED
    _check_presence(facts.result is not None, wanted, "facts.result", facts.stage.name)


def _check_effective_on(facts: JudgmentFacts) -> None:
    wanted = facts.stage is JudgmentStage.EFFECTIVE
    _check_presence(facts.effective_on is not None, wanted, "facts.effective_on", facts.stage.name)


def _check_judged_when_paid(standing: Standing, facts: JudgmentFacts) -> None:
    if standing is Standing.SATISFIED and facts.stage is JudgmentStage.FILED:
        raise _refused("facts.stage", "stage.standing", got="FILED while SATISFIED", want="JUDGED or later")


def _check_cause(facts: JudgmentFacts) -> None:
    check_text(facts.cause, "facts.cause", _MAX_TEXT, required=True)
    check_not_forbidden(facts.cause, "facts.cause")
    check_names_nobody(facts.cause, "facts.cause")


def _check_batch_reference(facts: JudgmentFacts) -> None:
    check_text(facts.batch_reference, "facts.batch_reference", _MAX_SHORT_TEXT)
    check_names_nobody(facts.batch_reference, "facts.batch_reference")


def _enforcement_rules(standing: Standing, facts: EnforcementFacts) -> list[Rule]:
    return [
        partial(_check_stayed_on, standing, facts),
        lambda: check_amounts(facts.applied, "facts.applied"),
        lambda: check_amounts(facts.executed, "facts.executed"),
        partial(_check_currencies, facts),
        *_in_order(
            facts, ("filed_on", "stayed_on"), ("filed_on", "ended_on"), ("filed_on", "as_of"), ("stayed_on", "as_of")
        ),
        lambda: check_text(facts.court, "facts.court", _MAX_TEXT, required=True),
        partial(_check_measures, facts),
    ]


def _check_stayed_on(standing: Standing, facts: EnforcementFacts) -> None:
    _check_presence(facts.stayed_on is not None, standing is Standing.STAYED, "facts.stayed_on", standing.name)


def _check_currencies(facts: EnforcementFacts) -> None:
    if facts.applied.currency != facts.executed.currency:
        raise RuleError(
            RuleReason.CURRENCY_INVALID, "facts.executed.currency", "money.same-currency", want="that of applied"
        )


def _check_measures(facts: EnforcementFacts) -> None:
    if any(later <= earlier for earlier, later in pairwise(facts.measures)):
        raise _refused("facts.measures", "measures.order", want="ascending, without repetition")


def _listing_rules(facts: ListingFacts) -> list[Rule]:
    return [
        partial(check_grounds, facts),
        partial(check_has_term, facts),
        *_in_order(
            facts,
            ("filed_on", "listed_on"),
            ("listed_on", "as_of"),
            ("listed_on", "listed_until"),
            ("listed_on", "earliest_removal_on"),
            ("earliest_removal_on", "listed_until"),
        ),
        lambda: check_amounts(facts.amounts, "facts.amounts"),
        lambda: check_text(facts.court, "facts.court", _MAX_TEXT, required=True),
        lambda: check_text(facts.issued_by, "facts.issued_by", _MAX_TEXT, required=True),
    ]


def _case_number_rules(facts: JudgmentFacts | EnforcementFacts | ListingFacts) -> list[Rule]:
    if isinstance(facts, JudgmentFacts):
        return [partial(_check_case_number, facts)]
    return [partial(_check_case_number, facts), partial(_check_enforced_number, facts)]


def _check_case_number(facts: JudgmentFacts | EnforcementFacts | ListingFacts) -> None:
    number = parse_case_number(facts.case_number)
    _check_canonical(number.text, facts.case_number, "facts.case_number")
    if isinstance(facts, JudgmentFacts):
        check_judgment_number(number, (facts.judged_on or facts.as_of).year)
    else:
        check_enforcement_number(number, facts.as_of.year)


def _check_enforced_number(facts: EnforcementFacts | ListingFacts) -> None:
    enforced, field = facts.judgment_case_number, "facts.judgment_case_number"
    if is_instrument(enforced):
        _check_canonical(canonical_instrument(enforced), enforced, field)
    else:
        judgment = parse_case_number(enforced, field)
        _check_canonical(judgment.text, enforced, field)
        check_judgment_number(judgment, facts.filed_on.year, field)


def _free_number_rules(facts: JudgmentFacts | EnforcementFacts | ListingFacts) -> list[Rule]:
    """Return the rules on numbers of a jurisdiction whose courts have no one form for them."""
    rules: list[Rule] = [lambda: _check_free_number(facts.case_number, "facts.case_number")]
    if not isinstance(facts, JudgmentFacts):
        rules.append(lambda: _check_free_number(facts.judgment_case_number, "facts.judgment_case_number"))
    return rules


def _check_free_number(number: str, field: str) -> None:
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
