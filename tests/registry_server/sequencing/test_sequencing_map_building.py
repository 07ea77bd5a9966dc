"""The blocks of the map follow from the rows: made from nothing, gone on with, and put right."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from client_sdk.kernel.ledger.state_store import MemoryStore
from registry_server.sequencing.errors import InconsistentError
from registry_server.sequencing.ledger import Ledger
from registry_server.sequencing.map_building import fill_map, settle_map, wrong_blocks
from registry_server.sequencing.recover import directory_at
from registry_server.storage import head, map_blocks
from registry_server.storage.unit_of_work import Database
from tests.support.registers import register_of
from tests.support.registry_world import World, accept
from tests.support.reverification import reverify
from tests.support.waiting import wait_until, waits_for_a_lock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.storage.unit_of_work import UnitOfWork

SUBJECTS = 120
# So few records of a part that the map is made in many.
FEW = 5


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def database(database_url: str, world: World) -> Iterator[Database]:
    """Of a registry with some subjects, served by nobody."""
    with world.ledger(database_url) as ledger:
        for number in range(0, SUBJECTS, 40):
            names = [str(name) for name in range(number, number + 40)]
            accept(ledger, *(world.report("lender-1", name, person=name) for name in names))
    with Database(database_url) as opened:
        yield opened
    reverify(database_url)


def stored(database: Database) -> dict[int, bytes]:
    with database.snapshot() as work:
        return dict(map_blocks.between(work, 0))


def directory(work: UnitOfWork) -> Directory:
    row = head.read(work)
    assert row is not None
    return directory_at(work, row)


def run(database: Database, *statements: str) -> None:
    with database.append() as work:
        for statement in statements:
            work.connection.execute(text(statement))
        work.commit()


@pytest.mark.parametrize("part_records", [1_000_000, 40, FEW])
def test_made_from_nothing_they_are_those_that_the_appends_have_left(database: Database, part_records: int) -> None:
    before = stored(database)
    assert len(before) > 32
    assert not fill_map(database, part_records)
    run(database, "DELETE FROM map_blocks")
    assert fill_map(database, part_records)
    assert stored(database) == before


def test_a_run_that_was_interrupted_is_gone_on_with(database: Database) -> None:
    before = stored(database)
    # The second half of the prefixes, and the top, have not been written.
    for cut in (64, 70, 80, 95):
        gone = [place for place in before if place == 1 or place >> (place.bit_length() - 7) >= cut]
        with database.append() as work:
            map_blocks.remove(work, gone)
            work.commit()
        assert fill_map(database, FEW)
        assert stored(database) == before


def test_what_an_older_commit_has_left_is_made_anew(database: Database, database_url: str, world: World) -> None:
    run(database, "CREATE TABLE earlier AS SELECT * FROM map_blocks WHERE place > 1")
    database.close()
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "one more", person="one more"))
    with Database(database_url) as again:
        before = stored(again)
        run(again, "DELETE FROM map_blocks", "INSERT INTO map_blocks SELECT * FROM earlier", "DROP TABLE earlier")
        assert fill_map(again, FEW)
        assert stored(again) == before


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_an_older_program_that_was_not_stopped_ends_it(database: Database, database_url: str) -> None:
    before = stored(database)
    run(database, "DELETE FROM map_blocks")
    with Database(database_url, serving=False) as another, ThreadPoolExecutor(1) as processes:
        with another.append() as work:
            # What it logs, it logs without blocks.
            work.connection.execute(text("UPDATE head SET leaf = leaf || leaf"))
            made = processes.submit(fill_map, database)
            wait_until(lambda: waits_for_a_lock(another))
            work.commit()
        with pytest.raises(InconsistentError, match="stop every server"):
            made.result()
        run(another, "UPDATE head SET leaf = (SELECT leaf FROM leaves ORDER BY leaf_index DESC LIMIT 1)")
    assert fill_map(database)
    assert stored(database) == before


def test_a_start_over_another_map_says_how_it_is_made_anew(database: Database, database_url: str, world: World) -> None:
    before = stored(database)
    database.close()
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "one more", person="one more"))
    with Database(database_url) as again:
        now = stored(again)
        with again.append() as work:
            map_blocks.clear(work)
            map_blocks.put(work, list(before.items()))
            work.commit()
        with pytest.raises(InconsistentError, match="fsck --repair-derived"):
            Ledger.open(again, register_of(database_url), world.log_signer, world.clock)
        with again.append() as work:
            settle_map(work, directory(work), MemoryStore())
            work.commit()
        assert stored(again) == now


DAMAGE = {
    "one gone": "DELETE FROM map_blocks WHERE place = (SELECT max(place) FROM map_blocks)",
    "the top gone": "DELETE FROM map_blocks WHERE place = 1",
    "all gone": "DELETE FROM map_blocks",
    "two swapped": "UPDATE map_blocks SET block = (SELECT block FROM map_blocks WHERE place = 1) WHERE place > 100",
    "one at no place of a block": "INSERT INTO map_blocks SELECT 7, block FROM map_blocks WHERE place = 1",
    "one below nothing": "INSERT INTO map_blocks SELECT -5, block FROM map_blocks WHERE place = 1",
    "one too deep": "INSERT INTO map_blocks SELECT 9223372036854775806, block FROM map_blocks WHERE place = 1",
    "one more below": (
        "INSERT INTO map_blocks SELECT 1 + 64 * (SELECT max(place) FROM map_blocks), block FROM map_blocks LIMIT 1"
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_wrong_is_found_and_put_right(database: Database, damage: str) -> None:
    before = stored(database)
    run(database, DAMAGE[damage])
    with database.snapshot() as work:
        wrong = [one.place for one in wrong_blocks(work, directory(work), MemoryStore())]
    assert wrong
    with database.append() as work:
        assert settle_map(work, directory(work), MemoryStore()) == len(wrong)
        work.commit()
    assert stored(database) == before
    with database.snapshot() as work:
        assert not list(wrong_blocks(work, directory(work), MemoryStore()))
        assert not work.connection.execute(text("SELECT count(*) FROM map_blocks WHERE place < 1")).scalar_one()


def test_a_start_reads_the_top_and_the_directory_alone(database: Database, database_url: str, world: World) -> None:
    """All other blocks are damaged, which only what needs them finds."""
    before = stored(database)
    subjects = [place for place in before if place > 1 and not place >> (place.bit_length() - 2) & 1]
    with database.append() as work:
        map_blocks.put(work, [(place, b"damaged") for place in subjects])
        work.commit()
    database.close()
    with (
        Database(database_url) as again,
        Ledger.open(again, register_of(database_url), world.log_signer, world.clock) as ledger,
    ):
        with ledger.view() as view:
            assert view.map_proof(["lender-1"]).siblings
        name = "5"
        with pytest.raises(InconsistentError, match="fsck"):
            accept(ledger, world.report("lender-1", name, version=2))
        with again.append() as work:
            map_blocks.put(work, [(place, before[place]) for place in subjects])
            work.commit()
        accept(ledger, world.report("lender-2", "of somebody new", person="somebody new"))
