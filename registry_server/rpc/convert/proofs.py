"""Receipts (proto/creditregistry/v1/evidence.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from registry_server.usecases.proofs import inclusion_proof

if TYPE_CHECKING:
    from registry_server.usecases.inquiries import InquiryProof
    from registry_server.usecases.receipts import LeafReceipt

__all__ = ["inquiry_receipt", "receipt"]


def receipt(value: LeafReceipt) -> pb.Receipt:
    """Return a receipt."""
    inclusion = inclusion_proof(value.leaf_index, value.path)
    return pb.Receipt(leaf=value.leaf, inclusion=inclusion, checkpoint=value.checkpoint)


def inquiry_receipt(value: InquiryProof) -> pb.InquiryReceipt:
    """Return the receipt of an inquiry."""
    return pb.InquiryReceipt(
        leaf=value.leaf,
        inclusion=inclusion_proof(value.position, value.path),
        head=value.head.leaf,
        head_path=b"".join(value.head.path),
        checkpoint=value.head.checkpoint,
    )
