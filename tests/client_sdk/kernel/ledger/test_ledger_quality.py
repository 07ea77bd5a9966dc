"""Quality of what a member reports: what is counted, and that a score is a number from its counts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger import quality
from client_sdk.kernel.ledger.quality import QualityCount, QualityEvent, events_of_facts, rows_of, score_of
from tests.client_sdk.kernel.rules import facts_samples as samples

if TYPE_CHECKING:
    import pytest

_E = QualityEvent
AS_OF = samples.DEFAULT.as_of


def test_a_score_is_what_is_left_of_ten_points_a_unit() -> None:
    assert score_of({}) == 10_000
    assert score_of({_E.STATEMENT: 3}) == 10_000
    # 30 points, and 5 + 2 of them lost: 7,666.6 rounded down.
    assert score_of({_E.STATEMENT: 3, _E.WITHDRAWN_ERROR: 1, _E.CORRECTION: 1}) == 7_666
    assert score_of({_E.REFUSED: 1}) == 9_000
    assert score_of({_E.DISPUTE_UNANSWERED: 2}) == 0
    assert score_of({_E.STATEMENT: 10**6, _E.REFUSED: 1}) == 9_999


@given(st.dictionaries(st.sampled_from(QualityEvent), st.integers(0, 2**63 - 1)))
def test_a_score_is_from_nothing_to_full_marks_whatever_is_counted(counts: dict[QualityEvent, int]) -> None:
    assert 0 <= score_of(counts) <= 10_000


def test_what_a_version_says_is_counted() -> None:
    def counted(changes: dict[str, object], standing: Standing = Standing.OPEN, late: int = 0) -> list[QualityEvent]:
        facts = samples.CURED if standing is Standing.CURED else samples.DEFAULT
        facts = replace(facts, **changes)  # type: ignore[arg-type]  # the test names fields
        today = (facts.ended_on or facts.as_of) + timedelta(late)
        return list(events_of_facts(Standing.OPEN, samples.DEFAULT, standing, facts, today, 184))

    assert counted({"as_of": AS_OF + timedelta(184)}) == []
    assert counted({"as_of": AS_OF + timedelta(185)}) == [_E.LATE_UPDATE]
    assert counted({"days_past_due": 59}) == [_E.CORRECTION]
    assert counted({}, Standing.CURED, 31) == []
    assert counted({}, Standing.CURED, 32) == [_E.LATE_END]
    ended = samples.CURED
    # Said once more, an end is not late again.
    assert list(events_of_facts(Standing.CURED, ended, Standing.CURED, ended, date(2030, 1, 1), 184)) == []


def test_an_auditor_sees_refusals_of_all_rules_together() -> None:
    counts = {
        QualityCount("lender-1", "2026-01", _E.REFUSED, "date.order"): 2,
        QualityCount("lender-1", "2026-01", _E.REFUSED, "money.open"): 1,
        QualityCount("lender-1", "2026-01", _E.STATEMENT): 7,
    }
    (own,), (audited,) = rows_of(counts, rules=True), rows_of(counts, rules=False)
    assert own.counts == ((_E.STATEMENT, "", 7), (_E.REFUSED, "date.order", 2), (_E.REFUSED, "money.open", 1))
    assert audited.counts == ((_E.STATEMENT, "", 7), (_E.REFUSED, "", 3))
    assert own.score == audited.score == 9_700


def test_of_too_many_counts_the_newest_whole_months_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality, "MAX_COUNTS", 200)
    members = [f"lender-{number}" for number in range(99)]
    months = ("2026-01", "2026-02", "2026-03")
    rows = rows_of({QualityCount(member, month, _E.STATEMENT): 1 for member in members for month in months}, rules=True)
    assert {row.month for row in rows} == {"2026-02", "2026-03"}
    assert len(rows) == 2 * len(members)
