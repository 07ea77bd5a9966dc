"""Steps that wait for a server: calls with one answer, streams, and the end of a channel."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from client_sdk._steps.driver import Step
from client_sdk._steps.work import pause
from client_sdk.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import grpc

    from client_sdk._steps.driver import Flow
    from client_sdk._transport.mode import AnyChannel

__all__ = ["Call", "answer", "ask", "begin", "from_start", "message", "messages", "open_stream", "shut"]

# Before a stream that broke is begun again, as gRPC does with calls that have one answer.
_PAUSES = (0.1, 0.3, 0.9)
Q = TypeVar("Q")
A = TypeVar("A")
R = TypeVar("R")


class _Handle(Protocol):
    def cancel(self) -> object: ...


class Call(Generic[A]):
    """A call that is under way.

    Args:
        handle: gRPC's own, of a blocking call or of one for asyncio.
    """

    __slots__ = ("handle",)

    def __init__(self, handle: _Handle) -> None:
        self.handle: Any = handle

    def cancel(self) -> None:
        """End it, if it has not ended."""
        self.handle.cancel()


@dataclass(slots=True)
class _Begin(Step):
    method: Any
    request: object
    seconds: float | None

    def block(self) -> Call[Any]:
        return Call(self.method.future(self.request, timeout=self.seconds))

    async def wait(self) -> Call[Any]:
        await self.method.ready()
        return Call(self.method(self.request, timeout=self.seconds))


@dataclass(slots=True)
class _AwaitAnswer(Step):
    call: Call[Any]

    def block(self) -> object:
        return self.call.handle.result()

    async def wait(self) -> object:
        return await self.call.handle


@dataclass(slots=True)
class _Open(Step):
    method: Any
    request: object
    seconds: float | None

    def block(self) -> Call[Any]:
        return Call(self.method(self.request, timeout=self.seconds))

    async def wait(self) -> Call[Any]:
        await self.method.ready()
        return self.block()


@dataclass(slots=True)
class _Message(Step):
    stream: Call[Any]

    def block(self) -> object:
        return next(self.stream.handle, None)

    async def wait(self) -> object:
        return await anext(self.stream.handle, None)


@dataclass(slots=True)
class _Shut(Step):
    channel: Any

    def block(self) -> None:
        self.channel.close()

    async def wait(self) -> None:
        await self.channel.close()


def begin(method: grpc.UnaryUnaryMultiCallable[Q, A], request: Q, seconds: float | None = None) -> Flow[Call[A]]:
    """Begin a call with one answer, and do not wait for it.

    Args:
        method: of a stub, over a channel of the mode in which the flow runs.
        request: that is sent.
        seconds: that it may take; the channel's usual deadline unless given.
    """
    call: Call[A] = yield _Begin(method, request, seconds)
    return call


def answer(call: Call[A]) -> Flow[A]:
    """Wait for the answer to a call that was begun; a wait that is broken off, as by an interrupt, ends the call.

    Raises:
        TransportError: the call failed before the server answered.
        RefusedError: the server refuses.
    """
    try:
        received: A = yield _AwaitAnswer(call)
    finally:
        # Of a call that has ended, this is nothing.
        call.cancel()
    return received


def ask(method: grpc.UnaryUnaryMultiCallable[Q, A], request: Q, seconds: float | None = None) -> Flow[A]:
    """Make a call, and wait for its answer; arguments and errors as for ``begin`` and ``answer``."""
    call = yield from begin(method, request, seconds)
    return (yield from answer(call))


def open_stream(
    method: grpc.UnaryStreamMultiCallable[Q, A] | grpc.StreamStreamMultiCallable[Q, A],
    request: Q | Iterator[Q],
    seconds: float | None = None,
) -> Flow[Call[A]]:
    """Begin a call whose answer is a stream; to be cancelled by the flow that began it.

    Args:
        method: of a stub, over a channel of the mode in which the flow runs.
        request: the message, or the messages, that are sent.
        seconds: that the stream may take; the channel's usual deadline unless given.
    """
    stream: Call[A] = yield _Open(method, request, seconds)
    return stream


def message(stream: Call[A]) -> Flow[A | None]:
    """Wait for the next message of a stream; None at its end. Errors as for ``answer``."""
    received: A | None = yield _Message(stream)
    return received


def from_start(read: Callable[[], Flow[R]]) -> Flow[R]:
    """Run a flow that reads a stream; where the stream breaks, run it again from its start, some times.

    Args:
        read: begins the flow; what it has read before it broke is not kept.

    Raises:
        UnavailableError: the server is away each time.
    """
    for seconds in _PAUSES:
        try:
            return (yield from read())
        except UnavailableError:
            yield from pause(seconds)
    return (yield from read())


def messages(
    method: grpc.UnaryStreamMultiCallable[Q, A], request: Q, enough: Callable[[list[A]], bool] | None = None
) -> Flow[list[A]]:
    """Return every message of a stream; one that breaks is begun again. Errors as for ``answer``.

    Args:
        method: of a stub, over a channel of the mode in which the flow runs.
        request: the message that is sent.
        enough: whether those that have come are all that is wanted, so that the stream is ended; None reads to its end.
    """
    return from_start(partial(_messages, method, request, enough))


def _messages(
    method: grpc.UnaryStreamMultiCallable[Q, A], request: Q, enough: Callable[[list[A]], bool] | None
) -> Flow[list[A]]:
    stream = yield from open_stream(method, request)
    found: list[A] = []
    try:
        while (received := (yield from message(stream))) is not None:
            found.append(received)
            if enough is not None and enough(found):
                break
    finally:
        stream.cancel()
    return found


def shut(channel: AnyChannel) -> Flow[None]:
    """Close a channel, of the mode in which the flow runs."""
    yield _Shut(channel)
