"""The newest commit in memory, shared by the writer and all readers of a process."""

from __future__ import annotations

import threading
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import HASH_BYTES, leaf_hash
from client_sdk.kernel.formats.map_entry import NO_ANNOTATION, record_part, subject_key, value_of_parts
from client_sdk.kernel.formats.merkle import Frontier
from registry_server.sequencing.log_tree import LogTree
from registry_server.sequencing.map_tree import MapTree
from registry_server.storage import leaves, live
from registry_server.storage.schema import INQUIRY_TREE, LOG_TREE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.log_tree import StagedTiles
    from registry_server.sequencing.state import State
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = ["Committed", "leaf_hashes", "map_of_rows", "open_trees"]


class Committed:
    """State, log tree and inquiry tree after the newest commit that this process knows.

    Code that replaces them, needs them and a snapshot of the database to agree, or moves the checkpoint register, holds
    ``lock``.

    Args:
        state: of the newest commit.
        log: the log's tree.
        inquiries: the inquiry tree.
    """

    def __init__(self, state: State, log: LogTree, inquiries: LogTree) -> None:
        self.lock = threading.RLock()
        self.state = state
        # The last states, ascending by size, as many as are kept: a standby shows one of them.
        self.recent: tuple[State, ...] = (state,)
        self.kept = 1
        self.log = log
        self.inquiries = inquiries
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


def map_of_rows(work: UnitOfWork, directory: Directory) -> MapTree:
    """Return the map built from nothing: from all live records and the directory.

    What is held meanwhile is one short string a live record, key || part: sorted, they bring together the records of
    one subject, ascending by index, and the tree is built of them in one pass.
    """
    rows = [
        subject_key(subject) + record_part(index, leaf, annotation or NO_ANNOTATION, opening)
        for page in live.map_pages(work)
        for index, subject, leaf, annotation, opening in page
    ]
    rows.sort()
    return MapTree.of_ascending(_subject_entries(rows), len(rows)).changed(directory.map_entries())


def _subject_entries(rows: list[bytes]) -> Iterator[bytes]:
    """Yield key || value of every subject."""
    for key, records in groupby(rows, itemgetter(slice(HASH_BYTES))):
        yield key + value_of_parts([row[HASH_BYTES:] for row in records])


def leaf_hashes(data: list[bytes]) -> list[bytes]:
    """Return the hashes of leaves."""
    return [leaf_hash(leaf) for leaf in data]
