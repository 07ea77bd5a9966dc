"""The rules on one version and on its admission: good facts pass, and one change breaks one named rule."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.moment import LAST_MS, moment
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Kind, Purpose, Standing
from client_sdk.kernel.rules.check import check_admission, check_facts
from client_sdk.kernel.rules.consent import check_inquiry_consent, for_purpose, terms_of
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import (
    Amounts,
    CollectionStage,
    ConsentForm,
    Facts,
    JudgmentStage,
    LegalBasis,
    Measure,
    SubjectRole,
    kind_of,
    parse_facts,
)
from client_sdk.kernel.rules.lifecycle import NEXT
from tests.client_sdk.kernel.rules.any_facts import any_facts
from tests.client_sdk.kernel.rules.facts_samples import (
    CONSENT,
    CURED,
    DEBT,
    DEFAULT,
    ENFORCEMENT,
    FILED,
    JUDGMENT,
    LISTING,
    NOTICE,
    SUBMITTED_AT,
    TODAY,
    rule_broken_by,
)

S = Standing
R = RuleReason
DAY = timedelta(days=1)
ZERO = Amounts(currency="CNY")

ACCEPTED: dict[str, tuple[Standing, Facts]] = {
    "default": (S.OPEN, DEFAULT),
    "arranged": (S.ARRANGED, replace(DEFAULT, collection_stage=CollectionStage.ARRANGED)),
    "arranged in suit, nothing overdue": (
        S.ARRANGED,
        replace(DEFAULT, collection_stage=CollectionStage.IN_SUIT, days_past_due=0, amounts=ZERO),
    ),
    "cured": (S.CURED, CURED),
    "sold": (S.TRANSFERRED, replace(DEFAULT, ended_on=DEFAULT.as_of)),
    "estimated amount of nothing": (S.OPEN, replace(DEFAULT, amounts=replace(ZERO, estimated=True))),
    "first day counts": (S.OPEN, replace(DEFAULT, days_past_due=61)),
    "estimated days": (S.OPEN, replace(DEFAULT, days_past_due=92, days_estimated=True)),
    "guarantor who was called on": (
        S.OPEN,
        replace(DEFAULT, subject_role=SubjectRole.GUARANTOR, called_on=DEFAULT.first_delinquency_on),
    ),
    "creditor with an LEI": (
        S.OPEN,
        replace(DEFAULT, debt=replace(DEBT, original_creditor="000000TESTLENDER0020")),
    ),
    "judgment": (S.OPEN, JUDGMENT),
    "suit": (S.OPEN, FILED),
    "performed judgment": (S.SATISFIED, replace(JUDGMENT, ended_on=JUDGMENT.as_of)),
    "joined": (S.OPEN, replace(JUDGMENT, court="می\u200cخواهم ᠨ\u180eᠠ")),
    "sold at suit": (S.TRANSFERRED, replace(FILED, ended_on=FILED.as_of)),
    "enforcement": (S.OPEN, ENFORCEMENT),
    "stayed": (S.STAYED, replace(ENFORCEMENT, stayed_on=ENFORCEMENT.as_of)),
    "performed enforcement": (S.SATISFIED, replace(ENFORCEMENT, ended_on=ENFORCEMENT.as_of)),
    "recovered more than applied for": (S.OPEN, replace(ENFORCEMENT, executed=ENFORCEMENT.applied, applied=ZERO)),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_good_facts_pass(name: str) -> None:
    standing, facts = ACCEPTED[name]
    check_facts(kind_of(facts), standing, facts)


GUARANTOR = replace(DEFAULT, subject_role=SubjectRole.GUARANTOR)
REFUSED: list[tuple[Standing, Facts, RuleReason, str, str]] = [
    # The end of the conduct.
    (S.OPEN, replace(DEFAULT, ended_on=DEFAULT.as_of), R.DATE_INVALID, "facts.ended_on", "facts.ended"),
    (S.CURED, replace(CURED, ended_on=None), R.DATE_INVALID, "facts.ended_on", "facts.ended"),
    (S.CURED, replace(CURED, ended_on=CURED.as_of + DAY), R.DATE_INVALID, "facts.as_of", "date.order"),
    (S.CURED, replace(CURED, ended_on=date(2025, 7, 31)), R.DATE_INVALID, "facts.ended_on", "date.order"),
    (S.SATISFIED, JUDGMENT, R.DATE_INVALID, "facts.ended_on", "facts.ended"),
    (S.SATISFIED, replace(JUDGMENT, ended_on=date(2024, 3, 3)), R.DATE_INVALID, "facts.ended_on", "date.order"),
    # The debt and who approved.
    *(
        (
            S.OPEN,
            replace(DEFAULT, debt=replace(DEBT, original_creditor=code)),
            R.IDENTIFIER_INVALID,
            field,
            "creditor.code",
        )
        for field in ["facts.debt.original_creditor"]
        for code in ["", "91110000MA0000000J", "91110000ma0000000h", "213800KUD8LXJWSQ9D15", "some bank"]
    ),
    *(
        (
            S.OPEN,
            replace(DEFAULT, debt=replace(DEBT, contract=text)),
            R.FACTS_INVALID,
            "facts.debt.contract",
            "debt.contract",
        )
        for text in ["", "ln2024", "LN-2024", "LN 2024", "ＬＮ2024", "L" * 65]
    ),
    (S.OPEN, replace(DEFAULT, approver=""), R.APPROVER_MISSING, "facts.approver", "F33"),
    (S.OPEN, replace(DEFAULT, approver=" \u3000"), R.APPROVER_MISSING, "facts.approver", "F33"),
    (S.OPEN, replace(DEFAULT, approver="a" * 65), R.FACTS_INVALID, "facts.approver", "text.length"),
    (S.OPEN, replace(JUDGMENT, court="法院\n"), R.FACTS_INVALID, "facts.court", "text.characters"),
    (S.OPEN, replace(JUDGMENT, court="法\u2028院"), R.FACTS_INVALID, "facts.court", "text.characters"),
    (S.OPEN, replace(JUDGMENT, court="法\u2029院"), R.FACTS_INVALID, "facts.court", "text.characters"),
    (S.OPEN, replace(JUDGMENT, court="法\u200b院"), R.FACTS_INVALID, "facts.court", "text.shapeless"),
    (S.OPEN, replace(JUDGMENT, court="法\ufeff院"), R.FACTS_INVALID, "facts.court", "text.shapeless"),
    (S.OPEN, replace(JUDGMENT, cause="借款\U000e0031\U000e0032"), R.FACTS_INVALID, "facts.cause", "text.shapeless"),
    (S.OPEN, replace(JUDGMENT, cause="借\u200c\u200d款"), R.FACTS_INVALID, "facts.cause", "text.shapeless"),
    (S.OPEN, replace(JUDGMENT, court="法院\u3164"), R.FACTS_INVALID, "facts.court", "text.shapeless"),
    (S.OPEN, replace(DEFAULT, approver="\ud800"), R.FACTS_INVALID, "facts.approver", "text.characters"),
    (S.OPEN, replace(DEFAULT, approver="e\u0301"), R.FACTS_INVALID, "facts.approver", "text.nfc"),
    (
        S.OPEN,
        replace(DEFAULT, debt=replace(DEBT, debt_ref=b"")),
        R.FACTS_INVALID,
        "facts.debt.debt_ref",
        "digest.length",
    ),
    (
        S.OPEN,
        replace(DEFAULT, notice=replace(NOTICE, digest=b"1" * 33)),
        R.FACTS_INVALID,
        "facts.notice.digest",
        "digest.length",
    ),
    (
        S.OPEN,
        replace(FILED, consent=replace(CONSENT, digest=b"1" * 31)),
        R.FACTS_INVALID,
        "facts.consent.digest",
        "digest.length",
    ),
    # Defaults.
    (S.OPEN, replace(DEFAULT, days_past_due=-1), R.FACTS_INVALID, "facts.days_past_due", "days.plausible"),
    (S.OPEN, replace(DEFAULT, legal_basis=LegalBasis.LEGALLY_PUBLIC), R.FACTS_INVALID, "facts.legal_basis", "C03"),
    (S.OPEN, GUARANTOR, R.ROLE_NOT_LIABLE, "facts.called_on", "F30"),
    (S.OPEN, replace(DEFAULT, called_on=DEFAULT.as_of), R.ROLE_NOT_LIABLE, "facts.called_on", "F30"),
    (S.OPEN, replace(GUARANTOR, called_on=date(2025, 7, 31)), R.DATE_INVALID, "facts.called_on", "date.order"),
    (S.OPEN, replace(GUARANTOR, called_on=DEFAULT.as_of + DAY), R.DATE_INVALID, "facts.as_of", "date.order"),
    (S.OPEN, replace(DEFAULT, as_of=date(2025, 7, 31)), R.DATE_INVALID, "facts.as_of", "date.order"),
    (S.OPEN, replace(DEFAULT, days_past_due=62), R.FACTS_INVALID, "facts.days_past_due", "days.plausible"),
    (
        S.OPEN,
        replace(DEFAULT, days_past_due=36_501, days_estimated=True),
        R.FACTS_INVALID,
        "facts.days_past_due",
        "days.plausible",
    ),
    (S.OPEN, replace(DEFAULT, days_past_due=0), R.FACTS_INVALID, "facts.days_past_due", "days.open"),
    (S.OPEN, replace(DEFAULT, amounts=ZERO), R.FACTS_INVALID, "facts.amounts", "money.open"),
    (
        S.OPEN,
        replace(DEFAULT, amounts=Amounts(currency="RMB", principal=1)),
        R.CURRENCY_INVALID,
        "facts.amounts.currency",
        "money.currency",
    ),
    *(
        (standing, replace(facts, collection_stage=stage), R.FACTS_INVALID, "facts.collection_stage", "stage.standing")
        for standing, facts, stage in [
            (S.OPEN, DEFAULT, CollectionStage.ARRANGED),
            (S.OPEN, DEFAULT, CollectionStage.ENDED),
            (S.ARRANGED, DEFAULT, CollectionStage.ENDED),
            (S.CURED, CURED, CollectionStage.COLLECTING),
            (S.TRANSFERRED, CURED, CollectionStage.ENDED),
        ]
    ),
    # Judgments.
    (S.OPEN, replace(FILED, judged_on=FILED.as_of), R.FACTS_INVALID, "facts.judged_on", "facts.stage"),
    (S.OPEN, replace(FILED, result=JUDGMENT.result), R.FACTS_INVALID, "facts.result", "facts.stage"),
    (S.OPEN, replace(JUDGMENT, result=None), R.FACTS_INVALID, "facts.result", "facts.stage"),
    (S.OPEN, replace(JUDGMENT, judged_on=None), R.FACTS_INVALID, "facts.judged_on", "facts.stage"),
    (S.OPEN, replace(JUDGMENT, effective_on=None), R.FACTS_INVALID, "facts.effective_on", "facts.stage"),
    (
        S.OPEN,
        replace(JUDGMENT, stage=JudgmentStage.APPEALED),
        R.FACTS_INVALID,
        "facts.effective_on",
        "facts.stage",
    ),
    (S.SATISFIED, replace(FILED, ended_on=FILED.as_of), R.FACTS_INVALID, "facts.stage", "stage.standing"),
    (S.OPEN, replace(JUDGMENT, judged_on=date(2024, 3, 3)), R.DATE_INVALID, "facts.judged_on", "date.order"),
    (S.OPEN, replace(JUDGMENT, effective_on=date(2024, 11, 29)), R.DATE_INVALID, "facts.effective_on", "date.order"),
    (S.OPEN, replace(JUDGMENT, as_of=date(2024, 12, 19)), R.DATE_INVALID, "facts.as_of", "date.order"),
    *(
        (S.OPEN, replace(JUDGMENT, case_number=text), R.CASE_NUMBER_INVALID, "facts.case_number", rule)
        for text, rule in [
            ("(2024)京0115民初9000010号", "case-number.canonical"),
            ("（2024）京0115执9000010号", "case-number.judgment"),
            ("（2024）京0115诉前调9000010号", "case-number.judgment"),
            ("（2025）京0115民初9000010号", "case-number.year-order"),
            ("（2016）海民初字第9000006号", "case-number.year"),
            ("", "case-number.form"),
        ]
    ),
    (S.OPEN, replace(JUDGMENT, court=""), R.FACTS_INVALID, "facts.court", "text.length"),
    (S.OPEN, replace(JUDGMENT, cause="由" * 129), R.FACTS_INVALID, "facts.cause", "text.length"),
    (S.OPEN, replace(JUDGMENT, batch_reference="B" * 65), R.FACTS_INVALID, "facts.batch_reference", "text.length"),
    # Enforcements.
    (S.STAYED, ENFORCEMENT, R.FACTS_INVALID, "facts.stayed_on", "facts.stage"),
    (S.OPEN, replace(ENFORCEMENT, stayed_on=ENFORCEMENT.as_of), R.FACTS_INVALID, "facts.stayed_on", "facts.stage"),
    (S.STAYED, replace(ENFORCEMENT, stayed_on=date(2025, 2, 2)), R.DATE_INVALID, "facts.stayed_on", "date.order"),
    (S.STAYED, replace(ENFORCEMENT, stayed_on=date(2025, 7, 1)), R.DATE_INVALID, "facts.as_of", "date.order"),
    (
        S.OPEN,
        replace(ENFORCEMENT, executed=Amounts(currency="USD")),
        R.CURRENCY_INVALID,
        "facts.executed.currency",
        "money.same-currency",
    ),
    (
        S.OPEN,
        replace(ENFORCEMENT, case_number=JUDGMENT.case_number),
        R.CASE_NUMBER_INVALID,
        "facts.case_number",
        "case-number.enforcement",
    ),
    (
        S.OPEN,
        replace(ENFORCEMENT, case_number="（2026）京0115执9000011号"),
        R.CASE_NUMBER_INVALID,
        "facts.case_number",
        "case-number.year-order",
    ),
    (
        S.OPEN,
        replace(ENFORCEMENT, judgment_case_number=ENFORCEMENT.case_number),
        R.CASE_NUMBER_INVALID,
        "facts.judgment_case_number",
        "case-number.judgment",
    ),
    (
        S.OPEN,
        replace(ENFORCEMENT, measures=(Measure.FROZEN, Measure.SEALED_UP)),
        R.FACTS_INVALID,
        "facts.measures",
        "measures.order",
    ),
    (
        S.OPEN,
        replace(ENFORCEMENT, measures=(Measure.FROZEN, Measure.FROZEN)),
        R.FACTS_INVALID,
        "facts.measures",
        "measures.order",
    ),
]


@pytest.mark.parametrize(("standing", "facts", "reason", "field", "rule"), REFUSED)
def test_one_change_breaks_one_named_rule(
    standing: Standing, facts: Facts, reason: RuleReason, field: str, rule: str
) -> None:
    with pytest.raises(RuleError) as caught:
        check_facts(kind_of(facts), standing, facts)
    assert (caught.value.reason, caught.value.field, caught.value.rule) == (reason, field, rule)
    secrets = {DEBT.contract, str(facts.debt.original_creditor), "500000", JUDGMENT.case_number, "staff-17"} - {""}
    assert not any(secret in str(caught.value) for secret in secrets)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("standing", Standing)
@given(facts=any_facts)
def test_any_facts_pass_or_break_a_rule(kind: Kind, standing: Standing, facts: Facts) -> None:
    error = rule_broken_by(lambda: check_facts(kind, standing, facts))
    if error is not None:
        assert error.field.startswith("facts")
        assert facts.debt.contract not in str(error) or len(facts.debt.contract) < 12


@pytest.mark.parametrize("standing", [S.WITHDRAWN, S.SET_ASIDE])
def test_a_standing_without_facts_has_none(standing: Standing) -> None:
    with pytest.raises(RuleError) as caught:
        check_facts(Kind.JUDGMENT, standing, JUDGMENT)
    assert caught.value.rule == "facts.kind"


class Moment(TypedDict, total=False):
    submitted_at_ms: int
    issued_at_ms: int
    notice_hours: int
    today: date


NOW = Moment(submitted_at_ms=SUBMITTED_AT, issued_at_ms=SUBMITTED_AT, notice_hours=0, today=TODAY)
HOUR = 3_600_000


def admit(facts: Facts, **changes: int) -> None:
    given: Moment = {**NOW, **changes}  # type: ignore[typeddict-item]  # names of two numbers
    check_admission(
        facts,
        submitted_at_ms=given["submitted_at_ms"],
        issued_at_ms=given["issued_at_ms"],
        notice_hours=given["notice_hours"],
        today=given["today"],
    )


@pytest.mark.parametrize(
    ("facts", "notice_hours"),
    [
        (DEFAULT, 0),
        (DEFAULT, 7 * 24),
        (replace(DEFAULT, notice=replace(NOTICE, sent_at=moment(SUBMITTED_AT - 1))), 0),
        (replace(DEFAULT, as_of=TODAY), 0),
        (replace(DEFAULT, consent=replace(CONSENT, date=TODAY)), 0),
        (JUDGMENT, 672),
        (ENFORCEMENT, 672),
    ],
)
def test_facts_are_admitted(facts: Facts, notice_hours: int) -> None:
    admit(facts, notice_hours=notice_hours)


@pytest.mark.parametrize(
    ("facts", "notice_hours", "reason", "rule"),
    [
        (replace(DEFAULT, notice=None), 0, R.NOTICE_MISSING, "C06"),
        (replace(DEFAULT, notice=replace(NOTICE, sent_at=moment(0))), 0, R.NOTICE_MISSING, "C06"),
        (replace(DEFAULT, notice=replace(NOTICE, sent_at=moment(-1))), 0, R.NOTICE_MISSING, "C06"),
        (replace(DEFAULT, notice=replace(NOTICE, sent_at=moment(SUBMITTED_AT))), 0, R.NOTICE_LATE, "C06"),
        (replace(DEFAULT, notice=replace(NOTICE, sent_at=moment(SUBMITTED_AT + 1))), 0, R.NOTICE_LATE, "C06"),
        (DEFAULT, 7 * 24 + 1, R.NOTICE_LATE, "C06"),
        (replace(FILED, notice=None), 0, R.NOTICE_MISSING, "C06"),
        (replace(DEFAULT, consent=None), 0, R.CONSENT_MISSING, "C03"),
        (replace(DEFAULT, consent=replace(CONSENT, form=ConsentForm.VERBAL)), 0, R.CONSENT_MISSING, "C20"),
        (replace(DEFAULT, consent=replace(CONSENT, date=TODAY + DAY)), 0, R.CONSENT_MISSING, "C20"),
        (replace(FILED, consent=None), 0, R.CONSENT_MISSING, "C03"),
        (replace(DEFAULT, as_of=TODAY + DAY), 0, R.DATE_INVALID, "date.future"),
        (replace(JUDGMENT, as_of=TODAY + DAY), 0, R.DATE_INVALID, "date.future"),
    ],
)
def test_facts_are_not_admitted(facts: Facts, notice_hours: int, reason: RuleReason, rule: str) -> None:
    with pytest.raises(RuleError) as caught:
        admit(facts, notice_hours=notice_hours)
    assert (caught.value.reason, caught.value.rule) == (reason, rule)


def test_a_statement_of_the_future_is_not_admitted() -> None:
    admit(DEFAULT, issued_at_ms=SUBMITTED_AT + 300_000)
    with pytest.raises(RuleError) as caught:
        admit(DEFAULT, issued_at_ms=SUBMITTED_AT + 300_001)
    assert caught.value.field == "statement.issued_at"


@given(st.integers(0, LAST_MS), st.integers(0, LAST_MS), st.integers(0, 10_000))
def test_a_notice_is_always_before_the_submission(sent_at: int, submitted_at: int, hours: int) -> None:
    facts = replace(DEFAULT, notice=replace(NOTICE, sent_at=moment(sent_at)))
    on_time = 0 < sent_at < submitted_at and sent_at + hours * HOUR <= submitted_at
    error = rule_broken_by(lambda: admit(facts, submitted_at_ms=submitted_at, issued_at_ms=0, notice_hours=hours))
    assert (error is None) is on_time
    assert error is None or error.rule == "C06"


def test_asking_about_a_person_takes_written_consent() -> None:
    asked = for_purpose(CONSENT, Purpose.COLLECTION)
    limited = replace(Rulebook(), scopes=(*Rulebook().scopes[:3], "COLLECTION::consent=30"))
    check_inquiry_consent(asked, Purpose.COLLECTION, Rulebook(), today=TODAY)
    check_inquiry_consent(replace(asked, date=TODAY - 30 * DAY), Purpose.COLLECTION, limited, today=TODAY)
    for consent, rule in (
        (None, "C03"),
        (replace(asked, form=ConsentForm.VERBAL), "C10"),
        (replace(asked, date=TODAY + DAY), "C10"),
        (replace(asked, date=TODAY - 31 * DAY), "consent.days"),
        (replace(asked, purposes=(Purpose.LOAN_APPROVAL, Purpose.REPORTING)), "C12"),
        (CONSENT, "C12"),
    ):
        with pytest.raises(RuleError) as caught:
            check_inquiry_consent(consent, Purpose.COLLECTION, limited, today=TODAY)
        assert (caught.value.reason, caught.value.rule) == (R.CONSENT_MISSING, rule)


def test_a_consent_that_names_its_purposes_names_reporting_for_a_record() -> None:
    admit(replace(DEFAULT, consent=replace(CONSENT, purposes=(Purpose.REPORTING, Purpose.COLLECTION))))
    with pytest.raises(RuleError) as caught:
        admit(replace(DEFAULT, consent=replace(CONSENT, purposes=(Purpose.COLLECTION,))))
    assert (caught.value.reason, caught.value.rule) == (R.CONSENT_MISSING, "D03")


def test_the_terms_of_many_consents_are_their_days_and_common_purposes() -> None:
    others = [
        replace(CONSENT, date=CONSENT.date - DAY, purposes=(Purpose.COLLECTION, Purpose.LOAN_APPROVAL)),
        replace(CONSENT, date=CONSENT.date + DAY, purposes=(Purpose.COLLECTION,)),
    ]
    first, last = ((CONSENT.date + day).isoformat() for day in (-DAY, DAY))
    assert terms_of([for_purpose(CONSENT, Purpose.COLLECTION), *others]) == ConsentTerms(
        first, last, (Purpose.COLLECTION,)
    )


@given(approver=st.text(max_size=70), court=st.text(max_size=140), days=st.integers(-5, 70))
def test_what_passes_can_be_encoded(approver: str, court: str, days: int) -> None:
    changed: list[Facts] = [
        replace(DEFAULT, approver=approver, days_past_due=days),
        replace(ENFORCEMENT, approver=approver, court=court),
    ]
    for facts in changed:
        if rule_broken_by(lambda facts=facts: check_facts(kind_of(facts), S.OPEN, facts)) is None:  # type: ignore[misc]  # mypy cannot type a lambda's default
            assert parse_facts(kind_of(facts), facts.encode()) == facts


@pytest.mark.parametrize("facts", [DEFAULT, JUDGMENT, ENFORCEMENT, LISTING])
@pytest.mark.parametrize("standing", list(Standing))
def test_any_standing_gives_a_verdict(facts: Facts, standing: Standing) -> None:
    # The registry looks at facts before it looks at the chain: whatever standing a member names.
    try:
        check_facts(kind_of(facts), standing, facts)
    except RuleError:
        return
    assert standing in NEXT[kind_of(facts)]
