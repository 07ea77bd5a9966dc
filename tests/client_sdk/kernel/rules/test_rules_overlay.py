"""Overlays of a rulebook: the vectors of the one-off repair in full, and what no overlay covers."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from client_sdk.kernel.formats.overlay import Overlay
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.rules.overlay import covers, hidden_at_latest_from, unmet
from tests.client_sdk.kernel.rules import facts_samples as samples

VECTORS = json.loads((Path(__file__).parents[3] / "vectors/domain/retention.json").read_text(encoding="utf-8"))
REPAIRS = VECTORS["one_off_repair"]["vectors"]
REPAIR = Overlay(
    name="one-off-repair",
    arisen_from=date(2020, 1, 1),
    arisen_until=date(2025, 12, 31),
    currency="CNY",
    most=1_000_000,
    repaid_until=date(2026, 3, 31),
    hides_from=date(2026, 1, 1),
    hides_until=date(2031, 1, 1),
)


@pytest.mark.parametrize(
    "vector",
    REPAIRS,
    ids=lambda vector: f"{vector['overdue_arisen_on']} {vector['single_amount']} {vector['fully_repaid_on']}",
)
def test_the_one_off_repair(vector: dict[str, Any]) -> None:
    repaid, hidden = vector["fully_repaid_on"], vector["hidden_at_latest_from"]
    facts = replace(
        samples.CURED,
        first_delinquency_on=date.fromisoformat(vector["overdue_arisen_on"]),
        amounts=replace(
            samples.AMOUNTS,
            currency=vector["currency"],
            principal=int(Decimal(vector["single_amount"]) * 100) - 1_500,
            interest=1_000,
            penalty=500,
            fees=10**9,
        ),
        ended_on=date.fromisoformat(repaid) if repaid else None,
    )
    found = hidden_at_latest_from(REPAIR, Standing.CURED if repaid else Standing.OPEN, facts)
    assert found == (date.fromisoformat(hidden) if hidden else None)
    assert (found is not None) is (vector["expect"] == "HIDE")


def test_what_no_overlay_covers() -> None:
    facts = replace(
        samples.CURED, first_delinquency_on=date(2024, 1, 1), ended_on=date(2025, 9, 1), amounts=samples.AMOUNTS
    )
    assert hidden_at_latest_from(REPAIR, Standing.CURED, facts) == date(2026, 1, 1)
    assert unmet(REPAIR, Standing.CURED, facts) is None
    for standing in set(Standing) - {Standing.CURED}:
        assert hidden_at_latest_from(REPAIR, standing, facts) is None
    for amounts in (replace(facts.amounts, currency="USD"), replace(facts.amounts, principal=0, interest=0, penalty=0)):
        assert hidden_at_latest_from(REPAIR, Standing.CURED, replace(facts, amounts=amounts)) is None
    assert hidden_at_latest_from(REPAIR, Standing.SATISFIED, samples.JUDGMENT) is None


def test_the_condition_that_is_not_met_is_named_without_an_amount() -> None:
    facts = replace(
        samples.CURED, first_delinquency_on=date(2024, 1, 1), ended_on=date(2025, 9, 1), amounts=samples.AMOUNTS
    )
    late, early = REPAIR.repaid_until + timedelta(1), REPAIR.arisen_from - timedelta(1)
    much = replace(facts.amounts, principal=REPAIR.most, interest=1, penalty=0)
    found = [
        unmet(REPAIR, standing, changed)
        for standing, changed in (
            (Standing.OPEN, facts),
            (Standing.CURED, replace(facts, first_delinquency_on=early)),
            (Standing.CURED, replace(facts, ended_on=late)),
            (Standing.CURED, replace(facts, amounts=replace(facts.amounts, currency="USD"))),
            (Standing.CURED, replace(facts, amounts=much)),
        )
    ]
    assert [(one.field, one.got) for one in found if one is not None] == [
        ("standing", "OPEN"),
        ("facts.first_delinquency_on", early.isoformat()),
        ("facts.ended_on", late.isoformat()),
        ("facts.amounts.currency", "USD"),
        ("facts.amounts", "more"),
    ]


@pytest.mark.parametrize(
    ("jurisdiction", "retain_until", "covered"),
    [
        ("cn", "2031-03-31", True),
        ("cn", "2031-04-01", False),
        ("uk", "2032-03-31", True),
        ("uk", "2032-04-01", False),
    ],
)
def test_how_long_a_covered_record_is_kept_is_for_the_jurisdiction(
    jurisdiction: str, retain_until: str, *, covered: bool
) -> None:
    day, years = REPAIR.hides_from, Rulebook.shipped(jurisdiction).longest_years
    assert covers(REPAIR, Kind.DEFAULT, Standing.CURED, retain_until, day=day, years=years) is covered
