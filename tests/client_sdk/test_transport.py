"""Channels: every call has a deadline, retries are only where they are safe, and nobody talks without a certificate."""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import grpc
import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from client_sdk._transport.call_threads import Job
from client_sdk._transport.channels import TlsMaterial, aio_channel, channel, error_of_call
from client_sdk._transport.deadlines import Deadlines
from client_sdk.errors import ConfigError, UnavailableError
from tests.support.tls import Authority, server_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path
    from types import FrameType

DEADLINES = Deadlines(unary=40.0, stream=400.0)
SERVICE = "tests.Deadline"
RECORDS = "creditregistry.v1.RecordService"


def deadline_of(seconds: float) -> bytes:
    """Which deadline it is of which so much is left; gRPC rounds up what it sends."""
    limits = ((10, b"own"), (41, b"unary"), (402, b"stream"))
    return next((name for limit, name in limits if seconds <= limit), b"none")


class Deadline(grpc.GenericRpcHandler):
    """Answers every call with the deadline that it has."""

    def __init__(self) -> None:
        self.attempts: dict[str, int] = {}
        self.failing = 0
        self.status = grpc.StatusCode.UNAVAILABLE
        self._turn = threading.Lock()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        method = handler_call_details.method.rsplit("/", 1)[1]
        with self._turn:
            self.attempts[method] = self.attempts.get(method, 0) + 1
        if method in {"UnaryUnary", "Evaluate", "GetReceipt"}:
            return grpc.unary_unary_rpc_method_handler(lambda _request, context: self.answer(context))
        if method == "UnaryStream":
            return grpc.unary_stream_rpc_method_handler(lambda _request, context: iter([self.answer(context)]))
        if method == "StreamUnary":
            return grpc.stream_unary_rpc_method_handler(lambda _requests, context: self.answer(context))
        return grpc.stream_stream_rpc_method_handler(lambda _requests, context: iter([self.answer(context)]))

    def answer(self, context: grpc.ServicerContext) -> bytes:
        with self._turn:
            self.failing -= 1
            fails = self.failing >= 0
        if fails:
            context.abort(self.status, "not now")
        return deadline_of(context.time_remaining())


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@contextmanager
def serving(handler: Deadline, authority: Authority) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([handler])
    port = server.add_secure_port("127.0.0.1:0", server_credentials(authority.server()))
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()


@pytest.fixture
def handler() -> Deadline:
    return Deadline()


@pytest.fixture
def target(handler: Deadline, authority: Authority) -> Iterator[str]:
    with serving(handler, authority) as address:
        yield address


def path(method: str, service: str = SERVICE) -> str:
    return f"/{service}/{method}"


def test_every_kind_of_call_has_a_deadline(target: str, authority: Authority) -> None:
    with channel(target, authority.member("lender-1"), DEADLINES) as link:
        assert link.unary_unary(path("UnaryUnary"), bytes, bytes)(b"") == b"unary"
        assert list(link.unary_stream(path("UnaryStream"), bytes, bytes)(b"")) == [b"stream"]
        assert link.stream_unary(path("StreamUnary"), bytes, bytes)(iter([b""])) == b"stream"
        assert list(link.stream_stream(path("StreamStream"), bytes, bytes)(iter([b""]))) == [b"stream"]


async def test_every_kind_of_call_for_asyncio_has_a_deadline(target: str, authority: Authority) -> None:
    async def requests() -> AsyncIterator[bytes]:
        yield b""

    async with aio_channel(target, authority.member("lender-1"), DEADLINES) as link:
        assert await link.unary_unary(path("UnaryUnary"), bytes, bytes)(b"") == b"unary"
        assert [item async for item in link.unary_stream(path("UnaryStream"), bytes, bytes)(b"")] == [b"stream"]
        assert await link.stream_unary(path("StreamUnary"), bytes, bytes)(requests()) == b"stream"
        assert [item async for item in link.stream_stream(path("StreamStream"), bytes, bytes)(requests())] == [
            b"stream"
        ]


def test_a_call_may_have_a_deadline_of_its_own(target: str, authority: Authority) -> None:
    with channel(target, authority.member("lender-1"), DEADLINES) as link:
        assert link.unary_unary(path("UnaryUnary"), bytes, bytes)(b"", timeout=7) == b"own"


async def test_a_call_for_asyncio_may_have_a_deadline_of_its_own(target: str, authority: Authority) -> None:
    async with aio_channel(target, authority.member("lender-1"), DEADLINES) as link:
        assert await link.unary_unary(path("UnaryUnary"), bytes, bytes)(b"", timeout=7) == b"own"


@pytest.mark.parametrize("status", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED])
def test_a_call_is_tried_again_where_the_server_was_not_available_or_stopped(
    handler: Deadline, target: str, authority: Authority, status: grpc.StatusCode
) -> None:
    handler.failing, handler.status = 2, status
    with channel(target, authority.member("lender-1"), DEADLINES) as link:
        link.unary_unary(path("GetReceipt", RECORDS), bytes, bytes)(b"")
    assert handler.attempts == {"GetReceipt": 3}


@pytest.mark.parametrize("method", ["SubmitBatch", "ListRecords"])
def test_a_stream_is_sent_once(handler: Deadline, target: str, authority: Authority, method: str) -> None:
    handler.failing = 1
    with channel(target, authority.member("lender-1"), DEADLINES) as link, pytest.raises(grpc.RpcError) as caught:
        list(link.stream_stream(path(method, RECORDS), bytes, bytes)(iter([b""])))
    assert isinstance(error_of_call(caught.value), UnavailableError)
    assert handler.attempts == {method: 1}


