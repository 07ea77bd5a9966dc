"""Receipts: proofs that a version or an inquiry is in the log (proto/README.md 8), already verified."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from creditregistry.v1 import check_pb2, evidence_pb2

from client_sdk.kernel.formats.checkpoint import tlog_proof
from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.ledger.inquiry_file import inquiry_file

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.words import Purpose

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
        repeated: whether the registry had this version before it was reported now.
    """

    issuer: str
    record_id: bytes
    version: int
    index: int
    logged_at: datetime
    leaf: bytes = field(repr=False)
    path: tuple[bytes, ...] = field(repr=False)
    checkpoint: bytes = field(repr=False)
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
        asker: institution id.
        inquiry_id: 16 bytes.
        purpose: why it was asked.
        persons: how many the inquiry is about.
        issued_at: when the asker signed it, UTC.
        received_at: when the registry got it, UTC.
        outcome: ANSWERED, or the reason of refusal.
        index: place in the inquiry tree.
        payload: the inquiry, as it was signed.
        signature: over it.
        leaf: of the inquiry tree.
        path: hashes of its inclusion proof.
        head: the HEAD leaf.
        head_path: hashes of the HEAD's inclusion proof.
        checkpoint: signed note of the log.
        size: of that checkpoint.
    """

    asker: str
    inquiry_id: bytes
    purpose: Purpose
    persons: int
    issued_at: datetime
    received_at: datetime
    outcome: str
    index: int
    payload: bytes = field(repr=False)
    signature: bytes = field(repr=False)
    leaf: bytes = field(repr=False)
    path: tuple[bytes, ...] = field(repr=False)
    head: bytes = field(repr=False)
    head_path: tuple[bytes, ...] = field(repr=False)
    checkpoint: bytes = field(repr=False)
    size: int

    def encode(self) -> bytes:
        """Return the bytes of a file that proves by itself (proto/README.md 8)."""
        receipt = evidence_pb2.InquiryReceipt(
            leaf=self.leaf, head=self.head, head_path=b"".join(self.head_path), checkpoint=self.checkpoint
        )
        # The only inquiry of a tree has place 0 and no path: an empty message, which is not written.
        if self.path:
            receipt.inclusion.index = self.index
            receipt.inclusion.path = b"".join(self.path)
        return inquiry_file(check_pb2.ProvedInquiry(payload=self.payload, signature=self.signature, receipt=receipt))
