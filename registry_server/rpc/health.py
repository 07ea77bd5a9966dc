"""The gRPC health service (grpc.health.v1), fed by the registry's own status.

A service that reads is SERVING while the database can be read, one that writes while it can be written too. The server
as a whole, which load balancers ask about, is SERVING while it can be written; the exception is a clock that only
incoming calls can confirm, as a balancer that sent none would keep it so for ever.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio

from registry_server.usecases.failures import complaint_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["READING", "Health", "Probes"]

# The server as a whole, in the words of the health protocol.
OVERALL = ""
_SERVER = "server"
READING = "reading"
# Why nothing is written although the registry needs calls: their signed times confirm its clock.
_ENDED_BY_CALLS = ("CLOCK_UNCONFIRMED",)
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_log = structlog.get_logger("registry.health")


class Probes(NamedTuple):
    """Questions that tell whether the registry can serve.

    Attributes:
        ask: returns where the registry can be read; may take its time in a thread.
        ask_writing: returns where it can be written as well. Both raise where it cannot.
        interval: seconds between two questions.
    """

    ask: Callable[[], object]
    ask_writing: Callable[[], object]
    interval: float


class Health:
    """Asks again and again, and sets the status.

    Args:
        probes: what is asked, and how often.
        readers: full names of the services that only read.
        writers: of those that also write.
    """

    def __init__(
        self,
        probes: Probes,
        *,
        readers: tuple[str, ...] = (),
        writers: tuple[str, ...] = (),
    ) -> None:
        self._probes = probes
        self._readers = readers
        self._writers = writers
        self._last_told: dict[str, bool] = {}
        self._stopping = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self.servicer = health_aio.HealthServicer()

    def is_serving(self, what: str = _SERVER) -> bool:
        """Return the newest status of the server as a whole, or of what it does (``READING``)."""
        return self._last_told.get(what, False) and not self._stopping.is_set()

    async def start(self) -> None:
        """Ask once, then go on asking."""
        await self._update()
        self._watching = asyncio.ensure_future(self._watch())

    async def stop(self) -> None:
        """Say that nothing is served any more, for good."""
        self._stopping.set()
        await self.servicer.enter_graceful_shutdown()

    async def ended(self) -> None:
        """Wait for the answer to the last question; only then may what is asked be closed."""
        if self._watching is not None:
            await self._watching

    async def _watch(self) -> None:
        while not await self._stopped_within(self._probes.interval):
            await self._update()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _update(self) -> None:
        unread = await _reason(self._probes.ask)
        unwritten = unread or await _reason(self._probes.ask_writing)
        await self._tell(READING, self._readers, unread)
        await self._tell("writing", self._writers, unwritten)
        await self._tell(_SERVER, (OVERALL,), unread if unwritten in _ENDED_BY_CALLS else unwritten)

    async def _tell(self, what: str, services: tuple[str, ...], reason: str) -> None:
        """Set the status of services where it has changed."""
        serving = not reason
        if self._last_told.get(what) is serving:
            return
        self._last_told[what] = serving
        _log.info("health", what=what, serving=serving, reason=reason)
        for service in services:
            await self.servicer.set(service, _SERVING if serving else _NOT_SERVING)


async def _reason(ask: Callable[[], object]) -> str:
    """Return why a question is answered with an error; empty where it is not."""
    try:
        await asyncio.to_thread(ask)
    except Exception as error:  # noqa: BLE001 - whatever it is, the registry cannot serve
        return complaint_of(error).reason
    return ""
