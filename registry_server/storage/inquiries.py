"""Table of inquiries: payload, asker and position in the inquiry tree (proto/README.md 9).

Payload, signature and outcome are kept; what opens the commitments, and the rows that say by pseudonym who was asked
about, are deleted when the inquiry's time is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import Integer, bindparam, delete, func, select, tuple_, update

from client_sdk.kernel.formats.encoding import label, lp, u64
from registry_server.storage import months, schema
from registry_server.storage.driver import fetch, insert, select_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "InquiredPerson",
    "InquiryKey",
    "SignedLeaf",
    "StoredInquiry",
    "WaitingInquiry",
    "about",
    "add",
    "add_persons",
    "by_keys",
    "count",
    "forget_openings",
    "hold",
    "leaf_range",
    "leaves",
    "of_asker",
    "persons",
    "place",
    "request_hash",
    "requests",
    "rows",
    "signed_range",
    "waiting",
]

InquiryKey = tuple[str, bytes]
_LABEL = label("creditregistry/request/v1")
_TABLE = schema.inquiries
_PERSONS = schema.inquired_persons
_COLUMNS = ", ".join(column.name for column in _TABLE.columns)
# Made once: each append runs it.
_WAITING = (
    select(_TABLE.c.asker, _TABLE.c.inquiry_id, _TABLE.c.leaf)
    .where(_TABLE.c.position.is_(None))
    .order_by(_TABLE.c.received_at, _TABLE.c.asker, _TABLE.c.inquiry_id)
    .limit(bindparam("most", type_=Integer))
)


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


class SignedLeaf(NamedTuple):
    """A leaf of the inquiry tree with the inquiry that it stands for.

    Attributes:
        leaf: of the inquiry tree.
        payload: the exact bytes that were signed.
        key_id: which key signed.
        signature: over the payload.
    """

    leaf: bytes
    payload: bytes
    key_id: bytes
    signature: bytes


class InquiredPerson(NamedTuple):
    """A person whom an answered inquiry asked about, by pseudonym.

    Attributes:
        subject: pseudonym, 32 bytes.
        received_at: of the inquiry, ms.
        asker: institution id.
        inquiry_id: 16 bytes.
        place: of the person among the inquiry's commitments, counted from 0.
        request: ``request_hash`` of what the person signed; None for an inquiry that is not made for the person.
    """

    subject: bytes
    received_at: int
    asker: str
    inquiry_id: bytes
    place: int
    request: bytes | None = None

    def __repr__(self) -> str:
        return "InquiredPerson(...)"


def request_hash(asker: str, version: int, digest: bytes) -> bytes:
    """Return what a person's signed request stands under.

    Args:
        asker: institution id of the office that holds it.
        version: of the subject keys: under another one the same person has another pseudonym.
        digest: SHA-256 of the request.
    """
    return sha256(_LABEL + lp(asker) + u64(version) + digest).digest()


def requests(work: UnitOfWork, hashes: Iterable[bytes]) -> dict[bytes, tuple[bytes, StoredInquiry]]:
    """Return for which pseudonym requests have been used, and in which inquiry first; unused ones are left out."""
    keys = list(dict.fromkeys(hashes))
    firsts: list[tuple[bytes, bytes, str, bytes]] = []
    for some in work.in_pages(keys):
        ranked = (
            select(
                _PERSONS.c.request,
                _PERSONS.c.subject,
                _PERSONS.c.asker,
                _PERSONS.c.inquiry_id,
                func.row_number().over(partition_by=_PERSONS.c.request, order_by=_PERSONS.c.received_at).label("use"),
            )
            .where(_PERSONS.c.request.in_(some))
            .subquery()
        )
        firsts += fetch(work, select(*list(ranked.c)[:4]).where(ranked.c.use == 1))
    stored = by_keys(work, [(asker, inquiry_id) for _, _, asker, inquiry_id in firsts])
    return {request: (subject, stored[asker, inquiry_id]) for request, subject, asker, inquiry_id in firsts}


def hold(work: UnitOfWork, keys: Iterable[InquiryKey], hashes: Iterable[bytes] = ()) -> None:
    """Keep other processes from keeping inquiries with these askers and ids, or requests, until the transaction ends.

    On PostgreSQL no key of the table does: it lies in months, by when an inquiry was received. Nor is a month made or
    dropped meanwhile.
    """
    if work.on_postgresql:
        taken = {_lock_of(asker, inquiry_id) for asker, inquiry_id in keys}
        locks = sorted(taken | {int.from_bytes(one[:8], "big", signed=True) for one in hashes})
        work.connection.exec_driver_sql(
            "SELECT pg_advisory_xact_lock_shared(%b::bigint), pg_advisory_xact_lock(key)"
            " FROM unnest(%b::bigint[]) AS held(key)",
            (months.LOCK, locks),
        )


def _lock_of(asker: str, inquiry_id: bytes) -> int:
    digest = sha256(asker.encode() + b"\0" + inquiry_id).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def add(work: UnitOfWork, rows: Sequence[StoredInquiry]) -> None:
    """Add inquiries."""
    names = StoredInquiry.__slots__
    insert(work, _TABLE, [tuple(getattr(row, name) for name in names) for row in rows])


def add_persons(work: UnitOfWork, rows: Sequence[InquiredPerson]) -> None:
    """Add whom inquiries asked about."""
    insert(work, _PERSONS, rows)


def about(
    work: UnitOfWork, subjects: Sequence[bytes], until: int, skip: int, limit: int
) -> list[tuple[StoredInquiry, int]]:
    """Return the inquiries about a person, with the person's place in each; those received last come first.

    Args:
        work: a snapshot.
        subjects: the person's pseudonyms.
        until: when the last one was received, ms.
        skip: how many of them to leave out.
        limit: at most so many.
    """
    row = _PERSONS.c
    # An asker may put a person's pseudonyms under two versions of the subject keys into two places of one inquiry.
    query = select(row.received_at, row.asker, row.inquiry_id, func.min(row.place))
    found = query.where(row.subject.in_(subjects), row.received_at <= until)
    ordered = (
        found.group_by(row.received_at, row.asker, row.inquiry_id)
        .order_by(row.received_at.desc(), row.asker, row.inquiry_id)
        .limit(limit)
        .offset(skip)
    )
    page = [(asker, inquiry_id, place) for _, asker, inquiry_id, place in work.connection.execute(ordered)]
    kept = by_keys(work, [(asker, inquiry_id) for asker, inquiry_id, _ in page])
    return [(kept[asker, inquiry_id], place) for asker, inquiry_id, place in page]


def of_asker(work: UnitOfWork, asker: str, before: tuple[int, bytes] | None, limit: int) -> list[StoredInquiry]:
    """Return an asker's inquiries, those received last first, at most so many.

    Args:
        work: a snapshot.
        asker: institution id.
        before: received_at (ms) and id of one of them, which and those after it are left out; None for all.
        limit: how many at most.
    """
    row = _TABLE.c
    query = select(_TABLE).where(row.asker == asker)
    if before is not None:
        query = query.where(tuple_(row.received_at, row.inquiry_id) < tuple_(*before))
    ordered = query.order_by(row.received_at.desc(), row.inquiry_id.desc()).limit(limit)
    return [StoredInquiry(*found) for found in work.connection.execute(ordered)]


def persons(work: UnitOfWork) -> Iterator[InquiredPerson]:
    """Yield whom inquiries asked about, in no order."""
    with work.connection.execute(select(_PERSONS).execution_options(yield_per=work.page_rows)) as found:
        for row in found:
            yield InquiredPerson(*row)


def by_keys(work: UnitOfWork, keys: Iterable[InquiryKey]) -> dict[InquiryKey, StoredInquiry]:
    """Return the inquiries with these askers and ids; unknown ones are left out."""
    columns = (_TABLE.c.asker, _TABLE.c.inquiry_id)
    rows = select_in(work, f"SELECT {_COLUMNS} FROM inquiries", columns, list(dict.fromkeys(keys)))  # noqa: S608 - names of our own schema
    found = [StoredInquiry(*row) for row in rows]
    return {(inquiry.asker, inquiry.inquiry_id): inquiry for inquiry in found}


def waiting(work: UnitOfWork, limit: int) -> list[WaitingInquiry]:
    """Return inquiries without a place, the oldest first."""
    return [WaitingInquiry(*found) for found in work.connection.execute(_WAITING, {"most": limit})]


def count(work: UnitOfWork) -> int:
    """Return how many inquiries are kept, with a place and without."""
    return int(work.connection.execute(select(func.count()).select_from(_TABLE)).scalar_one())


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


def signed_range(work: UnitOfWork, start: int, end: int) -> list[SignedLeaf]:
    """Return the leaves of the inquiry tree from start to before end with what was signed; callers bound the width."""
    row = _TABLE.c
    query = select(row.leaf, row.payload, row.key_id, row.signature)
    found = query.where(row.position >= start, row.position < end).order_by(row.position)
    return [SignedLeaf(*item) for item in work.connection.execute(found)]


def leaves(work: UnitOfWork) -> Iterator[bytes]:
    """Yield every leaf of the inquiry tree in order, some at a time."""
    start = 0
    while page := leaf_range(work, start, start + work.page_rows):
        yield from page
        start += len(page)


def rows(work: UnitOfWork) -> Iterator[StoredInquiry]:
    """Yield every inquiry in order of asker and id, some at a time."""
    last = ("", b"")
    row = _TABLE.c
    while True:
        after = (row.asker > last[0]) | ((row.asker == last[0]) & (row.inquiry_id > last[1]))
        query = select(_TABLE).where(after).order_by(row.asker, row.inquiry_id).limit(work.page_rows)
        page = [StoredInquiry(*found) for found in work.connection.execute(query)]
        yield from page
        if not page:
            return
        last = (page[-1].asker, page[-1].inquiry_id)


def forget_openings(work: UnitOfWork, before: int) -> int:
    """Delete what opens inquiries received before that moment (ms), and whom they asked about; return of how many."""
    row = _TABLE.c
    work.connection.execute(delete(_PERSONS).where(_PERSONS.c.received_at < before))
    old = update(_TABLE).where(row.received_at < before, row.opening.is_not(None)).values(opening=None)
    return work.connection.execute(old).rowcount
