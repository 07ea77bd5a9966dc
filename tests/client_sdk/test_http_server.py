"""The small HTTPS server: requests of every form are answered or refused, and nothing waits or grows for ever."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from client_sdk._http_server import HttpLimits, HttpRequest, HttpResponse, HttpServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio
# A peer that a test waits for.
PATIENCE_SECONDS = 20
LIMITS = HttpLimits(body_bytes=10)


class Running:
    """A server that answers with what it was asked."""

    def __init__(self, limits: HttpLimits) -> None:
        self.failures: list[Exception] = []
        self.server = HttpServer(self.answer, self.failures.append, limits)
        self.port = 0

    async def answer(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/broken":
            raise LookupError("a fault")
        if request.path == "/slow":
            await asyncio.Event().wait()
        return HttpResponse(200, f"{request.method} {request.path} {request.body.decode()}".encode())

    async def say(self, *parts: bytes) -> bytes:
        """Send bytes; return all that comes until the server ends the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await asyncio.wait_for(reader.read(), PATIENCE_SECONDS)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()


@asynccontextmanager
async def running(limits: HttpLimits = LIMITS) -> AsyncIterator[Running]:
    it = Running(limits)
    it.port = await it.server.start("127.0.0.1:0", None)
    try:
        yield it
    finally:
        await it.server.stop()


def get(path: str, *headers: str, method: str = "GET", body: str = "") -> bytes:
    length = [f"Content-Length: {len(body)}"] if body else []
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: here", *length, *headers, "", body]).encode()


LAST = "Connection: close"


async def test_requests_follow_each_other_on_one_connection() -> None:
    async with running() as it:
        said = await it.say(get("/one"), get("/two?query", method="POST", body="words"), get("/three", LAST))
    assert said.count(b"HTTP/1.1 200") == 3
    assert [part.partition(b"\r\n\r\n")[2] for part in said.split(b"HTTP/1.1 ")[1:]] == [
        b"GET /one ",
        b"POST /two words",
        b"GET /three ",
    ]


async def test_head_has_no_body_and_the_length_of_one() -> None:
    async with running() as it:
        said = await it.say(get("/one", LAST, method="HEAD"))
    assert said.endswith(b"\r\n\r\n")
    assert b"Content-Length: 10\r\n" in said


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (get("/one", method="POST", body="eleven byte"), b"413"),
        (b"POST / HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nb\r\neleven byte\r\n", b"413"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (get("/one", "X-Long: " + "x" * 40_000), b"431"),
        (get("/broken", LAST), b"500"),
    ],
)
async def test_what_is_no_request_is_refused(sent: bytes, status: bytes) -> None:
    async with running() as it:
        said = await it.say(sent)
        assert said.startswith(b"HTTP/1.1 " + status)
        assert [type(error) for error in it.failures] == ([LookupError] if status == b"500" else [])
        assert (await it.say(get("/next", LAST))).startswith(b"HTTP/1.1 200"), "the server goes on"


@pytest.mark.parametrize("sent", [b"", b"GET / HT", get("/one", "Content-Length: 5"), get("/slow")])
async def test_a_peer_that_says_nothing_more_is_not_waited_for(sent: bytes) -> None:
    async with running(LIMITS._replace(head_seconds=0.2, answer_seconds=0.2)) as it:
        assert await it.say(sent) == b""


async def test_connections_beyond_the_limits_are_closed_at_once_and_places_come_back() -> None:
    for limits in (LIMITS._replace(connections=3), LIMITS._replace(address_connections=3)):
        async with running(limits) as it:
            held = [await asyncio.open_connection("127.0.0.1", it.port) for _ in range(3)]
            for _, writer in held:
                writer.write(get("/one"))
            for reader, _ in held:
                assert await asyncio.wait_for(reader.read(8), PATIENCE_SECONDS) == b"HTTP/1.1"
            assert await it.say(get("/one", LAST)) == b""
            for _, writer in held:
                writer.close()

            for _ in range(1_000):
                if await it.say(get("/one", LAST)):
                    break
                await asyncio.sleep(0.01)
            else:
                pytest.fail("no place came back")


async def test_a_tls_context_that_cannot_be_made_costs_one_connection_and_is_reported() -> None:
    made = [True, False, False]

    def context() -> ssl.SSLContext:
        if not made.pop(0):
            raise OSError(28, "No space left on device")
        return ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)

    it = Running(LIMITS)
    it.port = await it.server.start("127.0.0.1:0", context)
    try:
        assert [await it.say() for _ in made.copy()] == [b"", b""], "the second one was accepted too"
    finally:
        await it.server.stop()
    assert [str(error) for error in it.failures] == ["[Errno 28] No space left on device"] * 2


async def test_a_server_whose_tls_context_cannot_be_made_does_not_start() -> None:
    def context() -> ssl.SSLContext:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        await Running(LIMITS).server.start("127.0.0.1:0", context)
