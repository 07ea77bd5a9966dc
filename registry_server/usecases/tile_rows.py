"""The stored tiles of a tree against its leaves; of each level one tile at a time is in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.kernel.formats.tiles import TILE_HEIGHT, TILE_WIDTH
from registry_server.storage import leaves

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["WrongTile", "wrong_tiles"]


class WrongTile(NamedTuple):
    """A tile that is not stored as the leaves say.

    Attributes:
        level: 0 for leaf hashes.
        tile_index: at its level.
        stored: whether there is one.
        wanted: its hashes; None where there should be no tile.
    """

    level: int
    tile_index: int
    stored: bool
    wanted: bytes | None


def wrong_tiles(work: UnitOfWork, tree: str, hashes: Iterable[bytes]) -> Iterator[WrongTile]:
    """Yield every tile of a tree that is missing, wrong or too many; the caller may put each right at once.

    Args:
        work: the transaction.
        tree: value of ``tiles.tree``.
        hashes: of all leaves of the tree, in order.
    """
    size = 0
    for size, level, index, wanted in _tiles(hashes):  # noqa: B007 - read after the loop
        stored = leaves.tile(work, tree, level, index)
        if stored != wanted:
            yield WrongTile(level, index, stored is not None, wanted)
    for level, index in leaves.tile_places(work, tree):
        if level < 0 or not 0 <= index * TILE_WIDTH < size >> (TILE_HEIGHT * level):
            yield WrongTile(level, index, stored=True, wanted=None)


def _tiles(hashes: Iterable[bytes]) -> Iterator[tuple[int, int, int, bytes]]:
    """Yield each tile with the number of leaves so far, level and index: full ones as they fill, then the others."""
    frontier, widening = Frontier(), list[list[bytes]]()
    for hash_ in hashes:
        _add(widening, 0, hash_)
        for filled in frontier.extend((hash_,)):
            level = filled.height // TILE_HEIGHT
            yield frontier.size, level - 1, filled.index, b"".join(widening[level - 1])
            widening[level - 1] = []
            _add(widening, level, filled.node)
    for level, nodes in enumerate(widening):
        if nodes:
            yield frontier.size, level, frontier.size >> (TILE_HEIGHT * (level + 1)), b"".join(nodes)


def _add(widening: list[list[bytes]], level: int, node: bytes) -> None:
    if level == len(widening):
        widening.append([])
    widening[level].append(node)