def test_an_evaluation_is_sent_once(handler: Deadline, target: str, authority: Authority) -> None:
    handler.failing = 1
    with channel(target, authority.member("lender-1"), DEADLINES) as link, pytest.raises(grpc.RpcError) as caught:
        link.unary_unary(path("Evaluate", "creditregistry.v1.SubjectKeyService"), bytes, bytes)(b"")
    assert isinstance(error_of_call(caught.value), UnavailableError)
    assert handler.attempts == {"Evaluate": 1}


def test_a_client_without_a_certificate_gets_nowhere(target: str, authority: Authority) -> None:
    credentials = grpc.ssl_channel_credentials(authority.ca)
    with grpc.secure_channel(target, credentials) as link, pytest.raises(grpc.RpcError) as caught:
        link.unary_unary(path("UnaryUnary"), bytes, bytes)(b"", timeout=10)
    assert isinstance(error_of_call(caught.value), UnavailableError)


def write(folder: Path, tls: TlsMaterial) -> None:
    for name, data in (("ca", tls.ca), ("certificate", tls.certificate), ("key", tls.key)):
        (folder / f"{name}.pem").write_bytes(data)


def test_a_folder_holds_what_tls_needs(tmp_path: Path, authority: Authority) -> None:
    tls = authority.member("lender-1")
    write(tmp_path, tls)
    assert TlsMaterial.from_folder(tmp_path) == tls
    (tmp_path / "key.pem").unlink()
    with pytest.raises(ConfigError, match=r"key\.pem"):
        TlsMaterial.from_folder(tmp_path)


@pytest.mark.parametrize("name", ["ca", "certificate", "key"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda _pem: b"",
        lambda _pem: b"no PEM\n",
        lambda pem: pem[: len(pem) // 2],
        lambda pem: pem.replace(b"\nMI", b"\nAA", 1),
        lambda pem: pem.replace(b"-----BEGIN ", b"-----BEGIN OLD ").replace(b"-----END ", b"-----END OLD "),
    ],
    ids=["empty", "no PEM", "half", "no DER", "another label"],
)
def test_a_damaged_file_is_named(
    tmp_path: Path, authority: Authority, name: str, damage: Callable[[bytes], bytes]
) -> None:
    write(tmp_path, authority.member("lender-1"))
    path = tmp_path / f"{name}.pem"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ConfigError, match=rf"^TLS: {name}\.pem: damaged, or no ") as caught:
        TlsMaterial.from_folder(tmp_path)
    assert caught.value.__cause__ is None


def test_an_encrypted_key_is_told(tmp_path: Path, authority: Authority) -> None:
    tls = authority.member("lender-1")
    key = load_pem_private_key(tls.key, password=None)
    encrypted = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"open sesame"))
    write(tmp_path, replace(tls, key=encrypted))
    with pytest.raises(ConfigError, match=r"^TLS: key\.pem: .* unencrypted"):
        TlsMaterial.from_folder(tmp_path)


def test_a_certificate_of_another_key_is_told(tmp_path: Path, authority: Authority) -> None:
    write(tmp_path, replace(authority.member("lender-1"), key=authority.member("lender-1").key))
    with pytest.raises(ConfigError, match=r"^TLS: certificate\.pem: it is for another key than the one in key\.pem$"):
        TlsMaterial.from_folder(tmp_path)


def test_an_expired_certificate_is_told_with_its_last_day(tmp_path: Path, authority: Authority) -> None:
    lifetime = timedelta(days=-3)
    day = f"{datetime.now(UTC) + lifetime:%Y-%m-%d}"
    write(tmp_path, authority.member("lender-1", lifetime=lifetime))
    with pytest.raises(ConfigError, match=rf"^TLS: certificate\.pem: expired on {day}, and this machine's clock "):
        TlsMaterial.from_folder(tmp_path)


def test_a_certificate_of_tomorrow_is_told(tmp_path: Path, authority: Authority) -> None:
    write(tmp_path, authority.member("lender-1", wait=timedelta(days=1), lifetime=timedelta(days=2)))
    told = r"^TLS: certificate\.pem: good only from .* UTC on, and this machine's clock shows .* UTC$"
    with pytest.raises(ConfigError, match=told):
        TlsMaterial.from_folder(tmp_path)


def test_no_key_is_shown(authority: Authority) -> None:
    assert "PRIVATE" not in repr(authority.member("lender-1"))


def test_nothing_of_grpc_runs_where_an_interrupt_could_reach_it(target: str, authority: Authority) -> None:
    """Ctrl-C reaches the main thread alone: inside of gRPC it could leave a lock of the channel taken for ever."""
    entered = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and "grpc/_channel.py" in frame.f_code.co_filename:
            entered.append(frame.f_code.co_name)

    with channel(target, authority.member("lender-1"), DEADLINES) as link:
        one, many = (
            link.unary_unary(path("UnaryUnary"), bytes, bytes),
            link.unary_stream(path("UnaryStream"), bytes, bytes),
        )
        sys.setprofile(profile)
        try:
            one(b"")
            assert list(many(b"")) == [b"stream"]
            begun = many(b"")
            begun.cancel()
            del begun
        finally:
            sys.setprofile(None)
    assert entered == []


def test_a_stream_whose_opening_is_interrupted_is_ended(
    target: str, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: Job[object]) -> object:
        raise KeyboardInterrupt

    with channel(target, authority.member("lender-1"), DEADLINES) as link:
        many = link.unary_stream(path("UnaryStream"), bytes, bytes)
        with monkeypatch.context() as patched:
            patched.setattr(Job, "result", interrupted)
            with pytest.raises(KeyboardInterrupt):
                many(b"")
        assert list(many(b"")) == [b"stream"]
        assert link.unary_unary(path("UnaryUnary"), bytes, bytes)(b"") == b"unary"
