"""TLS files that are replaced while a channel is open: calls that begin show the newest, those under way go on."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import grpc
import pytest
from cryptography import x509

from client_sdk._transport import tls as tls_module
from client_sdk._transport.channels import aio_channel, channel
from client_sdk._transport.tls import TlsFolder
from client_sdk.errors import ConfigError
from client_sdk.home import replace_file
from tests.support.tls import Authority, server_credentials
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk._transport.channels import TlsMaterial
    from client_sdk._transport.connections import Connections

SECONDS = 60.0
ONE, MANY = "/tests.Shown/One", "/tests.Shown/Many"


class Shown(grpc.GenericRpcHandler):
    """Answers with the serial number of the caller's certificate; a stream does so twice, the second time when told."""

    def __init__(self) -> None:
        self.go_on = threading.Event()

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes] | None:
        if handler_call_details.method == ONE:
            return grpc.unary_unary_rpc_method_handler(lambda _request, context: self.serial(context))
        return grpc.unary_stream_rpc_method_handler(lambda _request, context: self.twice(context))

    def twice(self, context: grpc.ServicerContext) -> Iterator[bytes]:
        yield self.serial(context)
        assert self.go_on.wait(SECONDS)
        yield self.serial(context)

    @staticmethod
    def serial(context: grpc.ServicerContext) -> bytes:
        (pem,) = cast("list[bytes]", context.auth_context()["x509_pem_cert"])
        return str(x509.load_pem_x509_certificate(pem).serial_number).encode()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def shown() -> Iterator[Shown]:
    handler = Shown()
    yield handler
    handler.go_on.set()


@pytest.fixture
def target(shown: Shown, authority: Authority) -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([shown])
    port = server.add_secure_port("127.0.0.1:0", server_credentials(authority.server()))
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        shown.go_on.set()
        server.stop(grace=None).wait()


@pytest.fixture
def first(authority: Authority) -> TlsMaterial:
    return authority.member("lender-1")


@pytest.fixture
def folder(tmp_path: Path, first: TlsMaterial) -> Path:
    write(tmp_path, first)
    return tmp_path


@pytest.fixture(autouse=True)
def looks_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_module, "LOOK_SECONDS", 0.0)


def write(folder: Path, tls: TlsMaterial) -> None:
    for name, data in (("ca", tls.ca), ("key", tls.key), ("certificate", tls.certificate)):
        replace_file(folder / f"{name}.pem", data)


def serial(tls: TlsMaterial) -> bytes:
    return str(x509.load_pem_x509_certificate(tls.certificate).serial_number).encode()


def is_closed(opened: grpc.Channel) -> bool:
    try:
        opened.unary_unary(ONE, bytes, bytes)(b"", timeout=SECONDS)
    except ValueError:
        return True
    except grpc.RpcError as error:
        # Closed while the call was under way.
        return "Channel closed" in str(error)
    return False


def test_a_call_that_begins_shows_the_newest_certificate(
    folder: Path, target: str, first: TlsMaterial, authority: Authority
) -> None:
    with channel(target, TlsFolder(folder)) as link:
        one = link.unary_unary(ONE, bytes, bytes)
        assert one(b"") == one(b"") == serial(first)
        for _ in range(3):
            renewed = authority.member("lender-1")
            write(folder, renewed)
            assert one(b"") == one(b"") == serial(renewed)


def test_a_stream_under_way_ends_on_its_connection_which_is_closed_then(
    folder: Path, target: str, shown: Shown, first: TlsMaterial, authority: Authority
) -> None:
    with channel(target, TlsFolder(folder)) as link:
        connections: Connections[grpc.Channel] = link._connections  # type: ignore[attr-defined]  # a WatchedChannel
        before = connections.channel
        under_way = link.unary_stream(MANY, bytes, bytes)(b"")
        assert next(under_way) == serial(first)
        renewed = authority.member("lender-1")
        write(folder, renewed)
        assert link.unary_unary(ONE, bytes, bytes)(b"") == serial(renewed)
        assert not is_closed(before)
        shown.go_on.set()
        assert list(under_way) == [serial(first)]
        wait_until(lambda: is_closed(before))
        assert list(link.unary_stream(MANY, bytes, bytes)(b"")) == [serial(renewed)] * 2


def test_a_stream_that_nobody_reads_any_more_keeps_no_connection(
    folder: Path, target: str, first: TlsMaterial, authority: Authority
) -> None:
    with channel(target, TlsFolder(folder)) as link:
        before = link._connections.channel  # type: ignore[attr-defined]  # a WatchedChannel
        streams = [link.unary_stream(MANY, bytes, bytes)(b"") for _ in range(2)]
        assert [next(stream) for stream in streams] == [serial(first)] * 2
        write(folder, authority.member("lender-1"))
        streams.pop().cancel()
        streams.clear()
        # What was dropped ends with the next call.
        link.unary_unary(ONE, bytes, bytes)(b"")
        wait_until(lambda: is_closed(before))


