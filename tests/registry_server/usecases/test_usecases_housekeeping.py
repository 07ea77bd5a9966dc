"""Housekeeping: heartbeats, lapses that are due, and what has had its time."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sqlalchemy import select, text

from client_sdk.kernel.formats.act import EndingBody
from client_sdk.kernel.formats.lapse import Lapse
from client_sdk.kernel.formats.leaf import LapseLeaf, parse_leaf
from client_sdk.kernel.formats.words import AnnotationFlag, InstitutionStatus, LapseKind, Standing
from registry_server.storage import schema
from registry_server.usecases.housekeeping import FURNISHER_SILENT, RETENTION_ENDED, Housekeeping
from registry_server.usecases.lapsing import MAX_LAPSES
from tests.conftest import postgres_database, sqlite_url
from tests.support.disputes import CONFIRMED
from tests.support.registry_world import DAY_MS, World, accept
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from registry_server.sequencing.ledger import Ledger


def pass_days(world: World, ledger: Ledger, days: int) -> None:
    """Let days pass, with a heartbeat in each so that the clock is believed."""
    for _ in range(days):
        world.clock.now += DAY_MS - 1
        ledger.heartbeat().result()


def lapses(ledger: Ledger) -> list[Lapse]:
    with ledger.view() as view:
        parsed = [parse_leaf(stored.leaf) for stored in view.leaves(0, view.size)]
    return [Lapse.parse(leaf.payload) for leaf in parsed if isinstance(leaf, LapseLeaf)]


def test_a_head_is_logged_after_the_rulebooks_seconds_and_not_before(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        housekeeping = Housekeeping(ledger)
        sizes = []
        for step in (0, 59_999, 1, 60_000):
            world.clock.now += step
            housekeeping.beat()
            with ledger.view() as view:
                sizes.append(view.size)
        first = sizes[0]
        assert sizes == [first, first, first + 1, first + 2]


def test_a_dispute_left_without_an_answer_restricts_the_record_once(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        housekeeping = Housekeeping(ledger)
        accept(ledger, world.report("lender-1", "silent"), world.report("lender-1", "answered"))
        silent, answered = (
            world.annotate("lender-2", world.key("lender-1", name), AnnotationFlag.DISPUTED)
            for name in ("silent", "answered")
        )
        answer = world.annotate("lender-1", world.key("lender-1", "answered"), before=answered, **CONFIRMED)
        for item in (silent, answered, answer):
            assert ledger.append([item]).result().results[0].complaint is None
        pass_days(world, ledger, 20)
        housekeeping.tidy()
        assert lapses(ledger) == []
        pass_days(world, ledger, 2)
        housekeeping.tidy()
        housekeeping.tidy()
        (lapse,) = lapses(ledger)
        assert (lapse.key, lapse.what, lapse.ground) == (
            world.key("lender-1", "silent"),
            LapseKind.RESTRICTED,
            FURNISHER_SILENT,
        )


def test_a_record_whose_time_is_over_is_erased(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        housekeeping = Housekeeping(ledger)
        accept(ledger, world.report("lender-1", "cured"), world.report("lender-1", "open"))
        accept(ledger, world.report("lender-1", "cured", Standing.CURED))
        housekeeping.tidy()
        assert lapses(ledger) == []
        world.clock.now += 6 * 366 * DAY_MS
        housekeeping.tidy()
        (lapse,) = lapses(ledger)
        assert (lapse.key, lapse.what, lapse.ground) == (
            world.key("lender-1", "cured"),
            LapseKind.ERASED,
            RETENTION_ENDED,
        )


def test_more_records_than_one_commit_takes_are_erased_once_each(database_url: str) -> None:
    world = World()
    names = [f"cured {number}" for number in range(MAX_LAPSES + 3)]
    with world.ledger(database_url) as ledger:
        accept(ledger, *(world.report("lender-1", name) for name in names))
        accept(ledger, *(world.report("lender-1", name, Standing.CURED) for name in names))
        world.clock.now += 6 * 366 * DAY_MS
        size = ledger.size
        Housekeeping(ledger).tidy()
        assert sorted(lapse.key for lapse in lapses(ledger)) == sorted(world.key("lender-1", name) for name in names)
        # A HEAD after each commit: reports that come meanwhile wait for one of them and not for all.
        assert ledger.size == size + len(names) + 2


def test_what_opens_inquiries_is_deleted_when_their_time_is_over(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        housekeeping = Housekeeping(ledger)
        item = world.inquiry("lender-1", "old")
        ledger.record_inquiries([item]).result()
        housekeeping.tidy()
        with ledger.view() as view:
            kept = view.inquiry("lender-1", item.inquiry_id)
        assert kept is not None
        assert kept.opening == b"opening"
        world.clock.now += 6 * 366 * DAY_MS
        housekeeping.tidy()
        with ledger.view() as view:
            kept = view.inquiry("lender-1", item.inquiry_id)
        assert kept is not None
        assert kept.opening is None


def test_what_is_deleted_by_its_time_is_gone_from_the_files(sqlite_template: Path, tmp_path: Path) -> None:
    """It takes no erasure to empty SQLite's write-ahead log of it."""
    path, world = tmp_path / "registry.sqlite", World()
    opening = b"what opens the inquiry about a person"
    with world.ledger(sqlite_url(shutil.copyfile(sqlite_template, path))) as ledger:
        ledger.record_inquiries([world.inquiry("lender-1", "old", opening=opening)]).result()
        files = [path, path.with_name(f"{path.name}-wal")]
        assert any(opening in file.read_bytes() for file in files)
        world.clock.now += 6 * 366 * DAY_MS
        Housekeeping(ledger).tidy()
        assert not any(opening in file.read_bytes() for file in files)


