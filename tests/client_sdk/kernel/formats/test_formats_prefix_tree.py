from __future__ import annotations

from hashlib import sha256
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.prefix_tree import EMPTY, root_of
from tests.client_sdk.kernel.formats.vectors import load

Entries: TypeAlias = list[tuple[bytes, bytes]]

VECTORS = load("prefix-tree/prefix_tree.json")
VALUE = bytes(range(32))


def naive_root(entries: Entries, depth: int = 0) -> bytes:
    """Section 6 of the formats, word for word."""
    if not entries:
        return bytes(32)
    if len(entries) == 1:
        return sha256(b"\x02" + entries[0][0] + entries[0][1]).digest()
    sides: tuple[Entries, Entries] = ([], [])
    for key, value in entries:
        sides[key[depth // 8] >> (7 - depth % 8) & 1].append((key, value))
    return sha256(b"\x03" + naive_root(sides[0], depth + 1) + naive_root(sides[1], depth + 1)).digest()


def near(base: bytes, bits: list[int]) -> bytes:
    number = int.from_bytes(base, "big")
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(32, "big")


# Keys that part early and keys that part late: random ones alone never meet below bit 20.
keys = st.binary(min_size=32, max_size=32) | st.lists(st.integers(0, 255), max_size=3).map(
    lambda bits: near(VALUE, bits)
)
trees = st.dictionaries(keys, st.binary(min_size=32, max_size=32), max_size=12).map(lambda tree: sorted(tree.items()))


def pairs(rows: list[list[str]]) -> Entries:
    return sorted((bytes.fromhex(key), bytes.fromhex(value)) for key, value in rows)


@pytest.mark.parametrize("tree", VECTORS["trees"], ids=lambda tree: tree["name"])
def test_third_party_trees(tree: dict[str, Any]) -> None:
    assert root_of(pairs(tree["entries"])) == bytes.fromhex(tree["root"])


def test_third_party_growth_and_shrinkage() -> None:
    held: dict[bytes, bytes] = {}
    for step in VECTORS["steps"]:
        for key in step["remove"]:
            del held[bytes.fromhex(key)]
        held.update(pairs(step["add"]))
        assert len(held) == step["count"]
        assert root_of(sorted(held.items())).hex() == step["root"]


def test_an_empty_map() -> None:
    assert root_of([]) == EMPTY == bytes(32)


@given(trees)
def test_the_fast_root_is_the_root_of_the_formula(entries: Entries) -> None:
    assert root_of(entries) == naive_root(entries)


@pytest.mark.parametrize(
    ("entries", "rule"),
    [
        ([(b"\1" * 32, VALUE), (b"\0" * 32, VALUE)], "map.order"),
        ([(VALUE, VALUE), (VALUE, VALUE)], "map.order"),
        ([(VALUE[1:], VALUE)], "map.entry"),
        ([(VALUE, VALUE + b"\0")], "map.entry"),
        ([(bytes(32), VALUE), (VALUE, VALUE), (VALUE + b"\0", VALUE)], "map.entry"),
    ],
)
def test_what_is_no_list_of_entries(entries: Entries, rule: str) -> None:
    with pytest.raises(FormatError) as refused:
        root_of(entries)
    assert refused.value.rule == rule
