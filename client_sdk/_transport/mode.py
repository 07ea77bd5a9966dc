"""The two modes of a client, blocking and asyncio: what each opens and locks with."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, NamedTuple

from client_sdk._transport.channels import aio_channel, channel
from client_sdk._transport.owner import Owner

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    import grpc

    from client_sdk._transport.deadlines import Deadlines
    from client_sdk._transport.tls import TlsSource

    AnyChannel: TypeAlias = grpc.Channel | grpc.aio.Channel
    Lock: TypeAlias = threading.Lock | asyncio.Lock

__all__ = ["ASYNCIO", "BLOCKING", "AnyChannel", "Lock", "Mode"]


class Mode(NamedTuple):
    """How a client opens connections and takes turns.

    Attributes:
        owner: returns who may use the client; raises ConfigError where asyncio has no running event loop.
        channel: opens a channel to ``host:port``.
        lock: makes a lock that may be held over a call.
    """

    owner: Callable[[], Owner]
    channel: Callable[[str, TlsSource, Deadlines], AnyChannel]
    lock: Callable[[], Lock]


BLOCKING = Mode(Owner, channel, threading.Lock)
ASYNCIO = Mode(Owner.of_running_loop, aio_channel, asyncio.Lock)
