"""Limits on attempts to sign in: by the name that is tried, and by the address that tries."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Attempts"]

_WINDOW_SECONDS = 15 * 60.0
_MOST_BY_NAME = 5
_MOST_BY_ADDRESS = 30
# Names and addresses that are remembered; the one that was tried longest ago is forgotten first.
_MOST_KEYS = 10_000


class Attempts:
    """Counts attempts that have not succeeded; thread-safe.

    Args:
        clock: seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._tried: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        # When it was last told that one of them has to wait.
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()

    def begin(self, name: str, address: str) -> float:
        """Count an attempt before it is looked at, so that many at once are no more than the limit.

        Returns:
            Seconds to wait, 0 where the attempt may go on; one that must wait is not counted.
        """
        limits = _limits(name, address)
        with self._lock:
            now = self._clock()
            wait = max(self._wait(key, most, now) for key, most in limits.items())
            if not wait:
                for key in limits:
                    self._tried.setdefault(key, deque()).append(now)
                    self._tried.move_to_end(key)
                while len(self._tried) > _MOST_KEYS:
                    self._tried.popitem(last=False)
            return wait

    def tells(self, name: str, address: str) -> bool:
        """Whether the journal is to tell that an attempt has to wait: once in 15 minutes of what it has to wait for.

        Names that were tried less often are not reported: their number has no bound.
        """
        with self._lock:
            now = self._clock()
            over = [key for key, most in _limits(name, address).items() if self._wait(key, most, now)]
            new = [key for key in over if now - self._told.get(key, float("-inf")) >= _WINDOW_SECONDS]
            for key in new:
                self._told[key] = now
                self._told.move_to_end(key)
            while len(self._told) > _MOST_KEYS:
                self._told.popitem(last=False)
            return bool(new)

    def succeeded(self, name: str, address: str) -> None:
        """Forget what was counted of a name, and this one attempt of the address."""
        with self._lock:
            self._tried.pop(("name", name.lower()), None)
            if tried := self._tried.get(("address", address)):
                tried.pop()

    def _wait(self, key: tuple[str, str], most: int, now: float) -> float:
        tried = self._tried.get(key)
        if tried is None:
            return 0.0
        while tried and now - tried[0] >= _WINDOW_SECONDS:
            tried.popleft()
        return _WINDOW_SECONDS - (now - tried[0]) if len(tried) >= most else 0.0


def _limits(name: str, address: str) -> dict[tuple[str, str], int]:
    return {("name", name.lower()): _MOST_BY_NAME, ("address", address): _MOST_BY_ADDRESS}
