"""Inquiries (proto/creditregistry/v1/check.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.ledger.inquiry import InquiryOpening
from registry_server.usecases.check import ReceivedInquiry

if TYPE_CHECKING:
    from creditregistry.v1 import check_pb2 as pb

__all__ = ["question"]


def question(request: pb.CheckRequest, peer: str) -> ReceivedInquiry:
    """Return an inquiry of an institution; nothing of it is checked yet."""
    return ReceivedInquiry(
        peer=peer,
        payload=request.inquiry.payload,
        key_id=request.inquiry.key_id,
        signature=request.inquiry.signature,
        opening=InquiryOpening.of(request.opening),
        opening_bytes=request.opening.SerializeToString(deterministic=True),
        from_position=request.from_position,
        at_size=request.at_size,
    )
