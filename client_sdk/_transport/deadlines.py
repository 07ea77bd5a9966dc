"""Default deadlines, and the grace period after which a call that ignores its deadline is abandoned."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

__all__ = ["GRACE_SECONDS", "Deadlines", "OverdueError"]

# gRPC ends a call at its deadline. A call that goes on for so much longer is given up.
GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Default deadlines of calls, in seconds.

    Attributes:
        unary: one question, one answer.
        stream: all of a stream, which may bring a whole log.
    """

    unary: float = 30.0
    stream: float = 3_600.0


class OverdueError(grpc.RpcError):
    """A call did not end although its deadline is over; it was given up."""
