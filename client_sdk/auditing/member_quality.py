"""The quality of members that a registry counts, held against the log (proto/README.md 12).

Events that the log shows are counted again. Of those that sealed facts or refusals show, the log gives at most how many
there can be: none more than a member's statements, and for refusals no limit.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from client_sdk._protocol.statistics import read_quality
from client_sdk.errors import VerificationError
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.ledger.quality import FROM_LOG, MAX_COUNTS, QualityEvent

if TYPE_CHECKING:
    from creditregistry.v1 import transparency_pb2 as pb

    from client_sdk.kernel.ledger.findings import Findings
    from client_sdk.kernel.ledger.quality import QualityRow
    from client_sdk.kernel.ledger.replay import Replay

__all__ = ["check_quality"]

_PART = "quality"


def check_quality(replay: Replay, response: pb.GetStatisticsResponse, findings: Findings) -> None:
    """Note where counts or scores of a member are not what the log gives.

    Args:
        replay: of the log; its tallies end at the size that the response names.
        response: with the quality of all members, from before the audit's size was named.
        findings: takes up what is wrong.
    """
    try:
        rows = read_quality(response)
    except VerificationError as error:
        findings.note(FindingId.STATISTICS, None, _PART, error.rule, got=error.got, want=error.want)
        return
    want: dict[tuple[str, str], Counter[QualityEvent]] = {}
    for key, count in replay.quality.counts.items():
        if key.month < replay.tally.before:
            want.setdefault((key.month, key.member), Counter())[key.event] += count
    shown = {(row.month, row.member): row for row in rows}
    # Of more counts than fit into one answer those of the oldest months are left out.
    oldest = min((month for month, _ in shown), default="") if _is_full(rows) else ""
    for month, member in sorted(want.keys() | shown.keys()):
        if month >= oldest and not _is_right(want.get((month, member), Counter()), shown.get((month, member))):
            got = f"{member} {month}"
            findings.note(FindingId.STATISTICS, None, _PART, "quality.log", got=got, want="what the log gives")


def _is_full(rows: tuple[QualityRow, ...]) -> bool:
    """Whether another month with as many counts as members have may not have had room."""
    members = len({row.member for row in rows})
    return sum(len(row.counts) for row in rows) + members * len(QualityEvent) > MAX_COUNTS


def _is_right(want: Counter[QualityEvent], row: QualityRow | None) -> bool:
    shown = Counter[QualityEvent]() if row is None else row.by_event
    if any(shown[event] != want[event] for event in FROM_LOG):
        return False
    bounded = (QualityEvent.CORRECTION, QualityEvent.LATE_END)
    return all(shown[event] <= want[QualityEvent.STATEMENT] for event in bounded)
