"""Connections of the desk: uvicorn's HTTP/1.1, with an end for every wait and a place for everybody.

Where too many are open, the one that has asked nothing for the longest is closed for the new one, so that whoever holds
a thousand idle ones open only closes its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Take a new connection; close an idle one where there are too many."""
        super().connection_made(transport)
        self._end_after(HEAD_SECONDS)
        if len(self.connections) > MOST_CONNECTIONS:
            idle = [one for one in self.connections if isinstance(one, BoundedConnection) and not one.is_busy]
            oldest = min((one for one in idle if one is not self), key=lambda one: one.ends_at, default=self)
            oldest.transport.abort()

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
        elif not self.is_busy and self._timer is None:
            self._end_after(HEAD_SECONDS)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        super().on_response_complete()
        self._end_after(ANSWER_SECONDS if self.is_busy else HEAD_SECONDS)

    @property
    def is_busy(self) -> bool:
        """Whether a request is being answered."""
        # There is none before the first request, whatever the library's types say.
        cycle: object = self.cycle
        return isinstance(cycle, RequestResponseCycle) and not cycle.response_complete

    @property
    def ends_at(self) -> float:
        """When it is closed if nothing comes, by the clock of the loop."""
        return 0.0 if self._timer is None else self._timer.when()

    def _end_after(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if seconds is not None and not self.transport.is_closing():
            self._timer = self.loop.call_later(seconds, self.transport.abort)
