"""What corrects a version and what only goes on from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest

from client_sdk.kernel.rules.arrangement import Arrangement, ContactCount
from client_sdk.kernel.rules.correction import corrects
from client_sdk.kernel.rules.fact_words import ArrangementOutcome, ArrangementPeriod, DefaultCause, NoticeChannel
from client_sdk.kernel.rules.facts import Facts, JudgmentStage, Measure, Product
from tests.client_sdk.kernel.rules.facts_samples import AMOUNTS, DEFAULT, ENFORCEMENT, JUDGMENT, LISTING

SAMPLES: list[Facts] = [DEFAULT, JUDGMENT, ENFORCEMENT, LISTING]
ANOTHER_DAY = timedelta(days=30)


@pytest.mark.parametrize("facts", SAMPLES)
def test_the_same_again_and_another_day_correct_nothing(facts: Facts) -> None:
    later = replace(facts, as_of=facts.as_of + ANOTHER_DAY, approver="another")
    assert not corrects(facts, facts)
    assert not corrects(facts, replace(facts, debt=replace(facts.debt, debt_ref=bytes(32))))
    assert not corrects(facts, later)
    assert not corrects(facts, replace(facts, approver="another"))


def test_something_else_of_the_same_day_corrects() -> None:
    less = replace(AMOUNTS, principal=1)
    assert corrects(DEFAULT, replace(DEFAULT, amounts=less))
    assert corrects(JUDGMENT, replace(JUDGMENT, amounts=less))
    assert corrects(ENFORCEMENT, replace(ENFORCEMENT, executed=less))
    # With another standing on the same day, it may be what that brings.
    assert not corrects(DEFAULT, replace(DEFAULT, amounts=less), moved=True)


def test_what_no_day_changes_corrects_on_any_day() -> None:
    changed: list[tuple[Facts, Facts]] = [
        (DEFAULT, replace(DEFAULT, product=Product.MORTGAGE)),
        (DEFAULT, replace(DEFAULT, first_delinquency_on=DEFAULT.first_delinquency_on - ANOTHER_DAY)),
        (JUDGMENT, replace(JUDGMENT, court="another court")),
        (JUDGMENT, replace(JUDGMENT, filed_on=date(2024, 1, 1))),
        (ENFORCEMENT, replace(ENFORCEMENT, applied=replace(AMOUNTS, principal=1))),
    ]
    for before, after in changed:
        later = replace(after, as_of=before.as_of + ANOTHER_DAY)
        assert corrects(before, later)
        assert corrects(before, later, moved=True)


def test_what_another_day_changes_by_itself_corrects_nothing() -> None:
    later = replace(DEFAULT, as_of=DEFAULT.as_of + ANOTHER_DAY, days_past_due=90, amounts=replace(AMOUNTS, penalty=9))
    assert not corrects(DEFAULT, later)
    frozen = replace(ENFORCEMENT, as_of=ENFORCEMENT.as_of + ANOTHER_DAY, measures=(Measure.FROZEN,))
    assert not corrects(ENFORCEMENT, frozen)
    ended = replace(later, ended_on=later.as_of)
    assert corrects(DEFAULT, ended)
    assert not corrects(DEFAULT, ended, moved=True)


def test_a_further_stage_brings_its_own_court_and_number() -> None:
    stage = next(other for other in JudgmentStage if other is not JUDGMENT.stage)
    later = replace(JUDGMENT, stage=stage, court="another court", as_of=JUDGMENT.as_of + ANOTHER_DAY)
    assert not corrects(JUDGMENT, later)
    assert corrects(JUDGMENT, replace(later, cause="another cause"))


def test_contacts_arrangements_and_a_cause_that_come_with_time_correct_nothing() -> None:
    later = replace(DEFAULT, as_of=DEFAULT.as_of + ANOTHER_DAY, contacts=(), arrangement=None, default_cause=None)
    agreed = Arrangement(
        agreed_on=later.as_of, instalments=6, period=ArrangementPeriod.MONTH, outcome=ArrangementOutcome.RUNNING
    )
    sms, call = (ContactCount(channel=channel, count=2) for channel in (NoticeChannel.SMS, NoticeChannel.CALL))
    known, other = tuple(DefaultCause)[:2]
    steps = [
        later,
        replace(later, contacts=(sms,)),
        replace(later, contacts=(replace(sms, count=3), call), arrangement=agreed),
        replace(later, contacts=(replace(sms, count=3), call), arrangement=replace(agreed, paid=1)),
        replace(later, contacts=(replace(sms, count=3), call), arrangement=agreed, default_cause=known),
    ]
    for days, (before, after) in enumerate(pairwise(steps), 1):
        dated = replace(after, as_of=before.as_of + timedelta(days=days))
        assert not corrects(before, dated)
        assert not corrects(before, dated, moved=True)
        assert corrects(before, after)
    newest = replace(steps[-1], as_of=later.as_of + ANOTHER_DAY)
    assert corrects(steps[-1], replace(newest, contacts=(sms, call)))
    assert corrects(steps[-1], replace(newest, contacts=(replace(sms, count=3),)))
    assert corrects(steps[-1], replace(newest, default_cause=other))
    assert corrects(steps[-1], replace(newest, default_cause=None))
