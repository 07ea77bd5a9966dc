"""A map whose blocks are kept as bytes in a dictionary: the tree of the registry without its database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_server.sequencing.map_block import TOP, encode, entries_of, parse
from registry_server.sequencing.map_tree import MapTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from client_sdk.kernel.formats.map_page import MapPage
    from client_sdk.kernel.formats.map_proof import MapProof
    from registry_server.sequencing.map_nodes import Node, Stub

__all__ = ["MemoryMap"]


class MemoryMap:
    """A map with its blocks. Every block is parsed from its bytes whenever it is read."""

    def __init__(self) -> None:
        self.tree = MapTree()
        self.blocks: dict[int, bytes] = {}
        self.written = 0

    @classmethod
    def of(cls, entries: Iterable[tuple[bytes, bytes]]) -> MemoryMap:
        """Return the map of entries."""
        made = cls()
        made.change(dict(entries))
        return made

    def fetch(self, stubs: Sequence[Stub]) -> dict[int, Node]:
        """Return the content of blocks, each with the hash and number of entries that its stub names."""
        found: dict[int, Node] = {}
        for hash_, count, place, _ in stubs:
            node, entries = parse(place, self.blocks[place])
            assert node is not None
            assert (node[0], entries) == (hash_, count)
            found[place] = node
        return found

    def change(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Change the map, and write its blocks."""
        self.tree, blocks = self.tree.changed(changes, self)
        self.written = len(blocks)
        for place, _, after, count in blocks:
            if after is None:
                del self.blocks[place]
            else:
                self.blocks[place] = encode(place, after, count)
        if TOP in self.blocks:
            self.tree = MapTree.of_top(self.blocks[TOP])

    @property
    def root(self) -> bytes:
        """Root of the map."""
        return self.tree.root

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key."""
        return self.tree.values([key], self).get(key)

    def prove(self, keys: Iterable[bytes]) -> MapProof:
        """Return the proof of some keys."""
        return self.tree.prove(keys, self)

    def page(self, prefix: int, depth: int) -> MapPage:
        """Return the page of a prefix."""
        return self.tree.page(prefix, depth, self)

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of every entry, ascending."""
        held = sorted(entry for place, data in self.blocks.items() for entry in _entries(place, data))
        yield from ((entry[:32], entry[32:]) for entry in held)


def _entries(place: int, data: bytes) -> list[bytes]:
    return list(entries_of(parse(place, data)[0]))
