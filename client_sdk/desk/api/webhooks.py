"""Webhooks of jobs: a message at the end of each, signed and delivered as alerts are.

A message waits in the member's queue of deliveries (``client_sdk.alerting``), so that an end of the desk loses none; it
says that a job has ended and how, and holds nothing of what was found.
"""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from client_sdk.alerting.address import webhook
from client_sdk.alerting.delivery import Deliveries
from client_sdk.alerting.queue import DeliveryQueue
from client_sdk.alerting.settings import DeliverySettings
from client_sdk.clock import clock_ms
from client_sdk.errors import CreditRegistryError

if TYPE_CHECKING:
    from collections.abc import Callable

    from client_sdk.config import ClientConfig
    from client_sdk.desk.jobs import DeskJob

__all__ = ["JobHooks"]

KIND = "job.ended"
# Between two looks at what is due again.
_PAUSE_SECONDS = 15.0
_STOP_SECONDS = 30.0


class JobHooks:
    """Queues and delivers the messages of a desk; thread-safe.

    Args:
        config: of the member.
        tell: a line for who started the desk.
    """

    def __init__(self, config: ClientConfig, tell: Callable[[str], None]) -> None:
        self._config, self._tell = config, tell
        self._wake, self._stopping = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Deliver from now on, first what an earlier run has left; once more does nothing."""
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="desk-hooks", daemon=True)
                self._thread.start()
        self._wake.set()

    def close(self) -> None:
        """Attempt nothing further; what waits is attempted by the next run."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)

    def put(self, url: str, token: str, job: DeskJob) -> None:
        """Queue the message of a job that has ended."""
        data = {
            "registry": self._config.name,
            "job": job.key,
            "kind": job.kind,
            "state": job.state.value,
            "done": job.done,
            "total": job.total,
        }
        try:
            with self._open() as queue:
                queue.add(f"msg_job_{job.key}", webhook(url), token, KIND, datetime.now(UTC), data, clock_ms())
        except CreditRegistryError as error:
            self._tell(f"a webhook of {token} is not told of a job: {type(error).__name__}; see `alerts list`")
        self.start()

    def _open(self) -> DeliveryQueue:
        return DeliveryQueue.of(self._config)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.wait(_PAUSE_SECONDS)
            self._wake.clear()
            if not self._stopping.is_set():
                self._deliver()

    def _deliver(self) -> None:
        """Attempt what is due; another program that delivers the same queue delivers these as well."""
        try:
            with self._open() as queue:
                if queue.due(clock_ms(), 1):
                    Deliveries(queue, DeliverySettings.from_home(self._config.home)).deliver()
        except CreditRegistryError:
            # In use by another program, or out of order, which `alerts list` tells: attempted again in a moment.
            return
