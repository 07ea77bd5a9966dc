"""Encoding of refusals as gRPC status: google.rpc.Status with ErrorInfo and BadRequest (AIP-193)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from registry_server.errors import DOMAIN, GrpcStatus

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from client_sdk.kernel.formats.complaint import Complaint
    from registry_server.errors import Entry

__all__ = ["DETAILS_KEY", "status_code", "trailing_metadata"]

# Metadata key under which gRPC carries a google.rpc.Status.
DETAILS_KEY = "grpc-status-details-bin"
# A server's word to the client's own retries; below 0 it means none.
_PUSHBACK = ("grpc-retry-pushback-ms", "-1")


def status_code(entry: Entry) -> grpc.StatusCode:
    """Return the status of a call that fails so."""
    return grpc.StatusCode[entry.status.name]


def trailing_metadata(complaint: Complaint, entry: Entry, request_id: str) -> tuple[tuple[str, str | bytes], ...]:
    """Return the metadata that tells programs why a call failed.

    Args:
        complaint: why.
        entry: of the server's catalogue, for the complaint's reason.
        request_id: names the call in the server's log.
    """
    metadata = dict(complaint.parts)
    if entry.retryable:
        metadata["retryable"] = "true"
    metadata["request_id"] = request_id
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=complaint.reason, domain=DOMAIN, metadata=metadata),
    ]
    if entry.status is GrpcStatus.INVALID_ARGUMENT and complaint.field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=complaint.field, description=_described(complaint)
        )
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    status = status_pb2.Status(
        code=code_pb2.Code.Value(entry.status.name),
        message=entry.text,
        details=[_packed(detail) for detail in details],
    )
    trailer = (DETAILS_KEY, status.SerializeToString())
    # A client of gRPC calls again by itself where a server is UNAVAILABLE, whatever the reason.
    return (trailer, _PUSHBACK) if entry.status is GrpcStatus.UNAVAILABLE and not entry.retryable else (trailer,)


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def _described(complaint: Complaint) -> str:
    return ": ".join(filter(None, (complaint.rule, complaint.found)))
