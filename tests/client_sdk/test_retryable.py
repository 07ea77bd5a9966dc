"""Whether a call may be repeated is said once, by the server's catalogue: gRPC's own retries and the SDK follow it."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import grpc
import pytest

from client_sdk._protocol.evaluation import failed
from client_sdk._transport.channels import MAX_ATTEMPTS, channel, error_of_call
from client_sdk._transport.refusal import error_of
from client_sdk.errors import InvalidError
from client_sdk.kernel.formats.complaint import Complaint
from client_sdk.kernel.formats.state import KeyService
from registry_server import errors as registry
from registry_server.errors import GrpcStatus
from registry_server.serving.status import status_code, trailing_metadata
from registry_server.subject_key_service import errors as key_service
from tests.support.tls import Authority, server_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from client_sdk.errors import RefusedError, TransportError
    from registry_server.errors import Entry

CALLS = 8
METHOD = "/creditregistry.v1.RecordService/GetReceipt"
CATALOGUES: dict[str, Mapping[str, Entry]] = {"registry": registry.CATALOGUE, "key service": key_service.CATALOGUE}


class Refusing(grpc.GenericRpcHandler):
    """Refuses each call with the reason that the request names, as our servers do, and counts the attempts."""

    def __init__(self, catalogue: Mapping[str, Entry]) -> None:
        self.attempts: Counter[str] = Counter()
        self._catalogue = catalogue
        self._turn = threading.Lock()

    def service(self, _handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        return grpc.unary_unary_rpc_method_handler(self._refuse)

    def _refuse(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        reason = request.decode()
        with self._turn:
            self.attempts[reason] += 1
        entry = self._catalogue[reason]
        context.set_trailing_metadata(trailing_metadata(Complaint(reason), entry, "1-1"))
        context.abort(status_code(entry), entry.text)


@pytest.fixture(params=CATALOGUES)
def refusing(request: pytest.FixtureRequest) -> Refusing:
    return Refusing(CATALOGUES[request.param])


@pytest.fixture
def link(refusing: Refusing) -> Iterator[grpc.Channel]:
    authority = Authority()
    server = grpc.server(ThreadPoolExecutor(CALLS))
    server.add_generic_rpc_handlers([refusing])
    port = server.add_secure_port("127.0.0.1:0", server_credentials(authority.server()))
    server.start()
    try:
        with channel(f"127.0.0.1:{port}", authority.member("lender-1")) as opened:
            yield opened
    finally:
        server.stop(grace=None).wait()


def test_the_sdk_and_grpc_retry_what_the_catalogue_says_and_nothing_else(
    refusing: Refusing, link: grpc.Channel, request: pytest.FixtureRequest
) -> None:
    catalogue = CATALOGUES[request.node.callspec.params["refusing"]]
    call = link.unary_unary(METHOD, bytes, bytes)

    def refused(reason: str) -> RefusedError | TransportError:
        with pytest.raises(grpc.RpcError) as caught:
            call(reason.encode())
        return error_of_call(caught.value)

    with ThreadPoolExecutor(CALLS) as threads:
        told = dict(zip(catalogue, threads.map(refused, catalogue), strict=True))
    assert {reason: error.reason for reason, error in told.items()} == {reason: reason for reason in catalogue}
    assert {reason: error.retryable for reason, error in told.items()} == {
        reason: entry.retryable for reason, entry in catalogue.items()
    }
    assert refusing.attempts == {reason: MAX_ATTEMPTS if entry.retryable else 1 for reason, entry in catalogue.items()}
    assert any(entry.status is GrpcStatus.UNAVAILABLE for entry in catalogue.values())


@pytest.mark.parametrize(
    ("status", "retryable"),
    [("UNAVAILABLE", True), ("DEADLINE_EXCEEDED", True), ("INTERNAL", False), ("PERMISSION_DENIED", False)],
)
def test_where_no_server_of_ours_answers_the_status_decides(status: str, retryable: bool) -> None:  # noqa: FBT001 - a case
    error = error_of(status, "text", None)
    assert error.retryable is retryable
    assert failed(KeyService("a.example:1", bytes(32), "a"), error).retryable is retryable


def test_the_refusal_of_a_key_service_gives_its_reason_once() -> None:
    error = InvalidError("ELEMENT_INVALID", field="blinded", rule="element.group", message="No element.")
    told = str(failed(KeyService("a.example:1", bytes(32), "a"), error))
    assert told == "key service a.example:1: ELEMENT_INVALID: blinded: element.group: No element."
