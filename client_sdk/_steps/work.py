"""Steps that wait for work beside the loop, for time to pass, and for other flows."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from client_sdk._steps.driver import Step, is_in_place, run, run_async
from client_sdk.errors import CreditRegistryError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from client_sdk._steps.driver import Flow
    from client_sdk._transport.mode import Lock

__all__ = ["Stoppable", "alone", "beside", "each_async", "pause", "together"]

R = TypeVar("R")

# How long a cancelled task waits for its threads: long enough for all that ends in time, so that they have let go of
# the outbox. Rows that never come from the caller's own iterator hold it up no longer than that.
END_SECONDS = 15.0
# Of an iterator that are made in one go; a thread for each of them would cost more than most items.
ITEMS = 256


@dataclass(slots=True)
class _Beside(Step):
    work: Callable[[], object]
    stop: Callable[[], None] | None

    def block(self) -> object:
        return self.work()

    async def wait(self) -> object:
        if self.stop is None and is_in_place():
            return self._work()
        # A thread of its own for what may take long: those of the loop may all be taken by such work.
        own = None if self.stop is None else ThreadPoolExecutor(1, "beside")
        running = asyncio.get_running_loop().run_in_executor(own, copy_context().run, self._work)
        try:
            await asyncio.wait((running,))
        except asyncio.CancelledError:
            if self.stop is not None:
                self.stop()
            running.add_done_callback(_look_away)
            await asyncio.wait((running,), timeout=END_SECONDS)
            raise
        finally:
            if own is not None:
                own.shutdown(wait=False)
        return running.result()

    def _work(self) -> object:
        try:
            return self.work()
        except StopIteration as error:
            # A future of asyncio takes none, and would never be done.
            raise RuntimeError("work beside the loop raised StopIteration") from error


@dataclass(slots=True)
class _Pause(Step):
    seconds: float

    def block(self) -> None:
        time.sleep(self.seconds)

    async def wait(self) -> None:
        await asyncio.sleep(self.seconds)


@dataclass(slots=True)
class _Together(Step):
    flows: Sequence[Flow[Any]]

    def block(self) -> list[object]:
        with ThreadPoolExecutor(len(self.flows), "together") as threads:
            # Each in a copy of the caller's context: what observes calls finds there to what they belong.
            running = [threads.submit(copy_context().run, run, flow) for flow in self.flows]
            wait(running)
        return [each.result() for each in running]

    async def wait(self) -> list[object]:
        running = [asyncio.create_task(run_async(flow)) for flow in self.flows]
        for each in running:
            each.add_done_callback(_look_away)
        try:
            await asyncio.wait(running)
        except asyncio.CancelledError:
            for each in running:
                each.cancel()
            await asyncio.wait(running, timeout=END_SECONDS)
            raise
        return [each.result() for each in running]


@dataclass(slots=True)
class _Alone(Step):
    lock: Any
    flow: Flow[Any]

    def block(self) -> object:
        with self.lock:
            return run(self.flow)

    async def wait(self) -> object:
        async with self.lock:
            return await run_async(self.flow)


def beside(work: Callable[[], R], stop: Callable[[], None] | None = None) -> Flow[R]:
    """Do what writes to the disk or computes for long: in place, or for asyncio in a thread beside the loop.

    Args:
        work: is done to its end, also where the task that waits for it is cancelled.
        stop: makes work end early that may go on for ever; called from another thread where the task is cancelled.
    """
    result: R = yield _Beside(work, stop)
    return result


async def each_async(flow: Flow[Iterator[R]]) -> AsyncIterator[R]:
    """Run a flow in the event loop, and yield each item of what it returns; they are made beside the loop."""
    items = await run_async(flow)
    while True:
        made, error = await run_async(beside(partial(_next, items)))
        for item in made:
            yield item
        if error is not None:
            raise error
        if not made:
            return


def pause(seconds: float) -> Flow[None]:
    """Wait for so many seconds."""
    yield _Pause(seconds)


def together(*flows: Flow[Any]) -> Flow[list[Any]]:
    """Run flows at once until all have ended; return their results in order, or raise the first error in order."""
    results: list[Any] = yield _Together(flows)
    return results


def alone(lock: Lock, flow: Flow[R]) -> Flow[R]:
    """Run a flow while holding a lock, of the mode in which the flow runs."""
    result: R = yield _Alone(lock, flow)
    return result


class Stoppable(Generic[R]):
    """Items of the caller's, up to where it is stopped; they are read beside the loop and may never end.

    Args:
        items: such as rows of a portfolio.
    """

    def __init__(self, items: Iterable[R]) -> None:
        self._items = items
        self._stopped = False

    def __iter__(self) -> Iterator[R]:
        for item in self._items:
            if self._stopped:
                return
            yield item

    def stop(self) -> None:
        """End with the next item."""
        self._stopped = True


def _next(items: Iterator[R]) -> tuple[list[R], CreditRegistryError | None]:
    """Return the next items, and what one of them could not be made for."""
    made: list[R] = []
    try:
        made.extend(islice(items, ITEMS))
    except CreditRegistryError as error:
        return made, error
    return made, None


def _look_away(running: asyncio.Future[Any]) -> None:
    """Take note of how something ended that may have no other reader, so that asyncio does not log it."""
    if not running.cancelled():
        running.exception()
