"""An end to waiting for a PostgreSQL server that keeps its connections and answers nothing, such as one that hangs.

The driver waits as long as the connection stands, and a machine that is alive keeps it; a limit that the server holds
does not help where the server stands still. Here each statement is answered in time, or its connection is closed. So is
what many statements do together: ``answers_within``, or ``AnsweredConnection.until``.
"""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, TypeVar

import psycopg
from psycopg.rows import TupleRow

if TYPE_CHECKING:
    from collections.abc import Iterator

    from psycopg.abc import PQGen

__all__ = ["AnsweredConnection", "answers_within", "seconds_left"]

_R = TypeVar("_R")
# How often a wait looks whether the process is to be interrupted.
_LOOK_SECONDS = 0.1
# When the operation of this thread must be over, by the steady clock.
_end: ContextVar[float] = ContextVar("end", default=math.inf)


@contextmanager
def answers_within(seconds: float) -> Iterator[None]:
    """Give all that is asked in a block one time together: waiting for a connection, connecting, each statement."""
    token = _end.set(min(_end.get(), time.monotonic() + seconds))
    try:
        yield
    finally:
        _end.reset(token)


def seconds_left() -> float:
    """Return how long the block may still take; infinite outside of one."""
    return _end.get() - time.monotonic()


class AnsweredConnection(psycopg.Connection[TupleRow]):
    """A connection that is closed where the server takes too long for an answer, however it arrives.

    Attributes:
        answer_seconds: how long one answer may take; set after connecting, which has a limit of its own.
        until: when the last answer must be there, by the steady clock.
    """

    answer_seconds = math.inf
    until = math.inf

    def wait(self, gen: PQGen[_R], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> _R:
        """Wait for an answer, as the driver does, and no longer than the connection or the block allows.

        Raises:
            psycopg.OperationalError: there was none in time; the connection is closed.
        """
        now = time.monotonic()
        end = min(now + self.answer_seconds, self.until, _end.get())
        limits = [limit for limit in (timeout, end - now) if limit is not None and limit < math.inf]
        try:
            return super().wait(gen, interval, max(0.0, min(limits)) if limits else None)
        except psycopg.OperationalError:
            if time.monotonic() >= end:
                self.close()
            raise
