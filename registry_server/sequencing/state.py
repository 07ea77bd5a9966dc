"""In-memory state of the newest commit: an immutable value, replaced as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from client_sdk.kernel.formats.leaf import Head
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.map_tree import MapTree

__all__ = ["State"]


@dataclass(frozen=True, slots=True)
class State:
    """The log after its newest commit, as far as it is kept in memory.

    Attributes:
        size: number of leaves.
        root: of the log.
        head: the HEAD, last leaf, parsed.
        head_leaf: the same as bytes.
        logged_at: of the HEAD, ms.
        directory: after all acts.
        map_tree: the map whose root the HEAD carries.
    """

    size: int
    root: bytes
    head: Head
    head_leaf: bytes
    logged_at: int
    directory: Directory
    map_tree: MapTree
