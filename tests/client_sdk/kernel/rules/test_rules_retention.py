"""How long a record is kept: the vectors in full, and the dates of statements."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.rules.calendar import answer_due_on
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.retention import check_retain_until, expires_on, is_due
from tests.client_sdk.kernel.rules.facts_samples import rule_broken_by

VECTORS = json.loads((Path(__file__).parents[3] / "vectors/domain/retention.json").read_text(encoding="utf-8"))
EXPIRY = VECTORS["expiry_five_years"]["vectors"]
SHANGHAI = "Asia/Shanghai"


def noon(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T12:00:00+08:00").timestamp() * 1000)


@pytest.mark.parametrize("vector", EXPIRY, ids=lambda vector: str(vector["terminated_on"]))
def test_five_years_from_the_end(vector: dict[str, Any]) -> None:
    ended = vector["terminated_on"]
    retain_until = expires_on(date.fromisoformat(ended), 5).isoformat() if ended else ""
    assert retain_until == (vector["expires_on"] or "")
    for day, expected in vector["checks"]:
        assert is_due(retain_until, noon(day), SHANGHAI) is (expected == "ERASE")


@pytest.mark.parametrize(
    "vector", VECTORS["dispute_answer_twenty_days"]["vectors"], ids=lambda vector: vector["last_day"]
)
def test_twenty_days_to_answer_a_dispute(vector: dict[str, Any]) -> None:
    golden_week = ("2024-10-01", "2024-10-02", "2024-10-03", "2024-10-04", "2024-10-07")
    rulebook = Rulebook(dispute_days=20, time_zone=SHANGHAI, holidays=golden_week)
    received = noon(vector["received_on"])
    assert answer_due_on(received, rulebook).isoformat() == vector["due_on"]


def test_a_day_begins_in_the_legal_time_zone() -> None:
    midnight = noon("2025-02-28") - 12 * 3_600_000
    assert not is_due("2025-02-28", midnight - 1, SHANGHAI)
    assert is_due("2025-02-28", midnight, SHANGHAI)
    assert not is_due("2025-02-28", midnight, "UTC")


@pytest.mark.parametrize("standing", Standing)
def test_a_date_is_there_exactly_where_something_has_ended(standing: Standing) -> None:
    ended = standing in {Standing.CURED, Standing.SATISFIED, Standing.TRANSFERRED}
    for retain_until, fits in (("2030-09-30", ended), ("", not ended)):
        if fits:
            check_retain_until(standing, retain_until, "", date(2025, 9, 30) if ended else None, 5)
            continue
        with pytest.raises(RuleError) as caught:
            check_retain_until(standing, retain_until, "", None, 5)
        assert caught.value.reason is RuleReason.RETENTION_INVALID


@pytest.mark.parametrize(
    ("retain_until", "previous", "rule"),
    [
        ("2030-09-30", "", None),
        ("2029-01-01", "", None),
        ("2030-09-30", "2030-09-30", None),
        ("2030-10-01", "", "C07"),
        ("2030-09-30", "2030-09-29", "retention.later"),
        ("2025-09-29", "", "date.order"),
        ("2030-02-30", "", "date.form"),
        ("2030-9-30", "", "date.form"),
    ],
)
def test_the_date_of_a_cured_record(retain_until: str, previous: str, rule: str | None) -> None:
    if rule is None:
        check_retain_until(Standing.CURED, retain_until, previous, date(2025, 9, 30), 5)
        return
    with pytest.raises(RuleError) as caught:
        check_retain_until(Standing.CURED, retain_until, previous, date(2025, 9, 30), 5)
    assert caught.value.rule == rule


def test_an_auditor_who_sees_no_facts_checks_form_and_movement() -> None:
    check_retain_until(Standing.CURED, "2099-01-01", "", None, 5)
    with pytest.raises(RuleError):
        check_retain_until(Standing.CURED, "2099-01-01", "2098-12-31", None, 5)


@given(st.dates(date(1900, 1, 1), date(2150, 12, 31)), st.integers(1, 10))
def test_it_expires_on_the_same_day_or_the_last_of_february(ended: date, years: int) -> None:
    day = expires_on(ended, years)
    assert day.year == ended.year + years
    assert (day.month, day.day) == (ended.month, ended.day) or (ended.day == 29 and (day.month, day.day) == (2, 28))
    assert (day - ended) >= timedelta(days=365 * years - 1)


@given(st.integers(0, 2**64 - 1))
def test_any_moment_is_answered_or_refused_by_one_typed_error(milliseconds: int) -> None:
    error = rule_broken_by(lambda: is_due("2025-01-01", milliseconds, "UTC"))
    if error is not None:
        assert (error.reason, milliseconds > 253_402_300_799_999) == (RuleReason.DATE_INVALID, True)
        return
    later = datetime.fromtimestamp(milliseconds // 1000, UTC) >= datetime(2025, 1, 1, tzinfo=UTC)
    assert is_due("2025-01-01", milliseconds, "UTC") is later


def test_an_unknown_time_zone_is_refused() -> None:
    for zone in ("", "Mars/Olympus", "Asia/Tokyo", "../etc/passwd"):
        with pytest.raises(RuleError) as caught:
            is_due("2025-01-01", 0, zone)
        assert caught.value.rule == "time-zone.known"
