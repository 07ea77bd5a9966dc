"""What may change from version to version, and what a record may rest on."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given

from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.basis import check_basis
from client_sdk.kernel.rules.check import check_progress
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import Facts, JudgmentFacts, JudgmentStage, SubjectRole, kind_of
from client_sdk.kernel.rules.minors import age_on, check_age
from tests.client_sdk.kernel.rules.any_facts import any_facts
from tests.client_sdk.kernel.rules.facts_samples import (
    DEBT,
    DEFAULT,
    ENFORCEMENT,
    FILED,
    JUDGMENT,
    OTHER_CREDITOR,
)

S = Standing
R = RuleReason
DAY = timedelta(days=1)
APPEAL = "（2024）京02民终9000012号"
RESUMED = "（2025）京0115执恢9000013号"


def judgment(stage: JudgmentStage) -> JudgmentFacts:
    judged = stage is not JudgmentStage.FILED
    return replace(
        JUDGMENT,
        stage=stage,
        judged_on=JUDGMENT.judged_on if judged else None,
        result=JUDGMENT.result if judged else None,
        effective_on=JUDGMENT.effective_on if stage is JudgmentStage.EFFECTIVE else None,
    )


@pytest.mark.parametrize(
    ("before", "previous", "after", "new"),
    [
        (S.OPEN, DEFAULT, S.OPEN, DEFAULT),
        (S.OPEN, DEFAULT, S.OPEN, replace(DEFAULT, as_of=DEFAULT.as_of + 30 * DAY, days_past_due=90)),
        (S.OPEN, DEFAULT, S.OPEN, replace(DEFAULT, first_delinquency_on=DEFAULT.first_delinquency_on - DAY)),
        (S.OPEN, FILED, S.OPEN, replace(JUDGMENT, case_number=APPEAL)),
        (S.STAYED, ENFORCEMENT, S.OPEN, replace(ENFORCEMENT, case_number=RESUMED)),
        (S.OPEN, ENFORCEMENT, S.OPEN, replace(ENFORCEMENT, measures=())),
    ],
)
def test_what_may_change(before: Standing, previous: Facts, after: Standing, new: Facts) -> None:
    check_progress(kind_of(new), before, previous, after, new)


@pytest.mark.parametrize(
    ("before", "previous", "after", "new", "reason", "field"),
    [
        (
            S.OPEN,
            DEFAULT,
            S.OPEN,
            replace(DEFAULT, first_delinquency_on=DEFAULT.first_delinquency_on + DAY),
            R.REAGED,
            "facts.first_delinquency_on",
        ),
        (S.OPEN, DEFAULT, S.OPEN, replace(DEFAULT, as_of=DEFAULT.as_of - DAY), R.DATE_INVALID, "facts.as_of"),
        (
            S.OPEN,
            DEFAULT,
            S.OPEN,
            replace(DEFAULT, subject_role=SubjectRole.CO_BORROWER),
            R.DEBT_CHANGED,
            "facts.subject_role",
        ),
        (
            S.OPEN,
            DEFAULT,
            S.OPEN,
            replace(DEFAULT, debt=replace(DEBT, debt_ref=bytes(32))),
            R.DEBT_CHANGED,
            "facts.debt.debt_ref",
        ),
        (
            S.OPEN,
            DEFAULT,
            S.OPEN,
            replace(DEFAULT, debt=replace(DEBT, contract="LN2")),
            R.DEBT_CHANGED,
            "facts.debt.contract",
        ),
        (
            S.OPEN,
            DEFAULT,
            S.OPEN,
            replace(DEFAULT, debt=replace(DEBT, original_creditor=OTHER_CREDITOR)),
            R.DEBT_CHANGED,
            "facts.debt.original_creditor",
        ),
        (S.OPEN, JUDGMENT, S.OPEN, replace(JUDGMENT, case_number=APPEAL), R.CASE_NUMBER_INVALID, "facts.case_number"),
        (
            S.OPEN,
            ENFORCEMENT,
            S.OPEN,
            replace(ENFORCEMENT, case_number=RESUMED),
            R.CASE_NUMBER_INVALID,
            "facts.case_number",
        ),
        (
            S.STAYED,
            ENFORCEMENT,
            S.STAYED,
            replace(ENFORCEMENT, case_number=RESUMED),
            R.CASE_NUMBER_INVALID,
            "facts.case_number",
        ),
        (
            S.STAYED,
            ENFORCEMENT,
            S.OPEN,
            replace(ENFORCEMENT, judgment_case_number=APPEAL),
            R.CASE_NUMBER_INVALID,
            "facts.judgment_case_number",
        ),
        (S.OPEN, DEFAULT, S.OPEN, JUDGMENT, R.FACTS_INVALID, "facts"),
    ],
)
def test_what_may_not_change(
    before: Standing, previous: Facts, after: Standing, new: Facts, reason: RuleReason, field: str
) -> None:
    with pytest.raises(RuleError) as caught:
        check_progress(kind_of(new), before, previous, after, new)
    assert (caught.value.reason, caught.value.field) == (reason, field)


def test_a_rekeyed_record_keeps_its_debt_under_another_reference() -> None:
    new = replace(DEFAULT, debt=replace(DEBT, debt_ref=bytes(32)))
    check_progress(Kind.DEFAULT, S.OPEN, DEFAULT, S.OPEN, new, rekeyed=True)
    other = replace(new, debt=replace(new.debt, contract="LN2"))
    with pytest.raises(RuleError):
        check_progress(Kind.DEFAULT, S.OPEN, DEFAULT, S.OPEN, other, rekeyed=True)


@pytest.mark.parametrize("previous", JudgmentStage)
@pytest.mark.parametrize("new", JudgmentStage)
def test_a_suit_only_goes_on_but_an_appeal_may_be_judged(previous: JudgmentStage, new: JudgmentStage) -> None:
    onward = new >= previous or (previous.name, new.name) == ("APPEALED", "JUDGED")
    if onward:
        check_progress(Kind.JUDGMENT, S.OPEN, judgment(previous), S.OPEN, judgment(new))
        return
    with pytest.raises(RuleError) as caught:
        check_progress(Kind.JUDGMENT, S.OPEN, judgment(previous), S.OPEN, judgment(new))
    assert caught.value.reason is R.STAGE_BACKWARDS


@given(any_facts)
def test_any_facts_may_stay_as_they_are(facts: Facts) -> None:
    check_progress(kind_of(facts), S.OPEN, facts, S.OPEN, facts)


def test_what_a_record_may_rest_on() -> None:
    check_basis(Kind.DEFAULT, DEFAULT, None, None, None)
    check_basis(Kind.JUDGMENT, JUDGMENT, None, None, None)
    check_basis(Kind.JUDGMENT, FILED, Kind.DEFAULT, S.OPEN, None)
    check_basis(Kind.JUDGMENT, FILED, Kind.DEFAULT, S.ARRANGED, DEFAULT)
    check_basis(Kind.ENFORCEMENT, ENFORCEMENT, Kind.JUDGMENT, S.OPEN, JUDGMENT)
    check_basis(Kind.ENFORCEMENT, ENFORCEMENT, Kind.JUDGMENT, S.TRANSFERRED, JUDGMENT)
    rekeyed = replace(JUDGMENT, debt=replace(DEBT, debt_ref=bytes(32)))
    check_basis(Kind.ENFORCEMENT, ENFORCEMENT, Kind.JUDGMENT, S.OPEN, rekeyed)


@pytest.mark.parametrize(
    ("facts", "basis_kind", "basis_standing", "basis_facts", "reason", "rule"),
    [
        (ENFORCEMENT, None, None, None, R.BASIS_MISSING, "F12"),
        (ENFORCEMENT, Kind.JUDGMENT, S.OPEN, None, R.BASIS_MISSING, "F12"),
        (ENFORCEMENT, Kind.DEFAULT, S.OPEN, DEFAULT, R.BASIS_INVALID, "basis.kind"),
        (ENFORCEMENT, Kind.JUDGMENT, S.SATISFIED, JUDGMENT, R.BASIS_INVALID, "basis.standing"),
        (ENFORCEMENT, Kind.JUDGMENT, S.SET_ASIDE, JUDGMENT, R.BASIS_INVALID, "basis.standing"),
        (ENFORCEMENT, Kind.JUDGMENT, S.WITHDRAWN, JUDGMENT, R.BASIS_INVALID, "basis.standing"),
        (ENFORCEMENT, Kind.JUDGMENT, S.OPEN, judgment(JudgmentStage.JUDGED), R.BASIS_INVALID, "basis.effective"),
        (
            ENFORCEMENT,
            Kind.JUDGMENT,
            S.OPEN,
            replace(JUDGMENT, case_number=APPEAL),
            R.BASIS_INVALID,
            "basis.case-number",
        ),
        (
            replace(ENFORCEMENT, filed_on=date(2024, 12, 19)),
            Kind.JUDGMENT,
            S.OPEN,
            JUDGMENT,
            R.BASIS_INVALID,
            "basis.order",
        ),
        (
            ENFORCEMENT,
            Kind.JUDGMENT,
            S.OPEN,
            replace(JUDGMENT, debt=replace(DEBT, contract="LN2")),
            R.BASIS_INVALID,
            "basis.debt",
        ),
        (FILED, Kind.JUDGMENT, S.OPEN, JUDGMENT, R.BASIS_INVALID, "basis.kind"),
        (FILED, Kind.DEFAULT, S.WITHDRAWN, None, R.BASIS_INVALID, "basis.standing"),
        (
            FILED,
            Kind.DEFAULT,
            S.OPEN,
            replace(DEFAULT, debt=replace(DEBT, contract="LN2")),
            R.BASIS_INVALID,
            "basis.debt",
        ),
        (DEFAULT, Kind.DEFAULT, S.OPEN, None, R.BASIS_INVALID, "basis.none"),
    ],
)
def test_what_a_record_may_not_rest_on(
    facts: Facts,
    basis_kind: Kind | None,
    basis_standing: Standing | None,
    basis_facts: Facts | None,
    reason: RuleReason,
    rule: str,
) -> None:
    with pytest.raises(RuleError) as caught:
        check_basis(kind_of(facts), facts, basis_kind, basis_standing, basis_facts)
    assert (caught.value.reason, caught.value.rule) == (reason, rule)


def test_nobody_under_fourteen_is_reported_and_nobody_under_eighteen_listed() -> None:
    born = date(2011, 10, 1)
    check_age(born, date(2025, 10, 1))
    check_age(None, date(2025, 10, 1), listing=True)
    check_age(date(2007, 10, 1), date(2025, 10, 1), listing=True)
    for listing, day, rule in ((False, date(2025, 9, 30), "P07"), (True, date(2025, 10, 1), "J04")):
        with pytest.raises(RuleError) as caught:
            check_age(born, day, listing=listing)
        assert (caught.value.reason, caught.value.rule) == (R.MINOR_SUBJECT, rule)
        assert "2011" not in str(caught.value)


def test_who_was_born_on_a_leap_day_is_older_on_the_first_of_march() -> None:
    assert [age_on(date(2012, 2, 29), date(2026, 2, 28)), age_on(date(2012, 2, 29), date(2026, 3, 1))] == [13, 14]
