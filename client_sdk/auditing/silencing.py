"""Silence of an auditor: which findings keep it from cosigning, and for how long (ADR 0064).

A cosignature says that the leaves, and the map that follows from them, are what this checkpoint's HEAD says. A finding
tells against that unless it is about what the registry did, kept or published beside them. What tells against it
silences the auditor until a person there has accepted it, with the reason; where it is about the newest HEAD, also for
as long as audits go on finding it. A log that was split in two, or that begins otherwise, is never cosigned again.
Nothing is cosigned while the newest HEAD lies in the future of the auditor's clock: its time would never look old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.ledger.head_time import AHEAD, MAX_OFF_MS, OLD

if TYPE_CHECKING:
    from client_sdk.auditing.home import AuditFinding, Position
    from client_sdk.kernel.ledger.findings import Finding

__all__ = ["is_acceptable", "is_ahead", "silences", "tells_against"]

_F = FindingId

# What was kept too long, answered without right, or published wrongly: no answer about a person is wrong by it.
_BESIDE = frozenset((_F.BINDING_DEAD, _F.CONSENT, _F.INQUIRY, _F.RETENTION, _F.STATISTICS))
# That two clocks differ: no leaf is wrong by it, and the cosignature tells the earlier of the two times.
_CLOCKS = frozenset((AHEAD, OLD))
# About the newest HEAD, or the state beside it; an older one is not looked at again.
_OF_THE_NEWEST = frozenset(
    (
        *(_F.BINDING_MISSING, _F.BINDING_WRONG, _F.CHECKPOINT, _F.DIRECTORY, _F.HIDDEN),
        *(_F.MAP_COUNT, _F.MAP_ROOT, _F.RECIPROCITY, _F.ROLLBACK),
    )
)
# The last leaf is no HEAD.
_LAST = "head.last"
_FOR_EVER = frozenset((_F.FORK, _F.GENESIS))


def tells_against(finding: Finding) -> bool:
    """Whether a finding tells against what a cosignature says."""
    return finding.id not in _BESIDE and not (finding.id is _F.TIME and finding.rule in _CLOCKS)


def is_acceptable(finding: Finding) -> bool:
    """Whether a person may accept a finding."""
    return finding.id not in _FOR_EVER


def silences(item: AuditFinding, position: Position) -> bool:
    """Whether a finding keeps the auditor from cosigning what its newest audit left.

    Args:
        item: of the auditor's folder.
        position: beside it.
    """
    finding = item.finding
    if finding.rule == AHEAD:
        return item.audit == position.audits
    if not tells_against(finding):
        return False
    again = item.audit == position.audits and (finding.id in _OF_THE_NEWEST or finding.rule == _LAST)
    return again or item.accepted is None or not is_acceptable(finding)


def is_ahead(position: Position) -> bool:
    """Whether the newest HEAD lay in the future of the auditor's clock, further than clocks may be apart."""
    return position.logged_at - position.audited_at > MAX_OFF_MS
