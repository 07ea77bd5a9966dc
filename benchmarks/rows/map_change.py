"""The map at 1,000,000 entries: changing 256 random ones against hashing 256 x 20 nodes."""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING

from benchmarks.limits import hash_seconds
from benchmarks.table import Row
from registry_server.sequencing.map_block import TOP, build, encode
from registry_server.sequencing.map_cache import MapCache
from registry_server.sequencing.map_tree import MapTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry_server.sequencing.map_nodes import Node, Stub

ENTRIES = 1_000_000
CHANGED = 256
LEVELS = 20
ROUNDS = 15
GOAL = 3.0
CACHE_BYTES = 1_000_000_000


class _InMemory:
    """All blocks, in the cache of a registry."""

    def __init__(self, cache: MapCache) -> None:
        self._cache = cache

    def fetch(self, stubs: Sequence[Stub]) -> dict[int, Node]:
        """Return some of them."""
        found, missing = self._cache.take(stubs)
        if missing:
            raise RuntimeError("the cache of this benchmark holds all blocks")
        return found


def measure() -> Row:
    """Return the time of one batch of changes, its blocks encoded, over the time of hashing its paths."""
    keys = [os.urandom(32) for _ in range(ENTRIES)]
    cache = MapCache(CACHE_BYTES)
    top: list[Node] = []

    def made(place: int, node: Node, count: int) -> None:
        hash_ = b"" if node is None else node[0]
        cache.put([((hash_, count, place, None), node, encode(place, node, count))])
        top[:] = [node]

    build(TOP, sorted(key + os.urandom(32) for key in keys), made)
    tree, blocks = MapTree(top[0], ENTRIES), _InMemory(cache)
    times: list[float] = []
    for _ in range(ROUNDS):
        changes = {key: os.urandom(32) for key in random.sample(keys, CHANGED)}
        started = time.perf_counter()
        tree, changed = tree.changed(changes, blocks)
        cache.replace(changed)
        times.append(time.perf_counter() - started)
    ours, limit = min(times), hash_seconds(CHANGED * LEVELS)
    return Row("map", ours * 1e3, limit * 1e3, "ms", ours / limit, GOAL, at_most=True)
