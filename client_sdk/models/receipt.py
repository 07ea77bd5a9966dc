"""Receipts: proofs that a version or an inquiry is in the log (proto/README.md 8), already verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.kernel.formats.checkpoint import tlog_proof
from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["InquiryReceipt", "Receipt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt(Plain):
    """Verified receipt of a leaf: leaf, inclusion proof and checkpoint.

    Attributes:
        issuer: institution id of the record's issuer.
        record_id: 16 bytes.
        version: of the record.
        index: place of the leaf in the log.
        logged_at: when it was logged, UTC: the time that the leaf carries.
        leaf: its bytes.
        path: hashes of the inclusion proof, the leaf's sibling first.
        checkpoint: signed note of the log.
        size: of that checkpoint.
        repeated: whether the same bytes had been logged before.
    """

    issuer: str
    record_id: bytes
    version: int
    index: int
    logged_at: datetime
    leaf: bytes
    path: tuple[bytes, ...]
    checkpoint: bytes
    size: int
    repeated: bool = False

    @property
    def uuid(self) -> UUID:
        """The record id as people write it."""
        return UUID(bytes=self.record_id)

    def tlog_proof(self) -> str:
        """Return the receipt as a C2SP tlog-proof with the leaf in its line ``extra``: a file that proves by itself."""
        return tlog_proof(self.index, self.path, self.checkpoint, self.leaf)


@dataclass(frozen=True, slots=True, kw_only=True)
class InquiryReceipt(Plain):
    """Verified receipt of an inquiry in the inquiry tree of a HEAD.

    Attributes:
        inquiry_id: 16 bytes.
        received_at: when the registry got the inquiry, UTC.
        outcome: ANSWERED, or the reason of refusal.
        index: place in the inquiry tree.
        leaf: of the inquiry tree.
        path: hashes of its inclusion proof.
        head: the HEAD leaf.
        head_path: hashes of the HEAD's inclusion proof.
        checkpoint: signed note of the log.
        size: of that checkpoint.
    """

    inquiry_id: bytes
    received_at: datetime
    outcome: str
    index: int
    leaf: bytes
    path: tuple[bytes, ...]
    head: bytes
    head_path: tuple[bytes, ...]
    checkpoint: bytes
    size: int
