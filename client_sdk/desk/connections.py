"""Connections of the desk: uvicorn's HTTP/1.1, with an end for every wait and a place for those who come.

Connections before the end of their TLS handshake and connections after it have limits of their own, so that many of
one kind take no place of the other. Where there are too many of a kind, one of them is closed for the new one: of the
address that has the most, the one that has kept the desk waiting for the longest, for its handshake, a request or a
body. A client that opens thousands from one address only closes its own. Where they come from many addresses, or all
through one proxy, those of others are closed as well, the longest waiting first: a handshake then has the time in which
MOST_HANDSHAKES others come.
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["BoundedConnection", "Handshakes"]

T = TypeVar("T")

# Whose TLS handshake is finished, and without TLS all.
MOST_CONNECTIONS = 200
MOST_HANDSHAKES = 100
# For a TLS handshake, from the connection's beginning on.
HANDSHAKE_SECONDS = 10.0
# Where the system has no descriptor left, until it is asked again.
_PAUSE_SECONDS = 0.1
# For the head of a request to come, from the connection's beginning or the end of the last answer on.
HEAD_SECONDS = 15.0
# For a request to be answered and its answer to be taken.
ANSWER_SECONDS = 180.0


class BoundedConnection(H11Protocol):
    """One connection."""

    _timer: asyncio.TimerHandle | None = None
    _since = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a new connection; close the one that waits for longest where there are too many."""
        super().connection_made(transport)
        # asyncio sets it for sockets that it has made itself. Without it the body of an answer, which is written after
        # its head, waits until the client has confirmed that: 40 ms.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._wait(HEAD_SECONDS)
        if len(self.connections) > MOST_CONNECTIONS:
            _close_longest_waiting(self.connections - {self}, self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget a connection."""
        self._end_after(None)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes; a request whose head is whole has another end."""
        was_busy = self.is_busy
        super().data_received(data)
        if self.is_busy and not was_busy:
            self._end_after(ANSWER_SECONDS)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._wait(ANSWER_SECONDS if self.is_busy else HEAD_SECONDS)

    @property
    def is_made(self) -> bool:
        """Whether there is a transport, with TLS from the end of the handshake on."""
        # There is none before, whatever the library's types say.
        transport: object = self.transport
        return transport is not None

    @property
    def address(self) -> str:
        """Of the client."""
        return self.client[0] if self.client else ""

    @property
    def is_busy(self) -> bool:
        """Whether a request is being read or answered."""
        # There is none before the first request, whatever the library's types say.
        cycle: object = self.cycle
        return isinstance(cycle, RequestResponseCycle) and not cycle.response_complete

    @property
    def since(self) -> float:
        """Since when it has been the client's turn, by the clock of the event loop."""
        return self._since

    @property
    def is_waiting(self) -> bool:
        """Whether it is the client's turn: no request has come, or its body is not whole."""
        return not self.is_busy or self.conn.their_state is h11.SEND_BODY

    def _wait(self, seconds: float) -> None:
        self._since = self.loop.time()
        self._end_after(seconds)

    def _end_after(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None and not self.transport.is_closing():
            self._timer = self.loop.call_later(seconds, self.transport.abort)


class _Handshake:
    """A TLS handshake of one connection.

    Args:
        accepted: the connection as it came.
        make: makes the protocol that takes over after the handshake.
    """

    def __init__(self, accepted: socket.socket, make: Callable[[], BoundedConnection]) -> None:
        self._accepted, self._make = accepted, make
        self._connection: BoundedConnection | None = None

    async def finish(self, context: ssl.SSLContext) -> None:
        """Wait for its end; asyncio closes a connection that speaks no TLS, none that this side knows, or is late."""
        with suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(
                self._hand_over, self._accepted, ssl=context, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )

    def clear(self, task: asyncio.Task[None]) -> None:
        """Close what the task of ``finish`` has left open.

        Once asyncio has the connection, it alone closes it: a descriptor that was closed beneath its transport would
        soon be that of another connection, which would not be heard.
        """
        if self._connection is None:
            self._accepted.close()
        elif task.cancelled() and self._connection.is_made:
            # The handshake had its end just before.
            self._connection.transport.abort()

    def _hand_over(self) -> BoundedConnection:
        self._connection = self._make()
        return self._connection


class Handshakes:
    """Accepts connections and lets them finish their TLS handshake, which uvicorn would not count before its end.

    Args:
        context: of TLS.
        make: makes the protocol of a connection, which takes over after the handshake.
    """

    def __init__(self, context: ssl.SSLContext, make: Callable[[], BoundedConnection]) -> None:
        self._context = context
        self._make = make
        # Addresses of the clients, in the order in which they came.
        self._pending: dict[asyncio.Task[None], str] = {}

    async def accept(self, listening: socket.socket) -> None:
        """Accept connections until the task is cancelled; then end those that have not finished their handshake."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    accepted, (address, *_) = await loop.sock_accept(listening)
                except OSError:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                if len(self._pending) >= MOST_HANDSHAKES:
                    self._make_room()
                handshake = _Handshake(accepted, self._make)
                task = asyncio.create_task(handshake.finish(self._context))
                self._pending[task] = str(address)
                task.add_done_callback(partial(self._forget, handshake))
                # Where many have come, each of them begins before the next is taken.
                await asyncio.sleep(0)
        finally:
            for task in self._pending:
                task.cancel()

    def _make_room(self) -> None:
        oldest = _of_largest_share(self._pending)[0]
        del self._pending[oldest]
        oldest.cancel()

    def _forget(self, handshake: _Handshake, task: asyncio.Task[None]) -> None:
        self._pending.pop(task, None)
        handshake.clear(task)


def _close_longest_waiting(connections: Iterable[asyncio.Protocol], newest: BoundedConnection) -> None:
    """Close a connection that waits for its client; where none does, the newest one."""
    ours = [one for one in connections if isinstance(one, BoundedConnection)]
    waiting = {one: one.address for one in ours if one.is_waiting and not one.transport.is_closing()}
    longest = min(_of_largest_share(waiting), key=lambda one: one.since, default=newest)
    longest.transport.abort()


def _of_largest_share(addresses: Mapping[T, str]) -> list[T]:
    """Return the ones of the address that has the most, in their order."""
    largest = next((address for address, _ in Counter(addresses.values()).most_common(1)), "")
    return [one for one, address in addresses.items() if address == largest]
