"""Alerts to members about persons for whom they asked: what waits, what was stored, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import InstitutionStatus
from client_sdk.kernel.ledger.inquiry import INQUIRY_ID_BYTES
from client_sdk.kernel.rules.alerts import PAGE_ALERTS
from registry_server.errors import RefusalReason, RegistryError
from registry_server.storage import alerts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry_server.sequencing.ledger import Ledger
    from registry_server.storage.alerts import StoredAlert

__all__ = ["Alerts", "WaitingAlerts"]


class WaitingAlerts(NamedTuple):
    """Alerts that wait for a member.

    Attributes:
        alerts: the oldest first.
        more: whether others wait beside these.
        watched: for how many of the member's inquiries alerts are made.
    """

    alerts: tuple[StoredAlert, ...]
    more: bool
    watched: int


class Alerts:
    """The use case; for all members.

    Args:
        ledger: whose database holds them.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def take(self, member: str, stored: Sequence[bytes]) -> WaitingAlerts:
        """Forget alerts that a member has stored, and return those that wait.

        Args:
            member: institution id.
            stored: ids of alerts; unknown ones do not matter, so that the same call may be made again.

        Raises:
            FormatError: an id does not have 16 bytes.
            RegistryError: SIZE_LIMIT; there are more than 256.
            StorageError: the database failed; nothing is known of the call, which may be made again.
        """
        if len(stored) > PAGE_ALERTS:
            got, want = str(len(stored)), f"at most {PAGE_ALERTS}"
            raise RegistryError(RefusalReason.SIZE_LIMIT, "stored", "alerts.page", got=got, want=want)
        for alert_id in stored:
            _check_id(alert_id, "alert_id")
        if stored:
            with self._ledger.database.append() as work:
                alerts.forget(work, member, stored)
                work.commit()
            self._ledger.deleted.set()
        status = self._ledger.directory.institution(member).status
        if status is not InstitutionStatus.ACTIVE:
            # As an inquiry of it is: nothing more about persons is said to a member that was suspended.
            raise RegistryError(
                "INSTITUTION_SUSPENDED", "institution", "institution.state", got=status.name, want="ACTIVE"
            )
        with self._ledger.database.snapshot() as work:
            found = alerts.waiting(work, member, PAGE_ALERTS + 1)
            watched = alerts.count_watches(work, [member])[member]
        return WaitingAlerts(tuple(found[:PAGE_ALERTS]), len(found) > PAGE_ALERTS, watched)

    def end(self, member: str, inquiry_id: bytes) -> bool:
        """End the alerts that a member's inquiry asked for; return whether there were any to end.

        Raises:
            FormatError: the id does not have 16 bytes.
            StorageError: the database failed; nothing is known of the call, which may be made again.
        """
        _check_id(inquiry_id, "inquiry_id")
        with self._ledger.database.append() as work:
            ended = alerts.unwatch(work, member, inquiry_id)
            work.commit()
        self._ledger.deleted.set()
        return ended


def _check_id(value: bytes, field: str) -> None:
    if len(value) != INQUIRY_ID_BYTES:
        raise FormatError(field, f"{field}.length", got=f"{len(value)} bytes", want="16 bytes")
