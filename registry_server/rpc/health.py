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
        ask_writing: the same of what it takes to log anything.
        interval: seconds between two questions.
        services: full names of those that only read; they stand and fall with the server as a whole.
        writing: full names of those that log what they do.
    """

    def __init__(
        self,
        ask: Callable[[], object],
        ask_writing: Callable[[], object],
        interval: float,
        services: tuple[str, ...],
        writing: tuple[str, ...],
    ) -> None:
        self._ask = ask
        self._ask_writing = ask_writing
        self._interval = interval
        self._reading = (OVERALL, *services)
        self._writing = writing
        self._told: dict[tuple[str, ...], str] = {}
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
        reason = await _reason(self._ask)
        await self._tell(self._reading, reason, "reading")
        await self._tell(self._writing, reason or await _reason(self._ask_writing), "writing")

    async def _tell(self, services: tuple[str, ...], reason: str, what: str) -> None:
        """Set the status of services where it has changed."""
        if self._told.get(services) == reason:
            return
        self._told[services] = reason
        _log.info("health", what=what, serving=not reason, reason=reason)
        for service in services:
            await self.servicer.set(service, _NOT_SERVING if reason else _SERVING)


async def _reason(ask: Callable[[], object]) -> str:
    """Return why the registry cannot do what is asked; empty where it can."""
    try:
        await asyncio.to_thread(ask)
    except Exception as error:  # noqa: BLE001 - whatever it is, the registry cannot serve
        return refusal_of(error).reason
    return ""
