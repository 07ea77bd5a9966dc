from __future__ import annotations

from base64 import b64decode
from hashlib import sha256
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.merkle import (
    EMPTY_ROOT,
    Frontier,
    MemoryTree,
    TileRoot,
    inclusion_proof,
    node_hash,
    root_at,
    root_from_inclusion,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.client_sdk.kernel.formats.vectors import VECTORS, load

TESTDATA = VECTORS / "merkle" / "testdata"
INCLUSION = sorted(str(path.relative_to(VECTORS)) for path in (TESTDATA / "inclusion").rglob("*.json"))
CONSISTENCY = sorted(str(path.relative_to(VECTORS)) for path in (TESTDATA / "consistency").rglob("*.json"))
HASHER = load("rfc6962-hasher/hasher_and_tree.json")
LEAVES = [leaf_hash(i.to_bytes(2, "big")) for i in range(600)]
TREE = MemoryTree(LEAVES)

sizes = st.integers(1, len(LEAVES))


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """RFC 6962 2.1.2, word for word."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_proof(m, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], whole=False), naive_root(leaves[:k])]


def flipped(value: bytes, bit: int) -> bytes:
    return (int.from_bytes(value, "big") ^ 1 << bit).to_bytes(len(value), "big")


def test_all_probes_are_there() -> None:
    assert (len(INCLUSION), len(CONSISTENCY)) == (98, 98)


@pytest.mark.parametrize("path", INCLUSION)
def test_third_party_inclusion(path: str) -> None:
    probe = load(path)
    proof = [b64decode(text) for text in probe["proof"] or []]
    arguments = (b64decode(probe["leafHash"]), probe["leafIdx"], probe["treeSize"], proof, b64decode(probe["root"]))
    if not probe["wantErr"]:
        verify_inclusion(*arguments)
        return
    with pytest.raises(ProofError):
        verify_inclusion(*arguments)


@pytest.mark.parametrize("path", CONSISTENCY)
def test_third_party_consistency(path: str) -> None:
    probe = load(path)
    proof = [b64decode(text) for text in probe["proof"] or []]
    arguments = (probe["size1"], probe["size2"], proof, b64decode(probe["root1"]), b64decode(probe["root2"]))
    if not probe["wantErr"]:
        verify_consistency(*arguments)
        return
    with pytest.raises(ProofError):
        verify_consistency(*arguments)


def test_third_party_hashes() -> None:
    assert EMPTY_ROOT.hex() == HASHER["empty_root"]
    assert leaf_hash(b"").hex() == HASHER["leaf_of_empty"]
    assert leaf_hash(HASHER["leaf"]["input_ascii"].encode()).hex() == HASHER["leaf"]["hash"]
    node = HASHER["node"]
    assert node_hash(node["left_ascii"].encode(), node["right_ascii"].encode()).hex() == node["hash"]


def test_third_party_tree() -> None:
    leaves = [leaf_hash(bytes.fromhex(text)) for text in HASHER["leaf_inputs_hex"]]
    tree, frontier = MemoryTree(), Frontier()
    for size, want in enumerate(HASHER["roots"]):
        assert root_of(leaves[:size]).hex() == want
        assert frontier.root().hex() == want
        assert tree.root().hex() == want
        if size < len(leaves):
            tree.append(leaves[size])
            frontier.append(leaves[size])
    for size, want in enumerate(HASHER["roots"]):
        assert tree.root(size).hex() == want


def test_every_small_tree_agrees_with_the_text_of_the_rfc() -> None:
    for size in range(1, 40):
        leaves = LEAVES[:size]
        root = naive_root(leaves)
        assert root_of(leaves) == TREE.root(size) == root
        for index in range(size):
            path = TREE.inclusion_proof(index, size)
            assert path == naive_path(index, leaves)
            verify_inclusion(leaves[index], index, size, path, root)
        for older in range(1, size + 1):
            proof = TREE.consistency_proof(older, size)
            assert proof == naive_proof(older, leaves)
            verify_consistency(older, size, proof, naive_root(leaves[:older]), root)


@given(sizes, st.data())
def test_a_path_proves_its_leaf_and_nothing_else(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root, path = TREE.root(size), TREE.inclusion_proof(index, size)
    assert root_from_inclusion(LEAVES[index], index, size, path) == root
    bit = data.draw(st.integers(0, 255))
    wrong = [
        (flipped(LEAVES[index], bit), index, size, path, root),
        (LEAVES[index], index, size, path, flipped(root, bit)),
    ]
    if path:
        place = data.draw(st.integers(0, len(path) - 1))
        wrong += [
            (LEAVES[index], index, size, [*path[:place], flipped(path[place], bit), *path[place + 1 :]], root),
            (LEAVES[index], index, size, [*path[:place], *path[place + 1 :]], root),
            (LEAVES[index], index, size, [*path[:place], path[place][:31], *path[place + 1 :]], root),
        ]
    wrong += [(LEAVES[index], index, size, [*path, root], root), (LEAVES[index], index, size, [root, *path], root)]
    other = data.draw(st.integers(-1, size).filter(lambda i: i != index))
    wrong.append((LEAVES[index], other, size, path, root))
    for arguments in wrong:
        with pytest.raises(ProofError):
            verify_inclusion(*arguments)


@given(sizes, sizes, st.data())
def test_a_consistency_proof_proves_its_trees_and_no_others(m: int, n: int, data: st.DataObject) -> None:
    m, n = min(m, n), max(m, n)
    older, newer, proof = TREE.root(m), TREE.root(n), TREE.consistency_proof(m, n)
    verify_consistency(m, n, proof, older, newer)
    bit = data.draw(st.integers(0, 255))
    wrong = [
        (m, n, proof, flipped(older, bit), newer),
        (m, n, proof, older, flipped(newer, bit)),
        (m, n, [*proof, newer], older, newer),
        (m, n, [older, *proof], older, newer),
        (n + 1, n, proof, older, newer),
        (0, n, proof, older, newer),
        (-1, n, proof, older, newer),
    ]
    if proof:
        place = data.draw(st.integers(0, len(proof) - 1))
        wrong += [
            (m, n, [*proof[:place], flipped(proof[place], bit), *proof[place + 1 :]], older, newer),
            (m, n, [*proof[:place], *proof[place + 1 :]], older, newer),
            (m, n, [*proof[:place], proof[place] + b"\0", *proof[place + 1 :]], older, newer),
        ]
    for arguments in wrong:
        with pytest.raises(ProofError):
            verify_consistency(*arguments)


@given(
    st.binary(max_size=33),
    st.integers(-1, 2**70),
    st.integers(-1, 2**70),
    st.lists(st.binary(min_size=31, max_size=33), max_size=70),
)
def test_anything_is_a_proof_or_one_error(leaf: bytes, m: int, n: int, proof: list[bytes]) -> None:
    with pytest.raises(ProofError):
        verify_inclusion(leaf, m, n, proof, leaf + b"x")
    with pytest.raises(ProofError):
        verify_consistency(m, n, proof, leaf, leaf + b"x")


@given(st.lists(st.integers(0, 300), max_size=4))
def test_a_frontier_grows_as_the_tree_and_names_the_tiles_it_fills(steps: list[int]) -> None:
    frontier, size, filled = Frontier(), 0, list[TileRoot]()
    for step in steps:
        step = min(step, len(LEAVES) - size)  # noqa: PLW2901 - the leaves come to an end
        filled += frontier.extend(LEAVES[size : size + step])
        size += step
        assert (frontier.size, frontier.root()) == (size, TREE.root(size))
        frontier = Frontier.from_bytes(frontier.to_bytes())
    assert filled == [TileRoot(8, i, TREE.node(8, i)) for i in range(size // 256)]


def test_a_frontier_names_tiles_of_every_level_in_order() -> None:
    leaves = [i.to_bytes(32, "big") for i in range(65_536)]
    frontier = Frontier()
    filled = frontier.extend(leaves)
    assert [(root.height, root.index) for root in filled] == [*((8, i) for i in range(256)), (16, 0)]
    assert filled[-1].node == frontier.root() == root_of(leaves)


def test_a_copy_of_a_frontier_grows_on_its_own() -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:5])
    twin = frontier.copy()
    twin.append(LEAVES[5])
    assert (frontier.size, frontier.root()) == (5, TREE.root(5))
    assert (twin.size, twin.root()) == (6, TREE.root(6))


@given(st.binary(max_size=80))
def test_any_bytes_are_a_frontier_or_one_error(data: bytes) -> None:
    try:
        frontier = Frontier.from_bytes(data)
    except FormatError:
        return
    assert frontier.to_bytes() == data


def test_a_tree_tells_what_it_does_not_have() -> None:
    tree = MemoryTree(LEAVES[:3])
    for height, index in ((0, 3), (1, 1), (2, 0), (-1, 0), (0, -1)):
        with pytest.raises(FormatError):
            tree.node(height, index)
    for ask in (lambda: tree.root(4), lambda: tree.inclusion_proof(3, 3), lambda: tree.consistency_proof(0, 3)):
        with pytest.raises(FormatError):
            ask()
    with pytest.raises(FormatError):
        tree.consistency_proof(2, 4)
    with pytest.raises(FormatError):
        tree.root(-1)


def test_generators_read_complete_nodes_only() -> None:
    read: set[tuple[int, int]] = set()
    size = 600

    def node(height: int, index: int) -> bytes:
        assert (index + 1) << height <= size
        read.add((height, index))
        return TREE.node(height, index)

    assert root_at(size, node) == TREE.root(size)
    assert len(read) == size.bit_count()
    for index in (0, 255, 511, 599):
        read.clear()
        inclusion_proof(index, size, node)
        assert len(read) <= 2 * size.bit_length()


def test_roots_of_sizes_that_follow_each_other_are_consistent_by_one_chain() -> None:
    checkpoints = [1, 2, 3, 64, 65, 256, 257, 599, 600]
    for older, newer in pairwise(checkpoints):
        verify_consistency(older, newer, TREE.consistency_proof(older, newer), TREE.root(older), TREE.root(newer))
