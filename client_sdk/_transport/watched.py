"""A channel whose calls all end: at their deadline, or a little later where gRPC does not end them.

Each begins on a connection that shows the newest TLS files. The channel belongs to the process that opened it, and says
at once where another one uses it, or where it is closed.
"""

from __future__ import annotations

import contextlib
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, Protocol, Self, TypeVar, cast

import grpc

from client_sdk._transport.call_threads import CallThreads
from client_sdk._transport.connections import Connections, Method
from client_sdk._transport.deadlines import GRACE_SECONDS, OverdueError
from client_sdk._transport.observing import begin
from client_sdk._transport.owner import Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client_sdk._transport.call_threads import Job
    from client_sdk._transport.connections import Connection
    from client_sdk._transport.deadlines import Deadlines
    from client_sdk._transport.observing import Observation
    from client_sdk._transport.tls import TlsMaterial, TlsSource

__all__ = ["WatchedChannel"]

R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

# Calls of one channel that may be under way at once, over all threads.
MAX_CALLS = 100
CLOSE_SECONDS = 5.0
CANCEL_SECONDS = 1.0
_END = object()


class _BlockingStream(Protocol[R_co]):
    """A stream as gRPC gives it."""

    def __next__(self) -> R_co: ...

    def cancel(self) -> bool: ...

    def add_callback(self, callback: Callable[[], None]) -> bool: ...


