"""How the registry stands: whether it can serve, and the figures for its operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.formats.state import InstitutionState
    from registry_server.sequencing.ledger import Ledger

__all__ = ["FIGURES", "Status"]

# Name, and what it is.
FIGURES: Mapping[str, str] = {
    "registry_up": "1 where the newest commit can be read, else 0.",
    "registry_log_leaves": "Leaves of the log.",
    "registry_map_entries": "Entries of the map.",
    "registry_inquiries": "Inquiries that have a place in the inquiry tree.",
    "registry_acts": "Acts that were logged.",
    "registry_institutions": "Institutions that were enrolled.",
    "registry_head_age_seconds": "Seconds since the newest HEAD.",
}


class Status:
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
        with self._ledger.view() as view:
            return view.size

    def find_institution(self, institution: str) -> InstitutionState | None:
        """Return a member as this process knows it; None for a stranger.

        Where the process does not know it, another one may have logged its enrolment: the database is asked.
        """
        found = self._ledger.directory.institutions.get(institution)
        if found is not None:
            return found
        with self._ledger.view() as view:
            return view.directory.institutions.get(institution)

    def figures(self) -> dict[str, float]:
        """Return the figures of now, as many as can be read."""
        try:
            with self._ledger.view() as view:
                return {
                    "registry_up": 1,
                    "registry_log_leaves": view.size,
                    "registry_map_entries": view.head.entry_count,
                    "registry_inquiries": view.head.inquiry_count,
                    "registry_acts": view.directory.state.act_number + 1,
                    "registry_institutions": len(view.directory.institutions),
                    "registry_head_age_seconds": (self._ledger.clock() - view.logged_at) / 1000,
                }
        except Exception:  # noqa: BLE001 - that it is down is the figure
            return {"registry_up": 0}
