from __future__ import annotations

from hashlib import sha256
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.prefix_tree import (
    EMPTY,
    MapProof,
    leaf_node,
    parent,
    prove,
    root_of,
    verify_absence,
    verify_presence,
)
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


def key_of(bits: str) -> bytes:
    return int(bits.ljust(256, "0"), 2).to_bytes(32, "big")


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


def check(root: bytes, key: bytes, value: bytes | None, proof: MapProof) -> None:
    if value is None:
        verify_absence(root, key, proof.siblings, proof.other)
    else:
        assert proof.other is None
        verify_presence(root, key, value, proof.siblings)


@pytest.mark.parametrize("tree", VECTORS["trees"], ids=lambda tree: tree["name"])
def test_third_party_trees(tree: dict[str, Any]) -> None:
    entries, root = pairs(tree["entries"]), bytes.fromhex(tree["root"])
    assert root_of(entries) == root
    assert tree["proofs"]
    for case in tree["proofs"]:
        key = bytes.fromhex(case["key"])
        siblings = tuple(bytes.fromhex(text) for text in case["siblings_deepest_first"])
        assert len(siblings) == case["depth"]
        other = None
        if case["result"] == "absent_other_entry":
            other = (bytes.fromhex(case["other_key"]), bytes.fromhex(case["other_value"]))
        value = bytes.fromhex(case["value"]) if case["result"] == "present" else None
        proof = MapProof(siblings, other)
        check(root, key, value, proof)
        assert prove(entries, key) == proof


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
    assert prove([], VALUE) == MapProof(())
    verify_absence(EMPTY, VALUE, (), None)
    with pytest.raises(ProofError):
        verify_presence(EMPTY, VALUE, VALUE, ())


@given(trees)
def test_the_fast_root_is_the_root_of_the_formula(entries: Entries) -> None:
    assert root_of(entries) == naive_root(entries)


@given(trees, keys, st.binary(min_size=32, max_size=32))
def test_a_key_is_proved_present_or_absent_and_never_the_other(entries: Entries, key: bytes, value: bytes) -> None:
    root, held = root_of(entries), dict(entries)
    for asked in (*held, key):
        proof = prove(entries, asked)
        check(root, asked, held.get(asked), proof)
        if asked in held:
            with pytest.raises(ProofError):
                verify_absence(root, asked, proof.siblings, None)
            with pytest.raises(ProofError):
                verify_absence(root, asked, proof.siblings, (asked, held[asked]))
        if held.get(asked) != value:
            with pytest.raises(ProofError):
                verify_presence(root, asked, value, proof.siblings)


@given(trees.filter(lambda entries: len(entries) > 1), keys, keys, st.data())
def test_no_proof_is_good_for_another_key_of_the_map(
    entries: Entries, absent: bytes, other: bytes, data: st.DataObject
) -> None:
    root, held = root_of(entries), dict(entries)
    key, value = data.draw(st.sampled_from(entries))
    proofs = [prove(entries, asked) for asked in (*held, absent, other)]
    for proof in proofs:
        for empty_or_other in (None, proof.other, data.draw(st.sampled_from(entries))):
            with pytest.raises(ProofError):
                verify_absence(root, key, proof.siblings, empty_or_other)
    if absent not in held:
        for proof in proofs:
            with pytest.raises(ProofError):
                verify_presence(root, absent, value, proof.siblings)


