"""Conversion of gRPC errors to SDK exceptions: by reason first, then by status."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from client_sdk.errors import (
    ConflictError,
    DeadlineExceededError,
    InvalidError,
    NotPermittedError,
    QuotaError,
    RefusedError,
    TransportError,
    UnavailableError,
)
from client_sdk.kernel.formats.complaint import Complaint
from client_sdk.kernel.rules.errors import RuleReason
from client_sdk.models.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from creditregistry.v1 import submission_pb2

__all__ = [
    "BY_REASON",
    "BY_STATUS",
    "DOMAIN",
    "STATUS_DETAILS",
    "WITHOUT_ANSWER",
    "error_of",
    "is_stale",
    "violation_error",
    "violation_of",
]

DOMAIN = "creditregistry"
# Letters and digits alone: it is printed, and comes from another machine.
_REQUEST_ID = re.compile(r"[0-9A-Za-z]{1,64}", re.ASCII)
# Metadata key under which gRPC carries a google.rpc.Status.
STATUS_DETAILS = "grpc-status-details-bin"

# The class of every reason with which registry or key services decide: with the status of a call, and in the results of
# a batch, which carry none. Other reasons come with a status under which nothing was decided.
_CONFLICTS = (
    *("ACKNOWLEDGED", "ACT_ORDER", "ACT_THRESHOLD", "ADMINISTRATION_INVALID", "ALERTS_ON", "ALREADY_FOUNDED"),
    *(
        "ANNOTATION_INVALID",
        "ANNOTATION_ORDER",
        "BREACH_INVALID",
        "CLOSING_INVALID",
        "CONTINUES_INVALID",
        "CORRECTION_INVALID",
    ),
    *("DEBT_BLOCKED", "DEBT_TAKEN", "DEPTH_INVALID", "REGISTRY_CLOSED"),
    *("ENROLMENT_INVALID", "ERASED_ALONE", "HEAD_GONE", "INQUIRY_STALE", "INQUIRY_TAKEN", "KEY_NOT_ENDORSED"),
    *("KEY_NOT_POSSESSED", "KEY_SERVICES_INVALID", "KEY_TAKEN", "KIND_CHANGED", "LAPSE_EARLY", "PREVIOUS_MISMATCH"),
    *("RECORD_ENDED", "RECORD_ERASED", "RECORD_KEPT", "RECORD_UNKNOWN", "REQUEST_USED", "REQUEST_STALE"),
    *("RULEBOOK_INVALID", "STATE_INVALID", "VERSION_NOT_SERVED", "VERSION_SKIPPED", "VERSION_TAKEN", "VOUCH_STALE"),
)
_NOT_PERMITTED = (
    *("ACT_SIGNATURE", "CERTIFICATE_UNKNOWN", "COSIGNER_UNKNOWN", "INSTITUTION_SUSPENDED", "INSTITUTION_TERMINATED"),
    *("INSTITUTION_UNKNOWN", "KEY_OF_ANOTHER", "KEY_RANGE", "KEY_UNKNOWN", "KEY_USAGE", "NOT_A_LENDER"),
    *("NOT_PERMITTED", "NOT_THE_SUCCESSOR", "PEER_MISMATCH", "TLS_KEY_NOT_VOUCHED", "TLS_KEY_REVOKED"),
)
_QUOTAS = (
    "ALERTS_FULL",
    "PAGES_EXCEEDED",
    "QUOTA_EXCEEDED",
    "SIZE_LIMIT",
    "TOO_MANY_PROPOSALS",
    "TOO_MANY_RECORDS",
    "TOO_MANY_SUBJECTS",
)
_INVALID = (
    *RuleReason,
    *("ALIASES_INVALID", "BATCH_ORDER", "CERTIFICATE_REQUEST_INVALID", "COMMITMENT_MISMATCH", "COUNT_MISMATCH"),
    *("DISCLOSURE_MISMATCH", "ELEMENTS_COUNT", "ELEMENTS_MISMATCH", "ELEMENT_INVALID", "INQUIRY_UNKNOWN", "MALFORMED"),
    *("NOTICE_UNKNOWN",),
    *("PART_MISSING", "PART_UNEXPECTED", "PROPOSAL_UNKNOWN", "PURPOSE_INVALID", "RANGE_INVALID", "REGISTRY_OTHER"),
    *("SERVICE_OTHER", "SIGNATURE_INVALID", "SUBJECT_CHANGED", "SUBJECT_KEY_VERSION", "TILE_UNKNOWN", "TIME_INVALID"),
    *("TLS_CLAIM_MISMATCH", "VERSION_UNKNOWN"),
)
BY_REASON: Mapping[str, type[RefusedError]] = {
    **{str(reason): InvalidError for reason in _INVALID},
    **dict.fromkeys(_CONFLICTS, ConflictError),
    **dict.fromkeys(_NOT_PERMITTED, NotPermittedError),
    **dict.fromkeys(_QUOTAS, QuotaError),
}
# Said of the subject keys by the registry, where the directory has moved on since it was followed.
_STALE = frozenset(("ALIASES_INVALID", "SUBJECT_KEY_VERSION"))
# Of reasons that this version of the SDK does not know.
BY_STATUS: Mapping[str, type[RefusedError]] = {
    "PERMISSION_DENIED": NotPermittedError,
    "UNAUTHENTICATED": NotPermittedError,
    "RESOURCE_EXHAUSTED": QuotaError,
    "ALREADY_EXISTS": ConflictError,
    "ABORTED": ConflictError,
    "FAILED_PRECONDITION": ConflictError,
}
_BY_TRANSPORT: dict[str, type[TransportError]] = {
    "UNAVAILABLE": UnavailableError,
    # A server that stops ends so what it has not taken up; a call that is cancelled here is not waited for.
    "CANCELLED": UnavailableError,
    "DEADLINE_EXCEEDED": DeadlineExceededError,
}
# Statuses under which nothing was decided; with or without a reason of the catalogue.
WITHOUT_ANSWER = frozenset((*_BY_TRANSPORT, "UNKNOWN", "INTERNAL", "DATA_LOSS", "UNIMPLEMENTED"))


def error_of(status: str, message: str, details: bytes | None) -> RefusedError | TransportError:
    """Return the SDK's error for a failed call.

    Args:
        status: name of the gRPC status code, e.g. ``FAILED_PRECONDITION``.
        message: text of the status.
        details: serialised google.rpc.Status of the trailing metadata; None where there is none.
    """
    reason, metadata = _error_info(details) or ("", {})
    told = metadata.get("retryable") == "true"
    if status in WITHOUT_ANSWER:
        kind = _BY_TRANSPORT.get(status, TransportError)
        text = ": ".join(part for part in (reason or status, message) if part)
        # Where no server of ours said anything, the same call may reach one that does.
        failed = kind(text, status=status, reason=reason, retryable=told if reason else status in _BY_TRANSPORT)
        failed.request_id = _request_id(metadata)
        return failed
    parts = (metadata.get(name, "") for name in ("field", "rule", "got", "want"))
    refused = _class_of(reason, status).of(Complaint(reason or status, *parts), message, status=status, retryable=told)
    refused.request_id = _request_id(metadata)
    return refused


def is_stale(reason: str) -> bool:
    """Whether a refusal means that the directory has to be followed again before the call is repeated."""
    return reason in _STALE


def violation_of(message: submission_pb2.Violation, row: int = 0) -> Violation:
    """Return the violation in a result of a batch."""
    return Violation.of(_complaint(message), row=row)


def violation_error(message: submission_pb2.Violation) -> RefusedError:
    """Return the error that a refused submission means."""
    kind = BY_REASON.get(message.reason, InvalidError)
    status = "FAILED_PRECONDITION" if kind is ConflictError else "INVALID_ARGUMENT"
    return kind.of(_complaint(message), status=status)


def _complaint(message: submission_pb2.Violation) -> Complaint:
    return Complaint(message.reason, message.field, message.rule, message.got, message.want)


def _request_id(metadata: Mapping[str, str]) -> str:
    """Return the id under which a server has logged the call; nothing where it is none."""
    given = metadata.get("request_id", "")
    return given if _REQUEST_ID.fullmatch(given) else ""


def _class_of(reason: str, status: str) -> type[RefusedError]:
    return BY_REASON.get(reason) or BY_STATUS.get(status, InvalidError)


def _error_info(details: bytes | None) -> tuple[str, dict[str, str]] | None:
    """Return reason and metadata of our own ErrorInfo, None where there is none."""
    if not details:
        return None
    try:
        parsed = status_pb2.Status.FromString(details)
        for item in parsed.details:
            info = error_details_pb2.ErrorInfo()
            if item.Unpack(info) and info.domain == DOMAIN:
                return str(info.reason), {str(key): str(value) for key, value in info.metadata.items()}
    except DecodeError:
        return None
    return None
