"""The statistics that a registry publishes, held against the log (proto/README.md 11).

What follows from the log is recomputed, withheld counts included. Of sealed facts the log gives the totals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._protocol.statistics import read_statistics
from client_sdk.errors import VerificationError
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.ledger.statistics import BY_FACT, COLUMNS, MAX_MONTHS, Breakdown, MonthRow, publish

if TYPE_CHECKING:
    from collections.abc import Mapping

    from creditregistry.v1 import transparency_pb2 as pb

    from client_sdk.kernel.ledger.findings import Findings
    from client_sdk.kernel.ledger.replay import Replay

__all__ = ["check_statistics"]


def check_statistics(replay: Replay, response: pb.GetStatisticsResponse, findings: Findings) -> None:
    """Note where published rows are not what the statements of the log give.

    Args:
        replay: of the log; its tally ends at the size that the response names.
        response: from before the audit's size was named.
        findings: takes up what is wrong.
    """
    try:
        rows = read_statistics(response)
    except VerificationError as error:
        findings.note(FindingId.STATISTICS, None, "statistics", error.rule, got=error.got, want=error.want)
        return
    tally = replay.tally
    if response.size > replay.size or response.before != tally.before:
        got, want = f"size {response.size}, before {response.before}", "a size and a month of the log"
        findings.note(FindingId.STATISTICS, None, "statistics", "statistics.log", got=got, want=want)
        return
    want_months: dict[str, dict[Breakdown, MonthRow]] = {}
    for row in publish(tally.counts, None, tally.before, tally.reopened):
        want_months.setdefault(row.month, {})[row.breakdown] = row
    shown: dict[str, dict[Breakdown, MonthRow]] = {}
    for row in rows:
        shown.setdefault(row.month, {})[row.breakdown] = row
    # Of more months than fit into one answer the oldest are left out.
    oldest = min(shown) if len(shown) >= MAX_MONTHS else ""
    wrong = [
        month
        for month in sorted(want_months.keys() | shown.keys())
        if month >= oldest and not _is_right(want_months.get(month, {}), shown.get(month, {}))
    ]
    for month in wrong:
        want = "the counts that the statements of the log give"
        findings.note(FindingId.STATISTICS, None, "statistics", "statistics.log", got=month, want=want)


def _is_right(want: Mapping[Breakdown, MonthRow], shown: Mapping[Breakdown, MonthRow]) -> bool:
    """Whether the rows of a month are all there, and are those of the log where they are not withheld."""
    if not want or set(shown) != set(COLUMNS):
        return False
    if all(row.total is None for row in shown.values()):
        # Also where the log's counts could be shown: those of the facts may not hide behind their totals.
        return True
    if any(shown[breakdown] != row for breakdown, row in want.items()):
        return False
    events = dict(zip(COLUMNS[Breakdown.EVENT], shown[Breakdown.EVENT].counts, strict=True))
    return all(shown[breakdown].total == events[f"{kind} {event}"] for breakdown, (kind, event) in BY_FACT.items())
