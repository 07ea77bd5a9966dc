"""Inquiries (proto/creditregistry/v1/check.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import check_pb2 as pb
from creditregistry.v1 import subject_access_pb2

from client_sdk.kernel.ledger.inquiry import InquiryOpening
from registry_server.usecases.check import ReceivedInquiry

if TYPE_CHECKING:
    from registry_server.usecases.evidence import EvidencePage

__all__ = ["ANSWER_STEP_BYTES", "pad", "padded", "question"]

# An answer is so long, or twice, and so on: CLEAR and a few records are of one size.
ANSWER_STEP_BYTES = 8_192
# Field number and length of a padding of 128 to 16,383 bytes.
_HEADER_BYTES = 3
_LEAST_PADDING = 128


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


def padded(page: EvidencePage) -> pb.CheckResponse:
    """Return an answer of a size that is a multiple of the step, whatever it says."""
    response = pb.CheckResponse(evidence=page.evidence, next_position=page.next_position)
    pad(response)
    return response


def pad(
    response: pb.CheckResponse | subject_access_pb2.ListAskersResponse | subject_access_pb2.ListRecordLeavesResponse,
) -> None:
    """Give a response a padding that makes its size a multiple of the step."""
    gap = -response.ByteSize() % ANSWER_STEP_BYTES
    if gap < _HEADER_BYTES + _LEAST_PADDING:
        gap += ANSWER_STEP_BYTES
    response.padding = bytes(gap - _HEADER_BYTES)
