"""Proof that several leaves stand in a Merkle tree, by one root (proto/README.md 7).

A proof gives the hashes of the subtrees beside the leaves, each once; a subtree in which one of the leaves stands is
computed instead. A tree has one proof for a set of leaves:

    walk(leaves in [start, end)) = the leaf hash, where there is room for one leaf only
                                 = SHA-256(0x01 || walk(left half) || walk(right half)), halved as in RFC 6962 2.1

with the next hash, once the other half has been walked, for a half in which there is no leaf. For one leaf this is its
inclusion path (RFC 6962 2.1.1).
"""

from __future__ import annotations

import hmac
from bisect import bisect_left
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.merkle import left_width, node_hash, range_root

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from client_sdk.kernel.formats.merkle import NodeReader

__all__ = ["narrow_leaves", "prove_leaves", "verify_leaves"]

_PART = "log proof"


def prove_leaves(indexes: Iterable[int], size: int, node: NodeReader) -> bytes:
    """Return the proof of leaves in the tree of ``size`` leaves: hashes of 32 bytes, joined.

    Args:
        indexes: the leaves' places, from 0; at least one.
        size: number of leaves in the tree.
        node: reads the hash of a complete node by (height, index).

    Raises:
        FormatError: there is none, or a place is outside the tree.
    """
    ordered = sorted(set(indexes))
    if not ordered or not 0 <= ordered[0] <= ordered[-1] < size:
        raise FormatError(_PART, "inclusion.index", want=f"one leaf or more, below {size}")
    hashes = bytearray()

    def walk(first: int, last: int, start: int, end: int) -> None:
        if end - start == 1:
            return
        middle = start + left_width(end - start)
        split = bisect_left(ordered, middle, first, last)
        if split > first:
            walk(first, split, start, middle)
        if split < last:
            walk(split, last, middle, end)
        if split == first:
            hashes.extend(range_root(start, middle, node))
        elif split == last:
            hashes.extend(range_root(middle, end, node))

    walk(0, len(ordered), 0, size)
    return bytes(hashes)


def verify_leaves(root: bytes, size: int, leaves: Mapping[int, bytes], proof: bytes) -> None:
    """Accept that leaves with these hashes stand at these places of the tree.

    Args:
        root: 32 bytes.
        size: number of leaves in the tree.
        leaves: leaf hashes by index.
        proof: hashes of 32 bytes, joined.

    Raises:
        ProofError: they do not, or the proof has not the one form that it can have.
    """
    if not hmac.compare_digest(_walked(size, leaves, proof, None)[0], root):
        raise ProofError(_PART, "inclusion.root", want="the root of the checkpoint")


def narrow_leaves(size: int, leaves: Mapping[int, bytes], proof: bytes, kept: Collection[int]) -> bytes:
    """Return the proof of some of the leaves, as the tree itself would yield it.

    Args:
        size: number of leaves in the tree.
        leaves: as they were verified.
        proof: that was verified for them.
        kept: indexes of some of them.

    Raises:
        ProofError: the proof is not one of these leaves.
    """
    return _walked(size, leaves, proof, frozenset(kept))[1]


def _walked(size: int, leaves: Mapping[int, bytes], proof: bytes, kept: frozenset[int] | None) -> tuple[bytes, bytes]:
    """Return the root to which a proof leads, and the proof of the leaves that are kept."""
    ordered = sorted(leaves)
    if not ordered or not 0 <= ordered[0] <= ordered[-1] < size:
        raise ProofError(_PART, "inclusion.index", want=f"one leaf or more, below the size {size}")
    if len(proof) % HASH_BYTES or any(len(leaf) != HASH_BYTES for leaf in leaves.values()):
        raise ProofError(_PART, "proof.hash-length", want=f"{HASH_BYTES} bytes each")
    at, fewer = 0, bytearray()

    def take() -> bytes:
        nonlocal at
        at += HASH_BYTES
        if at > len(proof):
            raise ProofError(_PART, "inclusion.length", got=f"{len(proof) // HASH_BYTES} hashes", want="more")
        return proof[at - HASH_BYTES : at]

    def walk(first: int, last: int, start: int, end: int) -> bytes:
        if end - start == 1:
            return leaves[ordered[first]]
        middle = start + left_width(end - start)
        split = bisect_left(ordered, middle, first, last)
        left = walk(first, split, start, middle) if split > first else None
        right = walk(split, last, middle, end) if split < last else None
        left, right = left or take(), right or take()
        if kept is not None:
            here, there = kept.isdisjoint(ordered[first:split]), kept.isdisjoint(ordered[split:last])
            if here is not there:
                fewer.extend(left if here else right)
        return node_hash(left, right)

    root = walk(0, len(ordered), 0, size)
    if at != len(proof):
        got, want = f"{len(proof) // HASH_BYTES} hashes", f"{at // HASH_BYTES}"
        raise ProofError(_PART, "inclusion.length", got=got, want=want)
    return root, bytes(fewer)
