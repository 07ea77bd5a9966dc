"""``report_many`` for asyncio: the blocking client in a thread beside the loop, ended where the task is cancelled."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from client_sdk.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from client_sdk.config import ClientConfig
    from client_sdk.models.batch import BatchReport, Progress, ProgressCallback, RejectedRow
    from client_sdk.models.report import Report

__all__ = ["report_many"]

# How long a cancelled task waits for its thread: long enough for all that ends in time, so that it has let go of the
# outbox. Rows that never come from the caller's own iterator hold it up longer.
END_SECONDS = 15.0


async def report_many(
    config: ClientConfig, reports: Iterable[Report | RejectedRow], progress: ProgressCallback | None
) -> BatchReport:
    """Report a portfolio with a client of its own; arguments, result and errors as for ``AsyncClient.report_many``."""
    loop = asyncio.get_running_loop()

    def tell(state: Progress) -> None:
        if progress is not None:
            loop.call_soon_threadsafe(progress, state)

    work = _Work(config, reports, tell)
    # Threads of its own: those of the loop may all be taken by such calls.
    threads = ThreadPoolExecutor(2, "report-many")
    running = loop.run_in_executor(threads, work.run)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stopping = loop.run_in_executor(threads, work.stop)
        running.add_done_callback(_look_away)
        await asyncio.wait((running, stopping), timeout=END_SECONDS)
        raise
    finally:
        threads.shutdown(wait=False)


class _StoppedError(Exception):
    """The task that waits for the work was cancelled."""


class _Work:
    """One call of ``report_many`` in a thread."""

    def __init__(
        self, config: ClientConfig, reports: Iterable[Report | RejectedRow], progress: ProgressCallback
    ) -> None:
        self._config = config
        self._reports = reports
        self._progress = progress
        self._stopped = threading.Event()
        self._client: Client | None = None

    def run(self) -> BatchReport:
        """Report."""
        with Client(self._config) as client:
            self._client = client
            self._go_on()
            return client.report_many(self._rows(), self._tell)

    def stop(self) -> None:
        """End the work at its next step; calls under way fail at once, as their connections are closed."""
        self._stopped.set()
        if self._client is not None:
            self._client.close()

    def _rows(self) -> Iterator[Report | RejectedRow]:
        for report in self._reports:
            self._go_on()
            yield report

    def _tell(self, state: Progress) -> None:
        self._go_on()
        self._progress(state)

    def _go_on(self) -> None:
        if self._stopped.is_set():
            raise _StoppedError


def _look_away(running: asyncio.Future[BatchReport]) -> None:
    """Log how the work of a cancelled task ended; its result has no other reader."""
    if not running.cancelled():
        running.exception()
