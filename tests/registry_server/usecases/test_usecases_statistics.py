"""Counts of admission: they are those of the log, survive erasure, and are published once their month is over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from client_sdk._protocol.statistics import read_statistics
from client_sdk.auditing.published import check_statistics
from client_sdk.kernel.formats.act import ClockBody
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.findings import Findings
from client_sdk.kernel.ledger.replay import Replay
from client_sdk.kernel.ledger.statistics import COLUMNS, MAX_MONTHS, Breakdown, MonthRow
from client_sdk.kernel.rules.fact_words import DefaultCause, Product
from registry_server.errors import RegistryError
from registry_server.rpc.convert import transparency as convert
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.statistics import ReportedCounts
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.registry_server.usecases.test_usecases_fsck import change
from tests.support.registry_world import DAY_MS, World, accept, submit

if TYPE_CHECKING:
    from registry_server.sequencing.ledger import Ledger

DEFAULTS, CURED = 30, 13
LIES = {
    "count": ("UPDATE statement_counts SET statements = statements + 1", "STATEMENT_COUNT_ROW"),
    "issuer": ("UPDATE statement_counts SET issuer = 'lender-3'", "STATEMENT_COUNT_ROW"),
    "month": ("UPDATE statement_counts SET month = '2001-01'", "STATEMENT_COUNT_ROW"),
    "event": ("UPDATE statement_counts SET event = 'UPDATED' WHERE event = 'CURED'", "STATEMENT_COUNT_ROW"),
    "missing": ("DELETE FROM statement_counts", "STATEMENT_COUNT_ROW"),
    "total of facts": ("UPDATE fact_counts SET defaults = defaults + 1", "FACT_COUNT_ROW"),
    "no facts": ("DELETE FROM fact_counts", "FACT_COUNT_SHORT"),
    "word": ("UPDATE fact_counts SET word = 'GOLD' WHERE word = 'FRAUD'", "FACT_COUNT_ROW"),
    "breakdown": (
        "UPDATE fact_counts SET breakdown = 'EVENT' WHERE breakdown = 'CURED_CAUSE'",
        "FACT_COUNT_ROW FACT_COUNT_SHORT",
    ),
}


def fill(world: World, ledger: Ledger) -> None:
    """Defaults of two causes and products, some of them cured, one updated."""
    for place in range(DEFAULTS):
        cause = DefaultCause.FRAUD if place < 12 else DefaultCause.OTHER
        product = Product.MORTGAGE if place < 3 else Product.CAR_LOAN
        facts = replace(samples.DEFAULT, default_cause=cause, product=product)
        accept(ledger, world.report("lender-1", f"loan {place}", facts=facts))
        if place < CURED:
            cured = replace(samples.CURED, default_cause=cause, product=product)
            accept(ledger, world.report("lender-1", f"loan {place}", Standing.CURED, facts=cured))
    accept(ledger, world.report("lender-1", "loan 20"))


def end_month(world: World, ledger: Ledger) -> None:
    for _ in range(32):
        world.clock.now += DAY_MS - 1
        ledger.heartbeat().result()


def of(rows: tuple[MonthRow, ...], breakdown: Breakdown) -> dict[str, int | None]:
    """The counts of the one month there is, without what was not counted."""
    (row,) = (row for row in rows if row.breakdown is breakdown)
    columns = zip(COLUMNS[breakdown], row.counts, strict=True)
    return {"total": row.total} | {column: count for column, count in columns if count != 0}


def audited(ledger: Ledger, statistics: ReportedCounts) -> Findings:
    """What an auditor finds of what is published."""
    answer, findings = statistics.rows("", ""), Findings()
    replay = Replay(lambda _, error: pytest.fail(str(error)), tally_until=answer.size)
    with ledger.view() as view:
        for stored in view.leaves(0, view.size):
            replay.feed(stored.leaf)
    check_statistics(replay, convert.statistics(answer), findings)
    return findings


def test_a_month_is_counted_published_and_kept_when_its_records_are_erased(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        statistics = ReportedCounts(ledger)
        fill(world, ledger)
        assert statistics.rows("", "").rows == ()
        end_month(world, ledger)
        rows = statistics.rows("", "").rows
        assert rows == read_statistics(convert.statistics(statistics.rows("", "")))
        # One update is hidden behind the records that were cured.
        assert of(rows, Breakdown.EVENT) == {
            "total": DEFAULTS + CURED + 1,
            "DEFAULT OPENED": DEFAULTS,
            "DEFAULT UPDATED": None,
            "DEFAULT CURED": None,
        }
        assert of(rows, Breakdown.ISSUER_SIZE) == {"total": DEFAULTS + CURED + 1, "UP_TO_99": DEFAULTS + CURED + 1}
        assert of(rows, Breakdown.OPENED_CAUSE) == {"total": DEFAULTS, "FRAUD": 12, "OTHER": DEFAULTS - 12}
        assert of(rows, Breakdown.OPENED_PRODUCT) == {"total": DEFAULTS, "MORTGAGE": None, "CAR_LOAN": None}
        assert set(of(rows, Breakdown.CURED_CAUSE).values()) == {None}
        assert audited(ledger, statistics).counts == {}
        world.erase(ledger, *(world.key("lender-1", f"loan {place}") for place in range(DEFAULTS)))
        assert ReportedCounts(ledger).rows("", "").rows == rows
        # What happens later is counted in its own month, and changes nothing of this one.
        accept(ledger, world.report("lender-2", "later"))
        assert ReportedCounts(ledger).rows("", "").rows == rows
        assert audited(ledger, statistics).counts == {}
    with Database(database_url, serving=False) as database:
        assert fsck(database).clean


@pytest.mark.parametrize("database_kind", ["sqlite"])
def test_a_month_that_an_act_begins_again_is_published_once(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        statistics = ReportedCounts(ledger)
        accept(ledger, *(world.report("lender-1", f"loan {place}") for place in range(DEFAULTS)))
        wrong = 32 * DAY_MS
        world.clock.jump(wrong)
        world.confirm_clock(ledger)
        ledger.heartbeat(at_once=True).result()
        published = statistics.rows("", "").rows
        assert of(published, Breakdown.EVENT)["DEFAULT OPENED"] == DEFAULTS
        world.clock.jump(-wrong)
        world.confirm_clock(ledger)
        world.decide(ledger, ClockBody(1))
        assert statistics.rows("", "").rows == ()
        accept(ledger, world.report("lender-1", "what the difference would tell"))
        end_month(world, ledger)
        again = statistics.rows("", "").rows
        assert {row.month for row in again} == {row.month for row in published}
        assert all(row.total is None for row in again)
        assert audited(ledger, statistics).counts == {}


def test_what_is_refused_or_repeated_is_not_counted(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        first = world.report("lender-1", "loan")
        accept(ledger, first)
        accept(ledger, first)
        (refused,) = submit(ledger, world.report("lender-2", "late", standing=Standing.CURED)).results
        assert refused.complaint is not None
        with ledger.view() as view:
            counts, facts = view.counts()
        assert sum(counts.values()) == 1
        assert sum(facts.values()) == 2


@pytest.mark.parametrize("lie", LIES)
def test_a_wrong_count_is_found(local_counts: str, lie: str) -> None:
    statement, reasons = LIES[lie]
    change(local_counts, statement)
    with Database(local_counts, serving=False) as database:
        assert {finding.reason for finding in fsck(database).findings} == set(reasons.split())


@pytest.fixture
def local_counts(local_database_url: str) -> str:
    world = World()
    with world.ledger(local_database_url) as ledger:
        known = replace(samples.DEFAULT, default_cause=DefaultCause.FRAUD)
        accept(ledger, world.report("lender-1", "loan", facts=known))
        accept(
            ledger,
            world.report(
                "lender-1", "loan", Standing.CURED, facts=replace(samples.CURED, default_cause=known.default_cause)
            ),
        )
    return local_database_url


@pytest.mark.parametrize(
    ("first", "last", "rule"),
    [
        ("2026", "", "statistics.month"),
        ("", "2026-13", "statistics.month"),
        ("２０２６-01", "", "statistics.month"),
        ("2026-02", "2026-01", "statistics.range"),
    ],
)
def test_what_is_no_range_of_months_is_refused(local_database_url: str, first: str, last: str, rule: str) -> None:
    with World().ledger(local_database_url) as ledger, pytest.raises(RegistryError) as refused:
        ReportedCounts(ledger).rows(first, last)
    assert (refused.value.reason, refused.value.rule) == ("RANGE_INVALID", rule)
    assert MAX_MONTHS == 240
