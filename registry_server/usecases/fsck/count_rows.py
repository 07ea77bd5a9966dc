"""Comparison of the counts behind the statistics with the leaves.

What sealed facts say is not in the log: of their counts it gives the totals.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from client_sdk.kernel.ledger.quality import FROM_LOG, QualityEvent
from client_sdk.kernel.ledger.statistics import BY_FACT, COLUMNS, Breakdown
from registry_server.storage import quality, statistics
from registry_server.usecases.fsck.report import RowKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.ledger.quality import QualityCount
    from client_sdk.kernel.ledger.statistics import StatementCount
    from registry_server.storage.unit_of_work import UnitOfWork
    from registry_server.usecases.fsck.report import FsckReport

__all__ = ["check_fact_counts", "check_quality_counts", "check_statement_counts"]


def check_statement_counts(work: UnitOfWork, report: FsckReport, counts: Mapping[StatementCount, int]) -> None:
    """Check that the counts of statements are those of the log, and no other."""
    want = {(key.issuer, key.month, key.kind.number, key.event): count for key, count in counts.items()}
    for issuer, month, kind, event, found in statistics.statement_rows(work):
        expected = want.pop((issuer, month, kind, event), 0)
        if found != expected:
            place = f"statements of {issuer}, {month}, kind {kind}, {event}"
            report.note(RowKind.STATEMENT_COUNT_ROW, place, "statistics.log", got=str(found), want=str(expected))
    for issuer, month, kind, event in want:
        place = f"statements of {issuer}, {month}, kind {kind}, {event}"
        report.note(RowKind.STATEMENT_COUNT_ROW, place, "statistics.log", got="none", want="a count")


def check_fact_counts(work: UnitOfWork, report: FsckReport, counts: Mapping[StatementCount, int]) -> None:
    """Check that the counts of facts are under known words, and that each total is that of the log."""
    want: Counter[tuple[str, str]] = Counter()
    for key, count in counts.items():
        for breakdown, event in BY_FACT.items():
            if event == (key.kind, key.event):
                want[key.month, breakdown.value] += count
    found: Counter[tuple[str, str]] = Counter()
    for month, by, said, count in statistics.fact_rows(work):
        found[month, by] += count
        if by not in set(Breakdown) or said not in COLUMNS[Breakdown(by)] or count < 1:
            place = f"facts of {month}, {by}"
            report.note(RowKind.FACT_COUNT_ROW, place, "statistics.word", want="a known word, and a count of it")
    for month, by in sorted(want.keys() | found.keys()):
        if want[month, by] != found[month, by]:
            got, total = str(found[month, by]), str(want[month, by])
            place = f"facts of {month}, {by}"
            short = found[month, by] < want[month, by]
            kind = RowKind.FACT_COUNT_SHORT if short else RowKind.FACT_COUNT_ROW
            report.note(kind, place, "statistics.total", got=got, want=total)


def check_quality_counts(work: UnitOfWork, report: FsckReport, counts: Mapping[QualityCount, int]) -> None:
    """Check that counts for the quality of members are those of the log, where it tells, and of known events."""
    want = {(key.member, key.month, key.event.number): count for key, count in counts.items()}
    from_log = {event.number for event in FROM_LOG}
    for member, month, event, rule, found in quality.rows(work):
        place = f"quality of {member}, {month}, event {event}"
        if event not in from_log:
            named = event == QualityEvent.REFUSED.number
            if event not in {known.number for known in QualityEvent} or bool(rule) is not named or found < 1:
                report.note(RowKind.QUALITY_COUNT_ROW, place, "quality.order", want="a known event, and a count of it")
            continue
        expected = want.pop((member, month, event), 0)
        if found != expected or rule:
            report.note(RowKind.QUALITY_COUNT_ROW, place, "quality.log", got=str(found), want=str(expected))
    for member, month, event in want:
        place = f"quality of {member}, {month}, event {event}"
        report.note(RowKind.QUALITY_COUNT_ROW, place, "quality.log", got="none", want="a count")
