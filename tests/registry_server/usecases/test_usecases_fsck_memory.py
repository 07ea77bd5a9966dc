"""fsck and repair keep what grows with the log in a file: they find the same, and their memory does not grow."""

from __future__ import annotations

import gc
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from client_sdk._state_file import StateFile
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.derived import repair_derived
from registry_server.usecases.fsck.check import fsck
from tests.registry_server.usecases.test_usecases_derived import CAME_BACK, COUNTS, DERIVED
from tests.registry_server.usecases.test_usecases_fsck import FIRST_LIVE, LIES, ZEROS, change, check, fill
from tests.support.registry_world import World, accept

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

# A small part of the records of the smaller log below.
FEW_ENTRIES = 25
BATCH = 50
# So small that the pages of the smaller log are as full as any.
PAGE_ROWS = 50
SMALL, LARGE = 100, 300


@pytest.mark.parametrize("hot_entries", [1, 3])
def test_with_a_file_the_same_is_found_and_put_right(
    database_url: str, database_kind: str, tmp_path: Path, hot_entries: int
) -> None:
    fill(database_url)
    folder = tmp_path / "state"
    folder.mkdir()
    statements = [CAME_BACK, *(statement for lie in DERIVED for statement in LIES[lie][0]), *COUNTS]
    change(database_url, *(text.format(zeros=ZEROS[database_kind], first=FIRST_LIVE) for text in statements))
    with Database(database_url, serving=False) as database:
        with StateFile(folder / "replay.state", hot_entries) as store:
            report = fsck(database, store=store)
        alone = fsck(database)
        assert sorted(map(str, report.findings)) == sorted(map(str, alone.findings))
        assert (report.counts, report.leaves, report.live) == (alone.counts, alone.leaves, alone.live)
        with database.snapshot() as work:
            expected = repair_derived(work, write=False)
            with StateFile(folder / "replay.state", hot_entries) as store:
                assert repair_derived(work, store, write=False) == expected
    with (
        Database(database_url) as database,
        StateFile(folder / "replay.state", hot_entries) as store,
        database.append() as work,
    ):
        assert repair_derived(work, store, write=True) == expected
        work.commit()
    assert check(database_url).findings == []
    assert not list(folder.iterdir())


def checked(database: Database, store: StateFile) -> None:
    assert fsck(database, store=store).clean


def looked_for(database: Database, store: StateFile) -> None:
    with database.snapshot() as work:
        assert repair_derived(work, store, write=False).rows == {}


def memory_of(work: Callable[[Database, StateFile], None], database: Database, folder: Path) -> int:
    """How many bytes of Python something needs, beside what is made the first time and stays."""
    with StateFile(folder / "replay.state", FEW_ENTRIES) as store:
        work(database, store)
    # Garbage does not count: it is collected all the time, which takes no longer as what was there before is left out.
    usual = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.collect()
    gc.set_threshold(200, 1, 1)
    tracemalloc.start()
    try:
        with StateFile(folder / "replay.state", FEW_ENTRIES) as store:
            work(database, store)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.set_threshold(*usual)


def test_memory_does_not_grow_with_the_number_of_records(database_url: str, tmp_path: Path) -> None:
    world, count, taken = World(), 0, dict[int, list[int]]()
    for until in (SMALL, LARGE):
        with world.ledger(database_url) as ledger:
            while count < until:
                accept(ledger, *(world.report("lender-1", f"loan {count + number}") for number in range(BATCH)))
                count += BATCH
            world.clock.now += 1_000
            ledger.heartbeat().result()
        with Database(database_url, serving=False, page_rows=PAGE_ROWS) as database:
            taken[until] = [memory_of(work, database, tmp_path) for work in (checked, looked_for)]
    # In memory alone a record takes 1,000 and 1,700 bytes; the leaf of the part of the map that is built takes 300.
    for small, large in zip(taken[SMALL], taken[LARGE], strict=True):
        assert large - small < (LARGE - SMALL) * 600, taken
