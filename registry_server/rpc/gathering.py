"""Gathering: calls that wait at the same time are served together, by one function call in one thread.

While one batch is being served, what comes in waits for the next. Where several calls were there at once, the next
batch also waits for those whose answers are just being read, as long as they keep coming; a single call waits for
nobody. The cost of a thread's hop, of a transaction and of a statement is shared by the batch.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from registry_server.errors import RefusalReason, RegistryError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor

__all__ = ["Gathering"]

A = TypeVar("A")
R = TypeVar("R")


class Gathering(Generic[A, R]):
    """Serves single calls in batches; belongs to one event loop.

    Args:
        serve: takes a batch and returns, for each item in order, its result or the error that it ends with. Where it
            raises, every item of the batch ends with that error.
        executor: whose threads serve.
        limit: most items of a batch.
        waiting_limit: most items that wait; more are refused, as their deadlines would pass before their turn.
        linger: where the batch before had more than one item, the next begins once none has come for so many seconds.
        lingers: at most so many times as long.
    """

    def __init__(
        self,
        serve: Callable[[Sequence[A]], Sequence[R | Exception]],
        executor: Executor,
        *,
        limit: int,
        waiting_limit: int = 4_096,
        linger: float = 0.002,
        lingers: int = 10,
    ) -> None:
        self._serve = serve
        self._executor = executor
        self._limit = limit
        self._waiting_limit = waiting_limit
        self._linger = linger
        self._lingers = lingers
        self._busy = False
        self._waiting: deque[tuple[A, asyncio.Future[R]]] = deque()
        # The loop itself holds its tasks only weakly.
        self._serving: asyncio.Task[None] | None = None

    async def submit(self, item: A) -> R:
        """Return the result of one item.

        Raises:
            RegistryError: QUEUE_FULL; too many wait already.
            Exception: the error that the item ended with.
        """
        if len(self._waiting) >= self._waiting_limit:
            got, want = f"{len(self._waiting)} calls waiting", f"at most {self._waiting_limit}"
            raise RegistryError(RefusalReason.QUEUE_FULL, "", "queue.length", got=got, want=want)
        result: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, result))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.ensure_future(self._serve_all())
        return await result

    async def _serve_all(self) -> None:
        """Serve until nothing waits; from there to its end nothing else runs, so that no item is left behind."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            if self._busy:
                await self._let_come()
            batch = self._next_batch()
            self._busy = len(batch) > 1
            if not batch:
                continue
            items = [item for item, _ in batch]
            results: Sequence[R | Exception]
            try:
                results = await loop.run_in_executor(self._executor, self._serve, items)
            except Exception as error:  # noqa: BLE001 - it is raised in every call that waits for it
                results = [error] * len(batch)
            for (_, waiting), result in zip(batch, results, strict=True):
                _settle(waiting, result)

    async def _let_come(self) -> None:
        """Wait while further items keep coming."""
        for _ in range(self._lingers):
            there = len(self._waiting)
            if there >= self._limit:
                return
            await asyncio.sleep(self._linger)
            if len(self._waiting) <= there:
                return

    def _next_batch(self) -> list[tuple[A, asyncio.Future[R]]]:
        batch: list[tuple[A, asyncio.Future[R]]] = []
        while self._waiting and len(batch) < self._limit:
            item, waiting = self._waiting.popleft()
            # Whose client has gone away is not begun.
            if not waiting.done():
                batch.append((item, waiting))
        return batch


def _settle(waiting: asyncio.Future[R], result: R | Exception) -> None:
    if waiting.done():
        return
    if isinstance(result, Exception):
        waiting.set_exception(result)
    else:
        waiting.set_result(result)
