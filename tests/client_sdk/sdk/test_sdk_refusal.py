"""Failed calls become errors by their reason first, and by their status where nobody gave one."""

from __future__ import annotations

import pickle

import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from client_sdk._transport.refusal import error_of
from client_sdk.errors import (
    ConflictError,
    CreditRegistryError,
    DeadlineExceededError,
    InvalidError,
    NotPermittedError,
    QuotaError,
    RefusedError,
    TransportError,
    UnavailableError,
    VerificationError,
)


def details(reason: str, domain: str = "creditregistry", **metadata: str) -> bytes:
    packed = AnyMessage()
    packed.Pack(error_details_pb2.ErrorInfo(reason=reason, domain=domain, metadata=metadata))
    return bytes(status_pb2.Status(details=[packed]).SerializeToString())


@pytest.mark.parametrize(
    ("reason", "status", "kind"),
    [
        ("VERSION_TAKEN", "ALREADY_EXISTS", ConflictError),
        ("DEBT_TAKEN", "ALREADY_EXISTS", ConflictError),
        ("RECORD_UNKNOWN", "NOT_FOUND", ConflictError),
        ("NOTICE_LATE", "INVALID_ARGUMENT", InvalidError),
        ("ILLEGAL_TRANSITION", "FAILED_PRECONDITION", InvalidError),
        ("SIGNATURE_INVALID", "PERMISSION_DENIED", InvalidError),
        ("KEY_RANGE", "PERMISSION_DENIED", NotPermittedError),
        ("QUOTA_EXCEEDED", "RESOURCE_EXHAUSTED", QuotaError),
        ("SOMETHING_NEW", "RESOURCE_EXHAUSTED", QuotaError),
        ("SOMETHING_NEW", "NOT_FOUND", InvalidError),
    ],
)
def test_a_reason_decides_the_class(reason: str, status: str, kind: type[RefusedError]) -> None:
    told = details(reason, field="facts.notice", rule="C06", got="late", want="before")
    error = error_of(status, "for people", told)
    assert type(error) is kind
    assert isinstance(error, RefusedError)
    assert (error.reason, error.field, error.rule, error.got, error.want) == (
        *(reason, "facts.notice", "C06"),
        *("late", "before"),
    )
    assert str(error) == f"{reason} at facts.notice: C06 (got late, want before): for people"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("UNAVAILABLE", UnavailableError),
        ("CANCELLED", UnavailableError),
        ("DEADLINE_EXCEEDED", DeadlineExceededError),
        ("INTERNAL", TransportError),
    ],
)
def test_what_was_not_decided_is_no_refusal(status: str, kind: type[TransportError]) -> None:
    for told in (None, details("QUEUE_FULL")):
        error = error_of(status, "text", told)
        assert type(error) is kind
        assert isinstance(error, TransportError)
        assert error.reason == ("" if told is None else "QUEUE_FULL")


def test_another_domain_gives_no_reason() -> None:
    error = error_of("PERMISSION_DENIED", "text", details("KEY_RANGE", domain="elsewhere"))
    assert isinstance(error, NotPermittedError)
    assert error.reason == "PERMISSION_DENIED"


@given(st.sampled_from(["NOT_FOUND", "INTERNAL", "UNAVAILABLE"]), st.binary(max_size=64))
def test_any_bytes_give_an_error_of_ours(status: str, told: bytes) -> None:
    assert isinstance(error_of(status, "text", told), CreditRegistryError)


@pytest.mark.parametrize(
    "error",
    [
        InvalidError("NOTICE_LATE", "text", field="facts", rule="C06", got="1", want="2"),
        UnavailableError("text", reason="QUEUE_FULL"),
        VerificationError("head", "head.age", "got 1"),
    ],
)
def test_errors_survive_pickling(error: CreditRegistryError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own bytes
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)
