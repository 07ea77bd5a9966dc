"""Counts of what was right and wrong with what members reported (client_sdk/kernel/ledger/quality.py).

They are added to in the transaction that logs a leaf, or by housekeeping for what was refused. They are about no
record, and are never deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, literal, select

from client_sdk.kernel.formats.words import word
from client_sdk.kernel.ledger.quality import QualityCount, QualityEvent
from client_sdk.kernel.rules.dates import month_before
from registry_server.storage import schema
from registry_server.storage.driver import count_up, fetch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["add", "counts", "rows"]


def add(work: UnitOfWork, counts: Mapping[QualityCount, int]) -> None:
    """Count further events; two processes that count at once lose nothing."""
    count_up(
        work,
        schema.quality_counts,
        [(key.member, key.month, key.event.number, key.rule, count) for key, count in counts.items()],
    )


def rows(work: UnitOfWork) -> list[tuple[str, str, int, str, int]]:
    """Return member, month, number of the event, rule and count of every counter."""
    return fetch(work, select(schema.quality_counts))


def counts(work: UnitOfWork, member: str, first: str, last: str, most: int) -> dict[QualityCount, int]:
    """Return the counts of the newest months, whole ones, until they are more than so many or there are no older ones.

    Args:
        work: the transaction.
        member: whose; of all members for an empty id, and then of all rules together.
        first: YYYY-MM, the oldest month; empty for the oldest there is.
        last: YYYY-MM, the newest month.
        most: counts after whose month no further one is read.
    """
    table = schema.quality_counts
    (oldest,) = work.connection.execute(select(func.min(table.c.month))).one()
    found: dict[QualityCount, int] = {}
    month = last
    while oldest is not None and month >= max(first, oldest) and len(found) <= most:
        found.update(_of_month(work, member, month))
        month = month_before(month)
    return found


def _of_month(work: UnitOfWork, member: str, month: str) -> dict[QualityCount, int]:
    table = schema.quality_counts
    if member:
        query = select(table.c.member, table.c.event, table.c.rule, table.c.events).where(table.c.member == member)
    else:
        query = select(table.c.member, table.c.event, literal(""), func.sum(table.c.events)).group_by(
            table.c.member, table.c.event
        )
    return {
        QualityCount(of, month, word(QualityEvent, event, "database", "event"), rule): int(count)
        for of, event, rule, count in fetch(work, query.where(table.c.month == month))
    }
