"""TLS files of a server: renewed ones are shown at the next handshake, and one that ends soon is warned of."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc.aio
import pytest
from cryptography import x509
from structlog.testing import capture_logs

from registry_server.serving.tls import ServerTls, TlsFiles
from tests.support.tls import Authority
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from client_sdk._transport.channels import TlsMaterial

ADVICE = "renew it"


class Folder:
    """The files of a server, as an operator replaces them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, tls: TlsMaterial) -> None:
        for name, data in (("key", tls.key), ("certificate", tls.certificate), ("ca", tls.ca)):
            (self._path / name).write_bytes(data)

    def read(self) -> TlsFiles:
        return TlsFiles(*((self._path / name).read_bytes() for name in ("key", "certificate", "ca")))


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def folder(tmp_path: Path, authority: Authority) -> Folder:
    folder = Folder(tmp_path)
    folder.write(authority.server())
    return folder


@contextmanager
def serving(tls: ServerTls) -> Iterator[int]:
    """A server without services; yields its port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    async def start() -> tuple[grpc.aio.Server, int]:
        server = grpc.aio.server()
        port = server.add_secure_port("127.0.0.1:0", tls.credentials())
        await server.start()
        return server, port

    server, port = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        yield port
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(0), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def serial_shown(port: int, member: TlsMaterial, tmp_path: Path) -> int:
    """The serial number of the certificate that a server shows to a member."""
    for name, data in (("member.key", member.key), ("member.pem", member.certificate)):
        (tmp_path / name).write_bytes(data)
    context = ssl.create_default_context(cadata=member.ca.decode())
    context.load_cert_chain(tmp_path / "member.pem", tmp_path / "member.key")
    context.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as wrapped,
    ):
        shown = wrapped.getpeercert(binary_form=True)
    assert shown is not None
    return x509.load_der_x509_certificate(shown).serial_number


def end(pem: bytes) -> float:
    return x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()


def serial(tls: TlsMaterial) -> int:
    return x509.load_pem_x509_certificate(tls.certificate).serial_number


def test_a_renewed_certificate_is_shown_at_the_next_handshake(
    folder: Folder, authority: Authority, tmp_path: Path
) -> None:
    member, renewed = authority.member("lender-1"), authority.server()
    tls = ServerTls(folder.read, ADVICE)
    with serving(tls) as port:
        first = serial_shown(port, member, tmp_path)
        folder.write(renewed)
        tls.look()
        assert serial_shown(port, member, tmp_path) == serial(renewed) != first
        assert serial_shown(port, member, tmp_path) == serial(renewed)


def test_files_that_do_not_belong_together_are_passed_over_and_told_once(
    folder: Folder, authority: Authority, tmp_path: Path
) -> None:
    member, renewed = authority.member("lender-1"), authority.server()
    tls = ServerTls(folder.read, ADVICE)
    with serving(tls) as port:
        first, held = serial_shown(port, member, tmp_path), folder.read()
        (tmp_path / "certificate").write_bytes(renewed.certificate)
        with capture_logs() as lines:
            tls.look()
            tls.look()
        assert [line["event"] for line in lines] == ["TLS files not taken"]
        for name in ("key", "certificate", "ca"):
            (tmp_path / name).write_bytes(b"damaged")
            tls.look()
            (tmp_path / name).unlink()
            tls.look()
        assert serial_shown(port, member, tmp_path) == first
        assert tls.ends() == end(held.certificate)
        folder.write(renewed)
        tls.look()
        assert serial_shown(port, member, tmp_path) == serial(renewed)


def test_a_certificate_that_nobody_would_accept_takes_the_place_of_none(folder: Folder, authority: Authority) -> None:
    tls = ServerTls(folder.read, ADVICE)
    good = tls.ends()
    expired = authority.issue(common_name="server", lifetime=timedelta(days=-1), wait=timedelta(days=-3))
    early = authority.issue(common_name="server", lifetime=timedelta(days=9), wait=timedelta(days=1))
    foreign = replace(Authority().server(), ca=authority.ca)
    for wrong in (expired, early, foreign):
        folder.write(wrong)
        tls.look()
        assert tls.ends() == good
    folder.write(authority.issue(common_name="server", lifetime=timedelta(days=9)))
    tls.look()
    assert tls.ends() != good


def test_the_files_are_looked_at_again_and_again(folder: Folder, authority: Authority) -> None:
    tls = ServerTls(folder.read, ADVICE, interval=0.05)
    tls.start()
    try:
        renewed = authority.issue(common_name="server", lifetime=timedelta(days=100))
        folder.write(renewed)
        wait_until(
            lambda: tls.ends() == x509.load_pem_x509_certificate(renewed.certificate).not_valid_after_utc.timestamp()
        )
    finally:
        tls.stop()


def test_a_certificate_that_ends_soon_is_warned_of_with_what_to_do(folder: Folder, authority: Authority) -> None:
    folder.write(authority.issue(common_name="server", lifetime=timedelta(days=10, hours=12)))
    tls = ServerTls(folder.read, ADVICE, interval=0.01)
    with capture_logs() as lines:
        tls.start()
        wait_until(lambda: bool(lines))
        tls.stop()
    assert [(line["log_level"], line["days"], line["advice"]) for line in lines] == [("warning", 10, ADVICE)]


def test_a_certificate_that_is_good_for_long_is_not_warned_of(folder: Folder) -> None:
    with capture_logs() as lines:
        tls = ServerTls(folder.read, ADVICE)
        tls.start()
        tls.stop()
    assert lines == []
