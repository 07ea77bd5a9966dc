"""A deadline for every call that has none of its own, and how much longer is waited for a call that ignores it."""

from __future__ import annotations

from dataclasses import dataclass

import grpc

__all__ = ["GRACE_SECONDS", "Deadlines", "OverdueError"]

# gRPC ends a call at its deadline. A call that goes on for so much longer is given up.
GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a call may take unless it says so itself, in seconds.

    Attributes:
        unary: one question, one answer.
        stream: all of a stream, which may bring a whole log.
    """

    unary: float = 30.0
    stream: float = 3_600.0


class OverdueError(grpc.RpcError):
    """A call did not end although its deadline is over; it was given up."""
