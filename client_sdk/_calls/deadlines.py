"""Interceptors that give every call a deadline which has none of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import grpc
import grpc.aio

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Iterator
    from typing import TypeAlias

__all__ = ["Deadlines", "SyncDeadlines", "aio_deadlines"]

Q = TypeVar("Q")
R = TypeVar("R")

if TYPE_CHECKING:
    Streamed: TypeAlias = AsyncIterable[Q] | Iterable[Q]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a call may take unless it says so itself, in seconds.

    Attributes:
        unary: one question, one answer.
        stream: all of a stream, which may bring a whole log.
    """

    unary: float = 30.0
    stream: float = 3_600.0


class _Details(grpc.ClientCallDetails):
    """The details of a call, with a deadline set; gRPC reads the attributes and names no class of its own for them."""

    def __init__(self, details: grpc.ClientCallDetails, timeout: float) -> None:
        self.method = details.method
        self.timeout = timeout
        self.metadata = details.metadata
        self.credentials = details.credentials
        self.wait_for_ready = details.wait_for_ready
        self.compression = details.compression


def _timed(details: grpc.ClientCallDetails, seconds: float) -> grpc.ClientCallDetails:
    return details if details.timeout is not None else _Details(details, seconds)


def _aio_timed(details: grpc.aio.ClientCallDetails, seconds: float) -> grpc.aio.ClientCallDetails:
    if details.timeout is not None:
        return details
    return grpc.aio.ClientCallDetails(
        details.method, seconds, details.metadata, details.credentials, details.wait_for_ready
    )


class SyncDeadlines(
    grpc.UnaryUnaryClientInterceptor,
    grpc.UnaryStreamClientInterceptor,
    grpc.StreamUnaryClientInterceptor,
    grpc.StreamStreamClientInterceptor,
):
    """Sets the deadlines of a channel that blocks."""

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines

    def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Q], grpc._CallFuture[R]],
        client_call_details: grpc.ClientCallDetails,
        request: Q,
    ) -> grpc._CallFuture[R]:
        """Set the deadline of one question with one answer."""
        return continuation(_timed(client_call_details, self._deadlines.unary), request)

    def intercept_unary_stream(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Q], grpc._CallIterator[R]],
        client_call_details: grpc.ClientCallDetails,
        request: Q,
    ) -> grpc._CallIterator[R]:
        """Set the deadline of an answer that is a stream."""
        return continuation(_timed(client_call_details, self._deadlines.stream), request)

    def intercept_stream_unary(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Iterator[Q]], grpc._CallFuture[R]],
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[Q],
    ) -> grpc._CallFuture[R]:
        """Set the deadline of a question that is a stream."""
        return continuation(_timed(client_call_details, self._deadlines.stream), request_iterator)

    def intercept_stream_stream(
        self,
        continuation: Callable[[grpc.ClientCallDetails, Iterator[Q]], grpc._CallIterator[R]],
        client_call_details: grpc.ClientCallDetails,
        request_iterator: Iterator[Q],
    ) -> grpc._CallIterator[R]:
        """Set the deadline of two streams."""
        return continuation(_timed(client_call_details, self._deadlines.stream), request_iterator)


def aio_deadlines(deadlines: Deadlines) -> list[grpc.aio.ClientInterceptor]:
    """Return the interceptors of a channel for asyncio, which knows one kind of call by one class only."""
    return [
        _UnaryUnary(deadlines.unary),
        _UnaryStream(deadlines.stream),
        _StreamUnary(deadlines.stream),
        _StreamStream(deadlines.stream),
    ]


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def intercept_unary_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Q], Awaitable[grpc.aio.UnaryUnaryCall[Q, R]]],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Q,
    ) -> R | grpc.aio.UnaryUnaryCall[Q, R]:
        return await continuation(_aio_timed(client_call_details, self._seconds), request)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def intercept_unary_stream(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Q], Awaitable[grpc.aio.UnaryStreamCall[Q, R]]],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Q,
    ) -> AsyncIterator[R] | grpc.aio.UnaryStreamCall[Q, R]:
        return await continuation(_aio_timed(client_call_details, self._seconds), request)


class _StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def intercept_stream_unary(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Streamed[Q]], Awaitable[grpc.aio.StreamUnaryCall[Q, R]]],
        client_call_details: grpc.aio.ClientCallDetails,
        request_iterator: Streamed[Q],
    ) -> R | grpc.aio.StreamUnaryCall[Q, R]:
        return await continuation(_aio_timed(client_call_details, self._seconds), request_iterator)


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    async def intercept_stream_stream(
        self,
        continuation: Callable[[grpc.aio.ClientCallDetails, Streamed[Q]], Awaitable[grpc.aio.StreamStreamCall[Q, R]]],
        client_call_details: grpc.aio.ClientCallDetails,
        request_iterator: Streamed[Q],
    ) -> AsyncIterator[R] | grpc.aio.StreamStreamCall[Q, R]:
        return await continuation(_aio_timed(client_call_details, self._seconds), request_iterator)
