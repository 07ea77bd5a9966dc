"""Work that blocks, away from the event loop."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from concurrent.futures import Executor

__all__ = ["Threads", "in_thread", "pages_from"]

R = TypeVar("R")


class Threads(NamedTuple):
    """Threads that calls are served by.

    Attributes:
        calls: for whatever blocks.
        pages: read the pages of streams.
        reading: for what a standby answers too, so that it does not wait behind calls that wait for the primary.
    """

    calls: Executor
    pages: Executor
    reading: Executor


async def in_thread(executor: Executor, work: Callable[[], R]) -> R:
    """Return what a function returns, called in a thread."""
    return await asyncio.get_running_loop().run_in_executor(executor, work)


async def pages_from(executor: Executor, begin: Callable[[], Iterator[R]]) -> AsyncIterator[R]:
    """Yield what an iterator yields, each step in a thread.

    Between two steps the iterator holds nothing that must be given back: it waits for a peer there, and may never be
    asked again.

    Args:
        executor: whose threads.
        begin: makes the iterator.
    """
    pages = begin()
    while (page := await in_thread(executor, partial(next, pages, None))) is not None:
        yield page
