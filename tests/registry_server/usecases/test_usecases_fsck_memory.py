"""fsck and repair keep what grows with the log in a file: they find the same, and their memory does not grow."""

from __future__ import annotations

import tracemalloc
from functools import partial
from typing import TYPE_CHECKING

import pytest

from client_sdk._state_file import HOT_ENTRIES, StateFile
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
FEW_ENTRIES = 100
BATCH = 250


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


def memory_of(work: Callable[[StateFile], None], folder: Path, hot_entries: int, runs: int) -> int:
    """How many bytes of Python something needs: the least of some runs, as garbage is collected at any time."""
    return min(_most(work, folder, hot_entries) for _ in range(runs))


def _most(work: Callable[[StateFile], None], folder: Path, hot_entries: int) -> int:
    tracemalloc.start()
    try:
        with StateFile(folder / "replay.state", hot_entries) as store:
            work(store)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("work", [checked, looked_for])
def test_memory_does_not_grow_with_the_number_of_records(
    database_url: str, tmp_path: Path, work: Callable[[Database, StateFile], None]
) -> None:
    world, count, taken = World(), 0, list[tuple[int, int]]()
    # From the smaller one on, a page of rows is as full as any.
    for until in (1_250, 3_000):
        with world.ledger(database_url) as ledger:
            while count < until:
                accept(ledger, *(world.report("lender-1", f"loan {count + number}") for number in range(BATCH)))
                count += BATCH
            world.clock.now += 1_000
            ledger.heartbeat().result()
        with Database(database_url, serving=False) as database:
            replay = partial(work, database)
            taken.append((memory_of(replay, tmp_path, FEW_ENTRIES, 3), memory_of(replay, tmp_path, HOT_ENTRIES, 1)))
    (small, small_in_memory), (large, large_in_memory) = taken
    # What 1,750 records take where there is room for them is more than what all else takes.
    grown = large_in_memory - small_in_memory
    assert large - small < grown / 10, taken
