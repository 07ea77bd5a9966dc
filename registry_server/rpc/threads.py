"""Work that blocks, away from the event loop."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from concurrent.futures import Executor

__all__ = ["in_thread", "pages_from"]

R = TypeVar("R")


async def in_thread(executor: Executor, work: Callable[[], R]) -> R:
    """Return what a function returns, called in a thread."""
    return await asyncio.get_running_loop().run_in_executor(executor, work)


async def pages_from(executor: Executor, begin: Callable[[], Iterator[R]]) -> AsyncIterator[R]:
    """Yield what an iterator yields, each step in a thread; it is closed however this ends.

    Args:
        executor: whose threads.
        begin: makes the iterator, usually a generator that holds a snapshot of the database.
    """
    iterator = begin()
    stepping: asyncio.Future[R | None] | None = None
    try:
        while True:
            stepping = asyncio.wrap_future(executor.submit(next, iterator, None))
            # Shielded: a step in its thread goes on whatever becomes of the call, and is waited for below.
            page = await asyncio.shield(stepping)
            if page is None:
                return
            yield page
    finally:
        await asyncio.shield(_closed(executor, stepping, getattr(iterator, "close", None)))


async def _closed(
    executor: Executor, stepping: asyncio.Future[R | None] | None, close: Callable[[], None] | None
) -> None:
    """Close a generator once the step that may still be running in its thread has ended."""
    if stepping is not None:
        await asyncio.wait((stepping,))
    if close is not None:
        await in_thread(executor, close)
