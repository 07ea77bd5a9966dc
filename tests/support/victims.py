"""Callers that go on calling while the servers they call are killed, and how long each of their calls takes to end.

victims = Victims()
victims.add("lists records", lambda: list(client.records()))      blocking: a thread
victims.add_async("asks", call)                                   asyncio: a thread with a loop
with victims:
    under_way = victims.under_way()
    ...                                                           a kill, a start
    victims.wait_for(under_way, time.monotonic() + 9)             each has ended, well or with an error of the SDK
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Self

from client_sdk.errors import CreditRegistryError, OutboxError, VerificationError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

__all__ = ["Victims"]

# Between two calls of one caller, so that one that fails at once leaves the processor to others.
PAUSE_SECONDS = 0.02


class Victims:
    """Callers in threads of their own, each calling again and again."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []
        # Calls that each caller has ended, and how.
        self._ended: Counter[str] = Counter()
        self.succeeded: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.defects: list[BaseException] = []

    def add(self, name: str, call: Callable[[], object]) -> None:
        """Make a call over and over in a thread."""

        def work() -> None:
            while not self._stop.is_set():
                try:
                    call()
                except BaseException as error:  # noqa: BLE001 - looked at in the test's own thread
                    self._note(name, error)
                else:
                    self._note(name, None)

                self._stop.wait(PAUSE_SECONDS)

        self._threads.append(threading.Thread(target=work, name=name, daemon=True))

    def add_async(
        self, name: str, opened: Callable[[], AbstractAsyncContextManager[Callable[[], Awaitable[object]]]]
    ) -> None:
        """Make a call over and over in an event loop, with what was opened in it."""

        async def run() -> None:
            async with opened() as call:
                while not self._stop.is_set():
                    try:
                        await call()
                    except BaseException as error:  # noqa: BLE001 - looked at in the test's own thread
                        self._note(name, error)
                    else:
                        self._note(name, None)
                    await asyncio.sleep(PAUSE_SECONDS)

        self._threads.append(threading.Thread(target=lambda: asyncio.run(run()), name=name, daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._stop.set()
        if kind is None:
            for thread in self._threads:
                thread.join(60)
                assert not thread.is_alive(), f"{thread.name} never ended"

    def under_way(self) -> dict[str, int]:
        """Return which call each caller is making."""
        with self._changed:
            return {thread.name: self._ended[thread.name] for thread in self._threads}

    def wait_for(self, under_way: dict[str, int], until: float) -> None:
        """Wait until calls that were under way have ended.

        Raises:
            AssertionError: one goes on at that moment, or raised something other than an error of the SDK; or a
                complaint about the outbox or about what was answered, neither of which a kill excuses.
        """
        with self._changed:
            for name, number in under_way.items():
                self._changed.wait_for(lambda: self._ended[name] > number, max(0.0, until - time.monotonic()))  # noqa: B023 - called before the next turn
                assert self._ended[name] > number, f"{name} hangs: {self._ended}"
        assert not self.defects, self.defects

    def _note(self, name: str, error: BaseException | None) -> None:
        with self._changed:
            self._ended[name] += 1
            if error is None:
                self.succeeded[name] += 1
            elif isinstance(error, CreditRegistryError) and not isinstance(error, OutboxError | VerificationError):
                self.failed[name] += 1
            else:
                self.defects.append(error)
            self._changed.notify_all()
