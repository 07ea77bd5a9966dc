"""Connections of the desk: uvicorn's HTTP/1.1, with an end for every wait and a place for everybody.

Where too many are open, the one that has kept the desk waiting for the longest, for a request or for a body, is closed
for the new one, so that a client that holds a thousand of them open only closes its own. Those that have not finished
their TLS handshake count as well, and go first.
"""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Collection

__all__ = ["BoundedConnection", "Handshakes"]

MOST_CONNECTIONS = 200
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


class Handshakes:
    """Accepts connections and lets them finish their TLS handshake, which uvicorn would not count before its end.

    Args:
        context: of TLS.
        make: makes the protocol of a connection, which takes over after the handshake.
        connections: that have finished theirs.
    """

    def __init__(
        self, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol], connections: Collection[asyncio.Protocol]
    ) -> None:
        self._context = context
        self._make = make
        self._connections = connections
        # In the order in which they came.
        self._pending: dict[asyncio.Task[None], None] = {}

    async def accept(self, listening: socket.socket) -> None:
        """Accept connections until the task is cancelled; then end those that have not finished their handshake."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                try:
                    accepted, _ = await loop.sock_accept(listening)
                except OSError:
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                if len(self._pending) + len(self._connections) >= MOST_CONNECTIONS:
                    self._make_room()
                task = asyncio.create_task(self._shake(accepted))
                self._pending[task] = None
                task.add_done_callback(partial(self._forget, accepted))
                # Where many have come, each of them begins before the next is taken.
                await asyncio.sleep(0)
        finally:
            for task in self._pending:
                task.cancel()

    def _make_room(self) -> None:
        oldest = next(iter(self._pending), None)
        if oldest is None:
            _close_longest_waiting(self._connections)
        else:
            del self._pending[oldest]
            oldest.cancel()

    async def _shake(self, accepted: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._make, accepted, ssl=self._context, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
        except (OSError, TimeoutError):
            # No TLS, none that this side knows, or none in time.
            accepted.close()

    def _forget(self, accepted: socket.socket, task: asyncio.Task[None]) -> None:
        self._pending.pop(task, None)
        if task.cancelled():
            accepted.close()


def _close_longest_waiting(connections: Collection[asyncio.Protocol], default: BoundedConnection | None = None) -> None:
    """Close the connection whose client has kept the desk waiting for longest; where there is none, another one."""
    ours = [one for one in connections if isinstance(one, BoundedConnection)]
    waiting = [one for one in ours if one.is_waiting and not one.transport.is_closing()]
    longest = min(waiting, key=lambda one: one.since, default=default)
    if longest is not None:
        longest.transport.abort()
