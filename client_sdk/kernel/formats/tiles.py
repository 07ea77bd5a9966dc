"""Tiles: paths, widths and content of the tree's tile files (C2SP tlog-tiles).

    tile/<level>/<n>[.p/<width>]       up to 256 hashes; entry i of tile (L, n) is the node (8 L, 256 n + i)
    tile/entries/<n>[.p/<width>]       up to 256 leaves, each  length (2 bytes, big-endian) || data

n is written in groups of three digits, all but the last marked with an x: 1234067 is x001/x234/067.

The registry stores and serves tiles of hashes by level and number; paths and entry bundles are for mirrors of the log,
which hold both as files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import root_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "MAX_ENTRY_BYTES",
    "TILE_HEIGHT",
    "TILE_WIDTH",
    "EntryBundle",
    "NodePlace",
    "Tile",
    "entries_path",
    "entries_path_of",
    "entry_bundle",
    "node_from_tile",
    "node_place",
    "parse_entry_bundle",
    "parse_path",
    "tile_path",
    "tiles_of",
]

TILE_HEIGHT = 8
TILE_WIDTH = 256
# What the 2-byte length of an entry can tell.
MAX_ENTRY_BYTES = 65_535

_MAX_LEVEL = 63
# A log of 2^64 leaves has no tile beyond this one.
_MAX_TILE_INDEX = (1 << 56) - 1
_LENGTH_BYTES = 2
# So that an index has at most 18 digits.
_PATH = re.compile(
    r"tile/(?:(?P<level>0|[1-9][0-9]?)|entries)/(?P<n>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A tile of hashes.

    Attributes:
        level: 0 for leaf hashes, one more for every 8 heights.
        index: place of the tile at its level.
        width: number of hashes, 256 if it is full.
    """

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Path of the tile."""
        return tile_path(self.level, self.index, self.width)


@dataclass(frozen=True, slots=True)
class EntryBundle:
    """A bundle of leaves, as a file.

    Attributes:
        index: place of the bundle, the same as that of its tile of level 0.
        width: number of leaves, 256 if it is full.
    """

    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Path of the entry bundle."""
        return entries_path(self.index, self.width)


class NodePlace(NamedTuple):
    """Position of a tree node in a tile: it is the root over 2^height_in_tile hashes of a tile from `offset` on."""

    level: int
    tile_index: int
    height_in_tile: int
    offset: int


