"""Cosigned checkpoints beside other checkpoints of the log: the note, and the proof that both are of one history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.sequencing.view import View
    from registry_server.usecases.witnessing import CosignedCheckpoint

__all__ = ["CosignedProofs"]


class CosignedProofs:
    """The newest cosigned checkpoint, for whoever is shown the log. Thread-safe.

    Args:
        newest: returns what a quorum has cosigned last; None where no witness is asked.
    """

    def __init__(self, newest: Callable[[], CosignedCheckpoint | None] | None = None) -> None:
        self._newest = newest
        # The last one that was not beyond the log that was shown, and the last proof: many answers rest on one HEAD.
        self._usable: CosignedCheckpoint | None = None
        self._made: tuple[bytes, int, pb.CosignedCheckpoint] | None = None

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
        made = self._made
        if made is None or made[:2] != (held.note, size):
            older, newer = sorted((held.size, size))
            proof = view.consistency(older, newer) if older < newer else ()
            message = pb.CosignedCheckpoint(checkpoint=held.note, consistency=b"".join(proof))
            made = self._made = held.note, size, message
        return made[2]