@given(trees.filter(len), keys, st.data())
def test_each_changed_bit_of_a_proof_is_refused(entries: Entries, key: bytes, data: st.DataObject) -> None:
    root, value = root_of(entries), dict(entries).get(key)
    proof = prove(entries, key)
    flip = 1 << data.draw(st.integers(0, 255))

    def flipped(raw: bytes) -> bytes:
        return (int.from_bytes(raw, "big") ^ flip).to_bytes(32, "big")

    wrong: list[tuple[bytes, bytes, bytes | None, MapProof]] = [(flipped(root), key, value, proof)]
    if proof.siblings:
        place = data.draw(st.integers(0, len(proof.siblings) - 1))
        before, after = proof.siblings[:place], proof.siblings[place + 1 :]
        wrong += [
            (root, key, value, MapProof((*before, flipped(proof.siblings[place]), *after), proof.other)),
            (root, key, value, MapProof(before + after, proof.other)),
            (root, key, value, MapProof((*before, proof.siblings[place][1:], *after), proof.other)),
        ]
    if proof.other is not None:
        wrong += [
            (root, key, None, MapProof(proof.siblings, (flipped(proof.other[0]), proof.other[1]))),
            (root, key, None, MapProof(proof.siblings, (proof.other[0], flipped(proof.other[1])))),
            (root, key, None, MapProof(proof.siblings, (key, proof.other[1]))),
            (root, key, None, MapProof(proof.siblings, (proof.other[0], b""))),
        ]
    for arguments in wrong:
        with pytest.raises(ProofError):
            check(*arguments)


def test_another_entry_must_belong_in_the_place() -> None:
    held, asked = key_of("00"), key_of("01")
    # A root that no map yields: the entry 00… hangs in the place of 01….
    root = parent(parent(VALUE, leaf_node(held, VALUE)), VALUE)
    with pytest.raises(ProofError) as refused:
        verify_absence(root, asked, (VALUE, VALUE), (held, VALUE))
    assert refused.value.rule == "map-proof.other-place"
    with pytest.raises(ProofError) as refused:
        verify_absence(root, held, (VALUE, VALUE), (held, VALUE))
    assert refused.value.rule == "map-proof.other-key"


def test_a_place_with_nothing_beside_it_is_refused() -> None:
    held, asked = key_of("0000"), key_of("0001")
    leaf = leaf_node(held, VALUE)
    root = parent(leaf, EMPTY)
    with pytest.raises(ProofError) as refused:
        verify_presence(root, held, VALUE, (EMPTY,))
    assert refused.value.rule == "map-proof.canonical"
    with pytest.raises(ProofError) as refused:
        verify_absence(root, asked, (EMPTY,), (held, VALUE))
    assert refused.value.rule == "map-proof.canonical"
    with pytest.raises(ProofError) as refused:
        verify_absence(parent(EMPTY, EMPTY), asked, (EMPTY,), None)
    assert refused.value.rule == "map-proof.canonical"


def test_proofs_end_where_keys_end() -> None:
    one, two = bytes(32), bytes(31) + b"\1"
    entries = [(one, VALUE), (two, VALUE)]
    root, siblings = root_of(entries), prove(entries, one).siblings
    assert len(siblings) == 256
    verify_presence(root, one, VALUE, siblings)
    with pytest.raises(ProofError) as refused:
        verify_presence(root, one, VALUE, (*siblings, VALUE))
    assert refused.value.rule == "map-proof.length"
    for other in (None, (two, VALUE)):
        with pytest.raises(ProofError) as refused:
            verify_absence(root, one, siblings, other)
        assert refused.value.rule == "map-proof.length"


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


def test_a_key_to_prove_has_32_bytes() -> None:
    with pytest.raises(FormatError) as refused:
        prove([(VALUE, VALUE)], VALUE[1:])
    assert refused.value.rule == "map.key"


@given(
    st.binary(min_size=31, max_size=33),
    st.binary(min_size=31, max_size=33),
    st.lists(st.binary(min_size=31, max_size=33) | st.just(EMPTY), max_size=260),
    st.none() | st.tuples(st.binary(max_size=33), st.binary(max_size=33)),
)
def test_anything_is_a_proof_or_one_error(
    root: bytes, key: bytes, siblings: list[bytes], other: tuple[bytes, bytes] | None
) -> None:
    with pytest.raises(ProofError):
        verify_presence(root, key, key, siblings)
    with pytest.raises(ProofError):
        verify_absence(b"\1" + root[1:], key, siblings, other)
