"""Table of inquiries: payload, asker and position in the inquiry tree (proto/README.md 9).

Payload, signature and outcome are kept; what opens the commitments is deleted when the inquiry's time is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from registry_server.storage import schema
from registry_server.storage.driver import insert, select_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "InquiryKey",
    "StoredInquiry",
    "WaitingInquiry",
    "add",
    "by_keys",
    "forget_openings",
    "leaf_range",
    "leaves",
    "place",
    "rows",
    "waiting",
]

InquiryKey = tuple[str, bytes]
_TABLE = schema.inquiries
_COLUMNS = ", ".join(column.name for column in _TABLE.columns)
_PAGE = 1_024


@dataclass(frozen=True, slots=True, repr=False)
class StoredInquiry:
    """An inquiry as it is kept.

    Attributes:
        asker: institution id.
        inquiry_id: 16 bytes.
        received_at: ms.
        outcome: ANSWERED or the reason of refusal.
        payload: the exact bytes that were signed.
        key_id: which key signed.
        signature: over the payload.
        leaf: of the inquiry tree.
        position: in the inquiry tree; None until the next HEAD.
        subject_count: number of persons asked about.
        opening: what opens the commitments, as it came; None once its time is over.
    """

    asker: str
    inquiry_id: bytes
    received_at: int
    outcome: str
    payload: bytes
    key_id: bytes
    signature: bytes
    leaf: bytes
    position: int | None
    subject_count: int
    opening: bytes | None


@dataclass(frozen=True, slots=True)
class WaitingInquiry:
    """An inquiry that has no place in the inquiry tree yet."""

    asker: str
    inquiry_id: bytes
    leaf: bytes


def add(work: UnitOfWork, rows: Sequence[StoredInquiry]) -> None:
    """Add inquiries."""
    names = StoredInquiry.__slots__
    insert(work, _TABLE, [tuple(getattr(row, name) for name in names) for row in rows])


def by_keys(work: UnitOfWork, keys: Iterable[InquiryKey]) -> dict[InquiryKey, StoredInquiry]:
    """Return the inquiries with these askers and ids; unknown ones are left out."""
    columns = (_TABLE.c.asker, _TABLE.c.inquiry_id)
    rows = select_in(work, f"SELECT {_COLUMNS} FROM inquiries", columns, list(dict.fromkeys(keys)))  # noqa: S608 - names of our own schema
    found = [StoredInquiry(*row) for row in rows]
    return {(inquiry.asker, inquiry.inquiry_id): inquiry for inquiry in found}


def waiting(work: UnitOfWork, limit: int) -> list[WaitingInquiry]:
    """Return inquiries without a place, the oldest first."""
    row = _TABLE.c
    query = select(row.asker, row.inquiry_id, row.leaf).where(row.position.is_(None))
    ordered = query.order_by(row.received_at, row.asker, row.inquiry_id).limit(limit)
    return [WaitingInquiry(*found) for found in work.connection.execute(ordered)]


def place(work: UnitOfWork, first: int, rows: Sequence[WaitingInquiry]) -> None:
    """Give inquiries the places from ``first`` on, in this order."""
    if work.on_postgresql:
        arrays = ([row.asker for row in rows], [row.inquiry_id for row in rows], list(range(first, first + len(rows))))
        work.connection.exec_driver_sql(
            "UPDATE inquiries SET position = fresh.position "
            "FROM unnest(%b::text[], %b::bytea[], %b::bigint[]) AS fresh(asker, inquiry_id, position) "
            "WHERE inquiries.asker = fresh.asker AND inquiries.inquiry_id = fresh.inquiry_id",
            arrays,
        )
        return
    work.connection.exec_driver_sql(
        "UPDATE inquiries SET position = ? WHERE asker = ? AND inquiry_id = ?",
        [(first + offset, row.asker, row.inquiry_id) for offset, row in enumerate(rows)],
    )


def leaf_range(work: UnitOfWork, start: int, end: int) -> list[bytes]:
    """Return the leaves of the inquiry tree from start to before end, in order; callers bound the width."""
    row = _TABLE.c
    query = select(row.leaf).where(row.position >= start, row.position < end).order_by(row.position)
    return list(work.connection.execute(query).scalars())


def leaves(work: UnitOfWork) -> Iterator[bytes]:
    """Yield every leaf of the inquiry tree in order, some at a time."""
    start = 0
    while page := leaf_range(work, start, start + _PAGE):
        yield from page
        start += len(page)


def rows(work: UnitOfWork) -> Iterator[StoredInquiry]:
    """Yield every inquiry in order of asker and id, some at a time."""
    last = ("", b"")
    row = _TABLE.c
    while True:
        after = (row.asker > last[0]) | ((row.asker == last[0]) & (row.inquiry_id > last[1]))
        query = select(_TABLE).where(after).order_by(row.asker, row.inquiry_id).limit(_PAGE)
        page = [StoredInquiry(*found) for found in work.connection.execute(query)]
        yield from page
        if not page:
            return
        last = (page[-1].asker, page[-1].inquiry_id)


def forget_openings(work: UnitOfWork, before: int) -> int:
    """Delete what opens inquiries received before that moment (ms); return of how many."""
    row = _TABLE.c
    old = update(_TABLE).where(row.received_at < before, row.opening.is_not(None)).values(opening=None)
    return work.connection.execute(old).rowcount
