"""Proofs of what the map holds: one walk along the paths of some keys (``client_sdk.kernel.formats.map_proof``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_proof import MAX_DEPTH, MapProof
from client_sdk.kernel.formats.prefix_tree import EMPTY
from registry_server.sequencing.map_nodes import TOP_BIT, Node, bit_of, page_root, pieces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["prove_path"]


def prove_path(node: Node, keys: Sequence[bytes], depth: int, blocks: Mapping[int, Node]) -> MapProof:
    """Return the proof of ascending keys in a subtree; all of them lead to it.

    Args:
        node: the subtree's topmost node.
        keys: each once.
        depth: how many bits are decided above it.
        blocks: on the paths of the keys, by place.

    Raises:
        FormatError: two entries part so late that no proof shows it.
    """
    prover = _Prover(keys, blocks)
    prover.walk(node, depth)
    return MapProof(bytes(prover.depths), bytes(prover.others), b"".join(prover.siblings))


class _Prover:
    __slots__ = ("_blocks", "_keys", "_numbers", "depths", "others", "siblings")

    def __init__(self, keys: Sequence[bytes], blocks: Mapping[int, Node]) -> None:
        self._keys = keys
        self._blocks = blocks
        self._numbers = [int.from_bytes(key) for key in keys]
        self.depths = bytearray()
        self.others = bytearray()
        self.siblings: list[bytes] = []

    def walk(self, node: Node, depth: int) -> None:
        """Walk a subtree, above which so many bits are decided."""
        self._node(node, 0, len(self._keys), depth)

    def _node(self, node: Node, start: int, end: int, depth: int) -> None:
        """Walk a node with the keys from start to before end, which lead to it."""
        if end - start == 1:
            self._lone(node, start, depth)
        elif node is None or len(node) == 2:  # noqa: PLR2004 - a page
            self._page([] if node is None else pieces(node[1]), start, end, depth)
        elif len(node) == 4:  # noqa: PLR2004 - a stub
            self._node(self._blocks[node[2]], start, end, depth)
        else:
            _, left, right = node
            middle = self._middle(start, end, depth)
            if middle > start:
                self._node(left, start, middle, depth + 1)
            if middle < end:
                self._node(right, middle, end, depth + 1)
            if middle == start:
                self.siblings.append(EMPTY if left is None else left[0])
            elif middle == end:
                self.siblings.append(EMPTY if right is None else right[0])

    def _lone(self, node: Node, at: int, depth: int) -> None:
        """Walk a node with a single key, which is what most paths have below the first levels."""
        number = self._numbers[at]
        above: list[bytes] = []
        while node is not None and len(node) != 2:  # noqa: PLR2004 - a page
            if len(node) == 4:  # noqa: PLR2004 - a stub
                node = self._blocks[node[2]]
                continue
            _, left, right = node
            node, beside = (right, left) if number >> (TOP_BIT - depth) & 1 else (left, right)
            above.append(EMPTY if beside is None else beside[0])
            depth += 1
        self._page([] if node is None else pieces(node[1]), at, at + 1, depth)
        self.siblings.extend(reversed(above))

    def _page(self, entries: list[bytes], start: int, end: int, depth: int) -> None:
        """Walk the entries of one page."""
        if len(entries) <= 1:
            if depth > MAX_DEPTH:
                raise FormatError("map", "map.depth", got=f"depth {depth}", want=f"at most {MAX_DEPTH}")
            self.depths.extend([depth] * (end - start))
            if entries and entries[0][:HASH_BYTES] not in self._keys[start:end]:
                self.others += entries[0]
            return
        ones = [entry for entry in entries if bit_of(entry, depth)]
        zeros = entries[: len(entries) - len(ones)]
        middle = self._middle(start, end, depth)
        depth += 1
        if middle > start:
            self._page(zeros, start, middle, depth)
        if middle < end:
            self._page(ones, middle, end, depth)
        if middle == start:
            self.siblings.append(page_root(zeros, depth) if zeros else EMPTY)
        elif middle == end:
            self.siblings.append(page_root(ones, depth) if ones else EMPTY)

    def _middle(self, start: int, end: int, depth: int) -> int:
        """Return the place of the first key whose bit is set."""
        shift, middle = TOP_BIT - depth, start
        while middle < end and not self._numbers[middle] >> shift & 1:
            middle += 1
        return middle
