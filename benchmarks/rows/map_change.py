"""The map at 1,000,000 entries: changing 256 random ones against hashing 256 x 20 nodes."""

from __future__ import annotations

import os
import random
import time

from benchmarks.limits import hash_seconds
from benchmarks.table import Row
from registry_server.sequencing.map_tree import MapTree

ENTRIES = 1_000_000
CHANGED = 256
LEVELS = 20
ROUNDS = 15
GOAL = 3.0


def measure() -> Row:
    """Return the time of one batch of changes over the time of hashing its paths."""
    keys = [os.urandom(32) for _ in range(ENTRIES)]
    tree = MapTree.of((key, os.urandom(32)) for key in keys)
    times: list[float] = []
    for _ in range(ROUNDS):
        changes = {key: os.urandom(32) for key in random.sample(keys, CHANGED)}
        started = time.perf_counter()
        tree = tree.changed(changes)
        times.append(time.perf_counter() - started)
    ours, limit = min(times), hash_seconds(CHANGED * LEVELS)
    return Row("map", ours * 1e3, limit * 1e3, "ms", ours / limit, GOAL, at_most=True)
