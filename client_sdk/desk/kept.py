"""Values that a page shows after a form was sent: kept in memory for minutes, for the session that asked for it alone.

The browser is sent on to an address with a random id, so that going back, or loading the page again, asks nothing anew
and no address holds more than that id.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KeptValues"]

T = TypeVar("T")

KEPT_SECONDS = 10 * 60.0
_MOST = 200
_MOST_OF_A_SESSION = 20


@dataclass(frozen=True, slots=True)
class _Item:
    session: str
    ends: float
    value: object


class KeptValues:
    """Values by random ids; thread-safe.

    Args:
        lives: whether a session goes on, by its key.
        clock: seconds, never going back.
    """

    def __init__(self, lives: Callable[[str], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._lives, self._clock = lives, clock
        self._lock = threading.Lock()
        self._items: OrderedDict[str, _Item] = OrderedDict()

    def keep(self, session: str, value: object) -> str:
        """Keep a value for a session, and return its id; the oldest are forgotten where there are too many."""
        self.forget_old()
        key = secrets.token_urlsafe(18)
        with self._lock:
            own = [name for name, item in self._items.items() if item.session == session]
            for name in own[: max(0, len(own) - _MOST_OF_A_SESSION + 1)]:
                del self._items[name]
            while len(self._items) >= _MOST:
                self._items.popitem(last=False)
            self._items[key] = _Item(session, self._clock() + KEPT_SECONDS, value)
        return key

    def find(self, session: str, key: str, kind: type[T]) -> T | None:
        """Return a value of a kind that a session keeps; None where there is none, or no more."""
        self.forget_old()
        with self._lock:
            item = self._items.get(key)
        if item is None or item.session != session or not isinstance(item.value, kind):
            return None
        return item.value

    def forget(self, session: str, key: str) -> None:
        """Forget a value that a session keeps, such as one that is done."""
        with self._lock:
            item = self._items.get(key)
            if item is not None and item.session == session:
                del self._items[key]

    def forget_old(self) -> None:
        """Forget what is over: by time, or with its session."""
        with self._lock:
            now = self._clock()
            sessions = {item.session for item in self._items.values()}
        over = {session for session in sessions if not self._lives(session)}
        with self._lock:
            for key in [key for key, item in self._items.items() if now >= item.ends or item.session in over]:
                del self._items[key]
