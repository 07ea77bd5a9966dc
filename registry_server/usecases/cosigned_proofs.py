"""Cosigned checkpoints beside other checkpoints of the log: the notes, and proofs that all are of one history."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.ledger.replay_keys import idle_auditors
from registry_server.storage import replays

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.sequencing.view import View
    from registry_server.storage.replays import StoredReplay
    from registry_server.usecases.witnessing import CosignedCheckpoint

__all__ = ["CosignedProofs"]

# How old what auditors have cosigned may be in memory.
_READ_AGAIN_SECONDS = 1.0
# Of witnesses and auditors, those that were replaced since included.
_MOST_NOTES = 64


class CosignedProofs:
    """The newest checkpoints that witnesses and auditors have cosigned, as answers show them. Thread-safe.

    Args:
        newest: returns what a quorum of witnesses has cosigned last; None where no witness is asked.
    """

    def __init__(self, newest: Callable[[], CosignedCheckpoint | None] | None = None) -> None:
        self._newest = newest
        # The last one that was not beyond the log that was shown, and the last proof of each note: many answers rest on
        # one HEAD.
        self._usable: CosignedCheckpoint | None = None
        self._made: dict[bytes, tuple[int, pb.CosignedCheckpoint]] = {}
        self._replays: tuple[float, list[StoredReplay]] = (float("-inf"), [])

    def beside(self, view: View, size: int) -> pb.CosignedCheckpoint | None:
        """Return the newest cosigned checkpoint with its consistency with the tree of a size; None where there is none.

        Args:
            view: the commit that is shown; what it does not know yet is left out.
            size: leaves of the other checkpoint, at most those of the view.

        Raises:
            FormatError: the view has fewer leaves.
        """
        newest = None if self._newest is None else self._newest()
        if newest is not None and newest.size <= view.size:
            self._usable = newest
        held = self._usable
        if held is None or held.size > view.size:
            return None
        return self._proved(view, held.note, held.size, size)

    def replayed(self, view: View, size: int) -> list[pb.CosignedCheckpoint]:
        """Return the newest checkpoint of each active auditor of the rulebook, likewise, in the rulebook's order.

        Raises:
            FormatError: the view has fewer leaves.
            StorageError: the database failed.
        """
        quorum = view.rulebook.replaying
        if quorum is None:
            return []
        read_at, found = self._replays
        if time.monotonic() - read_at > _READ_AGAIN_SECONDS:
            found = replays.rows(view.work)
            self._replays = time.monotonic(), found
        by_key = {row.verifier_key: row for row in found if row.size <= view.size}
        idle = idle_auditors(view.directory)
        keys = [witness.key.text() for witness in quorum.witnesses if witness.key not in idle]
        rows = [by_key[text] for text in keys if text in by_key]
        return [self._proved(view, row.note, row.size, size) for row in rows]

    def _proved(self, view: View, note: bytes, noted: int, size: int) -> pb.CosignedCheckpoint:
        """Return a note of so many leaves with its consistency with the tree of a size."""
        made = self._made.get(note)
        if made is None or made[0] != size:
            older, newer = sorted((noted, size))
            proof = view.consistency(older, newer) if older < newer else ()
            made = size, pb.CosignedCheckpoint(checkpoint=note, consistency=b"".join(proof))
            if len(self._made) >= _MOST_NOTES:
                self._made = {}
            self._made[note] = made
        return made[1]
