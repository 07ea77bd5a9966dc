"""Blocks of the map have one form each, and what is none is refused."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.prefix_tree import root_of
from registry_server.sequencing.map_block import (
    MAX_ENTRIES,
    TOP,
    build,
    depth_of,
    encode,
    entries_of,
    is_fork,
    parse,
    stubs_of,
)
from tests.support.memory_map import MemoryMap


def blocks_of(count: int) -> dict[int, bytes]:
    """The blocks of a map of so many entries."""
    return MemoryMap.of((sha256(number.to_bytes(4)).digest(), bytes(32)) for number in range(count)).blocks


@pytest.mark.parametrize("count", [1, 2, 7, MAX_ENTRIES, MAX_ENTRIES + 1, 3_000])
def test_a_block_is_its_bytes(count: int) -> None:
    blocks, held = blocks_of(count), 0
    for place, data in blocks.items():
        node, entries = parse(place, data)
        assert encode(place, node, entries) == data
        assert (data[0] == 2) is is_fork(place, entries) is (entries > MAX_ENTRIES)
        held += sum(1 for _ in entries_of(node))
        below = sum(stub[1] for stub in stubs_of(node))
        assert below in {0, entries}
    assert held == parse(TOP, blocks[TOP])[1] == count


def test_each_fits_a_page_of_either_database() -> None:
    assert max(len(data) for data in blocks_of(20_000).values()) <= 9 + 64 * 38


@given(st.sampled_from([1, 5, 32, 33, 500]), st.data())
def test_bytes_that_are_no_block_are_refused(count: int, data: st.DataObject) -> None:
    place, right = data.draw(st.sampled_from(sorted(blocks_of(count).items())))
    at = data.draw(st.integers(0, len(right) - 1))
    wrong = data.draw(
        st.sampled_from(
            [
                right[:at],
                right + bytes((at & 0xFF,)),
                right[:at] + bytes((right[at] ^ data.draw(st.integers(1, 255)),)) + right[at + 1 :],
                right[:at] + right[at + 1 :],
            ]
        )
    )
    try:
        node, entries = parse(place, wrong)
    except FormatError:
        return
    # Another block then, and in its one form.
    assert node is not None
    assert encode(place, node, entries) == wrong


@given(st.binary(max_size=300), st.sampled_from([TOP, 64, 127, 4_096]))
def test_any_bytes_are_refused_or_are_a_block(data: bytes, place: int) -> None:
    try:
        node, entries = parse(place, data)
    except FormatError:
        return
    assert encode(place, node, entries) == data


def test_a_block_of_another_place_is_refused() -> None:
    blocks = blocks_of(500)
    leaf = next(place for place, data in blocks.items() if data[0] == 1)
    with pytest.raises(FormatError, match=r"map-block\.form"):
        parse(leaf ^ 1, blocks[leaf])


def test_keys_that_share_very_many_bits_are_in_one_block() -> None:
    entries = [bytes(31) + bytes((number,)) + bytes(32) for number in range(64)]
    made: dict[int, bytes] = {}
    top = build(TOP, entries, lambda place, node, count: made.update({place: encode(place, node, count)}))
    assert top[0] == root_of([(entry[:32], entry[32:]) for entry in entries])
    assert sorted(map(depth_of, made)) == list(range(0, 61, 6))
    assert parse(1 << 60, made[1 << 60])[1] == 64