def test_a_channel_that_is_closed_closes_older_connections_too(folder: Path, target: str, authority: Authority) -> None:
    link = channel(target, TlsFolder(folder))
    before = link._connections.channel  # type: ignore[attr-defined]  # a WatchedChannel
    under_way = link.unary_stream(MANY, bytes, bytes)(b"")
    next(under_way)
    write(folder, authority.member("lender-1"))
    link.unary_unary(ONE, bytes, bytes)(b"")
    link.close()
    assert is_closed(before)
    assert is_closed(link._connections.channel)  # type: ignore[attr-defined]  # a WatchedChannel


def test_files_that_no_start_would_take_are_passed_over(
    folder: Path, target: str, first: TlsMaterial, authority: Authority
) -> None:
    renewed = authority.member("lender-1")
    with channel(target, TlsFolder(folder)) as link:
        one = link.unary_unary(ONE, bytes, bytes)
        # Half of a renewal: the new key, and still the old certificate.
        replace_file(folder / "key.pem", renewed.key)
        assert one(b"") == serial(first)
        replace_file(folder / "certificate.pem", renewed.certificate)
        assert one(b"") == serial(renewed)
        for wrong in (
            authority.member("lender-1", lifetime=timedelta(days=-1)),
            authority.member("lender-1", lifetime=timedelta(days=9), wait=timedelta(days=1)),
        ):
            write(folder, wrong)
            assert one(b"") == serial(renewed)
        for name in ("ca", "certificate", "key"):
            write(folder, authority.member("lender-1"))
            (folder / f"{name}.pem").write_bytes(b"damaged")
            assert one(b"") == serial(renewed)
            (folder / f"{name}.pem").unlink()
            assert one(b"") == serial(renewed)
        write(folder, first)
        assert one(b"") == serial(first)


def test_files_that_are_as_they_were_make_no_connection(folder: Path, target: str, first: TlsMaterial) -> None:
    with channel(target, TlsFolder(folder)) as link:
        before = link._connections.channel  # type: ignore[attr-defined]  # a WatchedChannel
        write(folder, first)
        assert link.unary_unary(ONE, bytes, bytes)(b"") == serial(first)
        assert link._connections.channel is before  # type: ignore[attr-defined]  # a WatchedChannel


def test_calls_at_once_make_one_connection(folder: Path, target: str, authority: Authority) -> None:
    with channel(target, TlsFolder(folder)) as link, ThreadPoolExecutor(8) as pool:
        one = link.unary_unary(ONE, bytes, bytes)
        for _ in range(3):
            renewed = authority.member("lender-1")
            write(folder, renewed)
            one(b"")
            assert set(pool.map(lambda _: one(b""), range(40))) == {serial(renewed)}


def test_the_files_are_looked_at_once_a_second_and_whenever_that_is_asked_for(
    folder: Path, target: str, first: TlsMaterial, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_module, "LOOK_SECONDS", SECONDS)
    files = TlsFolder(folder)
    with channel(target, files) as link:
        renewed = authority.member("lender-1")
        write(folder, renewed)
        assert link.unary_unary(ONE, bytes, bytes)(b"") == serial(first)
        files.look()
        assert link.unary_unary(ONE, bytes, bytes)(b"") == serial(renewed)


def test_a_folder_that_no_start_would_take_is_refused(folder: Path) -> None:
    (folder / "key.pem").unlink()
    with pytest.raises(ConfigError, match=r"key\.pem"):
        TlsFolder(folder)


async def closed(opened: grpc.aio.Channel) -> bool:
    try:
        await opened.unary_unary(ONE, bytes, bytes)(b"", timeout=SECONDS)
    except (grpc.aio.UsageError, asyncio.CancelledError):
        return True
    return False


async def test_a_channel_for_asyncio_does_the_same(
    folder: Path, target: str, shown: Shown, first: TlsMaterial, authority: Authority
) -> None:
    async with aio_channel(target, TlsFolder(folder)) as link:
        before = link._connections.channel  # type: ignore[attr-defined]  # a WatchedAioChannel
        one, many = link.unary_unary(ONE, bytes, bytes), link.unary_stream(MANY, bytes, bytes)

        async def call() -> bytes:
            await one.ready()  # type: ignore[attr-defined]  # as the flows of the SDK do
            return bytes(await one(b""))

        assert await call() == serial(first)
        under_way = many(b"")
        assert await anext(aiter(under_way)) == serial(first)
        renewed = authority.member("lender-1")
        replace_file(folder / "key.pem", renewed.key)
        assert await call() == serial(first)
        replace_file(folder / "certificate.pem", renewed.certificate)
        assert set(await asyncio.gather(*(call() for _ in range(20)))) == {serial(renewed)}
        assert not await closed(before)
        shown.go_on.set()
        assert [message async for message in under_way] == [serial(first)]
        await asyncio.to_thread(wait_until, before._channel.closed)
        assert await closed(before)
        newest = link._connections.channel  # type: ignore[attr-defined]  # a WatchedAioChannel
        assert await call() == serial(renewed)
    assert await closed(newest)
