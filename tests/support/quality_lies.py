"""Lies about the quality of members: counts that are not those of the log, scores that are not those of the counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import AnnotationFlag, Standing
from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.ledger.quality import QualityEvent, QualityRow, score_of
from tests.support.disputes import CORRECTED
from tests.support.handmade_log import DAY_MS
from tests.support.lying import lie
from tests.support.transparency_server import honest_quality

if TYPE_CHECKING:
    from tests.support.handmade_log import HandmadeLog
    from tests.support.transparency_server import HandmadeRegistry

__all__ = ["reported"]


def reported(log: HandmadeLog) -> QualityRow:
    """What an honest registry shows of a month that is over, of a lender that has lost a dispute; the log is led on."""
    log.wait(40 * DAY_MS)
    log.head()
    log.say("lender-1", "counted")
    log.annotate("lender-2", "lender-1", "counted", AnnotationFlag.DISPUTED)
    log.say("lender-1", "counted")
    log.annotate("lender-1", "lender-1", "counted", **CORRECTED)
    log.say("lender-1", "mistaken")
    log.say("lender-1", "mistaken", Standing.WITHDRAWN)
    log.head()
    log.wait(40 * DAY_MS)
    log.head()
    return honest_quality(log)[-1]


def _serve(log: HandmadeLog, registry: HandmadeRegistry, event: QualityEvent, by: int) -> None:
    """Serve another count of the newest month, with the score that goes with it."""
    row = reported(log)
    counts = {(at, rule): count for at, rule, count in row.counts}
    counts[event, ""] = counts.get((event, ""), 0) + by
    shown = tuple((at, rule, count) for (at, rule), count in sorted(counts.items()) if count)
    other = row._replace(counts=shown)
    registry.quality = [*honest_quality(log)[:-1], other._replace(score=score_of(other.by_event))]


@lie(FindingId.STATISTICS)
def a_lost_dispute_that_is_not_counted(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    _serve(log, registry, QualityEvent.DISPUTE_LOST, -1)


@lie(FindingId.STATISTICS)
def an_error_that_nobody_withdrew(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    _serve(log, registry, QualityEvent.WITHDRAWN_ERROR, 1)


@lie(FindingId.STATISTICS)
def more_corrections_than_statements(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    _serve(log, registry, QualityEvent.CORRECTION, 50)


@lie(FindingId.STATISTICS)
def a_score_that_is_not_that_of_its_counts(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    row = reported(log)
    registry.quality = [*honest_quality(log)[:-1], row._replace(score=10_000)]


@lie(FindingId.STATISTICS)
def a_member_of_which_a_month_is_left_out(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    reported(log)
    registry.quality = honest_quality(log)[:-1]
