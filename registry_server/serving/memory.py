"""Freed memory goes back to the operating system, where the C library is glibc; elsewhere nothing is done.

glibc keeps what large messages took for the next ones: after an attack, or a long batch, a process would stay as large
as it once was.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
from contextlib import asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["giving_back", "keep_few_arenas"]

# malloc.h
_M_ARENA_MAX = -8
# Threads mostly wait for the interpreter's lock, so that they need no heap each.
_ARENAS = 2
_INTERVAL_SECONDS = 10.0


@cache
def _glibc() -> ctypes.CDLL | None:
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None


def keep_few_arenas() -> None:
    """Let the threads of this process share two heaps; to be called before they begin."""
    library = _glibc()
    if library is not None:
        library.mallopt(_M_ARENA_MAX, _ARENAS)


@asynccontextmanager
async def giving_back(interval: float = _INTERVAL_SECONDS) -> AsyncIterator[None]:
    """Give freed memory back from time to time while the block lasts.

    Args:
        interval: seconds.
    """
    task = asyncio.create_task(_trim_again_and_again(interval), name="memory")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _trim_again_and_again(interval: float) -> None:
    library = _glibc()
    while library is not None:
        await asyncio.sleep(interval)
        # Called through ctypes, it does not hold the interpreter's lock.
        await asyncio.to_thread(library.malloc_trim, 0)
