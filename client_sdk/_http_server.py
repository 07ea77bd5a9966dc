"""A small HTTP/1.1 server, with or without TLS: a timeout for every wait, limits on connections, in all and by address.

It answers requests without a body or with a short one; HTTP/1.1 is parsed by h11. A connection beyond the limit of its
address is closed before its handshake. Where there are too many in all, one that waits for its peer makes room: of the
address that has the most, the one that waits for the longest. So neither idle connections nor answers that are never
read keep others out, from however many addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, NamedTuple

import h11

from client_sdk._address import host_port

if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable

__all__ = ["HttpLimits", "HttpRequest", "HttpResponse", "HttpServer"]

_TEXT = "text/plain; charset=utf-8"
_READ_BYTES = 16 * 1024
_BACKLOG = 128
# States of h11 in which an answer may begin.
_MAY_ANSWER = (h11.IDLE, h11.SEND_RESPONSE)
# Where the system has no descriptor left, until it is asked again.
_PAUSE_SECONDS = 0.1


class HttpLimits(NamedTuple):
    """Limits of one server.

    Attributes:
        connections: that are open at one time; beyond them one that waits is closed for the new one.
        address_connections: of one network address.
        handshake_seconds: for a TLS handshake.
        head_seconds: for a request to come, from the connection's or the last answer's end on.
        answer_seconds: for the answer to be made, and again for it to be taken.
        head_bytes: of a request without its body.
        body_bytes: of a body.
    """

    connections: int = 256
    address_connections: int = 64
    handshake_seconds: float = 10
    head_seconds: float = 15
    answer_seconds: float = 30
    head_bytes: int = 8 * 1024
    body_bytes: int = 0


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request.

    Attributes:
        method: in capitals.
        path: without host, query or fragment; as it was sent, not decoded.
        body: empty where there is none.
        certificate: of the client, DER, verified by TLS; empty where it showed none.
    """

    method: str
    path: str
    body: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One answer.

    Attributes:
        status: of HTTP.
        body: of the answer; left out where the request was HEAD.
        content_type: of the body.
        cache: value of Cache-Control.
    """

    status: int
    body: bytes = b""
    content_type: str = _TEXT
    cache: str = "no-store"


@dataclass(slots=True)
class _TakenConnection:
    """One connection.

    Attributes:
        host: what counts as its address.
        since: since when the server waits for it, by the clock of the event loop; None while it is answered.
        makes_room: it is being closed for another one.
    """

    host: str
    since: float | None
    makes_room: bool = False


class HttpServer:
    """Serves in the event loop that it is started in.

    Args:
        answer: makes the answer to a request; what it raises is answered with 500 and given to ``failed``.
        failed: takes note of an exception.
        limits: of connections, sizes and waits.
    """

    def __init__(
        self,
        answer: Callable[[HttpRequest], Awaitable[HttpResponse]],
        failed: Callable[[Exception], None],
        limits: HttpLimits | None = None,
    ) -> None:
        self._answer = answer
        self._failed = failed
        self._limits = limits or HttpLimits()
        self._by_address: Counter[str] = Counter()
        self._connections: dict[asyncio.Task[None], _TakenConnection] = {}
        self._listening: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None

    async def start(self, address: str, context: Callable[[], ssl.SSLContext] | None) -> int:
        """Begin to serve; return the port.

        Args:
            address: host:port, IPv6 addresses in brackets; port 0 takes a free one.
            context: returns that of TLS for the next handshake; None serves in clear. It is asked once before anything
                is served, so that one that cannot be made is reported here; what it raises later costs one connection.

        Raises:
            OSError: the address is taken or is none of this machine, or the context cannot be made.
        """
        if context is not None:
            await asyncio.to_thread(context)
        host, port = host_port(address, free=True)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        self._listening.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(self._listening, context))
        return int(self._listening.getsockname()[1])

    async def stop(self) -> None:
        """Close every connection, and take no more."""
        tasks = [*self._connections, *([self._accepting] if self._accepting else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._listening is not None:
            self._listening.close()

    async def _accept(self, listening: socket.socket, context: Callable[[], ssl.SSLContext] | None) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(listening)
            except OSError:
                await asyncio.sleep(_PAUSE_SECONDS)
                continue
            # From here on nothing may raise: what a connection needs is made in its own task.
            peer = _TakenConnection(_network_of(str(address[0])), loop.time())
            if self._by_address[peer.host] >= self._limits.address_connections or not self._has_room():
                accepted.close()
                continue
            self._by_address[peer.host] += 1
            task = asyncio.create_task(self._serve(peer, accepted, context))
            self._connections[task] = peer
            task.add_done_callback(self._forget)
            # Where many have come, each of them begins before the next is taken.
            await asyncio.sleep(0)

    def _has_room(self) -> bool:
        """Whether another connection may be taken; where there are too many, one that waits is closed for it."""
        taken = {task: peer for task, peer in self._connections.items() if not peer.makes_room}
        if len(taken) < self._limits.connections:
            return True
        waiting = [(peer.since, task) for task, peer in taken.items() if peer.since is not None]
        hosts = Counter(taken[task].host for _, task in waiting).most_common(1)
        if not hosts:
            return False
        _, longest = min((one for one in waiting if taken[one[1]].host == hosts[0][0]), key=lambda one: one[0])
        taken[longest].makes_room = True
        longest.cancel()
        return True

    def _forget(self, task: asyncio.Task[None]) -> None:
        host = self._connections.pop(task).host
        self._by_address[host] -= 1
        if not self._by_address[host]:
            del self._by_address[host]

    async def _serve(
        self, peer: _TakenConnection, accepted: socket.socket, context: Callable[[], ssl.SSLContext] | None
    ) -> None:
        """Serve one connection until peer, timeout or error ends it; an error that is not the peer's is reported."""
        try:
            await self._talk(peer, accepted, None if context is None else context())
        except Exception as error:  # noqa: BLE001 - whatever it was, the server goes on
            accepted.close()
            self._failed(error)

    async def _talk(self, peer: _TakenConnection, accepted: socket.socket, context: ssl.SSLContext | None) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(_READ_BYTES, loop)
        protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
        timeout = None if context is None else self._limits.handshake_seconds
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol, accepted, ssl=context, ssl_handshake_timeout=timeout
            )
        except (OSError, TimeoutError):
            accepted.close()
            return
        try:
            # A peer that sends no more, or resets, ends its connection and nothing else.
            with contextlib.suppress(OSError, TimeoutError, h11.ProtocolError):
                await self._exchange(peer, reader, asyncio.StreamWriter(transport, protocol, reader, loop))
        finally:
            transport.abort()

    async def _exchange(
        self, peer: _TakenConnection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer one request after the other."""
        loop = asyncio.get_running_loop()
        http = h11.Connection(h11.SERVER, max_incomplete_event_size=self._limits.head_bytes)
        certificate = _certificate_of(writer)
        while True:
            try:
                async with asyncio.timeout(self._limits.head_seconds):
                    request = await self._read(http, reader, certificate)
            except h11.RemoteProtocolError as error:
                request, answer = None, HttpResponse(error.error_status_hint, b"no request of HTTP/1.1\n")
                if http.our_state not in _MAY_ANSWER:
                    break
            else:
                if request is None:
                    break
                peer.since = None
                async with asyncio.timeout(self._limits.answer_seconds):
                    answer = await self._answered(request)
            peer.since = loop.time()
            async with asyncio.timeout(self._limits.answer_seconds):
                writer.write(_rendered(http, answer, head_only=request is not None and request.method == "HEAD"))
                await writer.drain()
            if http.our_state is not h11.DONE or http.their_state is not h11.DONE:
                break
            http.start_next_cycle()
        async with asyncio.timeout(self._limits.answer_seconds):
            writer.close()
            await writer.wait_closed()

    async def _answered(self, request: HttpRequest) -> HttpResponse:
        if len(request.body) > self._limits.body_bytes:
            return HttpResponse(413, b"the body is too long\n")
        try:
            return await self._answer(request)
        except Exception as error:  # noqa: BLE001 - whatever it was, the server goes on
            self._failed(error)
            return HttpResponse(500, b"an error of the server\n")

    async def _read(self, http: h11.Connection, reader: asyncio.StreamReader, certificate: bytes) -> HttpRequest | None:
        """Return the next request; None where the peer has ended. Of too long a body, one byte too many is returned."""
        head: h11.Request | None = None
        body = b""
        while True:
            match http.next_event():
                case h11.NEED_DATA:
                    http.receive_data(await reader.read(_READ_BYTES))
                case h11.Request() as head:
                    pass
                case h11.Data(data=data):
                    body += data
                    if len(body) > self._limits.body_bytes:
                        break
                case h11.EndOfMessage():
                    break
                case _:
                    return None
        if head is None:
            return None
        path = head.target.decode("ascii").partition("?")[0]
        return HttpRequest(head.method.decode("ascii"), path, body, certificate)


def _rendered(http: h11.Connection, answer: HttpResponse, *, head_only: bool) -> bytes:
    headers = [
        ("Content-Type", answer.content_type),
        ("Content-Length", str(len(answer.body))),
        ("Cache-Control", answer.cache),
        ("X-Content-Type-Options", "nosniff"),
    ]
    parts = [http.send(h11.Response(status_code=answer.status, headers=headers))]
    if not head_only:
        parts.append(http.send(h11.Data(data=answer.body)))
    parts.append(http.send(h11.EndOfMessage()))
    return b"".join(part for part in parts if part)


def _network_of(address: str) -> str:
    """Return what counts as one peer: an IPv4 address, or the /64 of an IPv6 one, all of which one host may have."""
    found = ip_address(address.partition("%")[0])
    return address if found.version == 4 else str(ip_network((found, 64), strict=False))  # noqa: PLR2004 - IP's own number


def _certificate_of(writer: asyncio.StreamWriter) -> bytes:
    connection: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
    return b"" if connection is None else connection.getpeercert(binary_form=True) or b""
