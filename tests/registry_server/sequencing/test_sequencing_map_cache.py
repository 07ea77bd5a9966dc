"""What is kept of the map in memory is bounded, and a tree reads the blocks of its own commit or none."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, records_value, state_value, subject_key
from client_sdk.kernel.formats.map_page import verify_page
from client_sdk.kernel.formats.map_proof import verify_keys
from registry_server.sequencing.ledger import Ledger
from registry_server.sequencing.map_block import encode
from registry_server.sequencing.map_cache import BlockGoneError, MapCache, StoredBlocks
from registry_server.sequencing.map_tree import MapTree
from registry_server.storage.unit_of_work import Database
from tests.conftest import postgres_database
from tests.support.registers import register_of
from tests.support.registry_world import World, accept, subject_of
from tests.support.reverification import reverify

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from registry_server.sequencing.map_change import ChangedBlock
    from registry_server.sequencing.map_nodes import Node, Stub

SUBJECTS = 100


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture(params=[1, 128 * 1024 * 1024], ids=["nothing is kept", "all is kept"])
def limit(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def ledger(limit: int, database_url: str, world: World) -> Iterator[Ledger]:
    with world.ledger(database_url):
        pass
    with (
        Database(database_url) as database,
        Ledger.open(
            database, register_of(database_url), world.log_signer, world.clock, map_cache_bytes=limit
        ) as opened,
    ):
        names = [str(name) for name in range(SUBJECTS)]
        accept(opened, *(world.report("lender-1", name, person=name) for name in names))
        yield opened
    reverify(database_url)


@contextmanager
def another(url: str, world: World) -> Iterator[Ledger]:
    """A second process."""
    with (
        Database(url, serving=False) as database,
        Ledger.open(database, register_of(url), world.log_signer, world.clock) as opened,
    ):
        yield opened


def tree_of(ledger: Ledger) -> tuple[MapTree, bytes]:
    with ledger.view() as view:
        return view.map_tree, view.head.map_root


def listed(ledger: Ledger, tree: MapTree, root: bytes) -> set[bytes]:
    """Keys of all subjects, by two pages that prove it."""
    with ledger.map_blocks() as blocks:
        pages = [verify_page(root, prefix, 2, tree.page(prefix, 2, blocks)) for prefix in (0, 1)]
    return {key for page in pages for key in page}


def test_every_proof_is_of_the_newest_commit(ledger: Ledger, world: World) -> None:
    for name in ("5", "6", "new"):
        version = 1 if name == "new" else 2
        accept(ledger, world.report("lender-1", name, person=name, version=version))
        with ledger.view() as view:
            proof = view.map_proof((), [subject_of(name), subject_of("nobody")])
            live = view.live_records([subject_of(name)])
            shown = records_value([row.row.mapped for row in live[subject_of(name)]])
            of_directory = state_value(view.registry_state)
        want = {
            REGISTRY_KEY: of_directory,
            subject_key(subject_of(name)): shown,
            subject_key(subject_of("nobody")): None,
        }
        verify_keys(view.head.map_root, want, proof)


def test_an_older_map_is_read_as_long_as_it_is_held(ledger: Ledger, world: World, limit: int) -> None:
    with ledger.held_view(1_000) as view:
        tree, root = view.map_tree, view.head.map_root
    before = listed(ledger, tree, root)
    assert len(before) == SUBJECTS
    newer = [f"new {number}" for number in range(60)]
    for start in range(0, len(newer), 20):
        accept(ledger, *(world.report("lender-2", name, person=name) for name in newer[start : start + 20]))
    if limit > 1:
        assert listed(ledger, tree, root) == before
    else:
        # There is no room to hold anything.
        with pytest.raises(BlockGoneError):
            listed(ledger, tree, root)
    now, newest = tree_of(ledger)
    assert listed(ledger, now, newest) == before | {subject_key(subject_of(name)) for name in newer}


def test_an_older_map_that_nobody_holds_is_gone_once_it_has_changed(ledger: Ledger, world: World) -> None:
    tree, root = tree_of(ledger)
    accept(ledger, *(world.report("lender-2", f"new {number}", person=f"new {number}") for number in range(60)))
    with pytest.raises(BlockGoneError):
        listed(ledger, tree, root)


@pytest.mark.parametrize("every", [1, 3, 100])
def test_what_another_process_replaces_is_kept_as_well(
    postgres_url: str, postgres_template: str, world: World, every: int
) -> None:
    """Whether the map is read after every commit of the other process, after some, or at the end."""
    with postgres_database(postgres_url, template=postgres_template) as url:
        with world.ledger(url) as one, another(url, world) as two:
            names = [str(name) for name in range(SUBJECTS)]
            accept(two, *(world.report("lender-1", name, person=name) for name in names))
            held: list[tuple[MapTree, bytes, set[bytes]]] = []
            for round_ in range(9):
                if round_ in {0, 4}:
                    known = {subject_key(subject_of(name)) for name in names}
                    with one.held_view(1_000) as view:
                        held.append((view.map_tree, view.head.map_root, known))
                for writer in (two, one) if round_ % 3 else (two, two):
                    fresh = [f"{number} of {len(names)}" for number in range(8)]
                    accept(writer, *(world.report("lender-2", name, person=name) for name in fresh))
                    names += fresh
                if round_ % every == every - 1:
                    with one.view():
                        assert listed(one, *held[-1][:2]) == held[-1][2]
            for tree, root, known in held:
                assert listed(one, tree, root) == known
        reverify(url)


def test_what_another_process_has_changed_is_read_anew(ledger: Ledger, world: World, database_url: str) -> None:
    with another(database_url, world) as other:
        for round_ in range(3):
            for one in (ledger, other):
                name = f"of round {round_} {id(one)}"
                accept(one, world.report("lender-1", name, person=name))
                first, second = tree_of(ledger), tree_of(other)
                assert first[1] == second[1] == first[0].root
                assert listed(ledger, *first) == listed(other, *second)
                assert subject_key(subject_of(name)) in listed(ledger, *first)


def test_it_holds_no_more_than_its_limit(ledger: Ledger) -> None:
    for limit in (0, 20_000, 200_000):
        cache = MapCache(limit)
        for _ in range(3):
            with ledger.view() as view:
                blocks = StoredBlocks(cache, view.work)
                for prefix in range(64):
                    view.map_tree.page(prefix, 7, blocks)
        assert cache.bytes_held <= limit
        assert bool(cache.bytes_held) is bool(limit)


class Reading:
    """The blocks of a map that are all in memory."""

    def __init__(self, cache: MapCache) -> None:
        self._cache = cache

    def fetch(self, stubs: Sequence[Stub]) -> dict[int, Node]:
        found, missing = self._cache.take(stubs)
        assert not missing
        return found


def test_what_a_commit_writes_are_the_bytes_of_each_block() -> None:
    cache, tree, seen = MapCache(), MapTree(), set[int]()
    keys = [sha256(number.to_bytes(4)).digest() for number in range(1_200)]
    for start in range(0, len(keys), 40):
        new = dict.fromkeys(keys[start : start + 40], sha256(start.to_bytes(4)).digest())
        others = dict.fromkeys(keys[:start:37], bytes(32))
        gone = dict.fromkeys(keys[5:start:61]) if start % 160 == 0 else {}
        tree, blocks = tree.changed({**new, **others, **gone}, Reading(cache))
        written = dict(cache.replace(blocks))
        assert written == {place: encode(place, after, count) for place, _, after, count in blocks if after is not None}
        seen |= {len(data) for data in written.values() if data.startswith(b"\x02")}
    # Forks of many sizes: blocks came to them and went.
    assert len(seen) > 5


def test_what_was_not_used_for_longest_is_forgotten_first(ledger: Ledger) -> None:
    with ledger.view() as view:
        whole = MapCache()
        view.map_tree.page(0, 0, StoredBlocks(whole, view.work))
        cache = MapCache(whole.bytes_held // 2)
        blocks = StoredBlocks(cache, view.work)
        first = [subject_key(subject_of("1"))]
        view.map_tree.prove(first, blocks)
        for name in range(2, SUBJECTS):
            view.map_tree.prove([subject_key(subject_of(str(name)))], blocks)
            view.map_tree.prove(first, Reading(cache))
        assert cache.bytes_held <= whole.bytes_held // 2


class ReadMeanwhile(list["ChangedBlock"]):
    """Blocks of a commit; a reader puts others before the commit looks at them for the second time."""

    def __init__(self, blocks: Sequence[ChangedBlock], cache: MapCache, others: list[tuple[Stub, Node, bytes]]) -> None:
        super().__init__(blocks)
        self._cache, self._others, self._looks = cache, others, 0

    def __iter__(self) -> Iterator[ChangedBlock]:
        self._looks += 1
        if self._looks == 2:
            self._cache.put(self._others)
        return super().__iter__()


def small_map(cache: MapCache) -> tuple[MapTree, list[ChangedBlock]]:
    """A map of one block, which takes 2,000 bytes of the cache."""
    tree, blocks = MapTree().changed({number.to_bytes(32): bytes(32) for number in range(10)}, Reading(cache))
    cache.replace(blocks)
    assert cache.bytes_held == 2_000
    return tree, list(blocks)


def stub_of(node: Node, place: int, entries: int) -> Stub:
    assert node is not None
    return node[0], entries, place, None


def test_what_a_reader_puts_while_a_commit_is_written_takes_nothing_from_screenings() -> None:
    cache = MapCache(6_000)
    tree, (first,) = small_map(cache)
    (newer,) = tree.changed({bytes(31) + b"x": bytes(32)}, Reading(cache))[1]
    # A block of 5,300 bytes, for which the first one must make room.
    other = (stub_of(first.after, first.place + 1, 32), first.after, b"")
    cache.hold(1_000)
    cache.replace(ReadMeanwhile([newer], cache, [other]))
    found, missing = cache.take([stub_of(first.after, first.place, 10)])
    assert not missing
    assert found[first.place] is first.after


def test_a_block_larger_than_the_limit_takes_no_room_from_others() -> None:
    cache = MapCache(3_000)
    _, (first,) = small_map(cache)
    cache.put([(stub_of(first.after, first.place + 1, 32), first.after, b"")])
    assert cache.take([stub_of(first.after, first.place, 10)])[1] == []
    assert cache.bytes_held == 2_000
