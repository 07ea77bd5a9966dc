"""Quality of what a member reports: what is counted, and that a score is a number from its counts alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.state import Rulebook
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger import quality
from client_sdk.kernel.ledger.quality import (
    QualityCount,
    QualityEvent,
    VersionBefore,
    events_of_facts,
    events_of_statement,
    rows_of,
    score_of,
)
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.support.handmade_log import DAY_MS, HandmadeLog

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
        return list(events_of_facts(Standing.OPEN, samples.DEFAULT, standing, facts, today))

    assert counted({"as_of": AS_OF + timedelta(185)}) == []
    assert counted({"days_past_due": 59}) == [_E.CORRECTION]
    assert counted({}, Standing.CURED, 31) == []
    assert counted({}, Standing.CURED, 32) == [_E.LATE_END]
    ended = samples.CURED
    # Said once more, an end is not late again.
    assert list(events_of_facts(Standing.CURED, ended, Standing.CURED, ended, date(2030, 1, 1))) == []


def test_a_late_update_is_one_by_the_time_of_the_log_and_many_of_one_day_hide_nothing() -> None:
    log = HandmadeLog()
    index = log.say("lender-1", "left alone")
    leaf = parse_leaf(log.leaves[index])
    assert isinstance(leaf, StatementLeaf)
    statement, then, rulebook = Statement.parse(leaf.payload), leaf.logged_at, Rulebook()

    def counted(days: int, standing: Standing = Standing.OPEN, more_ms: int = 0) -> list[QualityEvent]:
        before, now = VersionBefore(standing, then), then + days * DAY_MS + more_ms
        return list(events_of_statement(statement, before, now, rulebook))

    assert list(events_of_statement(statement, None, then, rulebook)) == [_E.STATEMENT]
    assert counted(184) == [_E.STATEMENT]
    assert counted(184, more_ms=1) == [_E.STATEMENT, _E.LATE_UPDATE]
    assert counted(230, Standing.CURED) == [_E.STATEMENT]
    # Reported in two parts on one day, as of an earlier day and of this one: late by the first, and one unit.
    assert counted(0) == [_E.STATEMENT, _E.SAME_DAY]
    split = score_of({_E.STATEMENT: 2, _E.SAME_DAY: 1, _E.LATE_UPDATE: 1})
    assert split == score_of({_E.STATEMENT: 1, _E.LATE_UPDATE: 1}) == 9_000
    padded = {_E.STATEMENT: 3 + 1_000, _E.SAME_DAY: 1_000, _E.LATE_UPDATE: 3}
    assert score_of(padded) == score_of({_E.STATEMENT: 3, _E.LATE_UPDATE: 3})


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
