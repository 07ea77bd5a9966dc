"""The Merkle tree of the log: hashes, roots, inclusion and consistency proofs (RFC 6962 2.1).

    leaf = SHA-256(0x00 || data)      node = SHA-256(0x01 || left || right)      tree of nothing = SHA-256("")

A node is named by (height, index): it covers the leaves [index * 2^height, (index + 1) * 2^height). Generators read
only nodes that are complete, the ones that never change once they exist. Verification follows RFC 9162 2.1.3.2 and
2.1.4.2.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Self

from client_sdk.kernel.formats.encoding import HASH_BYTES, u64
from client_sdk.kernel.formats.errors import FormatError, ProofError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    NodeReader = Callable[[int, int], bytes]

__all__ = [
    "EMPTY_ROOT",
    "MAX_PROOF_HASHES",
    "Frontier",
    "MemoryTree",
    "TileRoot",
    "consistency_proof",
    "inclusion_proof",
    "left_width",
    "node_hash",
    "path_length",
    "range_root",
    "root_at",
    "root_from_inclusion",
    "root_of",
    "verify_consistency",
    "verify_inclusion",
]

EMPTY_ROOT = sha256(b"").digest()
# A tree of at most 2^63 leaves has no longer path (C2SP tlog-proof).
MAX_PROOF_HASHES = 63
_NODE_PREFIX = b"\x01"
_TILE_HEIGHT = 8
_SIZE_BYTES = 8


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, 32 bytes."""
    return sha256(_NODE_PREFIX + left + right).digest()


def root_of(leaf_hashes: Iterable[bytes]) -> bytes:
    """Return the root of the tree over these leaf hashes, in order; `EMPTY_ROOT` for none."""
    level = list(leaf_hashes)
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        # A last node without a partner moves up unchanged: the split at the largest power of two, from below.
        odd = level[-1:] if len(level) % 2 else []
        level = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)] + odd
    return level[0]


def path_length(index: int, size: int) -> int:
    """Return how many hashes the path of a leaf has, index below size (RFC 9162 2.1.3.2)."""
    inner = (index ^ (size - 1)).bit_length()
    # Beyond the inner part every sibling is a complete subtree on the left.
    return inner + (index >> inner).bit_count()


def root_from_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes:
    """Return the root that a path from leaf to root leads to.

    Args:
        leaf_hash: 32 bytes.
        index: the leaf's place, from 0.
        size: number of leaves in the tree.
        proof: the siblings, leaf's first, 32 bytes each.

    Raises:
        ProofError: the place is outside the tree, or the path has the wrong length or hashes of a wrong length.
    """
    if not 0 <= index < size:
        raise ProofError("inclusion proof", "inclusion.index", got=f"index {index}", want=f"below the size {size}")
    inner, length = (index ^ (size - 1)).bit_length(), path_length(index, size)
    if len(proof) != length:
        raise ProofError("inclusion proof", "inclusion.length", got=f"{len(proof)} hashes", want=f"{length}")
    _require_hashes("inclusion proof", leaf_hash, *proof)
    node = leaf_hash
    for level, sibling in enumerate(proof):
        if level >= inner or index >> level & 1:
            node = sha256(_NODE_PREFIX + sibling + node).digest()
        else:
            node = sha256(_NODE_PREFIX + node + sibling).digest()
    return node


