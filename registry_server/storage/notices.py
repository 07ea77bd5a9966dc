"""Table of notices: one row for a member and a leaf, made in the transaction of that leaf (proto/README.md 5).

A row is deleted with the opening of the inquiry that it comes from; that of a dispute or
a breach as long after its leaf.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, select, update

from client_sdk.kernel.formats.words import NoticeReason, word
from registry_server.storage import schema
from registry_server.storage.driver import insert, select_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from registry_server.storage.driver import Fetched
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "MAX_COUNTED",
    "NoticeKey",
    "StoredNotice",
    "acknowledge",
    "add",
    "already_notified",
    "by_keys",
    "count_waiting",
    "forget_before",
    "of_member",
    "rows",
]

NoticeKey = tuple[str, int]
# Waiting notices of one member are counted up to here: the count must not grow with the inbox.
MAX_COUNTED = 10_000
_TABLE = schema.notices
_COLUMNS = ", ".join(column.name for column in _TABLE.columns)


@dataclass(frozen=True, slots=True, repr=False)
class StoredNotice:
    """A notice as it is kept.

    Attributes:
        member: institution id of who is told.
        leaf_index: of the leaf that it is about; its number in the member's inbox.
        record: index of the record's first leaf; where BREACH, of the act's leaf.
        reason: of the notice.
        inquiry_id: 16 bytes, of the member's newest inquiry that was answered with the record; empty where DISPUTED,
            ANSWERED or BREACH.
        asked_at: when that was received, ms; the time of the leaf where DISPUTED, ANSWERED or BREACH. From here on
            its retention counts.
        shown_index: of the version that was shown; 0 where DISPUTED, ANSWERED or BREACH.
        acknowledged_index: of the leaf that acknowledges it; 0 while there is none.
        opening: of the acknowledgement's commitment; empty while there is none.
    """

    member: str
    leaf_index: int
    record: int
    reason: NoticeReason
    inquiry_id: bytes
    asked_at: int
    shown_index: int
    acknowledged_index: int = 0
    opening: bytes = b""


def add(work: UnitOfWork, new: Sequence[StoredNotice]) -> None:
    """Add notices."""
    insert(
        work,
        _TABLE,
        [
            (
                row.member,
                row.leaf_index,
                row.record,
                row.reason.number,
                row.inquiry_id,
                row.asked_at,
                row.shown_index,
                row.acknowledged_index,
                row.opening,
            )
            for row in new
        ],
    )


def by_keys(work: UnitOfWork, keys: Iterable[NoticeKey]) -> dict[NoticeKey, StoredNotice]:
    """Return notices by member and number; unknown ones are left out."""
    columns = (_TABLE.c.member, _TABLE.c.leaf_index)
    found = select_in(work, f"SELECT {_COLUMNS} FROM notices", columns, list(dict.fromkeys(keys)))  # noqa: S608 - names of our own schema
    return {(row.member, row.leaf_index): row for row in map(_of_row, found)}


def already_notified(work: UnitOfWork, records: Iterable[int]) -> set[tuple[int, str, int]]:
    """Return (record, member, number) of every notice about records named by their first index."""
    keys = [(record,) for record in dict.fromkeys(records)]
    found = select_in(work, "SELECT record, member, leaf_index FROM notices", (_TABLE.c.record,), keys)
    return {(row[0], row[1], row[2]) for row in found}


def of_member(work: UnitOfWork, member: str, after: int, limit: int, *, waiting: bool) -> list[StoredNotice]:
    """Return a member's notices with a higher number, ascending, at most so many.

    Args:
        work: the transaction.
        member: institution id.
        after: number.
        limit: how many.
        waiting: only those that were not acknowledged.
    """
    row = _TABLE.c
    query = select(_TABLE).where(row.member == member, row.leaf_index > after)
    if waiting:
        query = query.where(row.acknowledged_index == 0)
    return [_of_row(tuple(found)) for found in work.connection.execute(query.order_by(row.leaf_index).limit(limit))]


def count_waiting(work: UnitOfWork, member: str) -> int:
    """Return how many notices of a member were not acknowledged, at most ``MAX_COUNTED``."""
    row = _TABLE.c
    some = select(row.leaf_index).where(row.member == member, row.acknowledged_index == 0).limit(MAX_COUNTED)
    return work.connection.execute(select(func.count()).select_from(some.subquery())).scalar_one()


def acknowledge(work: UnitOfWork, key: NoticeKey, index: int, opening: bytes) -> None:
    """Note the leaf that acknowledges a notice."""
    row = _TABLE.c
    one = update(_TABLE).where(row.member == key[0], row.leaf_index == key[1])
    work.connection.execute(one.values(acknowledged_index=index, opening=opening))


def rows(work: UnitOfWork) -> Iterator[StoredNotice]:
    """Yield every notice in order of member and number, some at a time."""
    last = ("", -1)
    row = _TABLE.c
    while True:
        after = (row.member > last[0]) | ((row.member == last[0]) & (row.leaf_index > last[1]))
        query = select(_TABLE).where(after).order_by(row.member, row.leaf_index).limit(work.page_rows)
        page = [_of_row(tuple(found)) for found in work.connection.execute(query)]
        yield from page
        if not page:
            return
        last = (page[-1].member, page[-1].leaf_index)


def forget_before(work: UnitOfWork, moment: int) -> int:
    """Delete notices whose retention began before that moment (ms); return how many."""
    return work.connection.execute(delete(_TABLE).where(_TABLE.c.asked_at < moment)).rowcount


def _of_row(row: Fetched) -> StoredNotice:
    member, leaf_index, record, reason, *others = row
    return StoredNotice(member, leaf_index, record, word(NoticeReason, reason, "database", "reason"), *others)
