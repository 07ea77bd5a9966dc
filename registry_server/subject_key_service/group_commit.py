"""One transaction for all requests that wait: while one commits, the next ones gather."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from registry_server.subject_key_service.request_log import LogEntry, RequestLog, RequestOutcome

__all__ = ["GroupCommit"]

# Requests of one transaction; 256 of 1,000 elements are 8 MB.
MAX_GROUP = 256
Waiting = tuple["LogEntry", "asyncio.Future[RequestOutcome]"]


class GroupCommit:
    """Records requests of one event loop in a thread of its own; to be used in ``async with``.

    Args:
        log: where they are recorded.
    """

    def __init__(self, log: RequestLog) -> None:
        self._log = log
        self._waiting: asyncio.Queue[Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="request-log")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._work(), name="request-log")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            await self._waiting.join()
            self._task.cancel()
        self._thread.shutdown()

    async def record(self, entry: LogEntry) -> RequestOutcome:
        """Return the outcome of a request, once that is durable.

        Raises:
            RequestLogError: nothing was logged, or nothing is known of it.
        """
        done: asyncio.Future[RequestOutcome] = asyncio.get_running_loop().create_future()
        self._waiting.put_nowait((entry, done))
        return await done

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            group = [await self._waiting.get()]
            while len(group) < MAX_GROUP and not self._waiting.empty():
                group.append(self._waiting.get_nowait())
            entries = [entry for entry, _ in group]
            recorded = loop.run_in_executor(self._thread, self._log.record, entries)
            # Whatever went wrong is for those who wait; the next group has its own turn.
            await asyncio.wait((recorded,))
            _settle(group, recorded)
            for _ in group:
                self._waiting.task_done()


def _settle(group: list[Waiting], recorded: asyncio.Future[list[RequestOutcome]]) -> None:
    error = recorded.exception()
    for place, (_, done) in enumerate(group):
        # The waiter may have been cancelled.
        if done.done():
            continue
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(recorded.result()[place])
