"""Inquiries by month on PostgreSQL: partitions made ahead, rows that wait for theirs, months dropped, tables moved."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from alembic import command
from sqlalchemy import create_engine, make_url, table, text
from sqlalchemy.pool import NullPool

from registry_server.operating.tables import upgrade
from registry_server.sequencing import inquire
from registry_server.sequencing.ledger import Ledger
from registry_server.storage import inquiries, migrations, months, schema, wholesale
from registry_server.storage.inquiries import InquiredPerson, StoredInquiry
from registry_server.storage.months import Month
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import fsck
from registry_server.usecases.housekeeping import Housekeeping
from tests.conftest import ON_ONE_DATABASE
from tests.support.handmade_log import seed
from tests.support.held import write_out
from tests.support.registers import register_of
from tests.support.registry_world import DAY_MS, World, subject_of
from tests.support.waiting import wait_until, waits_for_a_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import DatabaseKind

ON_POSTGRESQL = pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
TABLES = ("inquiries", "inquired_persons")


def moment(year: int, month: int, day: int = 1) -> int:
    return int(datetime(year, month, day, tzinfo=UTC).timestamp() * 1_000)


def stored(number: int, received_at: int, **changes: object) -> tuple[StoredInquiry, InquiredPerson]:
    """An answered inquiry with whom it asked about."""
    inquiry_id, subject = seed(f"inquiry {number}", 16), subject_of(f"person {number}")
    raw = seed(f"bytes {number}")
    kept = StoredInquiry("lender-1", inquiry_id, received_at, "ANSWERED", raw, raw, raw, raw, None, 1, b"opens " + raw)
    return replace(kept, **changes), InquiredPerson(subject, received_at, "lender-1", inquiry_id, 0)  # type: ignore[arg-type]  # the test names fields


def add(database: Database, *items: tuple[StoredInquiry, InquiredPerson]) -> None:
    with database.append() as work:
        inquiries.add(work, [item for item, _ in items])
        inquiries.add_persons(work, [person for _, person in items])
        work.commit()


def partitions(database: Database) -> dict[str, int]:
    """Rows of each partition."""
    with database.snapshot() as work:
        named = "SELECT tablename FROM pg_tables WHERE schemaname = 'months'"
        return {
            name: wholesale.rows_of(work, table(name, schema="months"))
            for name in sorted(work.connection.execute(text(named)).scalars())
        }


def make_ahead(database: Database, now: int) -> int:
    with database.append() as work:
        made = months.make_ahead(work, now)
        work.commit()
    return made


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as opened:
        yield opened


@pytest.mark.parametrize(
    ("year", "number", "start", "end"),
    [(2026, 11, moment(2026, 11), moment(2026, 12)), (2027, 12, moment(2027, 12), moment(2028, 1))],
)
def test_a_month_ends_where_the_next_one_begins(year: int, number: int, start: int, end: int) -> None:
    month = Month(year, number)
    assert (month.start, month.end) == (start, end)
    assert Month.of(start) == Month.of(end - 1) == month
    assert Month.of(end) == month.later(1)
    assert month.later(-12) == Month(year - 1, number)


@ON_POSTGRESQL
def test_migrated_tables_have_the_present_month_and_the_next_two(database: Database) -> None:
    now = Month.of(int(datetime.now(UTC).timestamp() * 1_000))
    # At the end of a month the migration may have been made in the one before.
    made = set(partitions(database)) - {f"{name}_other" for name in TABLES}
    assert any(
        made == {month.later(ahead).partition(name) for ahead in range(3) for name in TABLES}
        for month in (now, now.later(-1))
    )


@ON_POSTGRESQL
def test_rows_of_a_month_without_a_partition_are_kept_and_move_when_it_is_made(database: Database) -> None:
    rows = [stored(1, moment(2031, 5)), stored(2, moment(2031, 6) - 1), stored(3, moment(2031, 6)), stored(4, 0)]
    add(database, *rows)
    assert partitions(database)["inquiries_other"] == partitions(database)["inquired_persons_other"] == len(rows)
    with database.snapshot() as work:
        before = [*inquiries.rows(work)], sorted(inquiries.persons(work))
    assert make_ahead(database, moment(2031, 5, 20)) == 2 * 4
    found = partitions(database)
    for name in TABLES:
        assert found[f"{name}_other"] == 0
        assert found[f"{name}_2031_05"] == 2
        assert found[f"{name}_2031_06"] == found[f"{name}_1970_01"] == 1
        assert found[f"{name}_2031_07"] == 0
    with database.snapshot() as work:
        assert ([*inquiries.rows(work)], sorted(inquiries.persons(work))) == before
        assert len(inquiries.by_keys(work, [(item.asker, item.inquiry_id) for item, _ in rows])) == len(rows)
    assert make_ahead(database, moment(2031, 5, 20)) == 0
    add(database, stored(5, moment(2031, 7)))
    assert partitions(database)["inquiries_2031_07"] == 1


@ON_POSTGRESQL
def test_what_opens_inquiries_is_sampled_in_no_partition(database: Database) -> None:
    make_ahead(database, moment(2031, 5))
    add(database, *(stored(number, moment(2031, 5)) for number in range(50)))
    assert database.purge((schema.inquiries, schema.inquired_persons))
    with database.snapshot() as work:
        sampled = work.connection.execute(
            text("SELECT tablename || '.' || attname FROM pg_stats WHERE schemaname IN ('public', 'months')")
        ).scalars()
        names = set(sampled)
    assert "inquiries_2031_05.received_at" in names
    assert not {name for name in names if name.endswith((".opening", ".subject")) and name.startswith("inqui")}


@ON_POSTGRESQL
def test_whole_months_of_persons_are_dropped_and_gone_from_every_file(local_database_url: str) -> None:
    old, young = stored(1, moment(2031, 5, 9)), stored(2, moment(2031, 7, 2))
    with Database(local_database_url) as database:
        make_ahead(database, moment(2031, 5))
        add(database, old, young)
        assert is_held(local_database_url, old[1].subject)
        with database.append() as work:
            assert months.drop_before(work, moment(2031, 6, 15)) == 1
            assert inquiries.forget_openings(work, moment(2031, 6, 15)) == 1
            work.commit()
        assert database.purge(schema.FORGOTTEN_FROM)
        assert "inquired_persons_2031_05" not in partitions(database)
        assert partitions(database)["inquired_persons_2031_07"] == partitions(database)["inquiries_2031_05"] == 1
        with database.snapshot() as work:
            assert [*inquiries.persons(work)] == [young[1]]
            kept = {item.inquiry_id: item.opening for item in inquiries.rows(work)}
        assert kept == {old[0].inquiry_id: None, young[0].inquiry_id: young[0].opening}
        assert make_ahead(database, moment(2031, 7)) == 2 * 2
    assert not is_held(local_database_url, old[1].subject)
    assert not is_held(local_database_url, bytes(old[0].opening or b""))
    assert is_held(local_database_url, young[1].subject)


def is_held(url: str, data: bytes) -> bool:
    """Whether any file of the database holds these bytes, once all is written and the tables have been copied."""
    write_out(url)
    folder = Path(str(make_url(url).query["host"])) / "data" / "base"
    return any(data in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_housekeeping_makes_months_and_forgets_whole_ones(database_url: str, database_kind: DatabaseKind) -> None:
    world = World()
    with world.ledger(database_url) as ledger:
        housekeeping = Housekeeping(ledger)
        for number in range(3):
            asked = world.inquiry("lender-1", f"{number}", subjects=((subject_of(f"{number}"),),))
            ledger.record_inquiries([asked]).result()
            housekeeping.tidy()
            world.clock.now += 40 * DAY_MS
        ledger.heartbeat().result()
        if database_kind == "postgresql":
            assert partitions(ledger.database)["inquiries_other"] == 0
        world.clock.now += 6 * 366 * DAY_MS
        housekeeping.tidy()
        with ledger.view() as view:
            assert [*inquiries.persons(view.work)] == []
            assert [item.opening for item in inquiries.rows(view.work)] == [None] * 3
        if database_kind == "postgresql":
            left = [name for name in partitions(ledger.database) if name.startswith("inquired_persons_2")]
            years = ledger.directory.rulebook.retention_years
            oldest = Month.of(world.clock.now - years * 366 * DAY_MS).partition("inquired_persons")
            assert all(name >= oldest for name in left)
            present = Month.of(world.clock.now)
            assert {present.later(ahead).partition("inquired_persons") for ahead in range(3)} <= set(left)
        ledger.heartbeat().result()
    with Database(database_url, serving=False) as database:
        assert fsck(database).findings == []


@ON_POSTGRESQL
def test_of_an_inquiry_that_comes_to_two_processes_at_once_one_is_kept(database_url: str) -> None:
    world = World()
    with (
        world.ledger(database_url) as one,
        Database(database_url, serving=False) as second,
        Ledger.open(second, register_of(database_url), world.log_signer, world.clock) as two,
        ThreadPoolExecutor(2) as processes,
    ):
        rulebook, now = one.directory.rulebook, one.clock()
        for number in range(20):
            item, both = world.inquiry("lender-1", f"{number}"), threading.Barrier(2)

            def keep(database: Database, at: int) -> bool:
                both.wait()  # noqa: B023 - it runs within this round
                (result,) = inquire.record(database, rulebook, at, [item])  # noqa: B023 - likewise
                return result.repeated

            pending = [processes.submit(keep, ledger.database, now + late) for late, ledger in enumerate((one, two))]
            assert sorted(each.result() for each in pending) == [False, True]
        with one.view() as view:
            assert inquiries.count(view.work) == 20


@ON_POSTGRESQL
def test_a_month_is_made_while_other_processes_keep_inquiries_and_give_them_places(database_url: str) -> None:
    """Of rows that wait for a month none is missed, lost or given two places, whoever comes first."""
    world = World()
    with (
        world.ledger(database_url) as one,
        Database(database_url, serving=False) as second,
        Ledger.open(second, register_of(database_url), world.log_signer, world.clock) as two,
        ThreadPoolExecutor(3) as processes,
    ):
        for number in range(12):
            world.clock.now += 100 * DAY_MS
            for place in range(3):
                two.record_inquiries([world.inquiry("lender-1", f"{number} {place}")]).result()
            all_ = threading.Barrier(3)

            def keep() -> bool:
                all_.wait()  # noqa: B023 - it runs within this round
                (kept,) = two.record_inquiries([world.inquiry("lender-1", f"{number} again")]).result()  # noqa: B023 - likewise
                return kept.kept

            def give_places() -> int:
                all_.wait()  # noqa: B023 - likewise
                return len(two.heartbeat(at_once=True).result().checkpoint)

            def make() -> int:
                all_.wait()  # noqa: B023 - likewise
                return make_ahead(one.database, world.clock.now)

            pending = [processes.submit(each) for each in (keep, give_places, make)]
            kept, *_ = [each.result() for each in pending]
            assert kept
        one.heartbeat(at_once=True).result()
        with one.view() as view:
            places = [item.position for item in inquiries.rows(view.work)]
        assert sorted(place for place in places if place is not None) == list(range(12 * 4))
        make_ahead(one.database, world.clock.now)
        assert partitions(one.database)["inquiries_other"] == 0
    with Database(database_url, serving=False) as database:
        assert fsck(database).findings == []


@ON_POSTGRESQL
def test_an_inquiry_that_is_being_kept_is_in_the_month_that_is_made(database_url: str) -> None:
    with Database(database_url) as database, Database(database_url, serving=False) as other:
        add(database, stored(1, moment(2031, 5)))
        with ThreadPoolExecutor(1) as processes:
            with other.append() as work:
                item, person = stored(2, moment(2031, 5, 2))
                inquiries.hold(work, [(item.asker, item.inquiry_id)])
                inquiries.add(work, [item])
                inquiries.add_persons(work, [person])
                made = processes.submit(make_ahead, database, moment(2031, 5, 20))
                wait_until(lambda: waits_for_a_lock(other))
                work.commit()
            assert made.result() == 2 * 3
        assert partitions(database)["inquiries_2031_05"] == partitions(database)["inquired_persons_2031_05"] == 2


@ON_POSTGRESQL
def test_a_reader_that_takes_long_holds_up_no_forgetting_and_no_inquiry(database_url: str) -> None:
    """Such as a backup: what lies in a month that is over is deleted row by row, and the month dropped later."""
    world = World()
    with world.ledger(database_url) as ledger, Database(database_url, serving=False) as other:
        housekeeping = Housekeeping(ledger)
        asked = world.inquiry("lender-1", "asked", subjects=((subject_of("1"),),))
        ledger.record_inquiries([asked]).result()
        housekeeping.tidy()
        old = Month.of(world.clock.now).partition("inquired_persons")
        world.clock.now += 6 * 366 * DAY_MS
        ledger.record_inquiries([world.inquiry("lender-1", "waits for its month")]).result()
        with other.snapshot() as reading:
            assert len([*inquiries.persons(reading)]) == 1
            housekeeping.tidy()
            with ledger.view() as view:
                assert [*inquiries.persons(view.work)] == []
            assert ledger.record_inquiries([world.inquiry("lender-1", "meanwhile")]).result()[0].kept
            assert partitions(ledger.database)["inquiries_other"] == 2
        assert old in partitions(ledger.database)
        housekeeping.tidy()
        assert old not in partitions(ledger.database)
        assert partitions(ledger.database)["inquiries_other"] == 0


@ON_POSTGRESQL
def test_an_old_database_is_brought_into_months_with_all_that_it_holds(database_url: str) -> None:
    config, world = migrations._config(database_url), World()
    with world.ledger(database_url) as ledger:
        for number in range(5):
            ledger.record_inquiries([world.inquiry("lender-1", f"{number}")]).result()
            world.clock.now += 20 * DAY_MS
        ledger.heartbeat().result()
        ledger.record_inquiries([world.inquiry("lender-1", "waiting")]).result()
        with ledger.view() as view:
            before = [*inquiries.rows(view.work)]
    command.downgrade(config, "0001")
    engine = create_engine(database_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM inquiries")).scalar_one() == len(before)
        assert connection.execute(text("SELECT count(*) FROM pg_namespace WHERE nspname = 'months'")).scalar_one() == 0
    engine.dispose()
    upgrade(database_url)
    with world.ledger(database_url) as ledger, ledger.view() as view:
        assert [*inquiries.rows(view.work)] == before
        found = partitions(ledger.database)
        assert found["inquiries_other"] == 0
        assert sum(found.values()) >= len(before)
    with Database(database_url, serving=False) as database:
        assert fsck(database).findings == []


@ON_ONE_DATABASE
def test_sqlite_has_one_table_of_inquiries(database: Database) -> None:
    add(database, stored(1, moment(2031, 5)), stored(2, moment(2031, 9)))
    assert make_ahead(database, moment(2031, 5)) == 0
    with database.append() as work:
        assert inquiries.forget_openings(work, moment(2031, 6)) == 1
        work.commit()
    with database.snapshot() as work:
        assert len([*inquiries.persons(work)]) == 1
