"""Why a key service refuses: reason -> (gRPC status, public text, retryable).

Reasons that the registry has too mean the same there. No refusal holds an element, an output or a key.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from registry_server import errors
from registry_server.errors import Entry, Refusal, Status
from registry_server.subject_key_service.request_log import RequestLogError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CATALOGUE", "refusal_of"]

_INVALID = Status.INVALID_ARGUMENT
_DENIED = Status.PERMISSION_DENIED
_STATE = Status.FAILED_PRECONDITION
_AWAY = Status.UNAVAILABLE

CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {
        "CERTIFICATE_UNKNOWN": Entry(Status.UNAUTHENTICATED, "The client certificate names nobody known here."),
        "DEADLINE_EXCEEDED": Entry(
            Status.DEADLINE_EXCEEDED, "The call took longer than allowed; whether it was logged is not known."
        ),
        "DEADLINE_TOO_SHORT": Entry(Status.DEADLINE_EXCEEDED, "Too little time is left to do anything."),
        "DIRECTORY_STALE": Entry(_AWAY, "The directory that this service follows is too old to be relied on.", True),
        "ELEMENTS_COUNT": Entry(_INVALID, "A request holds 1 to 1,000 blinded elements of 32 bytes."),
        "ELEMENTS_MISMATCH": Entry(_INVALID, "The blinded elements are not those that were signed for."),
        "ELEMENT_INVALID": Entry(_INVALID, "A blinded element is no canonical element of the group, or the identity."),
        "INSTITUTION_SUSPENDED": Entry(_DENIED, "The institution is suspended: it may report and not inquire."),
        "INSTITUTION_TERMINATED": Entry(_DENIED, "The institution is terminated."),
        "INSTITUTION_UNKNOWN": Entry(_DENIED, "No act has enrolled the institution."),
        "INTERNAL": Entry(Status.INTERNAL, "The key service failed; the request id leads to its log."),
        "KEY_OF_ANOTHER": Entry(_DENIED, "The key belongs to another institution."),
        "KEY_RANGE": Entry(_DENIED, "The key does not run any more."),
        "KEY_UNKNOWN": Entry(_DENIED, "No act has given this key."),
        "KEY_USAGE": Entry(_DENIED, "The key was given for another usage."),
        "MALFORMED": Entry(_INVALID, "Bytes or values have a wrong form."),
        "NOT_A_LENDER": Entry(_DENIED, "Key services answer lenders only."),
        "PEER_MISMATCH": Entry(_DENIED, "The client certificate and the signature name different institutions."),
        "PURPOSE_INVALID": Entry(_INVALID, "The purpose does not belong to this use."),
        "QUOTA_EXCEEDED": Entry(
            Status.RESOURCE_EXHAUSTED, "The institution has used up what the rulebook allows for today."
        ),
        "REGISTRY_OTHER": Entry(_INVALID, "The request was signed for another registry."),
        "REQUEST_REPLAYED": Entry(Status.ALREADY_EXISTS, "This request was taken before; sign a new one."),
        "REQUEST_STALE": Entry(_STATE, "A request is good for 5 minutes from when it was signed."),
        "SERVICE_OTHER": Entry(_INVALID, "The request was signed for another key service."),
        "SIGNATURE_INVALID": Entry(_DENIED, "The signature does not verify."),
        "SIZE_LIMIT": Entry(Status.RESOURCE_EXHAUSTED, "The message is longer than its limit."),
        "STORAGE_UNAVAILABLE": Entry(_AWAY, "The log of requests does not answer; nothing was evaluated.", True),
        "TLS_KEY_REVOKED": Entry(
            Status.UNAUTHENTICATED,
            "The TLS key was revoked for good: the institution needs a certificate for a new key.",
        ),
        "TOO_MANY_CALLS": Entry(_AWAY, "The caller has too many calls under way; wait for some to end.", True),
        "VERSION_NOT_SERVED": Entry(_STATE, "This version of the subject keys is not live, or not served here."),
    }
)


def refusal_of(error: BaseException) -> Refusal:
    """Return how an error is told to the outside; what was not foreseen is INTERNAL, and nothing of it is told."""
    if isinstance(error, RequestLogError):
        return Refusal("STORAGE_UNAVAILABLE", "", "storage.failed", want="a log of requests that answers and has room")
    return errors.refusal_of(error)
