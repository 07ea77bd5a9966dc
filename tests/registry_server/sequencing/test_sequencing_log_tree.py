"""The tree over tiles gives the roots and proofs of the whole tree, at every size, also after it was opened again."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import Frontier, MemoryTree
from client_sdk.kernel.formats.tiles import tiles_of
from registry_server.sequencing.log_tree import LogTree


class Shelf:
    """Tiles as storage would keep them."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.loads = 0

    def load(self, level: int, index: int) -> bytes | None:
        self.loads += 1
        return self.tiles.get((level, index))

    def grow(self, tree: LogTree, hashes: list[bytes]) -> None:
        staged = tree.stage(hashes)
        self.tiles.update({(tile.level, tile.tile_index): tile.hashes for tile in staged.tiles})
        tree.apply(staged)


def leaf_hashes(start: int, count: int) -> list[bytes]:
    return [sha256(f"leaf {n}".encode()).digest() for n in range(start, start + count)]


batches = st.lists(st.sampled_from((1, 2, 3, 100, 255, 256, 257, 513)), min_size=1, max_size=8)


@given(batches, st.data())
def test_it_agrees_with_the_whole_tree(sizes: list[int], data: st.DataObject) -> None:
    shelf, whole = Shelf(), MemoryTree()
    tree = LogTree("log", shelf.load)
    for count in sizes:
        fresh = leaf_hashes(tree.size, count)
        shelf.grow(tree, fresh)
        whole.extend(fresh)
        if data.draw(st.booleans()):
            tree = LogTree("log", shelf.load, Frontier.from_bytes(tree.frontier))
        size = data.draw(st.integers(1, tree.size))
        index = data.draw(st.integers(0, size - 1))
        older = data.draw(st.integers(1, size))
        assert tree.root == whole.root()
        assert list(tree.inclusion(index, size)) == whole.inclusion_proof(index, size)
        assert list(tree.consistency(older, size)) == whole.consistency_proof(older, size)
    assert {place: len(hashes) // 32 for place, hashes in shelf.tiles.items()} == {
        (tile.level, tile.index): tile.width for tile in tiles_of(tree.size)
    }


def test_staging_changes_nothing() -> None:
    shelf = Shelf()
    tree = LogTree("log", shelf.load)
    shelf.grow(tree, leaf_hashes(0, 300))
    before = (tree.size, tree.root, tree.frontier, tree.inclusion(299, 300))
    tree.stage(leaf_hashes(300, 500))
    assert (tree.size, tree.root, tree.frontier, tree.inclusion(299, 300)) == before


def test_a_large_log_is_proved_from_tiles_loaded_once() -> None:
    shelf, whole = Shelf(), MemoryTree(leaf_hashes(0, 70_000))
    tree = LogTree("log", shelf.load)
    shelf.grow(tree, leaf_hashes(0, 70_000))
    tree = LogTree("log", shelf.load, Frontier.from_bytes(tree.frontier))
    shelf.loads = 0
    for index in range(1_000, 1_200):
        assert list(tree.inclusion(index, 70_000)) == whole.inclusion_proof(index, 70_000)
    assert shelf.loads <= 4


@pytest.mark.parametrize("place", [(0, 1), (1, 0)])
def test_tiles_that_are_not_those_of_the_frontier_are_refused(place: tuple[int, int]) -> None:
    shelf = Shelf()
    tree = LogTree("log", shelf.load)
    shelf.grow(tree, leaf_hashes(0, 300))
    shelf.tiles[place] = bytes(len(shelf.tiles[place]))
    with pytest.raises(FormatError):
        LogTree("log", shelf.load, Frontier.from_bytes(tree.frontier))


def test_a_missing_tile_is_refused() -> None:
    shelf = Shelf()
    tree = LogTree("log", shelf.load)
    shelf.grow(tree, leaf_hashes(0, 600))
    del shelf.tiles[0, 0]
    again = LogTree("log", shelf.load, Frontier.from_bytes(tree.frontier))
    with pytest.raises(FormatError):
        again.inclusion(3, 600)
    with pytest.raises(FormatError):
        again.inclusion(600, 600)
    with pytest.raises(FormatError):
        again.consistency(1, 601)
