"""Cache of the acts of the log by leaf hash; evidence shows the acts that granted the keys in it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.encoding import leaf_hash

if TYPE_CHECKING:
    from collections.abc import Iterable

    from registry_server.sequencing.view import View

__all__ = ["ActBook"]

_PAGE = 1_000


class _NumberedLeaf(NamedTuple):
    number: int
    leaf: bytes


class ActBook:
    """Remembers acts, which never change; reads those that a view has and it has not. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._acts: dict[bytes, _NumberedLeaf] = {}

    def leaves(self, view: View, hashes: Iterable[bytes]) -> tuple[bytes, ...]:
        """Return the leaves of acts, ascending by number.

        Args:
            view: whose log holds them.
            hashes: leaf hashes.
        """
        if len(self._acts) <= view.directory.state.act_number:
            self._read(view)
        return tuple(act.leaf for act in sorted(self._acts[hash_] for hash_ in set(hashes)))

    def _read(self, view: View) -> None:
        with self._lock:
            while page := view.acts(len(self._acts), _PAGE):
                self._acts.update({leaf_hash(act.leaf): _NumberedLeaf(act.number, act.leaf) for act in page})
