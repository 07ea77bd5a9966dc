"""Status of the registry: whether it can serve, and metrics for its operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_server.sequencing.errors import ClockError
from registry_server.usecases.replays import replayed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View

__all__ = ["FIGURES", "ServingStatus"]

# Name, and what it is.
FIGURES: Mapping[str, str] = {
    "registry_up": "1 where the newest commit can be read, else 0.",
    "registry_clock_believed": "1 where it is known what time it is, else 0: then nothing is logged.",
    "registry_log_leaves": "Leaves of the log.",
    "registry_map_entries": "Entries of the map.",
    "registry_inquiries": "Inquiries that have a place in the inquiry tree.",
    "registry_acts": "Acts that were logged.",
    "registry_institutions": "Institutions that were enrolled.",
    "registry_head_age_seconds": "Seconds since the newest HEAD; 0 while the clock is not believed.",
    "registry_replayed_leaves": "Leaves that enough auditors of the rulebook have rebuilt; 0 where too few have.",
    "registry_replayed_age_seconds": "Seconds since they had begun to, by their clocks; only where enough have.",
}


class ServingStatus:
    """The use case.

    Args:
        ledger: of the registry.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def ask(self) -> int:
        """Return the size of the log, read from the database.

        Raises:
            StorageError: the database or the checkpoint register does not answer.
            InconsistentError: what it holds does not fit together, or another database was signed last.
        """
        self._ledger.check_register()
        with self._ledger.surviving() as view:
            return view.size

    def ask_writing(self) -> None:
        """Check that the registry can log: its clock is believed, and the last write was stored.

        Raises:
            ClockError: what time it is is not known, or the newest leaf lies in the future.
            StorageError: the database is full, cannot be written or does not answer.
            InconsistentError: what it holds does not fit together.
        """
        self._ledger.check_clock()
        if self._ledger.standby is not None:
            # What was just read may be the standby's.
            with self._ledger.view(reserved=True):
                pass
        failure = self._ledger.write_failure
        if failure is not None:
            raise failure.with_traceback(None)

    def figures(self) -> dict[str, float]:
        """Return the figures of now, as many as can be read."""
        try:
            with self._ledger.view() as view:
                try:
                    age, believed = self._ledger.clock() - view.logged_at, 1
                except ClockError:
                    age, believed = 0, 0
                return {
                    "registry_up": 1,
                    "registry_clock_believed": believed,
                    "registry_log_leaves": view.size,
                    "registry_map_entries": view.head.entry_count,
                    "registry_inquiries": view.head.inquiry_count,
                    "registry_acts": view.directory.state.act_number + 1,
                    "registry_institutions": len(view.directory.institutions),
                    "registry_head_age_seconds": age / 1000,
                    **_replayed_figures(view, view.logged_at + age),
                }
        except Exception:  # noqa: BLE001 - that it is down is the figure
            return {"registry_up": 0}


def _replayed_figures(view: View, now_ms: int) -> dict[str, float]:
    """Return how far auditors have rebuilt the log; nothing where the rulebook names none."""
    if view.rulebook.replaying is None:
        return {}
    found = replayed(view.work, view.directory)
    if found is None:
        return {"registry_replayed_leaves": 0}
    # Auditors and registry have clocks of their own.
    age = max(0, now_ms / 1000 - found.at)
    return {"registry_replayed_leaves": found.size, "registry_replayed_age_seconds": age}
