"""Status of the registry and the key services, as seen by one member."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.models.reciprocity import Reciprocity
    from client_sdk.models.replayed import Replayed
    from client_sdk.models.witnessed import Witnessed

__all__ = ["KeyServiceStatus", "Status"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyServiceStatus(Plain):
    """One key service.

    Attributes:
        url: its address, from a threshold-signed act.
        reachable: whether it answered.
        subject_key_versions: that it serves.
        directory_as_of: time of the directory that it follows, UTC; None before the first.
        report_quota_left: evaluations left today for reporting.
        inquire_quota_left: evaluations left today for inquiring.
        problem: why it is not reachable; empty if it is.
    """

    url: str
    reachable: bool
    subject_key_versions: tuple[int, ...] = ()
    directory_as_of: datetime | None = None
    report_quota_left: int = 0
    inquire_quota_left: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Plain):
    """Registry, directory and key services; the checkpoint was verified against what was seen before.

    Attributes:
        registry: its name.
        institution: of the caller.
        fingerprint: of the trust root, hexadecimal.
        size: leaves of the newest checkpoint.
        root: of the newest checkpoint, 32 bytes.
        head_at: when the newest HEAD was logged, UTC.
        act_number: of the newest act.
        entries: of the map.
        witnessed: what witnesses have cosigned of the log that this home was shown; None where no quorum is demanded.
        replayed: how far auditors have rebuilt it, late where they have not lately; None where the rulebook names none.
        key_services: in the order of RegistryState.
        reciprocity: what the caller gives and receives; None for a member that does not lend.
        notices_waiting: of the own inbox, not acknowledged, counted up to 10,000; None for a member without an inbox.
        stale_records: own running ones that had no version for the rulebook's ``stale_days``, counted up to 10,000;
            the registry's word alone. None for a member that does not lend.
    """

    registry: str
    institution: str
    fingerprint: str
    size: int
    root: bytes
    head_at: datetime
    act_number: int
    entries: int
    key_services: tuple[KeyServiceStatus, ...]
    witnessed: Witnessed | None = None
    replayed: Replayed | None = None
    notices_waiting: int | None = None
    stale_records: int | None = None
    reciprocity: Reciprocity | None = None
