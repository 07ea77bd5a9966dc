"""Choice between two implementations of the same work by measured throughput.

Whether processes beside this one help depends on whether there are processors for them, and other programs may take
them at any moment; no figure of the system says so on every platform. So the way that has done more lately is taken,
and the other is tried from time to time: the more rarely, the longer it has been the slower one.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Pace"]

# Pieces of work over which a rate is measured, after some in which what was begun the other way comes to its end.
MEASURED = 16
SETTLING = 4
# Periods between two trials of the slower way.
FIRST_INTERVAL = 4
LAST_INTERVAL = 64
# A pause that long means that there was nothing to do: what was measured so far says nothing.
PAUSE_SECONDS = 0.5


class Pace:
    """The choice; thread-safe.

    Args:
        clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._way = False
        self._rates: dict[bool, float] = {}
        self._trying = False
        self._periods = 0
        self._interval = FIRST_INTERVAL
        self._working = 0
        self._ended_at = clock()
        self._begin_period()

    def begin(self) -> bool:
        """Return the implementation for the next piece of work; ``end`` must follow, also after an error."""
        with self._lock:
            if not self._working and self._clock() - self._ended_at > PAUSE_SECONDS:
                self._begin_period()
            self._working += 1
            return self._way

    def end(self, way: bool, amount: int) -> None:  # noqa: FBT001 - what begin has returned
        """Take note of a piece of work.

        Args:
            way: what ``begin`` returned for it.
            amount: how much of it was done.
        """
        with self._lock:
            self._working -= 1
            self._ended_at = self._clock()
            if way is not self._way:
                return
            self._pieces += 1
            if self._pieces <= SETTLING:
                self._measured_from = self._ended_at
                return
            self._amount += amount
            if self._pieces == SETTLING + MEASURED:
                self._end_period(self._amount / max(self._ended_at - self._measured_from, 1e-9))

    def _begin_period(self) -> None:
        self._pieces = self._amount = 0
        self._measured_from = self._ended_at

    def _end_period(self, rate: float) -> None:
        way, other = self._way, not self._way
        self._rates[way] = (self._rates.get(way, rate) + rate) / 2
        self._periods += 1
        if self._trying:
            # A trial counts by itself: what was so long ago no longer does.
            self._rates[way] = rate
            better = rate > self._rates[other]
            self._interval = FIRST_INTERVAL if better else min(2 * self._interval, LAST_INTERVAL)
            self._turn_to(way if better else other, trying=False)
        elif other not in self._rates or self._periods >= self._interval:
            self._turn_to(other, trying=other in self._rates)
        elif self._rates[other] > self._rates[way]:
            self._turn_to(other, trying=False)
        self._begin_period()

    def _turn_to(self, way: bool, *, trying: bool) -> None:  # noqa: FBT001 - one of two
        self._way, self._trying, self._periods = way, trying, 0