def verify_inclusion(leaf_hash: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Verify an inclusion proof (RFC 9162 2.1.3.2).

    Raises:
        ProofError: it does not, or the proof has not the one form that it can have.
    """
    if not hmac.compare_digest(root_from_inclusion(leaf_hash, index, size, proof), root):
        raise ProofError("inclusion proof", "inclusion.root", want="the root of the checkpoint")


def verify_consistency(m: int, n: int, proof: Sequence[bytes], root_m: bytes, root_n: bytes) -> None:
    """Verify a consistency proof: the tree of n leaves begins with the tree of m leaves (RFC 9162 2.1.4.2).

    Args:
        m: size of the older tree, at least 1: an empty tree proves nothing, its callers say what they do with it.
        n: size of the newer tree.
        proof: the nodes of RFC 6962 2.1.2, 32 bytes each; none if the sizes are equal.
        root_m: root of the older tree.
        root_n: root of the newer tree.

    Raises:
        ProofError: it does not, or the proof has not the one form that it can have.
    """
    if not 0 < m <= n:
        raise ProofError("consistency proof", "consistency.sizes", got=f"{m} and {n}", want="0 < older <= newer")
    if m == n:
        if proof:
            raise ProofError("consistency proof", "consistency.length", got=f"{len(proof)} hashes", want="none")
        if root_m != root_n:
            raise ProofError("consistency proof", "consistency.root", want="equal roots for equal sizes")
        return
    if not proof:
        raise ProofError("consistency proof", "consistency.length", got="none", want="hashes")
    _require_hashes("consistency proof", root_m, root_n, *proof)
    older, newer = _fold_consistency(m, n, proof if m & (m - 1) else (root_m, *proof))
    if older != root_m:
        raise ProofError("consistency proof", "consistency.older-root", want="the older root")
    if newer != root_n:
        raise ProofError("consistency proof", "consistency.newer-root", want="the newer root")


def _fold_consistency(m: int, n: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the older and the newer root that a path leads to (RFC 9162 2.1.4.2, steps 4 to 6)."""
    older_edge, newer_edge = m - 1, n - 1
    while older_edge & 1:
        older_edge >>= 1
        newer_edge >>= 1
    older = newer = path[0]
    for sibling in path[1:]:
        if newer_edge == 0:
            raise ProofError("consistency proof", "consistency.length", want="fewer hashes")
        if older_edge & 1 or older_edge == newer_edge:
            older = node_hash(sibling, older)
            newer = node_hash(sibling, newer)
            while older_edge and not older_edge & 1:
                older_edge >>= 1
                newer_edge >>= 1
        else:
            newer = node_hash(newer, sibling)
        older_edge >>= 1
        newer_edge >>= 1
    if newer_edge:
        raise ProofError("consistency proof", "consistency.length", want="more hashes")
    return older, newer


def root_at(size: int, node: NodeReader) -> bytes:
    """Return the root of the first `size` leaves.

    Args:
        size: number of leaves.
        node: reads the hash of a complete node by (height, index).

    Raises:
        FormatError: the size is negative.
    """
    if size < 0:
        raise FormatError("tree", "tree.size", got=str(size), want="0 or more")
    return range_root(0, size, node) if size else EMPTY_ROOT


def inclusion_proof(index: int, size: int, node: NodeReader) -> list[bytes]:
    """Return the path of a leaf in the tree of `size` leaves, leaf's sibling first (RFC 6962 2.1.1).

    Args:
        index: the leaf's place, from 0.
        size: number of leaves.
        node: reads the hash of a complete node by (height, index).

    Raises:
        FormatError: the place is outside the tree.
    """
    if not 0 <= index < size:
        raise FormatError("inclusion proof", "inclusion.index", got=f"index {index}", want=f"below the size {size}")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + left_width(end - start)
        if index < middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(start, middle, node))
            start = middle
    return path[::-1]


def consistency_proof(m: int, n: int, node: NodeReader) -> list[bytes]:
    """Return the consistency proof: the tree of n leaves begins with the tree of m leaves (RFC 6962 2.1.2).

    Args:
        m: size of the older tree, at least 1.
        n: size of the newer tree.
        node: reads the hash of a complete node by (height, index).

    Raises:
        FormatError: the sizes are not 0 < m <= n.
    """
    if not 0 < m <= n:
        raise FormatError("consistency proof", "consistency.sizes", got=f"{m} and {n}", want="0 < older <= newer")
    path: list[bytes] = []
    start, end = 0, n
    # Follow the older tree's right edge down to a subtree that belongs to both trees whole.
    while m != end:
        middle = start + left_width(end - start)
        if m <= middle:
            path.append(range_root(middle, end, node))
            end = middle
        else:
            path.append(range_root(start, middle, node))
            start = middle
    if start:
        path.append(range_root(start, end, node))
    return path[::-1]


@dataclass(frozen=True, slots=True)
class TileRoot:
    """The hash of a full tile: what the tile above it holds (C2SP tlog-tiles).

    Attributes:
        height: of the node, a multiple of 8 above 0.
        index: of the node at this height.
        node: its hash, 32 bytes.
    """

    height: int
    index: int
    node: bytes


