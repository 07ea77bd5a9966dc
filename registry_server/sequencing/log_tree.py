"""A Merkle tree over tiles in storage: appended to in memory, proved from a cache of tiles (RFC 6962, C2SP tlog-tiles).

Complete nodes never change, so one cache serves every size: a proof for a size reads only nodes that were complete at
that size. The tiles at the right edge stay in memory; others are loaded when a proof needs them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import Frontier, consistency_proof, node_hash, root_at
from client_sdk.kernel.formats.tiles import TILE_HEIGHT, TILE_WIDTH
from registry_server.storage.errors import StorageError
from registry_server.storage.leaves import StoredTile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    TileLoader = Callable[[int, int], bytes | None]

__all__ = ["LogTree", "PathReader", "StagedTiles"]

# Tiles kept beside those at the right edge; with its inner nodes a tile takes about 35 KB.
_CACHED_TILES = 1_024
_NO_EDGE = b""


class StagedTiles(NamedTuple):
    """A tree after further leaves, not yet part of the log.

    Attributes:
        size: number of leaves.
        root: of all of them.
        frontier: bytes of ``formats.merkle.Frontier``.
        tiles: every tile that is new or wider than before.
        leaf_hashes: the further leaves.
    """

    size: int
    root: bytes
    frontier: bytes
    tiles: list[StoredTile]
    leaf_hashes: list[bytes]


class _TileNodes:
    """The hashes of one tile with the complete nodes above them, by height in the tile."""

    __slots__ = ("heights",)

    def __init__(self, hashes: bytes = b"") -> None:
        self.heights: list[list[bytes]] = [[] for _ in range(TILE_HEIGHT)]
        self.extend([hashes[start : start + HASH_BYTES] for start in range(0, len(hashes), HASH_BYTES)])

    def extend(self, hashes: Sequence[bytes]) -> None:
        """Add hashes to the right."""
        self.heights[0].extend(hashes)
        for height in range(1, TILE_HEIGHT):
            below, level = self.heights[height - 1], self.heights[height]
            level.extend(node_hash(below[at], below[at + 1]) for at in range(2 * len(level), len(below) - 1, 2))


class LogTree:
    """One of the two trees.

    Args:
        tree: value of ``tiles.tree``.
        load: reads the hashes of a stored tile by level and index.
        frontier: of the leaves that are stored.

    Raises:
        FormatError: the tiles at the right edge are not those of the frontier.
    """

    def __init__(self, tree: str, load: TileLoader, frontier: Frontier | None = None) -> None:
        self._tree = tree
        self._load = load
        self._spare: TileLoader | None = None
        self._frontier = Frontier() if frontier is None else frontier
        self._loading = threading.Lock()
        self._tiles: dict[tuple[int, int], _TileNodes] = {}
        # Width of the rightmost tile of each level, and that tile: what further leaves extend.
        self._edges: list[_TileNodes] = []
        self._open_edges()

    def load_also(self, spare: TileLoader) -> None:
        """Read stored tiles from a second place where the first one fails."""
        self._spare = spare

    @property
    def size(self) -> int:
        """Number of leaves."""
        return self._frontier.size

    @property
    def frontier(self) -> bytes:
        """Bytes of the frontier."""
        return self._frontier.to_bytes()

    @property
    def root(self) -> bytes:
        """Root of all leaves."""
        return self._frontier.root()

    def root_of(self, size: int) -> bytes:
        """Return the root of the first so many leaves.

        Raises:
            FormatError: there are fewer.
        """
        if size > self.size:
            raise FormatError("tree", "tree.size", got=str(size), want=f"at most {self.size}")
        return root_at(size, self.node)

    def stage(self, leaf_hashes: list[bytes]) -> StagedTiles:
        """Return the tree after further leaves, without changing this one."""
        frontier = self._frontier.copy()
        filled = frontier.extend(leaf_hashes)
        tiles: list[StoredTile] = []
        level, start, fresh = 0, self.size, leaf_hashes
        while fresh:
            tiles += self._widened(level, start, fresh)
            start //= TILE_WIDTH
            level += 1
            fresh = [tile.node for tile in filled if tile.height == level * TILE_HEIGHT]
        return StagedTiles(frontier.size, frontier.root(), frontier.to_bytes(), tiles, leaf_hashes)

    def apply(self, staged: StagedTiles) -> None:
        """Make staged leaves, which are stored by now, part of the tree."""
        for tile in staged.tiles:
            edge = self._edge(tile.level)
            have = len(edge.heights[0]) if (tile.level, tile.tile_index) in self._tiles else 0
            if not have:
                edge = self._edges[tile.level] = self._tiles[tile.level, tile.tile_index] = _TileNodes()
            hashes = tile.hashes
            edge.extend([hashes[at : at + HASH_BYTES] for at in range(have * HASH_BYTES, len(hashes), HASH_BYTES)])
        self._frontier = Frontier.from_bytes(staged.frontier)

    def node(self, height: int, index: int) -> bytes:
        """Return a complete node.

        Raises:
            FormatError: storage does not hold it.
        """
        level, inner = divmod(height, TILE_HEIGHT)
        tile_index, offset = divmod(index, TILE_WIDTH >> inner)
        try:
            return self.tile(level, tile_index)[inner][offset]
        except IndexError:
            raise FormatError("tile", "tile.width", got=f"level {level}", want="a complete node") from None

    def tile(self, level: int, tile_index: int) -> list[list[bytes]]:
        """Return the complete nodes of a tile by their height in it.

        Raises:
            FormatError: storage does not hold it.
        """
        return (self._tiles.get((level, tile_index)) or self._loaded(level, tile_index)).heights

    def paths(self, size: int) -> PathReader:
        """Return a reader of inclusion paths in the tree of that many leaves."""
        return PathReader(self, size)

    def inclusion(self, index: int, size: int) -> tuple[bytes, ...]:
        """Return the path of a leaf in the tree of that many leaves, leaf's sibling first.

        Raises:
            FormatError: the leaf is outside the tree.
        """
        return self.paths(size).path(index)

    def consistency(self, older: int, newer: int) -> tuple[bytes, ...]:
        """Return the consistency proof: the newer tree begins with the older one (RFC 6962 2.1.2).

        Raises:
            FormatError: the sizes are not 0 < older <= newer <= size.
        """
        if newer > self.size:
            raise FormatError("consistency proof", "consistency.sizes", got=str(newer), want=f"at most {self.size}")
        return tuple(consistency_proof(older, newer, self.node))

    def _edge(self, level: int) -> _TileNodes:
        while len(self._edges) <= level:
            self._edges.append(_TileNodes())
        return self._edges[level]

    def _widened(self, level: int, start: int, fresh: Sequence[bytes]) -> Iterable[StoredTile]:
        """Yield the tiles of one level that hold fresh hashes, the first of which is number ``start`` of the level."""
        tile_index, offset = divmod(start, TILE_WIDTH)
        at = 0
        while at < len(fresh):
            more = fresh[at : at + TILE_WIDTH - offset]
            before = self._edge(level).heights[0][:offset] if offset else []
            yield StoredTile(self._tree, level, tile_index, b"".join([*before, *more]))
            at += len(more)
            tile_index, offset = tile_index + 1, 0

    def _open_edges(self) -> None:
        nodes, level = self.size, 0
        while nodes:
            full, width = divmod(nodes, TILE_WIDTH)
            # A full rightmost tile is never extended; the next one begins empty.
            hashes = (self._load(level, full) or b"")[: width * HASH_BYTES] if width else b""
            edge = _TileNodes(hashes)
            if len(edge.heights[0]) != width:
                raise FormatError("tile", "tile.width", got=f"{len(edge.heights[0])} hashes", want=f"{width} hashes")
            self._edges.append(edge)
            if width:
                self._tiles[level, full] = edge
            nodes, level = full, level + 1
        self._check_edges()

    def _check_edges(self) -> None:
        """Compare the tiles at the right edge with the frontier, which the head row keeps."""
        size = self.size
        heights = [height for height in reversed(range(size.bit_length())) if size >> height & 1]
        nodes = [self.node(height, (size >> height) - 1) for height in heights]
        if self.frontier[8:] != b"".join(nodes):
            raise FormatError("tile", "tile.frontier", want="the tiles of the head row's frontier")

    def _loaded(self, level: int, tile_index: int) -> _TileNodes:
        hashes = self._stored(level, tile_index)
        if not hashes:
            raise FormatError("tile", "tile.stored", got=f"level {level}, tile {tile_index}", want="a stored tile")
        tile = _TileNodes(hashes)
        if len(hashes) == TILE_WIDTH * HASH_BYTES:
            with self._loading:
                if len(self._tiles) >= _CACHED_TILES + len(self._edges):
                    self._forget_some()
                self._tiles.setdefault((level, tile_index), tile)
        return tile

    def _stored(self, level: int, tile_index: int) -> bytes | None:
        try:
            return self._load(level, tile_index)
        except StorageError:
            if self._spare is None:
                raise
            return self._spare(level, tile_index)

    def _forget_some(self) -> None:
        """Drop the older half of the cached tiles; those at the edge stay."""
        edges = {id(edge) for edge in self._edges}
        old = [place for place, tile in self._tiles.items() if id(tile) not in edges][: _CACHED_TILES // 2]
        for place in old:
            del self._tiles[place]


class PathReader:
    """Inclusion paths in the tree of one size; what lies on the right edge is hashed once.

    Args:
        tree: that has them.
        size: number of leaves.
    """

    __slots__ = ("_edge", "_size", "_tiles", "_tree")

    def __init__(self, tree: LogTree, size: int) -> None:
        self._tree = tree
        self._size = size
        self._edge: list[bytes] = []
        # Of a tile of leaves: the siblings that may be in it, by height, and those above it.
        self._tiles: dict[int, tuple[list[list[bytes]], list[bytes]]] = {}
        # edge[h]: the hash over the leaves right of the last complete node of height h; empty where there are none.
        below = _NO_EDGE
        for height in range(size.bit_length()):
            self._edge.append(below)
            if size >> height & 1:
                last = tree.node(height, (size >> height) - 1)
                below = node_hash(last, below) if below else last

    def path(self, index: int) -> tuple[bytes, ...]:
        """Return the path of a leaf, leaf's sibling first.

        Raises:
            FormatError: the leaf is outside the tree.
        """
        if not 0 <= index < self._size:
            raise FormatError("inclusion proof", "inclusion.index", got=f"index {index}", want=f"below {self._size}")
        tile, place = divmod(index, TILE_WIDTH)
        inside, above = self._tiles.get(tile) or self._opened(tile)
        path: list[bytes] = []
        for nodes in inside:
            sibling = place ^ 1
            if sibling < len(nodes):
                path.append(nodes[sibling])
            place >>= 1
        return (*path, *above)

    def _opened(self, tile: int) -> tuple[list[list[bytes]], list[bytes]]:
        """Return what the paths of all leaves of a tile are taken from."""
        inside: list[list[bytes]] = []
        above: list[bytes] = []
        heights = self._tree.tile(0, tile)
        for height, edge in enumerate(self._edge):
            complete = self._size >> height
            if height < TILE_HEIGHT:
                first, width = tile << (TILE_HEIGHT - height), TILE_WIDTH >> height
                nodes = heights[height][: max(complete - first, 0)]
                inside.append([*nodes, edge] if edge and first <= complete < first + width else nodes)
            else:
                sibling = tile >> (height - TILE_HEIGHT) ^ 1
                if sibling < complete:
                    above.append(self._tree.node(height, sibling))
                elif sibling == complete and edge:
                    above.append(edge)
        self._tiles[tile] = (inside, above)
        return inside, above
