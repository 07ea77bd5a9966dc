"""One proof of many leaves says what a path of each of them says, and there is one proof only."""

from __future__ import annotations

from base64 import b64decode
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.log_proof import narrow_leaves, prove_leaves, verify_leaves
from client_sdk.kernel.formats.merkle import MemoryTree, verify_inclusion
from tests.client_sdk.kernel.formats.vectors import VECTORS, load
from tests.support.naive_parts import Wrong
from tests.support.naive_proofs import naive_log_proof

INCLUSION = sorted(
    str(path.relative_to(VECTORS)) for path in (VECTORS / "merkle" / "testdata" / "inclusion").rglob("*.json")
)
GOLDEN = load("golden/proofs.json")["log"]
LEAVES = [leaf_hash(i.to_bytes(2, "big")) for i in range(300)]
TREE = MemoryTree(LEAVES)


@st.composite
def questions(draw: st.DrawFn) -> tuple[int, set[int]]:
    """A size and some places below it."""
    size = draw(st.integers(1, 40) | st.integers(1, len(LEAVES)))
    return size, draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=8))


def hashes_of(indexes: set[int]) -> dict[int, bytes]:
    return {index: LEAVES[index] for index in indexes}


def naive_proof(leaves: list[bytes], asked: set[int]) -> list[bytes]:
    """Section 7 of the formats, word for word: hashes beside the leaves, in the order of the walk."""
    if len(leaves) == 1:
        return []
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    left, right = {index for index in asked if index < k}, {index - k for index in asked if index >= k}
    found = (naive_proof(leaves[:k], left) if left else []) + (naive_proof(leaves[k:], right) if right else [])
    return found + ([] if left else [naive_root(leaves[:k])]) + ([] if right else [naive_root(leaves[k:])])


def naive_root(leaves: list[bytes]) -> bytes:
    """RFC 6962 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


@pytest.mark.parametrize("path", INCLUSION)
def test_third_party_paths_are_proofs_of_one_leaf(path: str) -> None:
    probe = load(path)
    hashes = [b64decode(text) for text in probe["proof"] or []]
    # Joined hashes have no place for an empty one among them.
    proof = b"".join(item or b"x" for item in hashes)
    arguments = (
        b64decode(probe["root"]),
        probe["treeSize"],
        {probe["leafIdx"]: b64decode(probe["leafHash"])},
        proof,
    )
    if not probe["wantErr"]:
        verify_leaves(*arguments)
        return
    with pytest.raises(ProofError):
        verify_leaves(*arguments)


@pytest.mark.parametrize("name", GOLDEN)
def test_golden_proofs(name: str) -> None:
    case = GOLDEN[name]
    leaves = {int(index): bytes.fromhex(leaf) for index, leaf in case["leaves"].items()}
    arguments = (bytes.fromhex(case["root"]), case["size"], leaves, bytes.fromhex(case["proof"]))
    verify_leaves(*arguments)
    naive_log_proof(*arguments)


@given(questions())
def test_leaves_are_proved_together_and_each_alone(question: tuple[int, set[int]]) -> None:
    size, asked = question
    proof = prove_leaves(asked, size, TREE.node)
    assert proof == b"".join(naive_proof(LEAVES[:size], asked))
    verify_leaves(TREE.root(size), size, hashes_of(asked), proof)
    for index in asked:
        alone = narrow_leaves(size, hashes_of(asked), proof, [index])
        assert alone == b"".join(TREE.inclusion_proof(index, size))
        path = [alone[at : at + 32] for at in range(0, len(alone), 32)]
        verify_inclusion(LEAVES[index], index, size, path, TREE.root(size))


@given(questions(), st.data())
def test_a_proof_of_some_leaves_follows_from_that_of_more(question: tuple[int, set[int]], data: st.DataObject) -> None:
    size, asked = question
    proof = prove_leaves(asked, size, TREE.node)
    kept = set(data.draw(st.lists(st.sampled_from(sorted(asked)), min_size=1, unique=True)))
    fewer = narrow_leaves(size, hashes_of(asked), proof, kept)
    assert fewer == prove_leaves(kept, size, TREE.node)
    verify_leaves(TREE.root(size), size, hashes_of(kept), fewer)


@given(questions(), st.data())
def test_every_other_proof_is_refused(question: tuple[int, set[int]], data: st.DataObject) -> None:
    size, asked = question
    root, leaves, proof = TREE.root(size), hashes_of(asked), prove_leaves(asked, size, TREE.node)
    parts = [proof[at : at + 32] for at in range(0, len(proof), 32)]
    wrong = [proof + b"\0", proof + bytes(32), bytes(32) + proof]
    if proof:
        at, bit = data.draw(st.integers(0, len(proof) - 1)), data.draw(st.integers(0, 7))
        wrong.append(proof[:at] + bytes((proof[at] ^ 1 << bit,)) + proof[at + 1 :])
        wrong.append(b"".join(parts[: at // 32] + parts[at // 32 + 1 :]))
    wrong += [proof[:-1], b"".join(reversed(parts))] if len(parts) > 1 else []
    for changed in wrong:
        with pytest.raises(ProofError):
            verify_leaves(root, size, leaves, changed)
        with pytest.raises(Wrong):
            naive_log_proof(root, size, leaves, changed)
    index = data.draw(st.sampled_from(sorted(asked)))
    fewer = {place: leaf for place, leaf in leaves.items() if place != index}
    elsewhere = data.draw(st.integers(-1, size + 1))
    for other in ({**leaves, index: leaf_hash(b"other")}, {**leaves, index: b""}, {**fewer, elsewhere: LEAVES[index]}):
        if other != leaves:
            with pytest.raises(ProofError):
                verify_leaves(root, size, other, proof)
    if proof or fewer:
        with pytest.raises(ProofError):
            verify_leaves(root, size, fewer, proof)


@pytest.mark.parametrize(("indexes", "size"), [([], 4), ([-1], 4), ([4], 4), ([0], 0)])
def test_leaves_to_prove_are_in_the_tree(indexes: list[int], size: int) -> None:
    with pytest.raises(FormatError) as caught:
        prove_leaves(indexes, size, TREE.node)
    assert caught.value.rule == "inclusion.index"
    with pytest.raises(ProofError) as refused:
        verify_leaves(TREE.root(4), size, dict.fromkeys(indexes, LEAVES[0]), b"")
    assert refused.value.rule == "inclusion.index"


@given(
    st.integers(0, 70),
    st.dictionaries(st.integers(-1, 70), st.binary(max_size=33), max_size=4),
    st.binary(max_size=160),
)
def test_anything_is_a_proof_or_one_error(size: int, leaves: dict[int, bytes], proof: bytes) -> None:
    with pytest.raises(ProofError):
        verify_leaves(b"\1" * 32, size, leaves, proof)