def node_place(height: int, index: int) -> NodePlace:
    """Return the tile that holds the complete node (height, index), and where in it.

    Raises:
        FormatError: there is no such node.
    """
    if height < 0 or index < 0:
        raise FormatError("tile", "tile.node", got=f"height {height}, index {index}", want="a node")
    level, height_in_tile = divmod(height, TILE_HEIGHT)
    first = index << height_in_tile
    return NodePlace(level, first // TILE_WIDTH, height_in_tile, first % TILE_WIDTH)


def tile_path(level: int, index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a tile of hashes.

    Raises:
        FormatError: level, index or width are none of a tile.
    """
    if not 0 <= level <= _MAX_LEVEL:
        raise FormatError("tile path", "tile.level", got=str(level), want=f"0 to {_MAX_LEVEL}")
    return f"tile/{level}/{_numbered(index, width)}"


def entries_path(index: int, width: int = TILE_WIDTH) -> str:
    """Return the path of a bundle of leaves.

    Raises:
        FormatError: index or width are none of a bundle.
    """
    return f"tile/entries/{_numbered(index, width)}"


def entries_path_of(leaf_index: int, size: int) -> str:
    """Return the path of the bundle that holds a leaf in a tree of `size` leaves.

    Raises:
        FormatError: the leaf is outside the tree.
    """
    if not 0 <= leaf_index < size:
        raise FormatError("tile path", "tile.leaf", got=f"index {leaf_index}", want=f"below the size {size}")
    index = leaf_index // TILE_WIDTH
    return entries_path(index, min(TILE_WIDTH, size - index * TILE_WIDTH))


def parse_path(path: str) -> Tile | EntryBundle:
    """Return what a path names; every tile and every bundle has one path only.

    Raises:
        FormatError: it is the path of neither.
    """
    match = _PATH.fullmatch(path)
    if match is None:
        raise FormatError("tile path", "tile.path", want="tile/<level or entries>/<number>[.p/<width>]")
    index = int(match["n"].replace("x", "").replace("/", ""))
    width = int(match["width"] or TILE_WIDTH)
    level = match["level"]
    found = EntryBundle(index, width) if level is None else Tile(int(level), index, width)
    # Writing it again refuses what no tile has: a level of 64, a full width spelled out, leading groups of zeros.
    if found.path != path:
        raise FormatError("tile path", "tile.path", want="the shortest spelling")
    return found


def _numbered(index: int, width: int) -> str:
    if not 0 <= index <= _MAX_TILE_INDEX:
        raise FormatError("tile path", "tile.index", got=str(index), want=f"0 to {_MAX_TILE_INDEX}")
    if not 1 <= width <= TILE_WIDTH:
        raise FormatError("tile path", "tile.width", got=str(width), want=f"1 to {TILE_WIDTH}")
    index, last = divmod(index, 1000)
    number = f"{last:03d}"
    while index:
        index, group = divmod(index, 1000)
        number = f"x{group:03d}/{number}"
    return number if width == TILE_WIDTH else f"{number}.p/{width}"


def tiles_of(size: int) -> list[Tile]:
    """Return every tile of hashes that a tree of `size` leaves has, level by level, the partial one of a level last.

    Raises:
        FormatError: the size is negative.
    """
    if size < 0:
        raise FormatError("tile", "tile.size", got=str(size), want="0 or more")
    tiles: list[Tile] = []
    level, nodes = 0, size
    while nodes:
        full, partial = divmod(nodes, TILE_WIDTH)
        tiles.extend(Tile(level, index) for index in range(full))
        if partial:
            tiles.append(Tile(level, full, partial))
        level, nodes = level + 1, full
    return tiles


def node_from_tile(tile: bytes, height_in_tile: int, offset: int) -> bytes:
    """Return the node over 2^height_in_tile hashes of a tile.

    Args:
        tile: the tile's bytes, 32 a hash.
        height_in_tile: 0 to 8.
        offset: place of the first of these hashes in the tile, a multiple of 2^height_in_tile.

    Raises:
        FormatError: the tile is not made of hashes, or does not hold the node whole.
    """
    if len(tile) % HASH_BYTES or not 0 < len(tile) <= TILE_WIDTH * HASH_BYTES:
        raise FormatError("tile", "tile.length", got=f"{len(tile)} bytes", want="1 to 256 hashes of 32 bytes")
    if not 0 <= height_in_tile <= TILE_HEIGHT or offset < 0 or offset % (1 << height_in_tile):
        raise FormatError("tile", "tile.node", got=f"height {height_in_tile}, offset {offset}", want="a node")
    start, end = offset * HASH_BYTES, (offset + (1 << height_in_tile)) * HASH_BYTES
    if end > len(tile):
        raise FormatError("tile", "tile.width", got=f"{len(tile) // HASH_BYTES} hashes", want=f"{end // HASH_BYTES}")
    return root_of(tile[i : i + HASH_BYTES] for i in range(start, end, HASH_BYTES))


def entry_bundle(entries: Iterable[bytes]) -> bytes:
    """Return a bundle of leaves.

    Raises:
        FormatError: there is none or more than 256, or one is longer than 65,535 bytes.
    """
    pieces: list[bytes] = []
    for entry in entries:
        if len(entry) > MAX_ENTRY_BYTES:
            raise FormatError("entry bundle", "bundle.entry", got=f"{len(entry)} bytes", want=f"<= {MAX_ENTRY_BYTES}")
        pieces += (len(entry).to_bytes(_LENGTH_BYTES, "big"), entry)
    if not 0 < len(pieces) <= 2 * TILE_WIDTH:
        raise FormatError("entry bundle", "bundle.count", got=str(len(pieces) // 2), want=f"1 to {TILE_WIDTH}")
    return b"".join(pieces)


def parse_entry_bundle(data: bytes) -> list[bytes]:
    """Return the leaves of a bundle, in order.

    Raises:
        FormatError: there is none or more than 256, or the bytes end within one.
    """
    entries: list[bytes] = []
    place = 0
    while place < len(data):
        start = place + _LENGTH_BYTES
        place = start + int.from_bytes(data[start - _LENGTH_BYTES : start], "big")
        if start > len(data) or place > len(data):
            raise FormatError("entry bundle", "bundle.truncated", got=f"{len(data)} bytes", want="whole entries")
        entries.append(data[start:place])
    if not 0 < len(entries) <= TILE_WIDTH:
        raise FormatError("entry bundle", "bundle.count", got=str(len(entries)), want=f"1 to {TILE_WIDTH}")
    return entries
