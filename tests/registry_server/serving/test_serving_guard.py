"""What both servers answer to bytes that are no message, to calls without one, and to too many calls at once."""

from __future__ import annotations

import asyncio
import http.client
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

import grpc
import pytest
from creditregistry.v1 import (
    directory_service_pb2,
    inquiry_service_pb2,
    record_service_pb2,
    subject_key_service_pb2,
    transparency_service_pb2,
)
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2
from prometheus_client import CollectorRegistry

from client_sdk._transport.channels import channel
from client_sdk._transport.watched import WatchedChannel
from client_sdk.kernel.formats.act import StateBody
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.testing.ports import free_address
from registry_server.errors import CATALOGUE, complaint_of
from registry_server.rpc.permissions import PERMISSIONS, Caller
from registry_server.serving.catalogue import Catalogue
from registry_server.serving.deadlines import CallDeadlines
from registry_server.serving.guard import HEALTH_METHODS, Guard, Rules
from registry_server.serving.observation import Observer
from registry_server.serving.places import Limits, Places
from registry_server.serving.status import DETAILS_KEY
from registry_server.serving.transport import open_server
from tests.conftest import sqlite_url
from tests.support.key_services import KeyServiceSite, wait_until_followed
from tests.support.logbook import Logbook, LogbookRegistry, serve
from tests.support.registry import RunningRegistry, running_registry
from tests.support.registry_world import ADMINISTRATORS, AUDITOR
from tests.support.tls import Authority, server_credentials
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from client_sdk.kernel.ledger.holder import Peer

    Method = grpc.StreamStreamMultiCallable[bytes, bytes]

NO_MESSAGE = b"\xff\xff\xff"
WAIT_SECONDS = 60
HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"]
REGISTRY = (record_service_pb2, inquiry_service_pb2, transparency_service_pb2, directory_service_pb2)
MEMBERS = {Caller.LENDER: "lender-1", Caller.AUDITOR: AUDITOR, Caller.ADMINISTRATOR: ADMINISTRATORS[0]}


class Everybody:
    """Lets every caller in."""

    def is_current(self, _method: str, _peer: Peer) -> bool:
        return True

    def refresh(self) -> None:
        raise AssertionError("asked for newer knowledge")

    def check(self, _method: str, _peer: Peer) -> bool:
        return True


def methods(*files: object) -> list[str]:
    services = [service for file in files for service in file.DESCRIPTOR.services_by_name.values()]  # type: ignore[attr-defined]  # generated
    return [f"/{service.full_name}/{method.name}" for service in services for method in service.methods]


class Ended(NamedTuple):
    """How a call ended."""

    status: str
    reason: str
    rule: str
    text: str
    request_id: str


def ended(opened: grpc.Channel, method: str, *messages: bytes) -> Ended:
    """Call a method with these bytes; whatever its kind, on the wire it is a stream."""
    begin: Method = opened.stream_stream(method)
    call = begin(iter(messages), timeout=WAIT_SECONDS)
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    error = caught.value
    assert isinstance(error, grpc.Call)
    details = dict(error.trailing_metadata() or ()).get(DETAILS_KEY, b"")
    assert isinstance(details, bytes)
    info = error_details_pb2.ErrorInfo()
    for item in status_pb2.Status.FromString(details).details:
        item.Unpack(info)
    shown = info.metadata
    return Ended(error.code().name, info.reason, shown["rule"], error.details() or "", shown["request_id"])


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[RunningRegistry]:
    folder = tmp_path_factory.mktemp("guarded")
    (folder / "guarded.sqlite").write_bytes(sqlite_template.read_bytes())
    with running_registry(folder, sqlite_url(folder / "guarded.sqlite"), member_calls_max=4) as running:
        yield running


def caller_of(method: str) -> str:
    return next(name for caller, name in MEMBERS.items() if caller in PERMISSIONS[method])


def counted(registry: RunningRegistry, method: str, reason: str) -> float:
    labels = {"method": method, "reason": reason}
    return registry.app.metrics.get_sample_value("registry_calls_total", labels) or 0.0