def test_what_a_killed_process_has_erased_leaves_the_files_after_the_next_start(
    sqlite_template: Path, tmp_path: Path
) -> None:
    """Killed after the commit of an erasure, before the write-ahead log was emptied of the record."""
    world, killed = World(), tmp_path / "killed"
    path = tmp_path / "running" / "registry.sqlite"
    path.parent.mkdir()
    with world.ledger(sqlite_url(shutil.copyfile(sqlite_template, path))) as ledger:
        accept(ledger, world.report("lender-1", "loan"))
        with ledger.database.snapshot() as reader:
            disclosure = reader.connection.execute(select(schema.live_records.c.disclosure)).scalar_one()
            # The reader is in the way of what follows the commit.
            world.erase(ledger, world.key("lender-1", "loan"))
            shutil.copytree(path.parent, killed)
    left = killed / path.name
    files = [left, left.with_name(f"{left.name}-wal")]
    assert any(disclosure in file.read_bytes() for file in files)
    with world.ledger(sqlite_url(left)) as ledger:
        Housekeeping(ledger).tidy()
        assert not any(disclosure in file.read_bytes() for file in files)


def test_the_tables_that_a_killed_process_has_deleted_from_are_vacuumed_after_the_next_start(
    postgres_url: str, postgres_template: str
) -> None:
    vacuumed = text("SELECT count(*) FROM pg_stat_user_tables WHERE relname = 'live_records' AND vacuum_count > 0")
    world = World()
    with (
        postgres_database(postgres_url, template=postgres_template) as url,
        world.ledger(url) as ledger,
    ):
        Housekeeping(ledger).tidy()

        def are_vacuumed() -> bool:
            with ledger.database.snapshot() as work:
                return bool(work.connection.execute(vacuumed).scalar())

        wait_until(are_vacuumed)


def test_nothing_is_kept_of_a_lender_whose_records_were_ended_long_ago(database_url: str) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        housekeeping = Housekeeping(ledger)
        accept(ledger, world.report("lender-1", "open"))
        accept(ledger, world.report("lender-2", "another's", person="another"))
        world.set_state(ledger, "lender-1", InstitutionStatus.TERMINATED)
        world.decide(ledger, EndingBody("lender-1", "bankruptcy"))
        housekeeping.tidy()
        assert lapses(ledger) == []
        world.clock.now += 5 * 366 * DAY_MS
        housekeeping.tidy()
        housekeeping.tidy()
        (lapse,) = lapses(ledger)
        assert (lapse.key, lapse.what) == (world.key("lender-1", "open"), LapseKind.ERASED)
