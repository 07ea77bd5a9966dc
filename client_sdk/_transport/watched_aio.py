"""The channel for asyncio whose calls all end; see ``watched``.

It belongs to one event loop. Here the loop itself sees to the end: it does not wait inside of gRPC.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar

import grpc
import grpc.aio

from client_sdk._transport.deadlines import GRACE_SECONDS, OverdueError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Generator

    from client_sdk._transport.deadlines import Deadlines
    from client_sdk._transport.owner import Owner

__all__ = ["WatchedAioChannel"]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

CLOSE_SECONDS = 5.0


class _AioCall(Protocol[R_co]):
    """A call with one answer as gRPC gives it."""

    def __await__(self) -> Generator[Any, None, R_co]: ...

    def cancel(self) -> bool: ...


class _AioStream(Protocol[R_co]):
    """A stream as gRPC gives it."""

    def __aiter__(self) -> AsyncIterator[R_co]: ...

    def cancel(self) -> bool: ...


class WatchedAioChannel(grpc.aio.Channel):
    """A channel for asyncio with a deadline for each call.

    What it makes calls with is used as gRPC's own: calls are awaited or iterated, and cancelled.

    Args:
        channel: that makes the calls; closed with this one.
        deadlines: of calls that name none.
        owner: the event loop of both.
    """

    def __init__(self, channel: grpc.aio.Channel, deadlines: Deadlines, owner: Owner) -> None:
        self._channel = channel
        self._deadlines = deadlines
        self._owner = owner

    async def __aenter__(self) -> Self:
        self._owner.check()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        return self._unary(self._channel.unary_unary(*args, **kwargs), self._deadlines.unary)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        return self._unary(self._channel.stream_unary(*args, **kwargs), self._deadlines.stream)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        return self._stream(self._channel.unary_stream(*args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        return self._stream(self._channel.stream_stream(*args, **kwargs))

    async def close(self, grace: float | None = None) -> None:
        """End all calls, after so many seconds if any are given, and close the connection."""
        if self._owner.close():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS + (grace or 0.0)):
                    await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:  # noqa: FBT001, FBT002 - gRPC's form
        """Return the state of the connection."""
        self._owner.check()
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Wait until the connection leaves this state."""
        self._owner.check()
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Wait until there is a connection."""
        self._owner.check()
        await self._channel.channel_ready()

    def _unary(self, make: Callable[..., _AioCall[R]], usual: float) -> Callable[..., _Waiting[R]]:
        def call(request: object, timeout: float | None = None, **kwargs: object) -> _Waiting[R]:
            self._owner.check()
            seconds = usual if timeout is None else timeout
            return _Waiting(self._owner, make(request, timeout=seconds, **kwargs), seconds + GRACE_SECONDS)

        return call

    def _stream(self, make: Callable[..., _AioStream[R]]) -> Callable[..., _WatchedAioStream[R]]:
        def call(request: object, timeout: float | None = None, **kwargs: object) -> _WatchedAioStream[R]:
            self._owner.check()
            seconds = self._deadlines.stream if timeout is None else timeout
            return _WatchedAioStream(self._owner, make(request, timeout=seconds, **kwargs), seconds + GRACE_SECONDS)

        return call


class _Waiting(Generic[R]):
    """Waits for one answer."""

    def __init__(self, owner: Owner, answer: _AioCall[R], seconds: float) -> None:
        self._owner = owner
        self._answer = answer
        self._until = asyncio.get_running_loop().time() + seconds

    def __await__(self) -> Generator[Any, None, R]:
        return self._wait().__await__()

    async def _wait(self) -> R:
        try:
            async with asyncio.timeout_at(self._until):
                return await self._answer
        except TimeoutError:
            self.cancel()
            raise OverdueError from None
        except asyncio.CancelledError:
            _check_cancelled(self._owner)
            raise

    def cancel(self) -> bool:
        """End the call; False where it has ended."""
        return self._answer.cancel()


class _WatchedAioStream(Generic[R]):
    """Yields the messages of one answer."""

    def __init__(self, owner: Owner, messages: _AioStream[R], seconds: float) -> None:
        self._owner = owner
        self._call = messages
        self._messages = messages.__aiter__()
        self._until = asyncio.get_running_loop().time() + seconds

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> R:
        self._owner.check()
        try:
            async with asyncio.timeout_at(self._until):
                return await anext(self._messages)
        except TimeoutError:
            self.cancel()
            raise OverdueError from None
        except asyncio.CancelledError:
            _check_cancelled(self._owner)
            raise

    def cancel(self) -> bool:
        """End the call; False where it has ended."""
        return self._call.cancel()


def _check_cancelled(owner: Owner) -> None:
    """Distinguish a cancelled task from a channel that another task has closed: gRPC then cancels its calls.

    Raises:
        ConfigError: the channel is closed, and the task was not cancelled.
    """
    task = asyncio.current_task()
    if task is not None and not task.cancelling():
        owner.check()
