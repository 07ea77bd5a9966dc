"""Judgments paid in time: the vectors in full, and who may withdraw for that reason."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.words import Kind, Standing, WithdrawalReason
from client_sdk.kernel.rules.dates import months_later
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.satisfaction import (
    check_satisfied,
    check_withdrawn_as_paid,
    last_day_in_time,
    was_paid_in_time,
)
from tests.client_sdk.kernel.rules import facts_samples as samples

VECTORS = json.loads((Path(__file__).parents[3] / "vectors/domain/retention.json").read_text(encoding="utf-8"))
PAID = VECTORS["satisfaction_one_calendar_month"]["vectors"]


@pytest.mark.parametrize("vector", PAID, ids=lambda vector: f"{vector['judged_on']} {vector['paid_on']}")
def test_paid_within_one_calendar_month(vector: dict[str, Any]) -> None:
    judged_on, paid_on = (date.fromisoformat(vector[name]) for name in ("judged_on", "paid_on"))
    removed = vector["expect"] == "REMOVE"
    assert last_day_in_time(judged_on, 1) == date.fromisoformat(vector["last_day"])
    assert was_paid_in_time(judged_on, paid_on, 1) is removed
    assert not was_paid_in_time(judged_on, paid_on, 0)
    facts = replace(samples.JUDGMENT, judged_on=judged_on, ended_on=paid_on)
    check_satisfied(Standing.SATISFIED, facts, 0)
    check_satisfied(Standing.OPEN, facts, 1)
    if not removed:
        check_satisfied(Standing.SATISFIED, facts, 1)
        return
    with pytest.raises(RuleError) as caught:
        check_satisfied(Standing.SATISFIED, facts, 1)
    assert (caught.value.reason, caught.value.rule) == ("RETENTION_INVALID", "judgment.paid-in-time")


def test_no_other_kind_is_paid_in_time() -> None:
    check_satisfied(Standing.SATISFIED, samples.ENFORCEMENT, 12)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("months", [0, 1])
def test_only_a_judgment_is_withdrawn_as_paid_in_time(kind: Kind, months: int) -> None:
    for reason in (None, *WithdrawalReason):
        if reason is WithdrawalReason.PAID_IN_TIME and not (kind is Kind.JUDGMENT and months):
            with pytest.raises(RuleError, match=r"withdrawal\.paid-in-time"):
                check_withdrawn_as_paid(kind, reason, months)
        else:
            check_withdrawn_as_paid(kind, reason, months)


@given(st.dates(), st.integers(0, 2**32))
def test_months_later_is_the_same_day_or_the_last_of_the_month(day: date, months: int) -> None:
    later = months_later(day, months)
    if later == date.max:
        return
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and months_later(later, 0).month == later.month)
    assert later.day in {day.day, 28, 29, 30}
