"""Lies about the statistics that are published: counts that are not those of the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import transparency_pb2 as pb

from client_sdk.kernel.ledger.findings import FindingId
from client_sdk.kernel.ledger.statistics import Breakdown, FactCount, MonthRow, publish
from tests.support.handmade_log import DAY_MS
from tests.support.lying import lie

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.support.handmade_log import HandmadeLog
    from tests.support.transparency_server import HandmadeRegistry

__all__ = ["published", "statistics_message"]

_REPORTED = 25


def statistics_message(size: int, before: str, rows: Iterable[MonthRow]) -> pb.GetStatisticsResponse:
    """Rows as a registry sends them."""
    message = pb.GetStatisticsResponse(size=size, before=before)
    for row in rows:
        sent = message.rows.add(month=row.month, breakdown=pb.Breakdown.ValueType(row.breakdown.number))
        if row.total is not None:
            sent.total = row.total
        for count in row.counts:
            sent.cells.append(pb.StatisticsCell() if count is None else pb.StatisticsCell(count=count))
    return message


def published(log: HandmadeLog) -> list[MonthRow]:
    """What an honest registry publishes of a month of many statements that is over; the log is led on to there."""
    log.wait(40 * DAY_MS)
    log.head()
    for place in range(_REPORTED):
        log.say("lender-1", f"counted {place}")
    log.head()
    month = log.state.tally.before
    log.wait(40 * DAY_MS)
    log.head()
    facts = {
        FactCount(month, Breakdown.OPENED_PRODUCT, "CREDIT_CARD"): _REPORTED,
        FactCount(month, Breakdown.OPENED_CAUSE, "NOT_SAID"): _REPORTED,
    }
    return list(publish(log.state.tally.counts, facts, log.state.tally.before))


def _serve(log: HandmadeLog, registry: HandmadeRegistry, rows: Iterable[MonthRow]) -> None:
    registry.statistics = statistics_message(len(log.leaves), log.state.tally.before, rows)


def _other(row: MonthRow, by: int) -> MonthRow:
    """The row with another total, and the same difference in its largest count."""
    assert row.total is not None
    largest = max(count or 0 for count in row.counts)
    return row._replace(
        total=row.total + by, counts=tuple(largest + by if count == largest else count for count in row.counts)
    )


@lie(FindingId.STATISTICS)
def more_statements_than_were_logged(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    rows = published(log)
    _serve(log, registry, [row if row.total is None else _other(row, 1) if row.total else row for row in rows])


@lie(FindingId.STATISTICS)
def facts_of_more_defaults_than_were_opened(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    rows = published(log)
    change = Breakdown.OPENED_CAUSE
    _serve(log, registry, [_other(row, 1) if row.breakdown is change and row.total else row for row in rows])


@lie(FindingId.STATISTICS)
def a_month_that_is_left_out(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    rows = published(log)
    newest = max(row.month for row in rows)
    _serve(log, registry, [row for row in rows if row.month != newest])


@lie(FindingId.STATISTICS)
def a_month_in_which_nothing_was_logged(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    rows = published(log)
    _serve(log, registry, [*(row._replace(month="2001-01") for row in rows if row.total is not None), *rows])


@lie(FindingId.STATISTICS)
def a_small_count_that_is_shown(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    rows = published(log)
    _serve(log, registry, [_other(row, 3 - _REPORTED) if row.total == _REPORTED else row for row in rows])


@lie(FindingId.STATISTICS)
def statistics_of_a_log_that_is_longer(log: HandmadeLog, registry: HandmadeRegistry) -> None:
    rows = published(log)
    registry.statistics = statistics_message(len(log.leaves) + 1, log.state.tally.before, rows)
