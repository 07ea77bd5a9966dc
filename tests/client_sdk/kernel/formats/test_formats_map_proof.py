"""One proof of many keys says what a proof of each of them alone says, and there is one proof only."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.map_proof import MAX_DEPTH, MapProof, narrow_keys, prove_keys, verify_keys
from client_sdk.kernel.formats.prefix_tree import EMPTY, leaf_node, parent, root_of
from tests.client_sdk.kernel.formats.vectors import load
from tests.support.naive_parts import Wrong
from tests.support.naive_proofs import naive_map_proof

if TYPE_CHECKING:
    from collections.abc import Callable

Asked: TypeAlias = dict[bytes, bytes | None]

VECTORS = load("prefix-tree/prefix_tree.json")
GOLDEN = load("golden/proofs.json")["map"]
VALUE = bytes(range(32))
PARTS = ("depths", "others", "siblings")


def key_of(bits: str) -> bytes:
    return int(bits.ljust(256, "0"), 2).to_bytes(32, "big")


def near(bits: list[int]) -> bytes:
    number = int.from_bytes(VALUE, "big")
    for bit in bits:
        number ^= 1 << bit
    return number.to_bytes(32, "big")


# Keys that part early and keys that part late, but none that part in their last bit; and few enough of them by their
# first bits that absent ones meet in one place.
keys = (
    st.binary(min_size=32, max_size=32)
    | st.lists(st.integers(1, 255), max_size=3).map(near)
    | st.text("01", min_size=5, max_size=5).map(key_of)
)
values = st.binary(min_size=32, max_size=32)
maps = st.dictionaries(keys, values, max_size=12)


def last_bit_parts(held: Asked) -> bool:
    return len({key[:31] + bytes((key[31] & 0xFE,)) for key in held}) < len(held)


@st.composite
def questions(draw: st.DrawFn, least: int = 0) -> tuple[dict[bytes, bytes], Asked]:
    """A map, and keys in it and beside it with what it holds under them."""
    held = draw(maps.filter(lambda held: len(held) >= least))
    some = draw(st.lists(st.sampled_from(sorted(held)), max_size=6)) if held else []
    asked = {*some, *draw(st.lists(keys, min_size=not some, max_size=6))}
    whole: Asked = {**dict.fromkeys(asked), **held}
    if last_bit_parts(whole):
        held, asked = {VALUE: VALUE}, {VALUE}
    return held, {key: held.get(key) for key in asked}


def proved(held: dict[bytes, bytes], asked: Asked) -> tuple[bytes, MapProof]:
    entries = sorted(held.items())
    return root_of(entries), prove_keys(entries, asked)


def naive_siblings(entries: list[tuple[bytes, bytes]], asked: set[bytes], depth: int = 0) -> list[bytes]:
    """Section 6 of the formats, word for word: hashes beside the places of keys, in the order of the walk."""
    if len(entries) < 2:
        return []
    found: list[bytes] = []
    beside: list[bytes] = []
    for bit in (0, 1):
        inside = [entry for entry in entries if entry[0][depth // 8] >> (7 - depth % 8) & 1 == bit]
        there = {key for key in asked if key[depth // 8] >> (7 - depth % 8) & 1 == bit}
        if there:
            found += naive_siblings(inside, there, depth + 1)
        else:
            beside.append(root_of(inside, depth + 1))
    return found + beside


def fold(key: bytes, node: bytes, siblings: list[bytes]) -> bytes:
    """The root to which a proof of one key leads: how the draft folds a path."""
    number = int.from_bytes(key, "big") >> (256 - len(siblings))
    for sibling in siblings:
        pair = sibling + node if number & 1 else node + sibling
        node, number = sha256(b"\x03" + pair).digest(), number >> 1
    return node


def changes(data: bytes, width: int, draw: Callable[[int], int]) -> list[bytes]:
    """Bytes that differ from these by a bit, a byte, or an item of some width that is missing, more or moved."""
    items = [data[at : at + width] for at in range(0, len(data), width)]
    at, other = draw(len(items)), draw(len(items))
    found = [b"".join([*items[:at], bytes(width), *items[at:]]), data[:-1], data + b"\0"]
    if items:
        place = draw(len(data) - 1)
        flipped = data[:place] + bytes((data[place] ^ 1 << draw(7),)) + data[place + 1 :]
        moved = [*items[:at], *items[at + 1 :]]
        moved.insert(other, items[min(at, len(items) - 1)])
        found += [flipped, b"".join(items[:at] + items[at + 1 :]), b"".join(moved), b"".join(reversed(items))]
    return [changed for changed in found if changed != data]


@pytest.mark.parametrize("tree", VECTORS["trees"], ids=lambda tree: tree["name"])
def test_third_party_proofs(tree: dict[str, Any]) -> None:
    entries = sorted((bytes.fromhex(key), bytes.fromhex(value)) for key, value in tree["entries"])
    root = bytes.fromhex(tree["root"])
    asked: Asked = {}
    for case in tree["proofs"]:
        key, siblings = bytes.fromhex(case["key"]), "".join(case["siblings_deepest_first"])
        other = case["other_key"] + case["other_value"] if case["result"] == "absent_other_entry" else ""
        if case["depth"] > MAX_DEPTH:
            # Two keys that part in their last bit: of hashes there are none.
            with pytest.raises(FormatError):
                prove_keys(entries, [key])
            continue
        proof = MapProof(bytes((case["depth"],)), bytes.fromhex(other), bytes.fromhex(siblings))
        asked[key] = bytes.fromhex(case["value"]) if case["result"] == "present" else None
        verify_keys(root, {key: asked[key]}, proof)
        assert prove_keys(entries, [key]) == proof
    # All of them by one proof.
    if not asked:
        return
    together = prove_keys(entries, asked)
    verify_keys(root, asked, together)
    assert len(together.siblings) <= sum(len(case["siblings_deepest_first"]) for case in tree["proofs"]) * 32


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_proofs(name: str) -> None:
    case = GOLDEN[name]
    root = bytes.fromhex(case["root"])
    asked: Asked = {
        bytes.fromhex(key): None if value is None else bytes.fromhex(value) for key, value in case["asked"].items()
    }
    proof = MapProof(*(bytes.fromhex(case[part]) for part in PARTS))
    verify_keys(root, asked, proof)
    naive_map_proof(root, asked, (proof.depths, proof.others, proof.siblings))


@given(questions())
def test_keys_are_proved_together_and_each_alone(question: tuple[dict[bytes, bytes], Asked]) -> None:
    held, asked = question
    root, proof = proved(held, asked)
    verify_keys(root, asked, proof)
    assert proof.siblings == b"".join(naive_siblings(sorted(held.items()), set(asked)))
    for at, key in enumerate(sorted(asked)):
        alone = narrow_keys(asked, proof, [key])
        assert alone == prove_keys(sorted(held.items()), [key])
        assert alone.depths == proof.depths[at : at + 1]
        siblings = [alone.siblings[place : place + 32] for place in range(0, len(alone.siblings), 32)]
        value = asked[key]
        if value is not None:
            node = leaf_node(key, value)
        else:
            node = leaf_node(alone.others[:32], alone.others[32:]) if alone.others else EMPTY
        assert fold(key, node, siblings) == root


@given(questions(), st.data())
def test_a_proof_of_some_keys_follows_from_that_of_more(
    question: tuple[dict[bytes, bytes], Asked], data: st.DataObject
) -> None:
    held, asked = question
    root, proof = proved(held, asked)
    kept = data.draw(st.lists(st.sampled_from(sorted(asked)), min_size=1, unique=True))
    fewer = narrow_keys(asked, proof, kept)
    assert fewer == prove_keys(sorted(held.items()), kept)
    verify_keys(root, {key: asked[key] for key in kept}, fewer)


@given(questions(least=1), values, st.data())
def test_no_proof_shows_anything_else(
    question: tuple[dict[bytes, bytes], Asked], value: bytes, data: st.DataObject
) -> None:
    held, asked = question
    root, proof = proved(held, asked)
    key = data.draw(st.sampled_from(sorted(asked)))
    lies: list[bytes | None] = [None, value, bytes(32), value[1:]]
    for lie in lies:
        if lie != asked[key]:
            with pytest.raises(ProofError):
                verify_keys(root, {**asked, key: lie}, proof)
    fewer = {other: asked[other] for other in asked if other != key}
    with pytest.raises(ProofError):
        verify_keys(root, fewer, proof)
    beside = data.draw(keys.filter(lambda new: new not in asked and new not in held))
    for claim in (None, value):
        with pytest.raises(ProofError):
            verify_keys(root, {**asked, beside: claim}, proof)
    with pytest.raises(ProofError):
        verify_keys(root, {**fewer, beside: value}, MapProof(proof.depths, b"", proof.siblings))
    with pytest.raises(ProofError):
        verify_keys(bytes((root[0] ^ 1,)) + root[1:], asked, proof)


@given(questions(least=1), st.data())
def test_every_other_proof_is_refused(question: tuple[dict[bytes, bytes], Asked], data: st.DataObject) -> None:
    held, asked = question
    root, proof = proved(held, asked)
    parts = (proof.depths, proof.others, proof.siblings)
    naive_map_proof(root, asked, parts)
    for at, width in enumerate((1, 64, 32)):
        for changed in changes(parts[at], width, lambda most: data.draw(st.integers(0, most))):
            wrong = replace(proof, **{PARTS[at]: changed})
            with pytest.raises(ProofError):
                verify_keys(root, asked, wrong)
            with pytest.raises(Wrong):
                naive_map_proof(root, asked, (wrong.depths, wrong.others, wrong.siblings))


def refused(root: bytes, asked: Asked, proof: MapProof) -> str:
    with pytest.raises(ProofError) as caught:
        verify_keys(root, asked, proof)
    return caught.value.rule


ZERO, ONE, TWO, THREE = (key_of(bits) for bits in ("000", "001", "010", "011"))


def test_absent_keys_share_a_place() -> None:
    held = {ZERO: VALUE, key_of("1"): VALUE}
    asked: Asked = dict.fromkeys((ONE, TWO, THREE))
    root, proof = proved(held, asked)
    assert proof == MapProof(b"\1\1\1", ZERO + VALUE, leaf_node(key_of("1"), VALUE))
    verify_keys(root, asked, proof)
    # Beside the entry itself it is no other one.
    root, proof = proved(held, {ZERO: VALUE, **asked})
    assert proof == MapProof(b"\1\1\1\1", b"", leaf_node(key_of("1"), VALUE))
    verify_keys(root, {ZERO: VALUE, **asked}, proof)
    again = MapProof(proof.depths, ZERO + VALUE, proof.siblings)
    assert refused(root, {ZERO: VALUE, **asked}, again) == "map-proof.other-place"


def test_two_entries_do_not_share_a_place() -> None:
    root = parent(leaf_node(ZERO, VALUE), VALUE)
    proof = MapProof(b"\1\1", b"", VALUE)
    assert refused(root, {ZERO: VALUE, ONE: VALUE}, proof) == "map-proof.place"


def test_keys_of_one_place_have_one_depth() -> None:
    held = {ZERO: VALUE, key_of("1"): VALUE}
    asked: Asked = dict.fromkeys((ONE, TWO))
    root, proof = proved(held, asked)
    for depths in (b"\1\2", b"\2\1", b"\0\1", b"\1\0", b"\0\0"):
        rule = refused(root, asked, MapProof(depths, proof.others, proof.siblings))
        assert rule in {"map-proof.depths", "map-proof.length", "map-proof.other-place", "map-proof.root"}
    for depths in (b"", b"\1", b"\1\1\1"):
        assert refused(root, asked, MapProof(depths, proof.others, proof.siblings)) == "map-proof.depths"


def test_another_entry_must_belong_in_the_place() -> None:
    # A root that no map yields: the entry 000… hangs in the place of 001….
    root = parent(parent(VALUE, leaf_node(ZERO, VALUE)), VALUE)
    proof = MapProof(b"\2", ZERO + VALUE, VALUE + VALUE)
    assert refused(root, {THREE: None}, proof) == "map-proof.other-place"
    root = parent(parent(leaf_node(ZERO, VALUE), VALUE), VALUE)
    assert refused(root, {ZERO: None}, proof) == "map-proof.other-key"
    assert refused(root, {ZERO: None, ONE: None}, MapProof(b"\2\2", *(ZERO + VALUE, VALUE + VALUE))) == (
        "map-proof.other-key"
    )


def test_a_branch_has_two_entries_under_it() -> None:
    node = leaf_node(ZERO, VALUE)
    alone = parent(node, EMPTY)
    assert refused(alone, {ZERO: VALUE}, MapProof(b"\1", b"", EMPTY)) == "map-proof.canonical"
    assert refused(alone, {ONE: None}, MapProof(b"\1", ZERO + VALUE, EMPTY)) == "map-proof.canonical"
    assert refused(parent(EMPTY, EMPTY), {ONE: None}, MapProof(b"\1", b"", EMPTY)) == "map-proof.canonical"
    far = key_of("1")
    # The places of both halves are known, and hold one entry together, or none.
    assert refused(alone, {ZERO: VALUE, far: None}, MapProof(b"\1\1", b"", b"")) == "map-proof.canonical"
    nothing: Asked = {ZERO: None, far: None}
    assert refused(parent(EMPTY, EMPTY), nothing, MapProof(b"\1\1", b"", b"")) == "map-proof.canonical"
    # Two absent keys that part above an empty place.
    asked: Asked = {ZERO: None, TWO: None}
    root = parent(parent(EMPTY, EMPTY), VALUE)
    assert refused(root, asked, MapProof(b"\2\2", b"", VALUE)) == "map-proof.canonical"
    # Three entries over two levels are none too few.
    held = {ZERO: VALUE, ONE: VALUE, far: VALUE}
    root, proof = proved(held, {ZERO: VALUE, TWO: None})
    verify_keys(root, {ZERO: VALUE, TWO: None}, proof)


def test_an_empty_map_and_a_map_of_one() -> None:
    asked: Asked = {ZERO: None, ONE: None}
    assert prove_keys([], asked) == MapProof(b"\0\0", b"", b"")
    verify_keys(EMPTY, asked, MapProof(b"\0\0", b"", b""))
    root, proof = proved({TWO: VALUE}, asked)
    assert proof == MapProof(b"\0\0", TWO + VALUE, b"")
    verify_keys(root, asked, proof)


def test_no_proof_reaches_the_last_bit() -> None:
    one, two = bytes(32), bytes(31) + b"\1"
    with pytest.raises(FormatError) as caught:
        prove_keys([(one, VALUE), (two, VALUE)], [one])
    assert caught.value.rule == "map.depth"


@pytest.mark.parametrize("asked", [[], [VALUE[1:]], [VALUE, VALUE + b"\0"]])
def test_keys_to_prove_have_32_bytes(asked: list[bytes]) -> None:
    with pytest.raises(FormatError) as caught:
        prove_keys([(VALUE, VALUE)], asked)
    assert caught.value.rule == "map.key"


def test_nothing_asked_is_not_proved() -> None:
    assert refused(EMPTY, {}, MapProof(b"", b"", b"")) == "map-proof.depths"


@given(
    st.binary(min_size=31, max_size=33),
    st.dictionaries(st.binary(min_size=31, max_size=33), st.none() | st.binary(min_size=31, max_size=33), max_size=5),
    st.binary(max_size=6) | st.lists(st.integers(0, 4), max_size=5).map(bytes),
    st.binary(max_size=70) | st.binary(min_size=128, max_size=128),
    st.binary(max_size=70) | st.binary(min_size=160, max_size=160),
)
def test_anything_is_a_proof_or_one_error(
    root: bytes, asked: Asked, depths: bytes, others: bytes, siblings: bytes
) -> None:
    with pytest.raises(ProofError):
        verify_keys(b"\1" + root[1:], asked, MapProof(depths, others, siblings))