@pytest.mark.parametrize("method", methods(*REGISTRY))
def test_the_registry_refuses_bytes_that_are_no_message_and_calls_without_one(
    registry: RunningRegistry, method: str
) -> None:
    opened = registry.channel(caller_of(method))
    got = ended(opened, method, NO_MESSAGE)
    assert got[:3] == ("INVALID_ARGUMENT", "MALFORMED", "message.protobuf")
    assert got.request_id
    assert counted(registry, method, "MALFORMED") == 1
    wanted = ("BATCH_ORDER", "batch.header") if method.endswith("/SubmitBatch") else ("MALFORMED", "message.missing")
    assert ended(opened, method)[1:3] == wanted


def test_the_health_service_refuses_bytes_that_are_no_message(registry: RunningRegistry) -> None:
    for method in HEALTH_METHODS:
        assert ended(registry.channel("lender-1"), method, NO_MESSAGE).reason == "MALFORMED"


def test_permission_is_asked_before_a_request_is_read(registry: RunningRegistry) -> None:
    over = threading.Event()

    def nothing() -> Iterator[bytes]:
        over.wait(WAIT_SECONDS)
        yield from ()

    # No byte of a request is ever sent.
    begin: Method = registry.channel(AUDITOR).stream_stream("/creditregistry.v1.RecordService/Submit")
    call = begin(nothing())
    try:
        with pytest.raises(grpc.RpcError) as caught:
            next(call)
        assert isinstance(caught.value, grpc.Call)
        assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED
    finally:
        over.set()


class Held:
    """Calls that are begun and sent no request."""

    def __init__(self, opened: grpc.Channel, method: str, count: int) -> None:
        self._over = threading.Event()
        # The SDK's own channels hand out no calls of gRPC.
        bare = opened._connections.channel if isinstance(opened, WatchedChannel) else opened
        begin: Method = bare.stream_stream(method)
        self._ended: list[grpc.StatusCode] = []
        self._calls = [begin(self._nothing(), timeout=WAIT_SECONDS) for _ in range(count)]
        for call in self._calls:
            self._note(call)

    def _note(self, call: grpc.Call) -> None:
        if not call.add_callback(lambda: self._ended.append(call.code())):
            self._ended.append(call.code())

    def _nothing(self) -> Iterator[bytes]:
        self._over.wait(WAIT_SECONDS)
        yield from ()

    def refused(self) -> int:
        return self._ended.count(grpc.StatusCode.UNAVAILABLE)

    def end(self) -> None:
        self._over.set()
        for call in self._calls:
            call.cancel()


@contextmanager
def held(opened: grpc.Channel, method: str, count: int) -> Iterator[Held]:
    calls = Held(opened, method, count)
    try:
        yield calls
    finally:
        calls.end()


def is_answered(opened: grpc.Channel, method: str) -> bool:
    begin: Method = opened.stream_stream(method)
    try:
        return len(list(begin(iter((b"",)), timeout=WAIT_SECONDS))) == 1
    except grpc.RpcError:
        return False


def test_a_member_has_so_many_calls_under_way_and_others_have_theirs(registry: RunningRegistry) -> None:
    method = "/creditregistry.v1.TransparencyService/GetCheckpoint"
    opened = registry.channel("lender-1")
    with held(opened, method, 6) as calls:
        wait_until(lambda: calls.refused() == 2)
        refused = ended(opened, method, b"")
        assert refused[:3] == ("UNAVAILABLE", "TOO_MANY_CALLS", "calls.concurrent")
        assert is_answered(registry.channel("lender-2"), method)
    # Each place is given back when its call ends.
    wait_until(lambda: is_answered(opened, method))


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


class KeyService(NamedTuple):
    """A key service that serves."""

    site: KeyServiceSite
    log: Logbook
    link: grpc.Channel
    other: grpc.Channel
    text: Callable[[], str]


@pytest.fixture
def key_service(tmp_path: Path, authority: Authority) -> Iterator[KeyService]:
    site = KeyServiceSite(tmp_path / "key-service-a", "key-service-a")
    metrics = free_address()

    def text() -> str:
        connection = http.client.HTTPConnection(metrics, timeout=WAIT_SECONDS)
        connection.request("GET", "/metrics")
        shown = connection.getresponse().read().decode()
        connection.close()
        return shown

    log = Logbook(services=[site.service])
    with serve(LogbookRegistry(log), authority.server()) as registry:
        site.install(authority, log.trust_root, registry)
        site.set(metrics_listen=metrics, member_calls_max=4)
        with (
            site.running(authority.member("lender-1")) as link,
            channel(site.url, authority.member("lender-2")) as other,
        ):
            yield KeyService(site, log, link, other, text)


