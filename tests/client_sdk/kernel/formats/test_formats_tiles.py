from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import MemoryTree, inclusion_proof, root_at, verify_inclusion
from client_sdk.kernel.formats.tiles import (
    EntryBundle,
    Tile,
    entries_path,
    entries_path_of,
    entry_bundle,
    node_from_tile,
    node_place,
    parse_entry_bundle,
    parse_path,
    tile_path,
    tiles_of,
)
from tests.client_sdk.kernel.formats.vectors import load

PATHS = load("tlog-layout/paths.json")
EXAMPLES = load("c2sp-spec-examples/examples.json")

widths = st.integers(1, 256)
indexes = st.integers(0, 2**56 - 1)


@pytest.mark.parametrize(("leaf_index", "size", "path"), PATHS["entries_path_for_index"])
def test_third_party_entry_paths(leaf_index: int, size: int, path: str) -> None:
    assert entries_path_of(leaf_index, size) == path
    assert parse_path(path).index == leaf_index // 256


@pytest.mark.parametrize(("level", "index", "partial", "path"), PATHS["tile_path"])
def test_third_party_tile_paths(level: int, index: int, partial: int, path: str) -> None:
    assert tile_path(level, index, partial or 256) == path
    assert parse_path(path) == Tile(level, index, partial or 256)


def test_the_examples_of_the_specification() -> None:
    example = EXAMPLES["tile_index_example"]
    assert tile_path(0, example["N"]) == "tile/0/" + example["path"]
    for counts in EXAMPLES["tile_counts"]:
        found = {
            f"level{level}_{kind}": value
            for level in range(3)
            for kind, value in (
                ("full", sum(tile.level == level and tile.width == 256 for tile in tiles_of(counts["size"]))),
                ("partial", sum(tile.width % 256 for tile in tiles_of(counts["size"]) if tile.level == level)),
            )
        }
        assert {key: found[key] for key in counts if key != "size"} == {k: v for k, v in counts.items() if k != "size"}


def test_an_empty_tree_has_no_tile() -> None:
    assert tiles_of(0) == []
    assert tiles_of(1) == [Tile(0, 0, 1)]
    with pytest.raises(FormatError):
        tiles_of(-1)


@given(st.integers(0, 63), indexes, widths)
def test_a_path_names_one_tile(level: int, index: int, width: int) -> None:
    assert parse_path(tile_path(level, index, width)) == Tile(level, index, width)
    assert parse_path(entries_path(index, width)) == EntryBundle(index, width)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/tile/0/000",
        "tile/0/000/",
        "tile/0/000\n",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/000",
        "tile/0/x001",
        "tile/0/001/000",
        "tile/0/x01/000",
        "tile/0/X001/000",
        "tile/0/000.p/0",
        "tile/0/000.p/01",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/",
        "tile/0/０００",
        "tile/entry/000",
        "tile/entries/000.p/256",
        "tile/entries/../000",
        "tile/0/" + "x999/" * 6 + "999",
    ],
)
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(FormatError):
        parse_path(path)


@given(
    st.text(max_size=30) | st.from_regex(r"\Atile/([0-9]{1,2}|entries)/(x?[0-9]{3}/){0,3}[0-9]{3}(\.p/[0-9]{1,3})?\Z")
)
def test_any_text_is_a_path_or_one_error(text: str) -> None:
    try:
        found = parse_path(text)
    except FormatError:
        return
    assert found.path == text


@pytest.mark.parametrize(
    ("level", "index", "width"), [(-1, 0, 1), (64, 0, 1), (0, -1, 1), (0, 2**56, 1), (0, 0, 0), (0, 0, 257)]
)
def test_what_is_no_tile_has_no_path(level: int, index: int, width: int) -> None:
    with pytest.raises(FormatError):
        tile_path(level, index, width)


def test_a_leaf_outside_the_tree_has_no_path() -> None:
    for leaf_index in (-1, 5):
        with pytest.raises(FormatError):
            entries_path_of(leaf_index, 5)


@given(st.integers(1, 1500), st.data())
def test_a_tree_is_read_from_its_tiles(size: int, data: st.DataObject) -> None:
    tree = MemoryTree(leaf_hash(i.to_bytes(2, "big")) for i in range(size))
    stored = {
        (tile.level, tile.index): b"".join(tree.node(8 * tile.level, 256 * tile.index + i) for i in range(tile.width))
        for tile in tiles_of(size)
    }

    def node(height: int, index: int) -> bytes:
        place = node_place(height, index)
        return node_from_tile(stored[place.level, place.tile_index], place.height_in_tile, place.offset)

    assert root_at(size, node) == tree.root()
    index = data.draw(st.integers(0, size - 1))
    verify_inclusion(tree.node(0, index), index, size, inclusion_proof(index, size, node), tree.root())


@pytest.mark.parametrize(
    ("tile", "height", "offset"),
    [
        (b"", 0, 0),
        (bytes(31), 0, 0),
        (bytes(33), 0, 0),
        (bytes(257 * 32), 0, 0),
        (bytes(64), 0, 2),
        (bytes(64), 1, 1),
        (bytes(96), 2, 0),
        (bytes(256 * 32), 9, 0),
        (bytes(64), -1, 0),
        (bytes(64), 0, -1),
    ],
)
def test_a_node_that_a_tile_does_not_hold(tile: bytes, height: int, offset: int) -> None:
    with pytest.raises(FormatError):
        node_from_tile(tile, height, offset)


def test_a_node_has_a_height_and_an_index() -> None:
    for height, index in ((-1, 0), (0, -1)):
        with pytest.raises(FormatError):
            node_place(height, index)


def test_bundle_bytes() -> None:
    assert entry_bundle([b"", b"ab"]) == b"\x00\x00\x00\x02ab"
    assert parse_entry_bundle(entry_bundle([bytes(65_535)])) == [bytes(65_535)]


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=256))
def test_a_bundle_is_read_again(entries: list[bytes]) -> None:
    assert parse_entry_bundle(entry_bundle(entries)) == entries


@pytest.mark.parametrize("entries", [[], [b""] * 257, [bytes(65_536)]])
def test_what_is_no_bundle_is_not_written(entries: list[bytes]) -> None:
    with pytest.raises(FormatError):
        entry_bundle(entries)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\1", b"\0\0\0", b"\0\2a", bytes(2 * 257)])
def test_what_is_no_bundle_is_not_read(data: bytes) -> None:
    with pytest.raises(FormatError):
        parse_entry_bundle(data)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_bundle_or_one_error(data: bytes) -> None:
    try:
        entries = parse_entry_bundle(data)
    except FormatError:
        return
    assert entry_bundle(entries) == data
