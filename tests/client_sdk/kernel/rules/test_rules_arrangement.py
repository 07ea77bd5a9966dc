"""Causes, contacts and arrangements of a default: what one version may say, and what the next may say after it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.arrangement import Arrangement, ContactCount
from client_sdk.kernel.rules.check import check_facts, check_progress
from client_sdk.kernel.rules.errors import RuleReason
from client_sdk.kernel.rules.fact_words import ArrangementOutcome, ArrangementPeriod, NoticeChannel
from client_sdk.kernel.rules.facts import CollectionStage, DefaultFacts, parse_facts
from client_sdk.kernel.rules.field_types import check_field_types
from tests.client_sdk.kernel.rules.facts_samples import ARRANGED, ARRANGEMENT, CURED, DEFAULT, rule_broken_by

if TYPE_CHECKING:
    from client_sdk.kernel.rules.errors import RuleError

DAY = timedelta(days=1)
KEPT = replace(ARRANGEMENT, outcome=ArrangementOutcome.KEPT, paid=6)
BROKEN = replace(ARRANGEMENT, outcome=ArrangementOutcome.BROKEN)
ONCE = replace(ARRANGEMENT, period=ArrangementPeriod.ONCE, instalments=1, paid=0)


def with_arrangement(facts: DefaultFacts, arrangement: Arrangement | None) -> DefaultFacts:
    return replace(facts, arrangement=arrangement)


@pytest.mark.parametrize(
    ("standing", "facts"),
    [
        (Standing.ARRANGED, ARRANGED),
        (Standing.ARRANGED, with_arrangement(ARRANGED, ONCE)),
        (Standing.OPEN, with_arrangement(DEFAULT, BROKEN)),
        (Standing.OPEN, with_arrangement(DEFAULT, KEPT)),
        (Standing.CURED, with_arrangement(CURED, KEPT)),
        (Standing.TRANSFERRED, replace(ARRANGED, ended_on=ARRANGED.as_of)),
        (Standing.TRANSFERRED, replace(with_arrangement(DEFAULT, BROKEN), ended_on=DEFAULT.as_of)),
    ],
)
def test_an_arrangement_goes_with_the_standing(standing: Standing, facts: DefaultFacts) -> None:
    check_facts(Kind.DEFAULT, standing, facts)


@pytest.mark.parametrize(
    ("standing", "facts", "field", "rule"),
    [
        (Standing.OPEN, with_arrangement(DEFAULT, ARRANGEMENT), "arrangement.outcome", "arrangement.standing"),
        (Standing.ARRANGED, with_arrangement(ARRANGED, BROKEN), "arrangement.outcome", "arrangement.standing"),
        (Standing.CURED, with_arrangement(CURED, ARRANGEMENT), "arrangement.outcome", "arrangement.standing"),
        *(
            (
                Standing.ARRANGED,
                with_arrangement(ARRANGED, replace(ARRANGEMENT, instalments=count)),
                "arrangement.instalments",
                "arrangement.instalments",
            )
            for count in (0, 601)
        ),
        (
            Standing.ARRANGED,
            with_arrangement(ARRANGED, replace(ONCE, instalments=2)),
            "arrangement.instalments",
            "arrangement.instalments",
        ),
        (
            Standing.ARRANGED,
            with_arrangement(ARRANGED, replace(ARRANGEMENT, paid=6)),
            "arrangement.paid",
            "arrangement.paid",
        ),
        (Standing.CURED, with_arrangement(CURED, replace(KEPT, paid=5)), "arrangement.paid", "arrangement.paid"),
        (Standing.CURED, with_arrangement(CURED, replace(KEPT, paid=7)), "arrangement.paid", "arrangement.paid"),
        (
            Standing.ARRANGED,
            with_arrangement(ARRANGED, replace(ARRANGEMENT, agreed_on=ARRANGED.first_delinquency_on - DAY)),
            "arrangement.agreed_on",
            "date.order",
        ),
        (
            Standing.ARRANGED,
            with_arrangement(ARRANGED, replace(ARRANGEMENT, agreed_on=ARRANGED.as_of + DAY)),
            "as_of",
            "date.order",
        ),
        (Standing.OPEN, replace(DEFAULT, contacts=ARRANGED.contacts[::-1]), "contacts", "contacts.order"),
        (Standing.OPEN, replace(DEFAULT, contacts=ARRANGED.contacts[:1] * 2), "contacts", "contacts.order"),
        *(
            (
                Standing.OPEN,
                replace(DEFAULT, contacts=(ContactCount(channel=NoticeChannel.SMS, count=count),)),
                "contacts",
                "contacts.count",
            )
            for count in (0, 10_001)
        ),
    ],
)
def test_what_does_not_hold_is_refused(standing: Standing, facts: DefaultFacts, field: str, rule: str) -> None:
    error = rule_broken_by(lambda: check_facts(Kind.DEFAULT, standing, facts))
    assert error is not None
    assert (error.field, error.rule) == (f"facts.{field}", rule)


def step(before: Arrangement | None, after: Arrangement | None) -> RuleError | None:
    return rule_broken_by(
        lambda: check_progress(
            Kind.DEFAULT,
            Standing.OPEN,
            with_arrangement(DEFAULT, before),
            Standing.OPEN,
            with_arrangement(DEFAULT, after),
        )
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, None),
        (None, ARRANGEMENT),
        (ARRANGEMENT, ARRANGEMENT),
        (ARRANGEMENT, replace(ARRANGEMENT, paid=5)),
        (ARRANGEMENT, KEPT),
        (ARRANGEMENT, BROKEN),
        (BROKEN, BROKEN),
        (BROKEN, replace(ARRANGEMENT, agreed_on=ARRANGEMENT.agreed_on + DAY, instalments=3, paid=0)),
        (KEPT, replace(ONCE, agreed_on=ARRANGEMENT.agreed_on + DAY)),
    ],
)
def test_a_version_may_carry_an_arrangement_on(before: Arrangement | None, after: Arrangement | None) -> None:
    assert step(before, after) is None


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        (ARRANGEMENT, None, "arrangement.stays"),
        (ARRANGEMENT, replace(ARRANGEMENT, agreed_on=ARRANGEMENT.agreed_on - DAY), "date.order"),
        (ARRANGEMENT, replace(ARRANGEMENT, instalments=7), "arrangement.same"),
        (ARRANGEMENT, replace(ARRANGEMENT, period=ArrangementPeriod.WEEK), "arrangement.same"),
        (ARRANGEMENT, replace(ARRANGEMENT, paid=1), "arrangement.onward"),
        (BROKEN, ARRANGEMENT, "arrangement.onward"),
        (BROKEN, replace(BROKEN, paid=3), "arrangement.onward"),
        (KEPT, BROKEN, "arrangement.onward"),
    ],
)
def test_an_arrangement_is_not_forgotten_rewritten_or_begun_again(
    before: Arrangement, after: Arrangement | None, rule: str
) -> None:
    error = step(before, after)
    assert error is not None
    assert error.rule == rule


@pytest.mark.parametrize(
    ("field", "part"),
    [("period", "arrangement.period.known"), ("outcome", "arrangement.outcome.known")],
)
def test_an_unknown_number_in_an_arrangement_is_refused(field: str, part: str) -> None:
    message = ARRANGEMENT.message()
    setattr(message, field, 9)
    with pytest.raises(FormatError) as refused:
        Arrangement.of(message)
    assert refused.value.rule == part


def test_no_cause_no_contacts_and_no_arrangement_are_no_bytes() -> None:
    """Facts that say nothing of them have the bytes of facts before there were such fields."""
    facts = replace(ARRANGED, default_cause=None, contacts=(), arrangement=None)
    assert parse_facts(Kind.DEFAULT, facts.encode()) == replace(DEFAULT, collection_stage=CollectionStage.ARRANGED)


def test_a_wrong_type_in_an_arrangement_is_named() -> None:
    wrong = with_arrangement(ARRANGED, replace(ARRANGEMENT, agreed_on="2025-09-01"))  # type: ignore[arg-type]  # on purpose
    error = rule_broken_by(lambda: check_field_types(wrong, "facts"))
    assert error is not None
    assert (error.reason, error.field, error.rule) == (
        RuleReason.FACTS_INVALID,
        "facts.arrangement.agreed_on",
        "field.type",
    )
