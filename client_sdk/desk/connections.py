"""Connections of the desk: uvicorn's HTTP/1.1, with an end for every wait and a place for everybody.

Where too many are open, the one that has kept the desk waiting for the longest, for a request or for a body, is closed
for the new one, so that a client that holds a thousand of them open only closes its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

if TYPE_CHECKING:
    import asyncio

__all__ = ["BoundedConnection"]

MOST_CONNECTIONS = 200
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
        self._wait(HEAD_SECONDS)
        if len(self.connections) > MOST_CONNECTIONS:
            ours = [one for one in self.connections if isinstance(one, BoundedConnection) and one is not self]
            waiting = [one for one in ours if one.is_waiting and not one.transport.is_closing()]
            min(waiting, key=lambda one: one._since, default=self).transport.abort()  # noqa: SLF001 - of the same class

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