class WatchedChannel(grpc.Channel):
    """A channel with a deadline for each call; for any number of threads.

    What it makes calls with is used as gRPC's own: called, or begun with ``future``; streams are iterated or cancelled.

    Args:
        tls: what it shows.
        connect: opens gRPC's own channel to an address, which is closed with this one.
        deadlines: of calls that name none.
        addresses: of the server; a call is made at the next one where it is not answered at the first.
    """

    def __init__(
        self,
        tls: TlsSource,
        connect: Callable[[str, TlsMaterial], grpc.Channel],
        deadlines: Deadlines,
        addresses: Sequence[str],
    ) -> None:
        self._deadlines = deadlines
        self._owner = Owner()
        self._threads = CallThreads(MAX_CALLS)
        self._connections: Connections[grpc.Channel] = Connections(tls, connect, self._leave, addresses)

    def __exit__(self, *_: object) -> None:
        self.close()

    def __enter__(self) -> Self:
        return self

    def unary_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        method: Method[grpc.Channel] = Method("unary_unary", *args, **kwargs)
        maker = _Maker(self._owner, self._connections, method, self._connections.attempts)
        return _BlockingUnaryCalls(self._owner, self._threads, maker, self._deadlines.unary)

    def stream_unary(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        maker = _Maker(self._owner, self._connections, Method("stream_unary", *args, **kwargs))
        return _BlockingUnaryCalls(self._owner, self._threads, maker, self._deadlines.stream)

    def unary_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        return self._stream(Method("unary_stream", *args, **kwargs))

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        """Return what makes calls of one method."""
        return self._stream(Method("stream_stream", *args, **kwargs))

    def subscribe(self, callback: Callable[[grpc.ChannelConnectivity], None], try_to_connect: bool = False) -> None:  # noqa: FBT001, FBT002 - gRPC's form
        """Tell of changes of the connection that is the newest now."""
        self._owner.check()
        self._connections.channel.subscribe(callback, try_to_connect)

    def unsubscribe(self, callback: Callable[[grpc.ChannelConnectivity], None]) -> None:
        """Tell no more."""
        self._connections.channel.unsubscribe(callback)

    def close(self) -> None:
        """End all calls and close the connection; gRPC waits for its streams, so it is not waited for for ever."""
        if self._owner.close():
            closing = [self._threads.start(opened.close, CLOSE_SECONDS) for opened in self._connections.close()]
            for closed in closing:
                with contextlib.suppress(OverdueError):
                    closed.result()
            self._threads.close()

    def _leave(self, channel: grpc.Channel) -> None:
        # Not in the thread that asks for it, which may be gRPC's own.
        self._threads.start(channel.close, CLOSE_SECONDS)

    def _stream(self, method: Method[grpc.Channel]) -> _BlockingStreamCalls[Any]:
        maker = _Maker(self._owner, self._connections, method)
        return _BlockingStreamCalls(self._owner, self._threads, maker, self._deadlines.stream)


class _Maker:
    """Makes calls of one method on the newest connection, in a thread that may wait and read files.

    Args:
        owner: of the channel.
        connections: of the channel.
        method: that is called.
        attempts: how often a call with one answer may be made; a question that is a stream is read once.
    """

    def __init__(
        self, owner: Owner, connections: Connections[grpc.Channel], method: Method[grpc.Channel], attempts: int = 1
    ) -> None:
        self.name = method.name
        self._owner = owner
        self._connections = connections
        self._method = method
        self._attempts = attempts

    def observed(self, request: object, timeout: float, call: Observation, **kwargs: object) -> Any:
        """Make a call with one answer as ``one`` does, and tell its observers how it ended."""
        try:
            result = self.one(request, timeout, metadata=call.metadata, **kwargs)
        except BaseException as error:
            call.end(error)
            raise
        call.end()
        return result

    def one(self, request: object, timeout: float, **kwargs: object) -> Any:
        """Make a call with one answer, at the next address where one is not answered, as long as there is time."""
        until = time.monotonic() + timeout
        left = self._attempts
        while True:
            left -= 1
            connection = self._take()
            try:
                return self._made(connection, request, until - time.monotonic(), **kwargs)
            except grpc.RpcError as error:
                elsewhere = self._connections.failed(connection, error)
                if not elsewhere or not left or time.monotonic() >= until:
                    raise
            finally:
                self._connections.give_back(connection)

    def many(self, request: object, timeout: float, **kwargs: object) -> _BlockingStream[Any]:
        """Make a call whose answer is a stream; its connection is given back when it has ended."""
        connection = self._take()
        give_back = self._connections.giving_back(connection)
        try:
            messages: _BlockingStream[Any] = self._made(connection, request, timeout, **kwargs)
        except BaseException:
            give_back()
            raise
        if not messages.add_callback(give_back):
            give_back()
        return _Followed(messages, partial(self._connections.broke, connection))

    def _take(self) -> Connection[grpc.Channel]:
        if self._connections.due:
            self._connections.look()
        return self._connections.take()

    def _made(self, connection: Connection[grpc.Channel], request: object, timeout: float, **kwargs: object) -> Any:
        try:
            return self._method.on(connection)(request, timeout=timeout, **kwargs)
        except ValueError:
            # So gRPC says that another thread has closed the channel meanwhile.
            self._owner.check()
            raise


class _BlockingUnaryCalls(Generic[R]):
    """Makes calls of one method that has one answer."""

    def __init__(self, owner: Owner, threads: CallThreads, maker: _Maker, usual: float) -> None:
        self._owner = owner
        self._threads = threads
        self._maker = maker
        self._usual = usual

    def __call__(self, request: object, timeout: float | None = None, **kwargs: object) -> R:
        return self.future(request, timeout, **kwargs).result()

    def future(self, request: object, timeout: float | None = None, **kwargs: object) -> Job[R]:
        """Begin a call, and return what waits for its answer."""
        self._owner.check()
        seconds = self._usual if timeout is None else timeout
        call = begin(self._maker.name)
        work: Callable[[], R] = partial(self._maker.observed, request, seconds, call, **kwargs)
        try:
            return self._threads.start(work, seconds + GRACE_SECONDS)
        except BaseException as error:
            call.end(error)
            raise


class _Followed(Generic[R]):
    """A stream that reports its error to the connections: where the server is away, the next call goes elsewhere."""

    def __init__(self, messages: _BlockingStream[R], broke: Callable[[grpc.RpcError], None]) -> None:
        self._messages = messages
        self._broke = broke

    def __next__(self) -> R:
        try:
            return next(self._messages)
        except grpc.RpcError as error:
            self._broke(error)
            raise

    def cancel(self) -> bool:
        return self._messages.cancel()

    def add_callback(self, callback: Callable[[], None]) -> bool:
        return self._messages.add_callback(callback)


class _BlockingStreamCalls(Generic[R]):
    """Makes calls of one method whose answer is a stream.

    Nothing of gRPC runs in the caller's thread: an interrupt (Ctrl-C) between taking and releasing a lock of the
    channel would leave that lock taken for ever, and every later call waiting for it.
    """

    def __init__(self, owner: Owner, threads: CallThreads, maker: _Maker, usual: float) -> None:
        self._owner = owner
        self._threads = threads
        self._maker = maker
        self._usual = usual

    def __call__(self, request: object, timeout: float | None = None, **kwargs: object) -> _WatchedStream[R]:
        self._owner.check()
        seconds = self._usual if timeout is None else timeout
        call = begin(self._maker.name)
        make: Callable[[], _BlockingStream[R]] = partial(
            self._maker.many, request, timeout=seconds, metadata=call.metadata, **kwargs
        )
        opening = _Opening(make)
        try:
            messages = self._threads.start(opening.open, seconds + GRACE_SECONDS).result()
        except BaseException as error:
            # Interrupted or overdue: nobody will read the stream.
            self._threads.start(opening.give_up, CANCEL_SECONDS)
            call.end(error)
            raise
        return _WatchedStream(self._owner, self._threads, messages, seconds + GRACE_SECONDS, call)


class _Opening(Generic[R]):
    """A stream that a thread opens, and that may be given up meanwhile."""

    def __init__(self, make: Callable[[], _BlockingStream[R]]) -> None:
        self._make = make
        self._turn = threading.Lock()
        self._opened: _BlockingStream[R] | None = None
        self._given_up = False

    def open(self) -> _BlockingStream[R]:
        """Open the stream, and end it again where it was given up."""
        opened = self._make()
        with self._turn:
            self._opened, given_up = opened, self._given_up
        if given_up:
            opened.cancel()
        return opened

    def give_up(self) -> None:
        """End the stream now, or as soon as it is open."""
        with self._turn:
            self._given_up, opened = True, self._opened
        if opened is not None:
            opened.cancel()


def _next(messages: _BlockingStream[R]) -> R | object:
    try:
        return next(messages)
    except StopIteration:
        return _END


class _WatchedStream(Generic[R]):
    """Yields the messages of one answer."""

    def __init__(
        self, owner: Owner, threads: CallThreads, messages: _BlockingStream[R], seconds: float, call: Observation
    ) -> None:
        self._owner = owner
        self._threads = threads
        self._messages = messages
        self._until = time.monotonic() + seconds
        self._call = call

    def __del__(self) -> None:
        self._call.end()
        # gRPC takes a lock of the channel where it lets a stream go.
        self._threads.let_go(self._messages)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> R:
        self._owner.check()
        try:
            read = partial(_next, self._messages)
            message = self._threads.start(read, self._until - time.monotonic()).result()
        except BaseException as error:
            # Overdue, interrupted or broken: the stream is not read any further.
            self._call.end(error)
            self.cancel()
            raise
        if message is _END:
            self._call.end()
            raise StopIteration
        return cast("R", message)

    def cancel(self) -> bool:
        """End the call; False where it has ended. It is not waited for where gRPC is held up."""
        self._call.end()
        try:
            return self._threads.start(self._messages.cancel, CANCEL_SECONDS).result()
        except OverdueError:
            return True
