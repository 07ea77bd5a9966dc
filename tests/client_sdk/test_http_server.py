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
        # Requests that wait for an answer, until they are let go on.
        self.asked, self.go_on = asyncio.Semaphore(0), asyncio.Event()
        self.held: list[asyncio.StreamWriter] = []

    async def answer(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/broken":
            raise LookupError("a fault")
        if request.path == "/slow":
            self.asked.release()
            await self.go_on.wait()
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
        for writer in it.held:
            writer.close()
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


async def held(it: Running, said: bytes = b"", address: str = "127.0.0.1") -> asyncio.StreamReader:
    """A connection from an address, which has said so much and lasts until the server closes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", it.port, local_addr=(address, 0))
    it.held.append(writer)
    writer.write(said)
    await writer.drain()
    return reader


async def place_comes_back(it: Running) -> None:
    for _ in range(1_000):
        if await it.say(get("/one", LAST)):
            return
        await asyncio.sleep(0.01)
    pytest.fail("no place came back")


async def test_connections_beyond_the_limit_of_an_address_are_closed_at_once_and_places_come_back() -> None:
    async with running(LIMITS._replace(address_connections=3)) as it:
        for reader in [await held(it, get("/one")) for _ in range(3)]:
            assert await asyncio.wait_for(reader.read(8), PATIENCE_SECONDS) == b"HTTP/1.1"
        assert await it.say(get("/one", LAST)) == b""
        for writer in it.held:
            writer.close()
        await place_comes_back(it)


async def test_connections_from_many_addresses_keep_nobody_out() -> None:
    limits = LIMITS._replace(connections=7, address_connections=3, head_seconds=600)
    async with running(limits) as it:
        begun = [await held(it, said, "127.0.0.2") for said in (b"GET / HT", b"", get("/one", "Content-Length: 5"))]
        others = [await held(it, b"", address) for address in ("127.0.0.3", "127.0.0.3", "127.0.0.4", "127.0.0.5")]
        # The one that waits for the longest makes room, of the address that has the most.
        assert (await it.say(get("/next", LAST))).startswith(b"HTTP/1.1 200")
        assert await asyncio.wait_for(begun[0].read(), PATIENCE_SECONDS) == b""
        for _ in range(20):
            assert (await it.say(get("/next", LAST))).startswith(b"HTTP/1.1 200")
        assert [reader.at_eof() for reader in others[2:]] == [False, False]
        assert it.failures == []


async def test_requests_that_are_being_answered_make_room_for_nobody() -> None:
    async with running(LIMITS._replace(connections=3)) as it:
        for _ in range(3):
            await held(it, get("/slow"))
            await asyncio.wait_for(it.asked.acquire(), PATIENCE_SECONDS)
        assert await it.say(get("/one", LAST)) == b""
        it.go_on.set()
        await place_comes_back(it)


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
