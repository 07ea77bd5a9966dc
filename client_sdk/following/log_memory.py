"""Rollback and fork detection: the newest verified checkpoint, which only moves forward.

A log that goes back, or that shows two histories, has signed both: the error keeps the two notes as proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._protocol.verification import verifying
from client_sdk.errors import RollbackError
from client_sdk.kernel.formats.checkpoint import parse_checkpoint
from client_sdk.kernel.formats.errors import ProofError
from client_sdk.kernel.formats.merkle import verify_consistency
from client_sdk.kernel.ledger.proving import split_hashes

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.kernel.formats.checkpoint import SignedCheckpoint
    from client_sdk.kernel.formats.note import VerifierKey

__all__ = ["PART", "ContradictionError", "LogMemory"]

# Named by the errors about checkpoints.
PART = "checkpoint"


class ContradictionError(RollbackError):
    """The log shows less than what it has signed before, or has signed two histories.

    Attributes:
        known: the signed note that was verified before.
        shown: the signed note that does not continue it.
        kept: file that keeps what was shown: a proof that ``credit-registry verify`` judges, or the note alone where
            nothing is proved by it; None where nothing was kept.
    """

    def __init__(
        self,
        part: str,
        rule: str,
        message: str = "",
        *,
        known: bytes = b"",
        shown: bytes = b"",
        kept: Path | None = None,
    ) -> None:
        super().__init__(part, rule, message)
        self.known = known
        self.shown = shown
        self.kept = kept


class LogMemory:
    """Remembers one log's newest checkpoint.

    Args:
        key: of the log; its name is the origin.
    """

    def __init__(self, key: VerifierKey) -> None:
        self._key = key
        self._known: SignedCheckpoint | None = None

    @property
    def size(self) -> int:
        """Number of leaves of the newest checkpoint; 0 before the first."""
        return 0 if self._known is None else self._known.checkpoint.size

    @property
    def newest(self) -> SignedCheckpoint | None:
        """The newest checkpoint, None before the first."""
        return self._known

    def advance(self, note: bytes, consistency: bytes) -> None:
        """Take a checkpoint that continues the one remembered, and remember it.

        Args:
            note: signed by the log.
            consistency: from ``size`` to the new checkpoint, 32-byte hashes, joined; empty where one of them is 0 or
                both are the same.

        Raises:
            VerificationError: it is no checkpoint of this log.
            ContradictionError: it is smaller, or another history.
        """
        with verifying():
            shown = parse_checkpoint(note, self._key)
            path = split_hashes(consistency, PART)
        if self._known is not None:
            self._check_continues(self._known, shown, path)
        self._known = shown

    def _check_continues(self, known: SignedCheckpoint, shown: SignedCheckpoint, path: list[bytes]) -> None:
        before, after = known.checkpoint, shown.checkpoint
        if after.size < before.size:
            message = f"got {after.size} leaves, want {before.size} or more"
            raise ContradictionError(PART, "log.rollback", message, known=known.raw, shown=shown.raw)
        try:
            verify_consistency(before.size, after.size, path, before.root, after.root)
        except ProofError as error:
            message = f"{after.size} leaves do not begin with the {before.size} known: {error.rule}"
            raise ContradictionError(PART, "log.fork", message, known=known.raw, shown=shown.raw) from error
