"""Calls of a verb that takes many records: some of them under way at the same time, their results in order."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from concurrent.futures import Future

__all__ = ["UNDER_WAY", "side_by_side"]

_T = TypeVar("_T")
_R = TypeVar("_R")

# Far below what one certificate may have under way at the registry.
UNDER_WAY = 8


def side_by_side(call: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """Yield what a call returns for each item, in order; at most ``UNDER_WAY`` of them run at the same time.

    Where one fails, those that run are waited for, no further one begins, and its error is raised.
    """
    pending: deque[Future[_R]] = deque()
    with ThreadPoolExecutor(UNDER_WAY, thread_name_prefix="verb") as threads:
        try:
            for item in items:
                pending.append(threads.submit(call, item))
                if len(pending) == UNDER_WAY:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