class Frontier:
    """The right edge of a growing tree: all that is needed to append and to tell the root, at most 64 hashes.

    bytes = size (8 bytes, big-endian) || the roots of its complete subtrees, largest first, 32 bytes each
    """

    __slots__ = ("_nodes", "_size")

    def __init__(self) -> None:
        self._size = 0
        self._nodes: list[bytes] = []

    @property
    def size(self) -> int:
        """Number of leaves appended so far."""
        return self._size

    def append(self, leaf_hash: bytes) -> None:
        """Append one leaf hash of 32 bytes."""
        self.extend((leaf_hash,))

    def extend(self, leaf_hashes: Iterable[bytes]) -> list[TileRoot]:
        """Append leaf hashes of 32 bytes each, in order.

        Returns:
            The roots of the tiles that these leaves have filled, in the order in which they were filled.
        """
        nodes, size = self._nodes, self._size
        filled: list[TileRoot] = []
        for leaf_hash in leaf_hashes:
            node, height, index = leaf_hash, 0, size
            # Every trailing one bit of the size is a complete subtree that waits for its right half.
            while index & 1:
                node = sha256(_NODE_PREFIX + nodes.pop() + node).digest()
                height += 1
                index >>= 1
                if height % _TILE_HEIGHT == 0:
                    filled.append(TileRoot(height, index, node))
            nodes.append(node)
            size += 1
        self._size = size
        return filled

    def root(self) -> bytes:
        """Return the root of all leaves appended so far."""
        if not self._nodes:
            return EMPTY_ROOT
        root = self._nodes[-1]
        for left in self._nodes[-2::-1]:
            root = node_hash(left, root)
        return root

    def copy(self) -> Frontier:
        """Return a frontier of the same leaves that grows on its own."""
        twin = Frontier()
        twin._size, twin._nodes = self._size, self._nodes.copy()
        return twin

    def to_bytes(self) -> bytes:
        """Return the bytes from which the frontier is read again."""
        return u64(self._size) + b"".join(self._nodes)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Return the frontier of bytes that `to_bytes` wrote.

        Raises:
            FormatError: the length does not fit the size.
        """
        size = int.from_bytes(data[:_SIZE_BYTES], "big")
        want = _SIZE_BYTES + size.bit_count() * HASH_BYTES
        if len(data) != want:
            raise FormatError("frontier", "frontier.length", got=f"{len(data)} bytes", want=f"{want} bytes")
        frontier = cls()
        frontier._size = size
        frontier._nodes = [data[i : i + HASH_BYTES] for i in range(_SIZE_BYTES, len(data), HASH_BYTES)]
        return frontier


class MemoryTree:
    """A whole tree in memory, every complete node of it: for auditors and for trees of one commit."""

    __slots__ = ("_levels",)

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        self._levels: list[list[bytes]] = [[]]
        self.extend(leaf_hashes)

    @property
    def size(self) -> int:
        """Number of leaves."""
        return len(self._levels[0])

    def append(self, leaf_hash: bytes) -> None:
        """Append one leaf hash of 32 bytes."""
        self.extend((leaf_hash,))

    def extend(self, leaf_hashes: Iterable[bytes]) -> None:
        """Append leaf hashes of 32 bytes each, in order."""
        self._levels[0].extend(leaf_hashes)
        height = 0
        while len(self._levels[height]) > 1:
            below = self._levels[height]
            if len(self._levels) == height + 1:
                self._levels.append([])
            level = self._levels[height + 1]
            level.extend(node_hash(below[i], below[i + 1]) for i in range(2 * len(level), len(below) - 1, 2))
            height += 1

    def node(self, height: int, index: int) -> bytes:
        """Return the hash of a complete node.

        Raises:
            FormatError: the tree has no such complete node.
        """
        if not 0 <= height < len(self._levels) or not 0 <= index < len(self._levels[height]):
            raise FormatError("tree", "tree.node", got=f"height {height}, index {index}", want="a complete node")
        return self._levels[height][index]

    def root(self, size: int | None = None) -> bytes:
        """Return the root of the first `size` leaves, of all of them if no size is given.

        Raises:
            FormatError: the tree has fewer leaves, or the size is negative.
        """
        return root_at(self.size if size is None else size, self.node)

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """Return the path of a leaf in the tree of the first `size` leaves.

        Raises:
            FormatError: the place is outside the tree.
        """
        return inclusion_proof(index, size, self.node)

    def consistency_proof(self, m: int, n: int) -> list[bytes]:
        """Return the consistency proof: the first n leaves begin with the first m.

        Raises:
            FormatError: the sizes are not 0 < m <= n, or the tree has fewer leaves.
        """
        return consistency_proof(m, n, self.node)


def left_width(width: int) -> int:
    """Return the largest power of two strictly below a width of at least 2: where RFC 6962 2.1 halves a tree."""
    return 1 << (width - 1).bit_length() - 1


def range_root(start: int, end: int, node: NodeReader) -> bytes:
    """Return the hash over the leaves [start, end), where start is a multiple of a power of two >= the width."""
    pieces = []
    while start < end:
        height = (end - start).bit_length() - 1
        pieces.append(node(height, start >> height))
        start += 1 << height
    root = pieces.pop()
    while pieces:
        root = node_hash(pieces.pop(), root)
    return root


def _require_hashes(part: str, *hashes: bytes) -> None:
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise ProofError(part, "proof.hash-length", got=f"{len(value)} bytes", want=f"{HASH_BYTES} bytes")
