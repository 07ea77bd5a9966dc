"""A thread that does one thing again and again until it is stopped; each fault is reported once, not each second."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PeriodicTask"]


class PeriodicTask:
    """A task that is run again and again, whatever it raises.

    Args:
        name: of the thread.
        task: what is run.
        seconds: from the end of one run to the next one.
        fault_of: returns what is wrong in a word, from what the task raised.
        report: called with that word and the exception, where the run before did not fail in the same way.
        delay: seconds before the first run; as between runs where it is left out.
    """

    def __init__(
        self,
        name: str,
        task: Callable[[], None],
        seconds: float,
        *,
        fault_of: Callable[[Exception], str],
        report: Callable[[str, Exception], None],
        delay: float | None = None,
    ) -> None:
        self._task = task
        self._seconds = seconds
        self._delay = seconds if delay is None else delay
        self._fault_of = fault_of
        self._report = report
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, once a run under way is over; of a task that never began, nothing."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _repeat(self) -> None:
        last_fault, pause = "", self._delay
        while not self._stopping.wait(pause):
            fault, pause = "", self._seconds
            try:
                self._task()
            except Exception as error:  # noqa: BLE001 - it is tried again, whatever it was
                fault = self._fault_of(error)
                # A database that is away for an hour is one line, not seven hundred.
                if fault != last_fault:
                    self._report(fault, error)
            last_fault = fault
