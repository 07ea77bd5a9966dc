"""Counts of what was right and wrong with what members reported (client_sdk/kernel/ledger/quality.py).

They are added to in the transaction that logs a leaf, or by housekeeping for what was refused. They are about no
record, and are never deleted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from client_sdk.kernel.formats.words import word
from client_sdk.kernel.ledger.quality import QualityCount, QualityEvent
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


def counts(work: UnitOfWork, member: str, before: str) -> dict[QualityCount, int]:
    """Return the counts of a member, or of all for an empty id, in months before one."""
    table = schema.quality_counts
    query = select(table).where(table.c.month < before)
    found = fetch(work, query.where(table.c.member == member) if member else query)
    return {
        QualityCount(of, month, word(QualityEvent, event, "database", "event"), rule): count
        for of, month, event, rule, count in found
    }
