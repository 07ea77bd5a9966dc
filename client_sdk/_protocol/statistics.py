"""Statistics: reading what the registry counts (proto/README.md 11)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from client_sdk.errors import VerificationError
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_institution_id
from client_sdk.kernel.formats.words import word
from client_sdk.kernel.ledger.quality import QualityEvent, QualityRow, score_of
from client_sdk.kernel.ledger.statistics import COLUMNS, Breakdown, MonthRow
from client_sdk.kernel.rules.dates import is_month
from client_sdk.kernel.rules.suppression import THRESHOLD

if TYPE_CHECKING:
    from creditregistry.v1 import transparency_pb2 as pb

__all__ = ["read_quality", "read_statistics"]

_PART = "statistics"
_RULE = re.compile(r"[!-~]{1,100}", re.ASCII)
# No database holds higher numbers.
_MOST = 2**63 - 1


def read_statistics(response: pb.GetStatisticsResponse) -> tuple[MonthRow, ...]:
    """Return the rows, once they fit together.

    Raises:
        VerificationError: months are out of order or not over, columns are missing, counts are not those of a total, or
            one is shown that should be withheld.
    """
    _check_size(response)
    rows = tuple(map(_row, response.rows))
    places = [(row.month, row.breakdown.number) for row in rows]
    if sorted(set(places)) != places:
        raise VerificationError(_PART, "statistics.range", want="each month and breakdown once, in order")
    if any(row.month >= response.before for row in rows):
        raise VerificationError(_PART, "statistics.month", want=f"months before {response.before}")
    return rows


def read_quality(response: pb.GetStatisticsResponse) -> tuple[QualityRow, ...]:
    """Return the quality of what members reported, once each score is that of its counts.

    Raises:
        VerificationError: months are not over, rows or counts are out of order, an event is unknown, or a score is not
            what its counts give.
    """
    _check_size(response)
    rows = tuple(map(_quality_row, response.quality))
    places = [(row.month, row.member) for row in rows]
    if sorted(set(places)) != places:
        raise VerificationError(_PART, "quality.order", want="each month and member once, in order")
    for row in rows:
        if not is_month(row.month) or row.month >= response.before:
            raise VerificationError(_PART, "statistics.month", want=f"months before {response.before}")
    return rows


def _quality_row(message: pb.QualityRow) -> QualityRow:
    try:
        check_institution_id(message.member, _PART, "member")
        counts = tuple(
            (word(QualityEvent, item.event, _PART, "event"), item.rule, item.count) for item in message.counts
        )
    except FormatError as error:
        raise VerificationError(_PART, error.rule, got=error.got, want=error.want) from None
    row = QualityRow(message.month, message.member, counts, message.score)
    places = [(event, rule) for event, rule, _ in counts]
    whole = all(0 < count <= _MOST and _names_rule(event, rule) for event, rule, count in counts)
    if not counts or sorted(set(places)) != places or not whole:
        raise VerificationError(_PART, "quality.order", want="counts above 0 by event and rule, in order")
    if row.score != score_of(row.by_event):
        got, want = f"{row.member} {row.month}: {row.score}", str(score_of(row.by_event))
        raise VerificationError(_PART, "quality.score", got=got, want=want)
    return row


def _names_rule(event: QualityEvent, rule: str) -> bool:
    """Whether a count names a rule where it may: an auditor sees refusals by all rules together."""
    return not rule or (event is QualityEvent.REFUSED and _RULE.fullmatch(rule) is not None)


def _check_size(response: pb.GetStatisticsResponse) -> None:
    if not is_month(response.before) or not 0 < response.size <= _MOST:
        raise VerificationError(_PART, "statistics.month", want="size and month of a log")


def _row(message: pb.StatisticsRow) -> MonthRow:
    try:
        breakdown = word(Breakdown, message.breakdown, _PART, "breakdown")
    except FormatError as error:
        raise VerificationError(_PART, error.rule, got=error.got, want=error.want) from None
    counts = tuple(cell.count if cell.HasField("count") else None for cell in message.cells)
    row = MonthRow(message.month, breakdown, message.total if message.HasField("total") else None, counts)
    if not is_month(row.month) or len(counts) != len(COLUMNS[breakdown]):
        raise VerificationError(_PART, "statistics.month", want="a month, and a count for each column")
    if not _fits(row):
        want = f"counts that go with the total, none from 1 to {THRESHOLD - 1}"
        raise VerificationError(_PART, "statistics.total", got=f"{row.month} {row.breakdown}", want=want)
    return row


def _fits(row: MonthRow) -> bool:
    """Whether shown counts and total go together, and nothing small is shown."""
    shown = [count for count in row.counts if count is not None]
    if row.total is None:
        return not shown
    if any(0 < count < THRESHOLD for count in (*shown, row.total)) or row.total > _MOST:
        return False
    rest, hidden = row.total - sum(shown), len(row.counts) - len(shown)
    return rest >= THRESHOLD and hidden > 1 if hidden else rest == 0
