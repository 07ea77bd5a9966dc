"""The channel for asyncio whose calls all end; see ``watched``.

It belongs to one event loop. Here the loop itself sees to the end: it does not wait inside of gRPC. It reads no files
either: who waits for ``ready`` before a call has a thread look at those of TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeAlias, TypeVar

import grpc
import grpc.aio

from client_sdk._transport.connections import Connections, Method
from client_sdk._transport.deadlines import GRACE_SECONDS, OverdueError
from client_sdk._transport.observing import begin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator, Sequence

    from client_sdk._transport.connections import Connection
    from client_sdk._transport.deadlines import Deadlines
    from client_sdk._transport.observing import Observation
    from client_sdk._transport.owner import Owner
    from client_sdk._transport.tls import TlsMaterial, TlsSource

__all__ = ["WatchedAioChannel"]

Failed: TypeAlias = "Callable[[grpc.RpcError], bool]"
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

CLOSE_SECONDS = 5.0


class _AioCall(Protocol[R_co]):
    """A call with one answer as gRPC gives it."""

    def __await__(self) -> Generator[Any, None, R_co]: ...

    def cancel(self) -> bool: ...

    def add_done_callback(self, callback: Callable[[Any], None]) -> None: ...


class _AioStream(Protocol[R_co]):
    """A stream as gRPC gives it."""

    def __aiter__(self) -> AsyncIterator[R_co]: ...

    def cancel(self) -> bool: ...

    def add_done_callback(self, callback: Callable[[Any], None]) -> None: ...


class WatchedAioChannel(grpc.aio.Channel):
    """A channel for asyncio with a deadline for each call.

    What it makes calls with is used as gRPC's own: calls are awaited or iterated, and cancelled.

    Args:
        tls: what it shows.
        connect: opens gRPC's own channel to an address, which is closed with this one.
        deadlines: of calls that name none.
        owner: the event loop of both.
        addresses: of the server; a call is made at the next one where it is not answered at the first.
    """

    def __init__(
        self,
        tls: TlsSource,
        connect: Callable[[str, TlsMaterial], grpc.aio.Channel],
        deadlines: Deadlines,
        owner: Owner,
        addresses: Sequence[str],
    ) -> None:
        self._deadlines = deadlines
        self._owner = owner
        self._loop = asyncio.get_running_loop()
        self._leaving: set[asyncio.Task[None]] = set()
        self._connections: Connections[grpc.aio.Channel] = Connections(tls, connect, self._leave, addresses)

    async def __aenter__(self) -> Self:
        self._owner.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        method: Method[grpc.aio.Channel] = Method("unary_unary", *args, **kwargs)
        attempts = self._connections.attempts
        return _AioUnaryCalls(self._owner, self._connections, method, self._deadlines.unary, attempts)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        method: Method[grpc.aio.Channel] = Method("stream_unary", *args, **kwargs)
        return _AioUnaryCalls(self._owner, self._connections, method, self._deadlines.stream)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        return self._stream(Method("unary_stream", *args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        return self._stream(Method("stream_stream", *args, **kwargs))

    async def close(self, grace: float | None = None) -> None:
        """End all calls, after so many seconds if any are given, and close the connection."""
        if self._owner.close():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS + (grace or 0.0)):
                    closing = (opened.close(grace) for opened in self._connections.close())
                    await asyncio.gather(*closing, *self._leaving)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - gRPC's form
        """Return the state of the connection."""
        self._owner.check()
        return self._connections.channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the connection leaves this state."""
        self._owner.check()
        await self._connections.channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until there is a connection."""
        self._owner.check()
        await self._connections.channel.channel_ready()

    def _leave(self, channel: grpc.aio.Channel) -> None:
        # A call that is let go ends in whichever thread that happens.
        self._loop.call_soon_threadsafe(self._close, channel)

    def _close(self, channel: grpc.aio.Channel) -> None:
        task = self._loop.create_task(channel.close())
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _stream(self, method: Method[grpc.aio.Channel]) -> _AioStreamCalls[Any]:
        return _AioStreamCalls(self._owner, self._connections, method, self._deadlines.stream)


class _Calls:
    """Makes calls of one method on the newest connection; ``attempts`` as for a blocking ``_Maker``."""

    def __init__(
        self,
        owner: Owner,
        connections: Connections[grpc.aio.Channel],
        method: Method[grpc.aio.Channel],
        usual: float,
        attempts: int = 1,
    ) -> None:
        self._owner = owner
        self._connections = connections
        self._method = method
        self._usual = usual
        self._attempts = attempts

    async def ready(self) -> None:
        """Let the TLS files be looked at where it is time; a call without that shows what was seen of them before."""
        if self._connections.due:
            await asyncio.to_thread(self._connections.look)

    def _begin(self, request: object, seconds: float, **kwargs: object) -> tuple[Any, Connection[grpc.aio.Channel]]:
        """Begin a call; return it with its connection, which is given back when it has ended."""
        self._owner.check()
        connection = self._connections.take()
        give_back = self._connections.giving_back(connection)
        try:
            call: _AioCall[Any] | _AioStream[Any] = self._method.on(connection)(request, timeout=seconds, **kwargs)
        except BaseException:
            give_back()
            raise
        call.add_done_callback(give_back)
        return call, connection


class _AioUnaryCalls(_Calls, Generic[R]):
    """Makes calls of one method that has one answer."""

    def __call__(self, request: object, timeout: float | None = None, **kwargs: object) -> _Waiting[R]:
        seconds = self._usual if timeout is None else timeout
        call = begin(self._method.name)

        def make(seconds: float) -> tuple[Any, Failed]:
            made, connection = self._begin(request, seconds, metadata=call.metadata, **kwargs)
            return made, partial(self._connections.failed, connection)

        return _Waiting(self._owner, make, seconds, self._attempts, call)


class _AioStreamCalls(_Calls, Generic[R]):
    """Makes calls of one method whose answer is a stream."""

    def __call__(self, request: object, timeout: float | None = None, **kwargs: object) -> _WatchedAioStream[R]:
        seconds = self._usual if timeout is None else timeout
        call = begin(self._method.name)
        try:
            stream, connection = self._begin(request, seconds, metadata=call.metadata, **kwargs)
        except BaseException as error:
            call.end(error)
            raise
        broke = partial(self._connections.broke, connection)
        return _WatchedAioStream(self._owner, stream, broke, seconds + GRACE_SECONDS, call)


class _Waiting(Generic[R]):
    """Waits for one answer, at the next address where one is not answered, as long as there is time."""

    def __init__(
        self,
        owner: Owner,
        make: Callable[[float], tuple[_AioCall[R], Failed]],
        seconds: float,
        attempts: int,
        call: Observation,
    ) -> None:
        self._owner = owner
        self._make = make
        self._attempts = attempts
        self._call = call
        self._until = asyncio.get_running_loop().time() + seconds
        try:
            self._answer, self._failed = make(seconds)
        except BaseException as error:
            call.end(error)
            raise

    def __await__(self) -> Generator[Any, None, R]:
        return self._observed().__await__()

    async def _observed(self) -> R:
        try:
            answer = await self._wait()
        except BaseException as error:
            self._call.end(error)
            raise
        self._call.end()
        return answer

    async def _wait(self) -> R:
        try:
            async with asyncio.timeout_at(self._until + GRACE_SECONDS):
                return await self._somewhere()
        except TimeoutError:
            self.cancel()
            raise OverdueError from None
        except asyncio.CancelledError:
            _check_cancelled(self._owner)
            raise

    async def _somewhere(self) -> R:
        while True:
            self._attempts -= 1
            try:
                return await self._answer
            except grpc.aio.AioRpcError as error:
                left = self._until - asyncio.get_running_loop().time()
                if not self._failed(error) or not self._attempts or left <= 0:
                    raise
            self._answer, self._failed = self._make(left)

    def cancel(self) -> bool:
        """End the call; False where it has ended."""
        self._call.end()
        return self._answer.cancel()


class _WatchedAioStream(Generic[R]):
    """Yields the messages of one answer."""

    def __init__(
        self,
        owner: Owner,
        messages: _AioStream[R],
        broke: Callable[[grpc.RpcError], None],
        seconds: float,
        observed: Observation,
    ) -> None:
        self._owner = owner
        self._observed = observed
        self._call = messages
        self._broke = broke
        self._messages = messages.__aiter__()
        self._until = asyncio.get_running_loop().time() + seconds

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        try:
            return await self._next()
        except StopAsyncIteration:
            self._observed.end()
            raise
        except BaseException as error:
            self._observed.end(error)
            raise

    async def _next(self) -> R:
        self._owner.check()
        try:
            async with asyncio.timeout_at(self._until):
                return await anext(self._messages)
        except grpc.aio.AioRpcError as error:
            self._broke(error)
            raise
        except TimeoutError:
            self.cancel()
            raise OverdueError from None
        except asyncio.CancelledError:
            _check_cancelled(self._owner)
            raise

    def cancel(self) -> bool:
        """End the call; False where it has ended."""
        self._observed.end()
        return self._call.cancel()


def _check_cancelled(owner: Owner) -> None:
    """Distinguish a cancelled task from a channel that another task has closed: gRPC then cancels its calls.

    Raises:
        ConfigError: the channel is closed, and the task was not cancelled.
    """
    task = asyncio.current_task()
    if task is not None and not task.cancelling():
        owner.check()
