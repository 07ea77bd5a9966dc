"""The connections below a channel: another one where TLS files change or a server is away, each as long as its calls.

gRPC gives a connection its certificate when it is made. So calls begin on the newest one, those that are under way end
on the one on which they began, and an older one is closed with the last of them. Where a server has several addresses,
the connection leads to one of them, and to the next one as soon as a call there has failed without an answer.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from client_sdk._transport.tls import TlsMaterial, TlsSource

__all__ = ["Connection", "Connections", "Method"]

C = TypeVar("C")
# The server is away, is stopping or cannot reach its database; or, where a call with one answer has none, it hangs. A
# server that stops ends calls that it has not taken up as CANCELLED.
_AWAY = frozenset((grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED))
_HANGS = grpc.StatusCode.DEADLINE_EXCEEDED


class Connection(Generic[C]):
    """One connection.

    Attributes:
        channel: gRPC's own.
        calls: how many are under way on it.
        methods: what makes calls on it, by method.
    """

    __slots__ = ("calls", "channel", "methods")

    def __init__(self, channel: C) -> None:
        self.channel = channel
        self.calls = 0
        self.methods: dict[Method[C], Any] = {}


class Method(Generic[C]):
    """A method of the contract, on whichever connection.

    Args:
        kind: name of the channel's method that makes what calls it, such as ``unary_unary``.
        name: full name of the method, ``/package.Service/Method``.
        args: of that, behind the name.
        kwargs: of that.
    """

    __slots__ = ("_make", "name")

    def __init__(self, kind: str, name: str, *args: object, **kwargs: object) -> None:
        self.name = name
        self._make: Callable[[C], Any] = lambda channel: getattr(channel, kind)(name, *args, **kwargs)

    def on(self, connection: Connection[C]) -> Any:
        """Return what makes calls of this method on a connection."""
        made = connection.methods.get(self)
        if made is None:
            made = connection.methods[self] = self._make(connection.channel)
        return made


class Connections(Generic[C]):
    """The connections of one channel; thread-safe.

    Args:
        tls: what is shown.
        connect: makes a connection to an address.
        leave: closes one on which no call is under way; does not wait for that.
        addresses: of the server, each host:port.
    """

    def __init__(
        self,
        tls: TlsSource,
        connect: Callable[[str, TlsMaterial], C],
        leave: Callable[[C], object],
        addresses: Sequence[str],
    ) -> None:
        self._tls = tls
        self._connect = connect
        self._leave = leave
        self._addresses = tuple(addresses)
        self._turn = threading.Lock()
        self._at = 0
        self._shown = tls.newest
        self._newest = self._made()
        self._older: set[Connection[C]] = set()
        self._closed = False

    @property
    def due(self) -> bool:
        """Whether it is time to look at the TLS files."""
        return self._tls.due

    def look(self) -> None:
        """Look at the TLS files; the next call is made with the newest ones."""
        self._tls.look()

    @property
    def attempts(self) -> int:
        """How often a call may be made in all: once an address."""
        return len(self._addresses)

    def broke(self, connection: Connection[C], error: grpc.RpcError) -> None:
        """As ``failed``, for a stream, whose deadline says nothing of the server."""
        if _code_of(error) in _AWAY:
            self.failed(connection, error)

    def failed(self, connection: Connection[C], error: grpc.RpcError) -> bool:
        """Let further calls go to the next address where a call tells that the server at this one is away.

        Args:
            connection: on which the call was made.
            error: with which it ended.

        Returns:
            Whether the same call may be made there: nothing was decided, and there is another address.
        """
        code = _code_of(error)
        if code not in {*_AWAY, _HANGS} or len(self._addresses) == 1:
            return False
        with self._turn:
            # Another call may have found that before.
            if connection is self._newest and not self._closed:
                self._at = (self._at + 1) % len(self._addresses)
                left = self._replace()
            else:
                left = None
        if left is not None:
            self._leave(left.channel)
        return code in _AWAY

    @property
    def channel(self) -> C:
        """The newest connection, whatever the files hold by now."""
        return self._newest.channel

    def take(self) -> Connection[C]:
        """Return the connection for a call, which is given back when the call has ended."""
        left: Connection[C] | None = None
        with self._turn:
            shown = self._tls.newest
            if shown is not self._shown and not self._closed:
                self._shown = shown
                left = self._replace()
            connection = self._newest
            connection.calls += 1
        if left is not None:
            self._leave(left.channel)
        return connection

    def _made(self) -> Connection[C]:
        return Connection(self._connect(self._addresses[self._at], self._shown))

    def _replace(self) -> Connection[C] | None:
        """Make the newest connection; return the one before where no call is under way on it, to be closed."""
        before, self._newest = self._newest, self._made()
        if not before.calls:
            return before
        self._older.add(before)
        return None

    def give_back(self, connection: Connection[C]) -> None:
        """Take note that a call has ended."""
        with self._turn:
            connection.calls -= 1
            over = not connection.calls and connection in self._older
            if over:
                self._older.remove(connection)
        if over:
            self._leave(connection.channel)

    def close(self) -> list[C]:
        """Make no connection any more, and return those that there are, for the caller to close."""
        with self._turn:
            self._closed = True
            older, self._older = self._older, set()
            return [self._newest.channel, *(connection.channel for connection in older)]

    def giving_back(self, connection: Connection[C]) -> Callable[..., None]:
        """Return what gives a connection back, whatever it is called with."""
        return partial(_give_back, self, connection)


def _give_back(connections: Connections[C], connection: Connection[C], *_: object) -> None:
    connections.give_back(connection)


def _code_of(error: grpc.RpcError) -> grpc.StatusCode | None:
    return error.code() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else None
