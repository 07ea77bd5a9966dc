"""Blocks of the map that other processes replace while a screening is open: read from the snapshot before, and kept.

What this process replaces, it has read. What another process has replaced is gone from the table, so that while a
screening is open a snapshot is kept of the commit that was seen last: a second old, then another one takes its place,
and what the map has lost between the two is read from the older one. On SQLite there is no other process.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from registry_server.sequencing.committed import stored_map
from registry_server.sequencing.map_cache import StoredBlocks
from registry_server.storage.errors import StorageError

if TYPE_CHECKING:
    from registry_server.sequencing.map_cache import MapCache
    from registry_server.sequencing.map_tree import MapTree
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = ["MapTrail"]

# How old a snapshot becomes: each view, of which there is one a second at least, looks whether it is.
_STEP_SECONDS = 1.0


class MapTrail:
    """The snapshot of the commit that was seen last, while the map is held. Thread-safe.

    Args:
        database: where the map is.
        cache: keeps what was replaced, for as long as it holds the map.
    """

    def __init__(self, database: Database, cache: MapCache) -> None:
        self._database = database
        self._cache = cache
        self._lock = threading.Lock()
        self._stack: ExitStack | None = None
        self._work: UnitOfWork | None = None
        self._tree: MapTree | None = None
        self._stepped_at = 0.0

    def begin(self, root: bytes) -> bool:
        """Take a step; return whether it has led to the map with a root, of which nothing will then be missed.

        Raises:
            StorageError: the database failed.
        """
        if not self._database.on_postgresql:
            return True
        with self._lock:
            self._step()
            return self._tree is not None and self._tree.root == root

    def go_on(self, *, at_once: bool = False) -> None:
        """Take a step where the snapshot is a second old; end it where nothing is held any more.

        Where the database fails the trail ends, and what is replaced from then on may be missed.
        """
        if self._tree is None or (not at_once and time.monotonic() - self._stepped_at < _STEP_SECONDS):
            return
        with self._lock:
            if not self._cache.holds:
                self._end()
                return
            try:
                self._step()
            except StorageError:
                self._end()

    def close(self) -> None:
        """Give up the snapshot."""
        with self._lock:
            self._end()

    def _step(self) -> None:
        with ExitStack() as stack:
            work = stack.enter_context(self._database.snapshot(reserved=True))
            tree = stored_map(work)
            if self._tree is not None and self._work is not None and self._tree.root != tree.root:
                before, after = StoredBlocks(self._cache, self._work), StoredBlocks(self._cache, work)
                for replaced in self._tree.replaced_in(tree, before, after):
                    self._cache.keep(replaced)
            self._end()
            self._stack, self._work, self._tree = stack.pop_all(), work, tree
            self._stepped_at = time.monotonic()

    def _end(self) -> None:
        stack, self._stack, self._work, self._tree = self._stack, None, None, None
        if stack is not None:
            stack.close()
