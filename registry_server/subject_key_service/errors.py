"""Why a key service refuses: reason -> (gRPC status, public text, retryable), and how that goes over the wire.

Reasons that the registry has too mean the same there (design 7). No refusal holds an element, an output or a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from client_sdk.formats.errors import FormatError, SignatureError
from client_sdk.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from google.protobuf.message import Message

__all__ = ["CATALOGUE", "DOMAIN", "Entry", "Refusal", "RequestRefusedError", "details_of", "refusal_of"]

DOMAIN = "creditregistry"
# Metadata key under which gRPC carries a google.rpc.Status.
DETAILS_KEY = "grpc-status-details-bin"


class Entry(NamedTuple):
    """How a reason is told.

    Attributes:
        status: of the call.
        text: for people, fixed.
        retryable: whether the same question, newly signed, may be answered later without anything else changing.
    """

    status: grpc.StatusCode
    text: str
    retryable: bool = False


_INVALID = grpc.StatusCode.INVALID_ARGUMENT
_DENIED = grpc.StatusCode.PERMISSION_DENIED
_STATE = grpc.StatusCode.FAILED_PRECONDITION
_AWAY = grpc.StatusCode.UNAVAILABLE

CATALOGUE: Mapping[str, Entry] = MappingProxyType(
    {
        "CERTIFICATE_UNKNOWN": Entry(
            grpc.StatusCode.UNAUTHENTICATED, "The client certificate names nobody known here."
        ),
        "DIRECTORY_STALE": Entry(_AWAY, "The directory that this service follows is too old to be relied on.", True),
        "ELEMENTS_COUNT": Entry(_INVALID, "A request holds 1 to 1,000 blinded elements of 32 bytes."),
        "ELEMENTS_MISMATCH": Entry(_INVALID, "The blinded elements are not those that were signed for."),
        "ELEMENT_INVALID": Entry(_INVALID, "A blinded element is no canonical element of the group, or the identity."),
        "INSTITUTION_SUSPENDED": Entry(_DENIED, "The institution is suspended: it may report and not inquire."),
        "INSTITUTION_TERMINATED": Entry(_DENIED, "The institution is terminated."),
        "INSTITUTION_UNKNOWN": Entry(_DENIED, "No act has enrolled the institution."),
        "INTERNAL": Entry(grpc.StatusCode.INTERNAL, "The key service failed."),
        "KEY_OF_ANOTHER": Entry(_DENIED, "The key belongs to another institution."),
        "KEY_RANGE": Entry(_DENIED, "The key does not run any more."),
        "KEY_UNKNOWN": Entry(_DENIED, "No act has given this key."),
        "KEY_USAGE": Entry(_DENIED, "The key was given for another usage."),
        "MALFORMED": Entry(_INVALID, "Bytes or values have a wrong form."),
        "NOT_A_LENDER": Entry(_DENIED, "Key services answer lenders only."),
        "PEER_MISMATCH": Entry(_DENIED, "The client certificate and the signature name different institutions."),
        "PURPOSE_INVALID": Entry(_INVALID, "The purpose does not belong to this use."),
        "QUOTA_EXCEEDED": Entry(
            grpc.StatusCode.RESOURCE_EXHAUSTED, "The institution has used up what the rulebook allows for today."
        ),
        "REGISTRY_OTHER": Entry(_INVALID, "The request was signed for another registry."),
        "REQUEST_REPLAYED": Entry(grpc.StatusCode.ALREADY_EXISTS, "This request was taken before; sign a new one."),
        "REQUEST_STALE": Entry(_STATE, "A request is good for 5 minutes from when it was signed."),
        "SERVICE_OTHER": Entry(_INVALID, "The request was signed for another key service."),
        "SIGNATURE_INVALID": Entry(_DENIED, "The signature does not verify."),
        "STORAGE_UNAVAILABLE": Entry(_AWAY, "The log of requests does not answer; nothing was evaluated.", True),
        "TLS_KEY_REVOKED": Entry(
            grpc.StatusCode.UNAUTHENTICATED,
            "The TLS key was revoked for good: the institution needs a certificate for a new key.",
        ),
        "VERSION_NOT_SERVED": Entry(_STATE, "This version of the subject keys is not live, or not served here."),
    }
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request was refused.

    Attributes:
        reason: of the catalogue.
        field: path of the field inside what was sent; empty where the request as a whole is meant.
        rule: stable id of the broken rule.
        got: what was found; never a secret.
        want: what the rule asks for.
    """

    reason: str
    field: str = ""
    rule: str = ""
    got: str = ""
    want: str = ""

    @property
    def entry(self) -> Entry:
        """How the reason is told; one that no catalogue holds is told as INTERNAL."""
        return CATALOGUE.get(self.reason, CATALOGUE["INTERNAL"])


class RequestRefusedError(Exception):
    """The key service refuses.

    Attributes:
        refusal: why.
    """

    def __init__(self, reason: str, field: str = "", rule: str = "", *, got: str = "", want: str = "") -> None:
        super().__init__(reason, field, rule)
        self.refusal = Refusal(reason, field, rule, got, want)


def refusal_of(error: BaseException) -> Refusal:
    """Return how an error is told to the outside; of an unknown one nothing is told."""
    match error:
        case RequestRefusedError():
            return error.refusal
        case RuleError():
            return Refusal(str(error.reason), error.field, error.rule, error.got, error.want)
        case SignatureError():
            return Refusal("SIGNATURE_INVALID", error.part, error.rule, error.got, error.want)
        case FormatError():
            return Refusal("MALFORMED", error.part, error.rule, error.got, error.want)
        case _:
            return Refusal("INTERNAL")


def details_of(refusal: Refusal) -> tuple[tuple[str, bytes], ...]:
    """Return the trailing metadata that tells programs why a call failed (google.rpc.Status, AIP-193)."""
    metadata = {name: getattr(refusal, name) for name in ("field", "rule", "got", "want")}
    metadata["retryable"] = "true" if refusal.entry.retryable else ""
    shown = {name: value for name, value in metadata.items() if value}
    details: list[Message] = [error_details_pb2.ErrorInfo(reason=refusal.reason, domain=DOMAIN, metadata=shown)]
    if refusal.entry.status is _INVALID and refusal.field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=refusal.field, description=refusal.rule)
        details.append(error_details_pb2.BadRequest(field_violations=[violation]))
    status = status_pb2.Status(
        code=code_pb2.Code.Value(refusal.entry.status.name),
        message=refusal.entry.text,
        details=[_packed(detail) for detail in details],
    )
    return ((DETAILS_KEY, status.SerializeToString()),)


def _packed(message: Message) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed
