"""Records: the newest state of each chain, its versions and its annotations by leaf index. Holds no pseudonym."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import select

from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, Kind, Standing, word
from client_sdk.kernel.ledger.annotating import AnnotationHead
from client_sdk.kernel.ledger.chain import Chain
from client_sdk.kernel.rules.lifecycle import is_live
from registry_server.storage import schema
from registry_server.storage.driver import insert, select_in, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Select

    from registry_server.storage.driver import Fetched, Value
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "AnnotationPlace",
    "StoredRecord",
    "VersionPlace",
    "add_annotations",
    "add_versions",
    "annotation_leaves",
    "annotation_places",
    "by_keys",
    "disputed",
    "of_issuer",
    "overdue",
    "put",
    "records",
    "unanswered",
    "version_places",
]

_PAGE = 1_024
_SELECT = "SELECT * FROM records"


class VersionPlace(NamedTuple):
    """Leaf index of a version; the record is identified by the index of its first leaf."""

    leaf_index: int
    record: int
    version: int


class AnnotationPlace(NamedTuple):
    """Leaf index of an annotation or lapse in an annotation chain."""

    leaf_index: int
    record: int
    number: int


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with what the table knows beside its chain.

    Attributes:
        first_index: index of the leaf of version 1; names the record inside the database.
        chain: the state after the newest leaf.
        continued_by: the record that continues it, if one does.
    """

    first_index: int
    chain: Chain
    continued_by: RecordKey | None = None

    def with_chain(self, chain: Chain) -> StoredRecord:
        """Return the record after a further leaf."""
        return StoredRecord(self.first_index, chain, self.continued_by)

    def ended_by(self, heir: RecordKey) -> StoredRecord:
        """Return the record after another one continued it."""
        return StoredRecord(self.first_index, replace(self.chain, continued=True), heir)


def put(work: UnitOfWork, rows: Sequence[StoredRecord]) -> None:
    """Add records or replace their state."""
    upsert(work, schema.records, [_to_row(row) for row in rows])


def add_versions(work: UnitOfWork, rows: Sequence[VersionPlace]) -> None:
    """Add places of versions."""
    insert(work, schema.versions, rows)


def add_annotations(work: UnitOfWork, rows: Sequence[AnnotationPlace]) -> None:
    """Add places of annotations."""
    insert(work, schema.annotation_links, rows)


def by_keys(work: UnitOfWork, keys: Iterable[RecordKey]) -> dict[RecordKey, StoredRecord]:
    """Return the records with these keys; unknown ones are left out."""
    columns = (schema.records.c.issuer, schema.records.c.record_id)
    found = map(_of_row, select_in(work, _SELECT, columns, list(dict.fromkeys(keys))))
    return {record.chain.key: record for record in found}


def version_places(work: UnitOfWork, versions: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return the leaf index of each (first index of the record, version) that is logged."""
    columns = (schema.versions.c.record, schema.versions.c.version)
    rows = select_in(work, "SELECT record, version, leaf_index FROM versions", columns, list(dict.fromkeys(versions)))
    return {(row[0], row[1]): row[2] for row in rows}


def annotation_places(work: UnitOfWork, records_: Iterable[int]) -> dict[int, list[AnnotationPlace]]:
    """Return the annotation chain of each record named by its first index, in order of number."""
    keys = [(record,) for record in dict.fromkeys(records_)]
    rows = select_in(
        work, "SELECT leaf_index, record, number FROM annotations", (schema.annotation_links.c.record,), keys
    )
    chains: dict[int, list[AnnotationPlace]] = {}
    for place in sorted(AnnotationPlace(*row) for row in rows):
        chains.setdefault(place.record, []).append(place)
    return chains


def annotation_leaves(work: UnitOfWork, records_: Iterable[int]) -> dict[int, list[tuple[int, bytes]]]:
    """Return index and leaf of every link in the annotation chain of each record named by its first index."""
    keys = [(record,) for record in dict.fromkeys(records_)]
    query = (
        "SELECT annotations.record, annotations.leaf_index, leaves.leaf "
        "FROM annotations JOIN leaves ON leaves.leaf_index = annotations.leaf_index"
    )
    chains: dict[int, list[tuple[int, bytes]]] = {}
    for record, index, leaf in sorted(select_in(work, query, (schema.annotation_links.c.record,), keys)):
        chains.setdefault(record, []).append((index, leaf))
    return chains


def of_issuer(work: UnitOfWork, issuer: str, after: int, before: int, limit: int) -> list[StoredRecord]:
    """Return an issuer's records in order of their first leaf, those between two indexes, at most so many."""
    record = schema.records.c
    query = select(schema.records).where(
        record.issuer == issuer, record.first_index > after, record.first_index < before
    )
    return _fetch(work, query.order_by(record.first_index).limit(limit))


def records(work: UnitOfWork) -> Iterator[StoredRecord]:
    """Yield every record in order of its first leaf, some at a time."""
    last = -1
    record = schema.records.c
    while True:
        query = select(schema.records).where(record.first_index > last)
        page = _fetch(work, query.order_by(record.first_index).limit(_PAGE))
        yield from page
        if not page:
            return
        last = page[-1].first_index


def overdue(work: UnitOfWork, day: str, limit: int) -> list[StoredRecord]:
    """Return records whose time is over on that day (YYYY-MM-DD), not erased yet; the longest overdue first."""
    record = schema.records.c
    query = select(schema.records).where(
        record.retain_until != "", ~record.erased, record.retain_until <= day, record.retain_until > "0"
    )
    return _fetch(work, query.order_by(record.retain_until, record.first_index).limit(limit))


def unanswered(work: UnitOfWork, before: int, limit: int) -> list[StoredRecord]:
    """Return live records with a dispute unanswered since before that moment (ms) and not restricted yet, oldest first.

    Args:
        work: the transaction.
        before: ms.
        limit: how many at most.
    """
    record = schema.records.c
    query = select(schema.records).where(
        record.unanswered_since > 0,
        record.unanswered_since < before,
        record.annotation_flags.not_in(_RESTRICTED),
        *_live(),
    )
    return _fetch(work, query.order_by(record.unanswered_since, record.first_index).limit(limit))


def disputed(work: UnitOfWork, first: int, limit: int, *, issuer: str = "", by: str = "") -> list[StoredRecord]:
    """Return live records with a dispute that stands, in order of their first leaf, at most so many.

    Args:
        work: the transaction.
        first: index of the first leaf of the first record wanted.
        limit: how many.
        issuer: only of this institution; empty for any.
        by: only with disputes that this institution opened; empty for any.
    """
    record = schema.records.c
    query = select(schema.records).where(record.disputed_since > 0, record.first_index >= first, *_live())
    if issuer:
        query = query.where(record.issuer == issuer)
    if by:
        query = query.where(record.disputed_by == by)
    return _fetch(work, query.order_by(record.first_index).limit(limit))


def _live() -> tuple[ColumnElement[bool], ...]:
    """Return what holds of a record that the map has (``Chain.live``)."""
    record = schema.records.c
    standings = [standing.number for standing in Standing if is_live(standing)]
    return ~record.erased, record.continued_by_issuer.is_(None), record.standing.in_(standings)


# Sets of flags with RESTRICTED among them, as they are stored: a byte a flag, ascending.
_RESTRICTED = [
    bytes(flag.number for flag in flags)
    for size in range(1, len(AnnotationFlag) + 1)
    for flags in combinations(AnnotationFlag, size)
    if AnnotationFlag.RESTRICTED in flags
]


def _fetch(work: UnitOfWork, query: Select[Fetched]) -> list[StoredRecord]:
    return [_of_row(tuple(row)) for row in work.connection.execute(query)]


_NO_ANNOTATION: tuple[Value, ...] = (0, b"", -1, b"", b"", 0, b"", b"", 0, "", False, 0, "", "")


def _to_row(record: StoredRecord) -> tuple[Value, ...]:
    chain = record.chain
    continues, heir, head = chain.continues, record.continued_by, chain.annotation
    return (
        record.first_index,
        chain.key[0],
        chain.key[1],
        chain.kind.number,
        chain.standing.number,
        chain.version,
        chain.payload_hash,
        chain.index,
        chain.leaf_hash,
        chain.subject_key_version,
        chain.subject_commitment,
        chain.retain_until,
        chain.transferee,
        continues.issuer if continues else None,
        continues.record_id if continues else None,
        heir.issuer if heir else None,
        heir.record_id if heir else None,
        chain.erased,
        chain.erased_index,
        *(_NO_ANNOTATION if head is None else _annotation_columns(head)),
    )


def _annotation_columns(head: AnnotationHead) -> tuple[Value, ...]:
    return (
        head.number,
        head.payload_hash,
        head.index,
        head.leaf_hash,
        bytes(flag.number for flag in head.flags),
        head.unanswered_since,
        head.text_commitment,
        head.disclosure_digest,
        head.disputed_since,
        head.disputed_by,
        head.disputed_jointly,
        0 if head.outcome is None else head.outcome.number,
        head.stated_by,
        head.code,
    )


def _of_row(row: Fetched) -> StoredRecord:
    (
        first_index,
        issuer,
        record_id,
        kind,
        standing,
        version,
        payload_hash,
        leaf_index,
        leaf_hash,
        subject_key_version,
        subject_commitment,
        retain_until,
        transferee,
        continues_issuer,
        continues_record_id,
        heir_issuer,
        heir_record_id,
        erased,
        erased_index,
        *annotation,
    ) = row
    heir = None if heir_issuer is None else RecordKey(heir_issuer, heir_record_id)
    chain = Chain(
        RecordKey(issuer, record_id),
        word(Kind, kind, "database", "kind"),
        word(Standing, standing, "database", "standing"),
        version,
        payload_hash,
        leaf_index,
        leaf_hash,
        subject_key_version,
        retain_until,
        transferee,
        None if continues_issuer is None else RecordKey(continues_issuer, continues_record_id),
        continued=heir is not None,
        erased=bool(erased),
        erased_index=erased_index,
        annotation=_annotation_head(annotation),
        subject_commitment=subject_commitment,
    )
    return StoredRecord(first_index, chain, heir)


def _annotation_head(columns: list[Any]) -> AnnotationHead | None:
    number, payload_hash, index, leaf_hash, flags, unanswered_since, text_commitment, digest, *dispute = columns
    if not number:
        return None
    disputed_since, disputed_by, jointly, outcome, stated_by, code = dispute
    return AnnotationHead(
        number,
        payload_hash,
        index,
        leaf_hash,
        tuple(word(AnnotationFlag, flag, "database", "flags") for flag in flags),
        unanswered_since,
        text_commitment,
        digest,
        disputed_since,
        disputed_by,
        bool(jointly),
        word(DisputeOutcome, outcome, "database", "dispute_outcome") if outcome else None,
        stated_by,
        code,
    )
