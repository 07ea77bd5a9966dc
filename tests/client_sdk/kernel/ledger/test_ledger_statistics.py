"""What statements are counted under, and what is published of the counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from client_sdk.kernel.formats.words import Kind, Standing
from client_sdk.kernel.ledger.statistics import (
    COLUMNS,
    NOT_SAID,
    Breakdown,
    FactCount,
    MonthRow,
    StatementCount,
    StatementTally,
    counted_facts,
    event_of,
    publish,
    size_of,
)
from client_sdk.kernel.rules.fact_words import DefaultCause
from tests.client_sdk.kernel.rules import facts_samples as samples

MARCH, APRIL, MAY = "2026-03", "2026-04", "2026-05"
OPENED, CURED = "OPENED", "CURED"


def counts(month: str = MARCH, **opened: int) -> Counter[StatementCount]:
    """Defaults opened in a month, by issuer."""
    return Counter({StatementCount(issuer, month, Kind.DEFAULT, OPENED): count for issuer, count in opened.items()})


def facts(product: int, *causes: int, month: str = MARCH) -> dict[FactCount, int]:
    """So many defaults opened of one product, and by cause."""
    words = COLUMNS[Breakdown.OPENED_CAUSE]
    return {FactCount(month, Breakdown.OPENED_PRODUCT, "MORTGAGE"): product} | {
        FactCount(month, Breakdown.OPENED_CAUSE, word): count for word, count in zip(words, causes, strict=False)
    }


def row(rows: tuple[MonthRow, ...], breakdown: Breakdown) -> MonthRow:
    (found,) = (one for one in rows if one.breakdown is breakdown)
    return found


def test_a_statement_opens_a_record_changes_its_standing_or_updates_it() -> None:
    assert event_of(None, Standing.ARRANGED) == OPENED
    assert event_of(Standing.OPEN, Standing.OPEN) == "UPDATED"
    assert event_of(Standing.OPEN, Standing.CURED) == CURED


@pytest.mark.parametrize(
    ("opened", "size"),
    [(1, "UP_TO_99"), (99, "UP_TO_99"), (100, "UP_TO_999"), (9_999, "UP_TO_9999"), (10_000, "FROM_10000")],
)
def test_an_issuer_is_as_large_as_the_records_that_it_opened(opened: int, size: str) -> None:
    assert size_of(opened) == size


def test_product_and_cause_are_counted_of_a_default_that_is_opened_or_cured() -> None:
    known = replace(samples.DEFAULT, default_cause=DefaultCause.FRAUD)
    assert counted_facts(MARCH, OPENED, known) == (
        (MARCH, Breakdown.OPENED_PRODUCT, known.product.name),
        (MARCH, Breakdown.OPENED_CAUSE, "FRAUD"),
    )
    unsaid = replace(samples.CURED, default_cause=None)
    assert counted_facts(MARCH, CURED, unsaid)[1] == (MARCH, Breakdown.CURED_CAUSE, NOT_SAID)
    assert counted_facts(MARCH, "UPDATED", known) == ()
    assert counted_facts(MARCH, OPENED, samples.JUDGMENT) == ()
    assert counted_facts(MARCH, OPENED, None) == ()


def test_a_month_is_published_once_it_is_over() -> None:
    reported = counts(MARCH, bank=40) + counts(APRIL, bank=50)
    said = facts(40, 40) | facts(50, 50, month=APRIL)
    assert {one.month for one in publish(reported, said, APRIL)} == {MARCH}
    assert {one.month for one in publish(reported, said, MAY)} == {MARCH, APRIL}
    assert publish(reported, said, MARCH) == ()


def test_rows_have_a_count_for_each_column() -> None:
    rows = publish(counts(bank=40), facts(40, 25, 15), APRIL)
    assert [one.breakdown for one in rows] == list(Breakdown)
    assert all(len(one.counts) == len(COLUMNS[one.breakdown]) for one in rows)
    assert row(rows, Breakdown.OPENED_CAUSE).counts[:3] == (25, 15, 0)
    assert row(rows, Breakdown.CURED_PRODUCT).total == 0


def test_the_size_of_an_issuer_is_that_at_the_end_of_the_month() -> None:
    reported = counts(MARCH, bank=60, fund=20) + counts(APRIL, bank=60)
    rows = publish(reported, None, MAY)
    sizes = {one.month: one.counts[:2] for one in rows if one.breakdown is Breakdown.ISSUER_SIZE}
    assert sizes == {MARCH: (80, 0), APRIL: (0, 60)}


def test_facts_of_a_withheld_number_of_records_are_withheld() -> None:
    # Four records were opened; that is hidden behind another count, and what they say would tell it.
    reported = counts(bank=4) + Counter({StatementCount("bank", MARCH, Kind.DEFAULT, "UPDATED"): 30})
    rows = publish(reported, facts(4, 4), APRIL)
    assert row(rows, Breakdown.EVENT).total == 34
    assert row(rows, Breakdown.EVENT).counts[:2] == (None, None)
    assert row(rows, Breakdown.OPENED_PRODUCT).total is None
    assert row(rows, Breakdown.OPENED_CAUSE).total is None
    assert row(rows, Breakdown.CURED_PRODUCT).total == 0


def test_a_month_of_few_statements_is_withheld_whole() -> None:
    assert all(one.total is None and set(one.counts) == {None} for one in publish(counts(bank=9), facts(9, 9), APRIL))


def test_a_month_whose_facts_cannot_be_hidden_is_withheld_whole() -> None:
    # Eight causes of five each: their sum would tell each of them.
    assert all(one.total is None for one in publish(counts(bank=40), facts(40, *[5] * 8), APRIL))


def test_a_replay_counts_up_to_a_size_and_by_the_zone_of_the_commit_before() -> None:
    tally = StatementTally(until=5)
    new_year = 1_767_225_600_000  # 2026-01-01T00:00:00Z
    tally.take_statement(0, new_year, "bank", Kind.DEFAULT, None, Standing.OPEN)
    tally.take_head(1, new_year, "UTC")
    tally.take_statement(2, new_year - 1, "bank", Kind.DEFAULT, None, Standing.OPEN)
    tally.take_head(3, new_year - 1, "Asia/Shanghai")
    tally.take_statement(4, new_year - 1, "bank", Kind.DEFAULT, Standing.OPEN, Standing.CURED)
    tally.take_statement(5, new_year, "bank", Kind.DEFAULT, None, Standing.OPEN)
    tally.take_head(6, 2 * new_year, "UTC")
    assert tally.counts == {
        StatementCount("bank", "2025-12", Kind.DEFAULT, OPENED): 1,
        StatementCount("bank", "2026-01", Kind.DEFAULT, CURED): 1,
    }
    assert tally.before == "2026-01"