def test_a_key_service_refuses_what_is_no_message_by_name_and_counts_it(key_service: KeyService) -> None:
    for method in methods(subject_key_service_pb2):
        got = ended(key_service.link, method, NO_MESSAGE)
        assert got[:3] == ("INVALID_ARGUMENT", "MALFORMED", "message.protobuf")
        assert got.request_id
        assert ended(key_service.link, method)[1:3] == ("MALFORMED", "message.missing")
        assert f'key_service_calls_total{{method="{method}",reason="MALFORMED"}} 2.0' in key_service.text()
    for method in HEALTH_METHODS:
        assert ended(key_service.link, method, NO_MESSAGE).reason == "MALFORMED"


def test_a_key_service_gives_each_member_its_own_places(key_service: KeyService) -> None:
    method = "/creditregistry.v1.SubjectKeyService/GetStatus"
    with held(key_service.link, method, 6) as calls:
        wait_until(lambda: calls.refused() == 2)
        assert ended(key_service.link, method, b"").reason == "TOO_MANY_CALLS"
        assert is_answered(key_service.other, method)
    wait_until(lambda: is_answered(key_service.link, method))


def test_a_key_service_refuses_whoever_is_no_member_any_more(key_service: KeyService, authority: Authority) -> None:
    key_service.log.act(StateBody("lender-2", InstitutionStatus.TERMINATED))
    key_service.log.commit()
    wait_until_followed(key_service.link, key_service.log.logged_at)
    for method in (*methods(subject_key_service_pb2), *HEALTH_METHODS):
        assert ended(key_service.other, method, b"")[:2] == ("PERMISSION_DENIED", "INSTITUTION_TERMINATED")
    with channel(key_service.site.url, authority.member("nobody")) as stranger:
        for method in (*methods(subject_key_service_pb2), *HEALTH_METHODS):
            assert ended(stranger, method, b"")[:2] == ("PERMISSION_DENIED", "INSTITUTION_UNKNOWN")
    watch = f"/{HEALTH.full_name}/Watch"
    assert ended(key_service.link, watch, b"").status == "UNIMPLEMENTED"


SECRET = "110101199003074514"


def _plain(data: bytes) -> bytes:
    return data


def _fails(_message: bytes) -> bytes:
    raise ValueError(SECRET)


async def test_of_an_error_that_nobody_foresaw_nothing_is_told(
    authority: Authority, capsys: pytest.CaptureFixture[str]
) -> None:
    async def answers(_request: bytes, _context: object) -> bytes:
        return b""

    async def fails(request: bytes, _context: object) -> bytes:
        return _fails(request)

    async def fails_later(request: bytes, _context: object) -> AsyncIterator[bytes]:
        yield b""
        _fails(request)

    handlers = {
        "Fails": grpc.unary_unary_rpc_method_handler(fails, _plain, _plain),
        "FailsLater": grpc.unary_stream_rpc_method_handler(fails_later, _plain, _plain),
        "CannotBeEncoded": grpc.unary_unary_rpc_method_handler(answers, _plain, _fails),
        "CannotBeParsed": grpc.unary_unary_rpc_method_handler(answers, _fails, _plain),
    }
    observer = Observer("registry", CollectorRegistry())
    rules = Rules(Everybody(), Places(Limits()), CallDeadlines(), Catalogue(CATALOGUE, complaint_of), observer, 1_024)
    server = open_server(Guard(rules), 1_024, 10)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Test", handlers),))
    port = server.add_secure_port("127.0.0.1:0", server_credentials(authority.server()))
    await server.start()
    try:
        with channel(f"127.0.0.1:{port}", authority.member("lender-1")) as opened:
            for name in handlers:
                got = await asyncio.to_thread(ended, opened, f"/test.Test/{name}", b"x")
                assert got[:2] == ("INTERNAL", "INTERNAL")
                assert got.text == CATALOGUE["INTERNAL"].text
                assert got.request_id
                said = capsys.readouterr()
                # The place in the code is noted under the id that the caller was told, and nothing of the text.
                assert got.request_id in said.out
                assert "_fails" in said.out
                assert SECRET not in repr(got) + said.out + said.err
    finally:
        await server.stop(0)
