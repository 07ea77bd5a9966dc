"""The map in memory is the prefix tree of the formats, however it came about."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_proof import MapProof, prove_keys, verify_keys
from client_sdk.kernel.formats.prefix_tree import EMPTY, root_of
from registry_server.sequencing.errors import MapDamagedError
from registry_server.sequencing.map_nodes import UNKNOWN, Change, Unchecked, branch, built, changed
from registry_server.sequencing.map_tree import MapTree
from tests.support.memory_map import MemoryMap

# Few leading bits that differ, so that pages split deep down and entries part late.
crowded = st.builds(
    # No two that part in their last bit: a proof ends before it.
    lambda head, tail: bytes((head,)) + bytes(29) + (2 * tail).to_bytes(2),
    st.sampled_from((0, 1, 128)),
    st.integers(0, 0x7FFF),
)
keys = crowded | st.binary(min_size=32, max_size=32)
values = st.binary(min_size=32, max_size=32)
entries = st.dictionaries(keys, values, max_size=60)
changes = st.lists(st.dictionaries(keys, values | st.none(), max_size=30), max_size=6)


@given(entries)
def test_built_from_nothing_it_has_the_root_of_the_formats(given_entries: dict[bytes, bytes]) -> None:
    tree = MemoryMap.of(given_entries.items())
    ordered = sorted(given_entries.items())
    assert tree.root == root_of(ordered)
    assert tree.tree.count == len(ordered)
    assert list(tree.entries()) == ordered


@given(entries, changes)
def test_after_any_changes_it_has_the_root_of_what_is_left(
    start: dict[bytes, bytes], steps: list[dict[bytes, bytes | None]]
) -> None:
    tree, expected = MemoryMap.of(start.items()), dict(start)
    for step in steps:
        # Also change what is there, not only what chance hits.
        step.update(dict.fromkeys(sorted(expected)[:3]))
        before, root_before = tree.tree, tree.root
        tree.change(step)
        for key, value in step.items():
            if value is None:
                expected.pop(key, None)
            else:
                expected[key] = value
        assert before.root == root_before
        assert tree.root == root_of(sorted(expected.items()))
        assert tree.tree.count == len(expected)
        assert list(tree.entries()) == sorted(expected.items())


@given(entries, st.lists(keys, min_size=1, max_size=5), st.data())
def test_its_proofs_are_those_of_the_formats(
    given_entries: dict[bytes, bytes], more: list[bytes], data: st.DataObject
) -> None:
    tree, ordered = MemoryMap.of(given_entries.items()), sorted(given_entries.items())
    some = data.draw(st.lists(st.sampled_from(ordered), max_size=10)) if ordered else []
    asked = [*more, *(key for key, _ in some)]
    proof = tree.prove(asked)
    assert proof == prove_keys(ordered, asked)
    verify_keys(tree.root, {key: given_entries.get(key) for key in asked}, proof)
    assert [tree.get(key) for key in asked] == [given_entries.get(key) for key in asked]


def test_no_proof_reaches_the_last_bit() -> None:
    tree = MemoryMap.of([(bytes(32), bytes(32)), (bytes(31) + b"\1", bytes(32))])
    with pytest.raises(FormatError) as refused:
        tree.prove([bytes(32)])
    assert refused.value.complaint.rule == "map.depth"


def test_an_empty_map_has_the_empty_root() -> None:
    tree, nothing = MapTree(), MemoryMap()
    assert (tree.root, tree.count) == (EMPTY, 0)
    assert tree.prove([bytes(32)], nothing) == MapProof(b"\0", b"", b"")
    assert tree.changed({}, nothing).tree is tree
    assert tree.changed({bytes(32): None}, nothing).tree.root == EMPTY


def test_taking_everything_out_leaves_nothing() -> None:
    entries_ = {sha256(bytes((n,))).digest(): bytes(32) for n in range(200)}
    tree = MemoryMap.of(entries_.items())
    tree.change(dict.fromkeys(entries_))
    assert (tree.root, tree.tree.count, tree.blocks) == (EMPTY, 0, {})


@pytest.mark.parametrize("entry", [(bytes(31), bytes(32)), (bytes(32), bytes(33))])
def test_entries_of_a_wrong_length_are_refused(entry: tuple[bytes, bytes]) -> None:
    with pytest.raises(FormatError):
        MemoryMap.of([entry])
    with pytest.raises(FormatError):
        MapTree().changed(dict([entry]), MemoryMap())


def test_keys_of_a_wrong_length_and_none_are_refused() -> None:
    with pytest.raises(FormatError):
        MapTree().prove([bytes(31)], MemoryMap())
    with pytest.raises(FormatError):
        MapTree().prove([], MemoryMap())


@pytest.mark.parametrize("damaged", [False, True])
def test_entries_that_were_read_are_held_against_their_hash_also_where_two_pages_became_one(*, damaged: bool) -> None:
    zeros = [bytes((number,)) + bytes(63) for number in range(4)]
    ones = [bytes((0x80 + number,)) + bytes(63) for number in range(4)]
    page = built(zeros, 1)
    assert page is not None
    held = b"".join(zeros)
    read = (page[0], Unchecked(held[:-1] + b"\x01" if damaged else held))
    gone: list[Change] = [(int.from_bytes(entry[:32]), entry[:32], None, UNKNOWN) for entry in ones[1:]]
    joined = changed(branch(read, built(ones, 1)), gone, 0, [0])
    assert joined is not None
    assert len(joined) == 2
    key = zeros[0][:32]
    change: list[Change] = [(int.from_bytes(key), key, b"\x07" * 32, UNKNOWN)]
    if damaged:
        with pytest.raises(MapDamagedError):
            changed(joined, change, 0, [0])
    else:
        assert changed(joined, change, 0, [0]) == built([key + b"\x07" * 32, *zeros[1:], ones[0]], 0)
