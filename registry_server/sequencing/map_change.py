"""A change of the map: which blocks it makes anew, and the path of each key hashed once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.prefix_tree import EMPTY
from registry_server.sequencing.errors import MapDamagedError
from registry_server.sequencing.map_block import (
    BLOCK_BITS,
    TOP,
    build,
    depth_of,
    entries_of,
    is_fork,
    stubs_of,
)
from registry_server.sequencing.map_nodes import TOP_BIT, Change, Node, Stub, built, changed, changes_at, fork_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from registry_server.sequencing.map_block import Blocks

__all__ = ["ChangedBlock", "change_map"]


class ChangedBlock(NamedTuple):
    """A block that a change has made anew, taken out or put in.

    Attributes:
        place: of the block.
        before: what it held; None for nothing.
        after: what it holds; None for nothing.
        entries: how many it has now.
    """

    place: int
    before: Node
    after: Node
    entries: int


def change_map(
    top: Node, count: int, changes: list[Change], loaded: Mapping[int, Node], blocks: Blocks
) -> tuple[Node, int, list[ChangedBlock]]:
    """Return the top block after changes, its number of entries, and all blocks that differ.

    Args:
        top: content of the top block.
        count: its number of entries.
        changes: ascending, at least one.
        loaded: the blocks on their paths, by place.
        blocks: others, which are needed where a fork becomes a leaf block.

    Raises:
        MapDamagedError: what is changed is stored otherwise than its hashes say, or than it was before.
    """
    change = _Change(loaded, blocks)
    node, count = change.block(TOP, top, count, changes)
    written = [
        ChangedBlock(place, change.before.get(place), after, entries)
        for place, (after, entries) in change.after.items()
        if after is not change.before.get(place)
    ]
    return node, count, written


class _Change:
    """One walk over the blocks that are touched.

    Attributes:
        before: what touched blocks held, by place.
        after: what they hold now, with the number of entries, by place; None for nothing.
    """

    def __init__(self, loaded: Mapping[int, Node], blocks: Blocks) -> None:
        self._loaded = loaded
        self._blocks = blocks
        self.before: dict[int, Node] = {}
        self.after: dict[int, tuple[Node, int]] = {}

    def block(self, place: int, node: Node, count: int, changes: list[Change]) -> tuple[Node, int]:
        """Return content and number of entries of a block after changes, all of which lie inside it."""
        balance, depth, forked = [0], depth_of(place), is_fork(place, count)
        if forked:
            after = self._fork(node, changes, depth, depth + BLOCK_BITS, balance)
        else:
            after = changed(node, changes, depth, balance)
        left = count + balance[0]
        if forked != is_fork(place, left):
            hash_ = EMPTY if after is None else after[0]
            if forked:
                after = built(self._merged(stubs_of(after)), depth)
            else:
                after = self._forked(place, list(entries_of(after)))
            if hash_ != (EMPTY if after is None else after[0]):
                raise MapDamagedError(got="entries that are not those of their hash")
        if after is not None and node is not None and after[0] == node[0]:
            # Nothing is different, such as where what is taken out was not there.
            return node, count
        self._note(place, node, after, left)
        return after, left

    def _note(self, place: int, before: Node, after: Node, count: int) -> None:
        self.before.setdefault(place, before)
        self.after[place] = (after, count)

    def _fork(self, node: Node, changes: list[Change], depth: int, end: int, balance: list[int]) -> Node:
        """Return a node of a fork, or one of its 64 stubs, after changes that lie inside it."""
        if len(changes) == 1:
            return self._fork_once(node, changes, depth, end, balance)
        if depth == end:
            return self._slot(node, changes, end, balance)
        left, right = _halves(node, depth)
        split = changes_at(changes, depth)
        if split:
            left = self._fork(left, changes[:split], depth + 1, end, balance)
        if split < len(changes):
            right = self._fork(right, changes[split:], depth + 1, end, balance)
        return fork_of(left, right)

    def _fork_once(self, node: Node, changes: list[Change], depth: int, end: int, balance: list[int]) -> Node:
        """Return the same after one change, which is what most paths have below the first levels."""
        # The bits that lead to the block below, the first one lowest once they are shifted.
        bits = changes[0][0] >> (TOP_BIT + 1 - end)
        beside: list[Node] = []
        for at in range(depth, end):
            left, right = node[1:] if node is not None and len(node) == 3 else _halves(node, at)  # noqa: PLR2004 - a branch
            node, other = (right, left) if bits >> (end - 1 - at) & 1 else (left, right)
            beside.append(other)
        node = self._slot(node, changes, end, balance)
        while beside:
            other = beside.pop()
            node = fork_of(other, node) if bits & 1 else fork_of(node, other)
            bits >>= 1
        return node

    def _slot(self, node: Node, changes: list[Change], depth: int, balance: list[int]) -> Node:
        """Return the stub of a block after changes; None where it has no entry."""
        place = 1 << depth | changes[0][0] >> (TOP_BIT + 1 - depth)
        if node is None:
            before, count = None, 0
        elif len(node) == 4:  # noqa: PLR2004 - a stub
            before, count = self._content(node), node[1]
        else:
            raise ValueError("a fork has stubs")
        after, left = self.block(place, before, count, changes)
        balance[0] += left - count
        return None if after is None else (after[0], left, place, None)

    def _content(self, stub: Stub) -> Node:
        place = stub[2]
        if place in self.after:
            return self.after[place][0]
        node = self._loaded.get(place)
        return self._blocks.fetch([stub])[place] if node is None else node

    def _merged(self, stubs: Iterable[Stub]) -> list[bytes]:
        """Return the entries that are left under a fork, ascending, and take the blocks that hold them out."""
        entries: list[bytes] = []
        for stub in stubs:
            content = self._content(stub)
            entries += entries_of(content)
            self._note(stub[2], content, None, 0)
        return entries

    def _forked(self, place: int, entries: list[bytes]) -> Node:
        """Return the content of a fork over entries that no leaf block holds any more, and put in the blocks below."""
        top: list[Node] = []

        def made(below: int, node: Node, count: int) -> None:
            if below == place:
                top.append(node)
            else:
                self._note(below, None, node, count)

        build(place, entries, made)
        return top[0]


def _halves(node: Node, depth: int) -> tuple[Node, Node]:
    """Return the two halves of a node of a fork at a depth; a stub of one entry may stand higher than its block."""
    if node is None:
        return None, None
    if len(node) == 3:  # noqa: PLR2004 - a branch
        return node[1], node[2]
    if len(node) == 4:  # noqa: PLR2004 - a stub
        place = node[2]
        return (None, node) if place >> (depth_of(place) - depth - 1) & 1 else (node, None)
    raise ValueError("a fork has stubs")
