"""Receipts (proto/creditregistry/v1/evidence.proto and check.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import check_pb2, erasure_pb2
from creditregistry.v1 import evidence_pb2 as pb

from registry_server.usecases.proofs import inclusion_proof

if TYPE_CHECKING:
    from registry_server.usecases.erasures import SignedErasure
    from registry_server.usecases.inquiries import InquiryProof, InquiryWithOfficer
    from registry_server.usecases.receipts import LeafReceipt

__all__ = ["own_inquiry", "proved_erasure", "proved_inquiry", "receipt"]


def receipt(value: LeafReceipt) -> pb.Receipt:
    """Return a receipt."""
    inclusion = inclusion_proof(value.leaf_index, value.path)
    return pb.Receipt(leaf=value.leaf, inclusion=inclusion, checkpoint=value.checkpoint)


def proved_erasure(value: SignedErasure) -> erasure_pb2.ProvedErasure:
    """Return a signed proof of erasure."""
    signed = pb.SignedPayload(payload=value.payload, key_id=value.key_id, signature=value.signature)
    return erasure_pb2.ProvedErasure(erasure=signed, receipt=receipt(value.receipt))


def own_inquiry(value: InquiryWithOfficer) -> check_pb2.OwnInquiry:
    """Return an own inquiry with its officer."""
    stored = value.stored
    return check_pb2.OwnInquiry(
        inquiry=pb.SignedPayload(payload=stored.payload, key_id=stored.key_id, signature=stored.signature),
        leaf=stored.leaf,
        officer_opening=value.officer_opening,
        officer=value.officer,
    )


def proved_inquiry(value: InquiryProof) -> check_pb2.ProvedInquiry:
    """Return an inquiry with its receipt."""
    receipt = pb.InquiryReceipt(
        leaf=value.leaf,
        inclusion=inclusion_proof(value.position, value.path),
        head=value.head.leaf,
        head_path=b"".join(value.head.path),
        checkpoint=value.head.checkpoint,
    )
    return check_pb2.ProvedInquiry(payload=value.payload, signature=value.signature, receipt=receipt)
