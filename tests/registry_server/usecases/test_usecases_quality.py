"""Quality of members as the registry counts it: with each leaf, and of refusals by housekeeping."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from client_sdk.auditing.member_quality import check_quality
from client_sdk.kernel.formats.act import InstitutionBody
from client_sdk.kernel.formats.closing import ClosingBody
from client_sdk.kernel.formats.words import AnnotationFlag, ClosingWay, KeyUsage, Role, Standing
from client_sdk.kernel.ledger.findings import Findings
from client_sdk.kernel.ledger.quality import QualityEvent
from client_sdk.kernel.ledger.replay import Replay
from client_sdk.kernel.rules.dates import day_of
from registry_server.rpc.convert import transparency as convert
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.housekeeping import Housekeeping
from registry_server.usecases.statistics import ReportedCounts
from tests.client_sdk.kernel.rules import facts_samples as samples
from tests.conftest import sqlite_url
from tests.registry_server.usecases.test_usecases_fsck import change
from tests.support.registry_world import DAY_MS, World, accept, submit

if TYPE_CHECKING:
    from pathlib import Path

    from registry_server.sequencing.ledger import Ledger
    from registry_server.usecases.statistics import StatisticsAnswer

_E = QualityEvent
LIES = {
    "count": "UPDATE quality_counts SET events = events + 1 WHERE event = 1",
    "member": "UPDATE quality_counts SET member = 'lender-3' WHERE event = 1",
    "missing": "DELETE FROM quality_counts WHERE event = 6",
    "unknown event": "UPDATE quality_counts SET event = 99 WHERE event = 7",
    "rule of no refusal": "UPDATE quality_counts SET rule = 'date.order' WHERE event = 7",
}


def fill(world: World, ledger: Ledger) -> None:
    """What is right and wrong in one month of lender-1, and of lender-2 a statement that is refused."""
    accept(ledger, world.report("lender-1", "corrected", facts=samples.DEFAULT))
    corrected = replace(samples.DEFAULT, days_past_due=59)
    accept(ledger, world.report("lender-1", "corrected", facts=corrected))
    accept(ledger, world.report("lender-1", "mistaken"))
    accept(ledger, world.report("lender-1", "mistaken", Standing.WITHDRAWN))
    accept(ledger, world.report("lender-1", "disputed"))
    item = world.annotate("lender-2", world.key("lender-1", "disputed"), AnnotationFlag.DISPUTED)
    ledger.append([item]).result()
    for _ in range(2):
        (refused,) = submit(ledger, world.report("lender-2", "late", standing=Standing.CURED)).results
        assert refused.complaint is not None


def pass_days(world: World, ledger: Ledger, days: int) -> None:
    for _ in range(days):
        world.clock.now += DAY_MS - 1
        ledger.heartbeat().result()


@pytest.fixture
def file_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A migrated SQLite file: what is counted is the same on PostgreSQL."""
    return sqlite_url(shutil.copyfile(sqlite_template, tmp_path / "registry.sqlite"))


def audited(ledger: Ledger, answer: StatisticsAnswer) -> Findings:
    findings = Findings()
    replay = Replay(lambda _, error: pytest.fail(str(error)), tally_until=answer.size)
    with ledger.view() as view:
        for stored in view.leaves(0, view.size):
            replay.feed(stored.leaf)
    check_quality(replay, convert.statistics(answer), findings)
    return findings


