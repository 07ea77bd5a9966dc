"""A deadline for every call that has none of its own.

It is set once, when a stub is made: gRPC's interceptors would set it anew in each call, at a fifth of the call's price.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import grpc
    import grpc.aio

__all__ = ["Deadlines"]


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a call may take unless it says so itself, in seconds.

    Attributes:
        unary: one question, one answer.
        stream: all of a stream, which may bring a whole log.
    """

    unary: float = 30.0
    stream: float = 3_600.0

    def on(self, channel: Link) -> Link:
        """Return a channel, blocking or for asyncio, with these deadlines for all calls that stubs make of it."""
        kinds = {"unary_unary": self.unary} | dict.fromkeys(
            ("unary_stream", "stream_unary", "stream_stream"), self.stream
        )
        for kind, seconds in kinds.items():
            setattr(channel, kind, partial(_timed, getattr(channel, kind), seconds))
        return channel


Link = TypeVar("Link", "grpc.Channel", "grpc.aio.Channel")


def _timed(make: Callable[..., Callable[..., object]], seconds: float, *args: object, **kwargs: object) -> object:
    """Make a call as a stub wants it, with a deadline in place of none."""
    return partial(make(*args, **kwargs), timeout=seconds)
