"""The newest commit in memory, shared by the writer and all readers of a process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import Frontier
from registry_server.sequencing.log_tree import LogTree
from registry_server.sequencing.map_block import TOP
from registry_server.sequencing.map_tree import MapTree
from registry_server.storage import leaves, map_blocks
from registry_server.storage.schema import INQUIRY_TREE, LOG_TREE

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.sequencing.log_tree import StagedTiles
    from registry_server.sequencing.map_cache import MapCache
    from registry_server.sequencing.state import State
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = ["Committed", "leaf_hashes", "open_trees", "stored_map"]


class Committed:
    """State, log tree and inquiry tree after the newest commit that this process knows.

    Code that replaces them, needs them and a snapshot of the database to agree, or moves the checkpoint register, holds
    ``lock``.

    Args:
        state: of the newest commit.
        log: the log's tree.
        inquiries: the inquiry tree.
        map_cache: blocks of the map that are kept in memory, of this commit and of others.
    """

    def __init__(self, state: State, log: LogTree, inquiries: LogTree, map_cache: MapCache) -> None:
        self.lock = threading.RLock()
        self.state = state
        # The last states, ascending by size, as many as are kept: a standby shows one of them.
        self.recent: tuple[State, ...] = (state,)
        self.kept = 1
        self.log = log
        self.inquiries = inquiries
        self.map_cache = map_cache
        # Whether live records are waited for that a restore has not brought back; known by others a call later.
        self.awaits = False

    def advance(self, state: State, log: StagedTiles, inquiries: StagedTiles) -> None:
        """Take over what has been committed; the caller holds the lock."""
        self.log.apply(log)
        self.inquiries.apply(inquiries)
        self.recent = (*self.recent, state)[-self.kept :]
        self.state = state


def open_trees(database: Database, row: HeadRow | None) -> tuple[LogTree, LogTree]:
    """Return log tree and inquiry tree as the head row has them; empty ones before the genesis.

    Raises:
        FormatError: the tiles are not those of the head row's frontiers.
    """
    log, inquiries = (None, None) if row is None else (row.frontier, row.inquiry_frontier)
    return (
        LogTree(LOG_TREE, _loader(database, LOG_TREE), None if log is None else Frontier.from_bytes(log)),
        LogTree(
            INQUIRY_TREE,
            _loader(database, INQUIRY_TREE),
            None if inquiries is None else Frontier.from_bytes(inquiries),
        ),
    )


def _loader(database: Database, tree: str) -> Callable[[int, int], bytes | None]:
    def load(level: int, index: int) -> bytes | None:
        # The caller may hold a snapshot already; the pool has a connection for both.
        with database.snapshot(reserved=True) as work:
            return leaves.tile(work, tree, level, index)

    return load


def stored_map(work: UnitOfWork) -> MapTree:
    """Return the map of the commit that a transaction shows, from its top block; the empty one where there is none.

    Raises:
        FormatError: the block is damaged.
    """
    top = map_blocks.blocks_at(work, [TOP]).get(TOP)
    return MapTree() if top is None else MapTree.of_top(top)


def leaf_hashes(data: list[bytes]) -> list[bytes]:
    """Return the hashes of leaves."""
    return [leaf_hash(leaf) for leaf in data]