def test_a_month_is_counted_scored_and_shown_to_the_member_and_to_auditors(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        world.decide(ledger, InstitutionBody(world.enrolment("auditor-1", (Role.AUDITOR,), KeyUsage.AUDIT)))
        statistics, housekeeping = ReportedCounts(ledger), Housekeeping(ledger)
        fill(world, ledger)
        assert ledger.refusals.waiting
        housekeeping.tidy()
        assert not ledger.refusals.waiting
        assert statistics.rows("", "", "lender-1").quality == ()
        pass_days(world, ledger, 70)
        housekeeping.tidy()
        pass_days(world, ledger, 32)
        first, silent = statistics.rows("", "", "lender-1").quality
        # 50 points for five statements, less 20 for two that came on the day of the one before; 2 and 5 of them lost.
        assert first.by_event == {_E.STATEMENT: 5, _E.CORRECTION: 1, _E.WITHDRAWN_ERROR: 1, _E.SAME_DAY: 2}
        assert first.score == 7_666
        # Silence after a dispute counts where the log restricts the record, and leaves nothing of that month.
        assert (silent.counts, silent.score) == (((_E.DISPUTE_UNANSWERED, "", 1),), 0)
        (other,) = statistics.rows("", "", "lender-2").quality
        assert [(event, rule, count) for event, rule, count in other.counts if event is not _E.REFUSED] == []
        assert sum(other.by_event.values()) == 2
        assert all(rule for _, rule, _ in other.counts)
        assert statistics.rows("", "").quality == ()
        answer = statistics.rows("", "", "auditor-1")
        assert {row.member for row in answer.quality} == {"lender-1", "lender-2"}
        assert all(not rule for row in answer.quality for _, rule, _ in row.counts)
        assert statistics.rows(first.month, first.month, "lender-1").quality == (first,)
        assert statistics.rows(silent.month, "", "lender-1").quality == (silent,)
        assert audited(ledger, answer).counts == {}
        world.erase(ledger, world.key("lender-1", "corrected"))
        assert statistics.rows("", "", "lender-1").quality == (first, silent)
    with Database(database_url, serving=False) as database:
        assert fsck(database).clean


def test_an_end_that_is_reported_late_and_a_record_that_was_left_alone_are_counted(file_url: str) -> None:
    world = World()
    with world.ledger(file_url) as ledger:
        accept(ledger, world.report("lender-1", "late", facts=samples.DEFAULT))
        pass_days(world, ledger, 240)
        ended = samples.DEFAULT.as_of + timedelta(190)
        facts = replace(samples.CURED, as_of=ended, ended_on=ended)
        accept(ledger, world.report("lender-1", "late", Standing.CURED, facts=facts))
        pass_days(world, ledger, 32)
        newest = ReportedCounts(ledger).rows("", "", "lender-1").quality[-1]
        assert newest.by_event == {_E.STATEMENT: 1, _E.LATE_END: 1, _E.LATE_UPDATE: 1}


def test_refusals_that_the_registry_caused_and_repeated_statements_are_not_counted(file_url: str) -> None:
    world = World()
    with world.ledger(file_url) as ledger:
        first = world.report("lender-1", "loan")
        accept(ledger, first)
        accept(ledger, first)
        assert not ledger.refusals.waiting


def test_what_the_closing_of_a_registry_forbids_counts_against_no_lender(file_url: str) -> None:
    world = World()
    with world.ledger(file_url) as ledger:
        accept(ledger, world.report("lender-1", "disputed"))
        item = world.annotate("lender-2", world.key("lender-1", "disputed"), AnnotationFlag.DISPUTED)
        ledger.append([item]).result()
        last = day_of(ledger.clock() + 2 * DAY_MS, "Asia/Shanghai").isoformat()
        world.decide(ledger, ClosingBody(ClosingWay.DESTROY, last, "(2026) 41", bytes(32)))
        (refused,) = submit(ledger, world.report("lender-1", "new")).results
        assert refused.complaint is not None
        assert not ledger.refusals.waiting
        # Its answer would have been due after the last day.
        pass_days(world, ledger, 70)
        Housekeeping(ledger).tidy()
        world.clock.now += 32 * DAY_MS
        ledger.heartbeat().result()
        with ledger.view() as view:
            (record,) = view.own_records("lender-1", [world.key("lender-1", "disputed").record_id])
            head = record.record.chain.annotation
        assert head is not None
        assert head.restricted
        (row,) = ReportedCounts(ledger).rows("", "", "lender-1").quality
        assert row.by_event == {_E.STATEMENT: 1}
        assert audited(ledger, ReportedCounts(ledger).rows("", "", "auditor")).counts == {}
    with Database(file_url, serving=False) as database:
        assert fsck(database).clean


@pytest.fixture
def local_counts(file_url: str) -> str:
    world = World()
    with world.ledger(file_url) as ledger:
        fill(world, ledger)
        Housekeeping(ledger).tidy()
    return file_url


@pytest.mark.parametrize("lie", LIES)
def test_a_wrong_count_is_found(local_counts: str, lie: str) -> None:
    change(local_counts, LIES[lie])
    with Database(local_counts, serving=False) as database:
        assert {finding.reason for finding in fsck(database).findings} == {"QUALITY_COUNT_ROW"}
