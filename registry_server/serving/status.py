"""Encoding of refusals as gRPC status: google.rpc.Status with ErrorInfo and BadRequest (AIP-193)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from registry_server.errors import DOMAIN, Status

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from registry_server.errors import Entry, Refusal

__all__ = ["DETAILS_KEY", "status_code", "trailing_metadata"]

# Metadata key under which gRPC carries a google.rpc.Status.
DETAILS_KEY = "grpc-status-details-bin"
# A server's word to the client's own retries; below 0 it means none.
_PUSHBACK = ("grpc-retry-pushback-ms", "-1")


def status_code(entry: Entry) -> grpc.StatusCode:
    """Return the status of a call that fails so."""
    return grpc.StatusCode[entry.status.name]


def trailing_metadata(refusal: Refusal, entry: Entry, request_id: str) -> tuple[tuple[str, str | bytes], ...]:
    """Return the metadata that tells programs why a call failed.

    Args:
        refusal: why.
        entry: of the server's catalogue, for the refusal's reason.
        request_id: names the call in the server's log.
    """
    metadata = {name: getattr(refusal, name) for name in ("field", "rule", "got", "want")}
    metadata["retryable"] = "true" if entry.retryable else ""
    metadata["request_id"] = request_id
    shown = {name: value for name, value in metadata.items() if value}
    details: list[Message] = [
        error_details_pb2.ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=shown),
    ]
    if entry.status is Status.INVALID_ARGUMENT and refusal.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=refusal.field, description=_described(refusal))
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    status = status_pb2.Status(
        code=code_pb2.Code.Value(entry.status.name),
        message=entry.text,
        details=[_packed(detail) for detail in details],
    )
    told = (DETAILS_KEY, status.SerializeToString())
    # A client of gRPC calls again by itself where a server is UNAVAILABLE, whatever the reason.
    return (told, _PUSHBACK) if entry.status is Status.UNAVAILABLE and not entry.retryable else (told,)


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def _described(refusal: Refusal) -> str:
    found = f"got {refusal.got}" if refusal.got else ""
    wanted = f"want {refusal.want}" if refusal.want else ""
    return f"{refusal.rule}: {', '.join(filter(None, (found, wanted)))}".rstrip(": ")
