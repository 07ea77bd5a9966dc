"""An end to waiting for a PostgreSQL server that keeps its connections and answers nothing, such as one that hangs.

The driver waits as long as the connection stands, and a machine that is alive keeps it; a limit that the server holds
does not help where the server stands still. Here each statement is answered in time, or its connection is closed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

import psycopg
from psycopg.rows import TupleRow

if TYPE_CHECKING:
    from collections.abc import Generator

    from psycopg.abc import PQGen

__all__ = ["AnsweredConnection"]

_R = TypeVar("_R")
# How often a wait looks at its end.
_LOOK_SECONDS = 0.1


class AnsweredConnection(psycopg.Connection[TupleRow]):
    """A connection that is closed where the server takes too long for an answer.

    Attributes:
        answer_seconds: how long one answer may take; set after connecting, which has a limit of its own.
    """

    answer_seconds = float("inf")

    def wait(self, gen: PQGen[_R], interval: float = _LOOK_SECONDS, timeout: float | None = None) -> _R:
        """Wait for an answer, as the driver does, and no longer than ``answer_seconds``.

        Raises:
            psycopg.OperationalError: there was none in time; the connection is closed.
        """
        return super().wait(self._in_time(gen), interval, timeout)

    def _in_time(self, waiting: PQGen[_R]) -> PQGen[_R]:
        until = time.monotonic() + self.answer_seconds
        proceed: Generator[psycopg.waiting.Wait, psycopg.waiting.Ready | int, _R] = waiting
        try:
            wanted = next(proceed)
            while True:
                ready = yield wanted
                if not ready and time.monotonic() >= until:
                    self.close()
                    raise psycopg.OperationalError("the server gave no answer in time")
                wanted = proceed.send(ready)
        except StopIteration as end:
            answer: _R = end.value
            return answer
