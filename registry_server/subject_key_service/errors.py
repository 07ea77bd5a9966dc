"""The error catalogue of a key service: reason -> (gRPC status, public text, retryable).

Reasons that the registry has too mean the same there. No refusal holds an element, an output or a key.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.complaint import Complaint
from registry_server import errors
from registry_server.errors import Entry, GrpcStatus
from registry_server.subject_key_service.request_log import RequestLogError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATALOGUE", "complaint_of"]

_INVALID = GrpcStatus.INVALID_ARGUMENT
_DENIED = GrpcStatus.PERMISSION_DENIED
_STATE = GrpcStatus.FAILED_PRECONDITION
_AWAY = GrpcStatus.UNAVAILABLE

# Reasons of both servers, with the same status and message.
_SHARED = (
    "CERTIFICATE_UNKNOWN",
    "DEADLINE_TOO_SHORT",
    "INSTITUTION_TERMINATED",
    "INSTITUTION_UNKNOWN",
    "KEY_OF_ANOTHER",
    "KEY_UNKNOWN",
    "KEY_USAGE",
    "MALFORMED",
    "PEER_MISMATCH",
    "QUOTA_EXCEEDED",
    "SIGNATURE_INVALID",
    "TLS_KEY_REVOKED",
)

CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {
        **{reason: errors.CATALOGUE[reason] for reason in _SHARED},
        "DEADLINE_EXCEEDED": Entry(
            GrpcStatus.DEADLINE_EXCEEDED, "The call took longer than allowed; it is not known whether it was logged."
        ),
        "DIRECTORY_STALE": Entry(_AWAY, "The key service's copy of the directory is out of date.", True),
        "DISK_FULL": Entry(_AWAY, "The disk of the request log is full; nothing was evaluated.", True),
        "ELEMENTS_COUNT": Entry(_INVALID, "A request holds 1 to 1,000 blinded elements of 32 bytes."),
        "ELEMENTS_MISMATCH": Entry(_INVALID, "The blinded elements do not match the signed digest."),
        "ELEMENT_INVALID": Entry(_INVALID, "A blinded element is not a canonical group element, or is the identity."),
        "INSTITUTION_SUSPENDED": Entry(_DENIED, "The institution is suspended: it can report but not make inquiries."),
        "INTERNAL": Entry(GrpcStatus.INTERNAL, "The key service failed; the request id leads to its log."),
        "KEY_RANGE": Entry(_DENIED, "The key has ended."),
        "NOT_A_LENDER": Entry(_DENIED, "Only lenders and representatives can ask for evaluations."),
        "PURPOSE_INVALID": Entry(_INVALID, "The purpose is not allowed for this use."),
        "REGISTRY_OTHER": Entry(_INVALID, "The request was signed for another registry."),
        "REQUEST_USED": Entry(GrpcStatus.ALREADY_EXISTS, "The request was already used; sign a new one."),
        "REQUEST_STALE": Entry(_STATE, "The request was not signed within the last 5 minutes."),
        "SERVICE_OTHER": Entry(_INVALID, "The request was signed for another key service."),
        "SIZE_LIMIT": Entry(GrpcStatus.RESOURCE_EXHAUSTED, "The message is longer than its limit."),
        "STORAGE_UNAVAILABLE": Entry(_AWAY, "The request log is not available; nothing was evaluated.", True),
        "TOO_MANY_CALLS": Entry(_AWAY, "The caller has too many calls under way; wait for some to end.", True),
        "VERSION_NOT_SERVED": Entry(_STATE, "This version of the subject keys is not live, or not served here."),
    }
)


def complaint_of(error: BaseException) -> Complaint:
    """Return the complaint that a client gets of an error; an unforeseen one is INTERNAL, without its text."""
    if isinstance(error, RequestLogError):
        want = "a log of requests that answers and has room"
        if error.full:
            return Complaint("DISK_FULL", "", "storage.full", want=want)
        return Complaint("STORAGE_UNAVAILABLE", "", "storage.failed", want=want)
    return errors.complaint_of(error)
