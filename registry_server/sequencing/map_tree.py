"""The map: the prefix tree of proto/README.md 6 over blocks that are read when they are needed (docs/adr/0063).

A tree is a value: its top block, which names those below it by place and hash. ``changed`` returns a new tree, and the
blocks that are to be written with it. A reader that answers from an older HEAD keeps its tree and needs no lock, and a
commit that fails leaves nothing to undo. What is read of a block is held against the hash that the block above has: a
tree reads the blocks of its own commit, or none.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple, Self

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_page import MAX_PAGE_ENTRIES, MapPage
from client_sdk.kernel.formats.map_proof import MapProof, ordered_keys
from client_sdk.kernel.formats.prefix_tree import EMPTY
from registry_server.sequencing.map_block import BLOCK_BITS, TOP, entries_of, is_fork, parse, stubs_of
from registry_server.sequencing.map_change import ChangedBlock, change_map
from registry_server.sequencing.map_nodes import TOP_BIT, UNKNOWN, Node, Stub, bit_of, page_root, pieces
from registry_server.sequencing.map_proving import prove_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from registry_server.sequencing.map_block import Blocks

__all__ = ["ChangedMap", "MapTree"]

_RIGHT_HALF = b"\x80"
# Sets of keys of which a tree remembers the proofs.
_MAX_REMEMBERED = 256


class ChangedMap(NamedTuple):
    """A tree after some changes, with the blocks that differ from those of the tree before it."""

    tree: MapTree
    blocks: list[ChangedBlock]


class MapTree:
    """The map with some set of entries; never changed. ``MapTree()`` is the empty one.

    Args:
        top: content of the top block.
        count: number of entries.
    """

    __slots__ = ("_right_proofs", "_top", "count")

    def __init__(self, top: Node = None, count: int = 0) -> None:
        self._top = top
        self._right_proofs: dict[tuple[bytes, ...], MapProof] = {}
        self.count = count

    @classmethod
    def of_top(cls, data: bytes) -> Self:
        """Return the tree of which these are the bytes of the top block.

        Raises:
            FormatError: they are no block.
        """
        return cls(*parse(TOP, data))

    @property
    def root(self) -> bytes:
        """Root over all entries, 32 bytes."""
        return EMPTY if self._top is None else self._top[0]

    def changed(
        self, changes: Mapping[bytes, bytes | None], blocks: Blocks, before: Mapping[bytes, bytes | None] | None = None
    ) -> ChangedMap:
        """Return the tree with these values put in place, and the keys with None taken out.

        Args:
            changes: 32-byte keys with 32-byte values; a key that is not there may be taken out.
            blocks: of this tree.
            before: values that these keys must have in this tree, None for those that are not there; the others may
                have any.

        Raises:
            FormatError: a length is wrong.
            MapDamagedError: the blocks are not those of this tree, or have other values.
        """
        if not changes:
            return ChangedMap(self, [])
        for key, value in changes.items():
            if len(key) != HASH_BYTES or (value is not None and len(value) != HASH_BYTES):
                raise FormatError("map", "map.entry", want="32 bytes each")
        former = before or {}
        ordered = [(int.from_bytes(key), key, changes[key], former.get(key, UNKNOWN)) for key in sorted(changes)]
        loaded = self._along([change[0] for change in ordered], blocks)
        top, count, written = change_map(self._top, self.count, ordered, loaded, blocks)
        return ChangedMap(MapTree(top, count), written)

    def values(self, keys: Iterable[bytes], blocks: Blocks) -> dict[bytes, bytes]:
        """Return the values under keys; a key that is not there is left out.

        Raises:
            InconsistentError: the blocks are not those of this tree.
        """
        numbers, found = {key: int.from_bytes(key) for key in keys}, dict[bytes, bytes]()
        loaded = self._along(list(numbers.values()), blocks)
        for key, number in numbers.items():
            node, bit = self._top, TOP_BIT
            while node is not None and len(node) != 2:  # noqa: PLR2004 - a page
                if len(node) == 4:  # noqa: PLR2004 - a stub
                    node = loaded[node[2]]
                else:
                    node = node[2] if number >> bit & 1 else node[1]
                    bit -= 1
            for entry in () if node is None else pieces(node[1]):
                if entry.startswith(key):
                    found[key] = entry[HASH_BYTES:]
        return found

    def prove(self, keys: Iterable[bytes], blocks: Blocks) -> MapProof:
        """Return what shows whether keys are there, and with which values.

        Args:
            keys: 32 bytes each, at least one.
            blocks: of this tree.

        Raises:
            FormatError: there is none, or one has the wrong length.
            InconsistentError: the blocks are not those of this tree.
        """
        ordered, top = ordered_keys(keys), self._top
        middle = bisect_left(ordered, _RIGHT_HALF)
        if not 0 < middle < len(ordered) or top is None or len(top) != 3:  # noqa: PLR2004 - a branch
            loaded = self._along([int.from_bytes(key) for key in ordered], blocks)
            return prove_path(top, ordered, 0, loaded)
        # Each half of the map adds its own part.
        loaded = self._along([int.from_bytes(key) for key in ordered[:middle]], blocks)
        left = prove_path(top[1], ordered[:middle], 1, loaded)
        right = self._prove_right(top[2], tuple(ordered[middle:]), blocks)
        return MapProof(left.depths + right.depths, left.others + right.others, left.siblings + right.siblings)

    def _prove_right(self, node: Node, keys: tuple[bytes, ...], blocks: Blocks) -> MapProof:
        """Return the part of the directory, remembered: most answers under one HEAD show the same few of its keys."""
        proof = self._right_proofs.get(keys)
        if proof is None:
            loaded = self._along([int.from_bytes(key) for key in keys], blocks)
            proof = prove_path(node, keys, 1, loaded)
            if len(self._right_proofs) >= _MAX_REMEMBERED:
                self._right_proofs.clear()
            self._right_proofs[keys] = proof
        return proof

    def page(self, prefix: int, depth: int, blocks: Blocks) -> MapPage:
        """Return all entries whose keys begin with a prefix, with their proof.

        Args:
            prefix: the first bits of the keys, as a number.
            depth: how many bits these are, at most MAX_PAGE_DEPTH.
            blocks: of this tree.

        Raises:
            FormatError: there are more than MAX_PAGE_ENTRIES.
            InconsistentError: the blocks are not those of this tree.
        """
        node, at, siblings = self._top, 0, list[bytes]()
        while at < depth and node is not None and len(node) != 2:  # noqa: PLR2004 - a page
            if len(node) == 4:  # noqa: PLR2004 - a stub
                node = blocks.fetch([node])[node[2]]
            else:
                at += 1
                node, beside = (node[2], node[1]) if prefix >> (depth - at) & 1 else (node[1], node[2])
                siblings.append(EMPTY if beside is None else beside[0])
        inside = _under(node, depth, blocks)
        while at < depth and len(inside) > 1:
            at += 1
            halves: tuple[list[bytes], list[bytes]] = ([], [])
            for entry in inside:
                halves[bit_of(entry, at - 1)].append(entry)
            bit = prefix >> (depth - at) & 1
            inside, others = halves[bit], halves[1 - bit]
            siblings.append(page_root(others, at) if others else EMPTY)
        return MapPage(at, b"".join(inside), b"".join(reversed(siblings)))

    def replaced_in(
        self, newer: MapTree, blocks: Blocks, newer_blocks: Blocks
    ) -> Iterator[dict[int, tuple[Stub, Node]]]:
        """Yield blocks below the top that a newer tree does not have, with their stubs, by place; level by level.

        Args:
            newer: another tree.
            blocks: of this tree.
            newer_blocks: of the newer one.

        Raises:
            InconsistentError: the blocks are not those of their tree.
        """
        forks = [(self._top, newer._top)] if is_fork(TOP, self.count) else []
        while forks:
            gone, now = dict[int, Stub](), dict[int, Stub]()
            for before, after in forks:
                there = {stub[2]: stub for stub in stubs_of(after)}
                gone.update((stub[2], stub) for stub in stubs_of(before) if there.get(stub[2]) != stub)
                now |= there
            read = blocks.fetch(list(gone.values())) if gone else {}
            yield {place: (stub, read[place]) for place, stub in gone.items()}
            below = [place for place, stub in gone.items() if is_fork(place, stub[1])]
            wanted = [now[place] for place in below if place in now]
            others = newer_blocks.fetch(wanted) if wanted else {}
            forks = [(read[place], others.get(place)) for place in below]

    def _along(self, numbers: list[int], blocks: Blocks) -> dict[int, Node]:
        """Return the blocks on the paths of keys by their place, read together where they are equally deep.

        Args:
            numbers: the keys as numbers.
            blocks: of this tree.
        """
        loaded: dict[int, Node] = {}
        waiting = [(self._top, numbers)] if is_fork(TOP, self.count) else []
        bit = TOP_BIT
        while waiting:
            reached: dict[int, tuple[Stub, list[int]]] = {}
            for fork, some in waiting:
                for number in some:
                    stub = _stub_of(fork, number, bit)
                    if stub is not None:
                        reached.setdefault(stub[2], (stub, []))[1].append(number)
            loaded.update(blocks.fetch([stub for stub, _ in reached.values()]))
            waiting = [(loaded[place], some) for place, (stub, some) in reached.items() if is_fork(place, stub[1])]
            bit -= BLOCK_BITS
        return loaded


def _stub_of(fork: Node, number: int, bit: int) -> Stub | None:
    """Return the stub of a fork to which a key leads, its next bit being that one; None where there is nothing."""
    node = fork
    while node is not None and len(node) == 3:  # noqa: PLR2004 - a branch
        node = node[2] if number >> bit & 1 else node[1]
        bit -= 1
    return node if node is not None and len(node) == 4 else None  # noqa: PLR2004 - a stub


def _under(top: Node, depth: int, blocks: Blocks) -> list[bytes]:
    """Return key || value of every entry under a node, ascending; blocks of one depth are read together.

    Raises:
        FormatError: there are more than a page may hold.
    """
    entries, waiting = list[bytes](), [top]
    while waiting:
        stubs = list[Stub]()
        for node in waiting:
            entries += entries_of(node)
            stubs += stubs_of(node)
        if len(entries) + sum(stub[1] for stub in stubs) > MAX_PAGE_ENTRIES:
            want = f"at most {MAX_PAGE_ENTRIES} entries; ask for deeper pages"
            raise FormatError("prefix", "screening.page-entries", got=f"more at depth {depth}", want=want)
        waiting = list(blocks.fetch(stubs).values()) if stubs else []
    return sorted(entries)
