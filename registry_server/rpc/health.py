"""The health service of gRPC, told by what the registry finds of itself (grpc.health.v1)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog
from grpc_health.v1 import health_pb2
from grpc_health.v1.health import aio as health_aio

from registry_server.usecases.failures import refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Health"]

# The server as a whole, in the words of the health protocol.
OVERALL = ""
_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
_log = structlog.get_logger("registry.health")


class Health:
    """Asks again and again, and sets the status.

    Args:
        ask: returns where the registry can serve, raises where it cannot; may take its time in a thread.
        interval: seconds between two questions.
        services: full names of the services, which stand and fall together.
    """

    def __init__(self, ask: Callable[[], object], interval: float, services: tuple[str, ...]) -> None:
        self._ask = ask
        self._interval = interval
        self._services = (OVERALL, *services)
        self._serving: bool | None = None
        self._stopping = asyncio.Event()
        self._watching: asyncio.Task[None] | None = None
        self.servicer = health_aio.HealthServicer()

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
        while not await self._stopped_within(self._interval):
            await self._update()

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return False
        return True

    async def _update(self) -> None:
        reason = ""
        try:
            await asyncio.to_thread(self._ask)
        except Exception as error:  # noqa: BLE001 - whatever it is, the registry cannot serve
            reason = refusal_of(error).reason
        serving = not reason
        if serving is self._serving:
            return
        self._serving = serving
        _log.info("health", serving=serving, reason=reason)
        for service in self._services:
            await self.servicer.set(service, _SERVING if serving else _NOT_SERVING)
