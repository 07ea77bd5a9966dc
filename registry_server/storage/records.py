"""Records: the newest state of each chain, its versions and its annotations by leaf index. Holds no pseudonym."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import and_, func, or_, select

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, Kind, Standing, word
from client_sdk.kernel.ledger.annotating import AnnotationHead
from client_sdk.kernel.ledger.chain import Chain
from client_sdk.kernel.rules.lifecycle import is_live, is_running
from registry_server.storage import schema
from registry_server.storage.driver import insert, select_in, upsert
from registry_server.storage.notices import MAX_COUNTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Select

    from registry_server.storage.driver import Fetched, Value
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "AnnotationPlace",
    "StoredRecord",
    "VersionPlace",
    "add_annotations",
    "add_versions",
    "annotation_chains",
    "annotation_leaves",
    "annotation_places",
    "by_keys",
    "count_running",
    "disclosed_again",
    "disputed",
    "live_of",
    "of_issuer",
    "overdue",
    "put",
    "records",
    "to_row",
    "unanswered",
    "version_places",
]

_SELECT = "SELECT * FROM records"


class VersionPlace(NamedTuple):
    """Leaf index of a version; the record is identified by the index of its first leaf."""

    leaf_index: int
    record: int
    version: int


class AnnotationPlace(NamedTuple):
    """Leaf index of a link of an annotation chain; the chain is identified by the index of its first leaf."""

    leaf_index: int
    chain: int
    number: int


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A record with what the table knows beside its chain.

    Attributes:
        first_index: index of the leaf of version 1; names the record inside the database.
        chain: the state after the newest leaf.
        continued_by: the record that continues it, if one does.
        changed_index: leaf index of the newest version of it, or of a record that it continues, which says something
            else than the version before; 0 for none. The log does not show it, as it holds commitments alone.
    """

    first_index: int
    chain: Chain
    continued_by: RecordKey | None = None
    changed_index: int = 0

    def with_chain(self, chain: Chain) -> StoredRecord:
        """Return the record after a further leaf."""
        return replace(self, chain=chain)

    def ended_by(self, heir: RecordKey) -> StoredRecord:
        """Return the record after another one continued it."""
        return replace(self, chain=replace(self.chain, continued=True), continued_by=heir)


def put(work: UnitOfWork, rows: Sequence[StoredRecord]) -> None:
    """Add records or replace their state."""
    upsert(work, schema.records, [to_row(row) for row in rows])


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


def annotation_places(work: UnitOfWork, links: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return the leaf index of each (first index of the chain, number) that is logged."""
    columns = (schema.annotation_links.c.chain, schema.annotation_links.c.number)
    rows = select_in(work, "SELECT chain, number, leaf_index FROM annotations", columns, list(dict.fromkeys(links)))
    return {(row[0], row[1]): row[2] for row in rows}


def annotation_chains(work: UnitOfWork, chains: Iterable[int]) -> dict[int, list[AnnotationPlace]]:
    """Return every link of each annotation chain named by its first index, in order."""
    keys = [(chain,) for chain in dict.fromkeys(chains)]
    rows = select_in(
        work, "SELECT leaf_index, chain, number FROM annotations", (schema.annotation_links.c.chain,), keys
    )
    found: dict[int, list[AnnotationPlace]] = {}
    for place in sorted(AnnotationPlace(*row) for row in rows):
        found.setdefault(place.chain, []).append(place)
    return found


def annotation_leaves(work: UnitOfWork, records_: Iterable[int]) -> dict[int, list[tuple[int, bytes]]]:
    """Return index and leaf of the links that show how each record named by its first index is annotated.

    These are the end of the chain, however long it is: what is read does not grow with what was once annotated.
    """
    keys = [(record,) for record in dict.fromkeys(records_)]
    query = (
        "SELECT records.first_index, annotations.leaf_index, leaves.leaf FROM records "
        "JOIN annotations ON annotations.chain = records.annotation_chain "
        "AND annotations.number BETWEEN records.annotation_shown_from AND records.annotation_number "
        "JOIN leaves ON leaves.leaf_index = annotations.leaf_index"
    )
    chains: dict[int, list[tuple[int, bytes]]] = {}
    for record, index, leaf in sorted(select_in(work, query, (schema.records.c.first_index,), keys)):
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
        page = _fetch(work, query.order_by(record.first_index).limit(work.page_rows))
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


def live_of(work: UnitOfWork, issuer: str, limit: int) -> list[StoredRecord]:
    """Return live records of an issuer in order of their first leaf, at most so many."""
    record = schema.records.c
    query = select(schema.records).where(record.issuer == issuer, *_live())
    return _fetch(work, query.order_by(record.first_index).limit(limit))


def count_running(work: UnitOfWork, issuer: str, before: int) -> int:
    """Return how many running live records of an issuer have their newest version before a leaf, up to 10,000."""
    record = schema.records.c
    standings = [standing.number for standing in Standing if is_running(standing)]
    found = select(record.first_index).where(
        record.issuer == issuer,
        record.first_index < before,
        record.leaf_index < before,
        record.standing.in_(standings),
        *_live(),
    )
    return int(
        work.connection.execute(select(func.count()).select_from(found.limit(MAX_COUNTED).subquery())).scalar_one()
    )


def unanswered(work: UnitOfWork, day: str, limit: int) -> list[StoredRecord]:
    """Return live records with a dispute whose last day for an answer is over on a day, and not restricted yet.

    Args:
        work: the transaction.
        day: YYYY-MM-DD.
        limit: how many at most; the longest overdue first.
    """
    record = schema.records.c
    query = select(schema.records).where(
        record.answer_due_on != "",
        record.answer_due_on < day,
        record.annotation_flags.not_in(_sets_with(AnnotationFlag.RESTRICTED)),
        *_live(),
    )
    return _fetch(work, query.order_by(record.answer_due_on, record.first_index).limit(limit))


def disclosed_again(work: UnitOfWork, covering: Mapping[str, str], limit: int) -> list[StoredRecord]:
    """Return live records that are hidden although no overlay covers them any more.

    Args:
        work: the transaction.
        covering: of each overlay that hides now, the latest retain_until (YYYY-MM-DD) that it covers.
        limit: how many at most.
    """
    record = schema.records.c
    late = [and_(record.annotation_overlay == name, record.retain_until > latest) for name, latest in covering.items()]
    query = select(schema.records).where(
        record.annotation_overlay != "", or_(record.annotation_overlay.not_in(list(covering)), *late), *_live()
    )
    return _fetch(work, query.order_by(record.first_index).limit(limit))


def disputed(
    work: UnitOfWork, first: int, limit: int, *, issuer: str = "", by: str = "", ended: bool = False
) -> list[StoredRecord]:
    """Return live records with a dispute that stands, in order of their first leaf, at most so many.

    Args:
        work: the transaction.
        first: index of the first leaf of the first record wanted.
        limit: how many.
        issuer: only of this institution; empty for any.
        by: only with disputes that this institution opened; empty for any.
        ended: those instead whose newest dispute has ended.
    """
    record = schema.records.c
    standing = _sets_with(AnnotationFlag.DISPUTED)
    flags = record.annotation_flags.not_in(standing) if ended else record.annotation_flags.in_(standing)
    query = select(schema.records).where(record.disputed_since > 0, flags, record.first_index >= first, *_live())
    if issuer:
        query = query.where(record.issuer == issuer)
    if by:
        query = query.where(record.disputed_by == by)
    return _fetch(work, query.order_by(record.first_index).limit(limit))


def _live() -> tuple[ColumnElement[bool], ...]:
    """Return what holds of a live record (``Chain.live``)."""
    record = schema.records.c
    standings = [standing.number for standing in Standing if is_live(standing)]
    return ~record.erased, record.continued_by_issuer.is_(None), record.standing.in_(standings)


def _sets_with(flag: AnnotationFlag) -> list[bytes]:
    """Return the sets of flags with this one among them, as they are stored: a byte a flag, ascending."""
    sets = (flags for size in range(1, len(AnnotationFlag) + 1) for flags in combinations(AnnotationFlag, size))
    return [bytes(one.number for one in flags) for flags in sets if flag in flags]


def _fetch(work: UnitOfWork, query: Select[Fetched]) -> list[StoredRecord]:
    return [_of_row(tuple(row)) for row in work.connection.execute(query)]


_NO_ANNOTATION: tuple[Value, ...] = (0, b"", -1, b"", b"", -1, 0, 0, "", b"", b"", 0, "", False, 0, 0, "", "", "", b"")


def to_row(record: StoredRecord) -> tuple[Value, ...]:
    """Return a record as the table has it, column by column."""
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
        record.changed_index,
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
        head.first,
        head.shown_from,
        head.waiting_from,
        head.due_on,
        head.text_commitment,
        head.disclosure_digest,
        head.disputed_since,
        head.disputed_by,
        head.disputed_jointly,
        head.answered_index,
        0 if head.outcome is None else head.outcome.number,
        head.stated_by,
        head.code,
        head.overlay,
        b"".join(head.documents),
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
        changed_index,
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
    return StoredRecord(first_index, chain, heir, changed_index)


def _annotation_head(columns: list[Any]) -> AnnotationHead | None:
    number, payload_hash, index, leaf_hash, flags, *rest = columns
    if not number:
        return None
    first, shown_from, waiting_from, due_on, text_commitment, digest, *dispute = rest
    since, by, jointly, answered_index, outcome, stated_by, code, overlay, documents = dispute
    return AnnotationHead(
        number,
        payload_hash,
        index,
        leaf_hash,
        tuple(word(AnnotationFlag, flag, "database", "flags") for flag in flags),
        first,
        shown_from,
        waiting_from,
        due_on,
        text_commitment,
        digest,
        since,
        by,
        bool(jointly),
        answered_index,
        word(DisputeOutcome, outcome, "database", "dispute_outcome") if outcome else None,
        stated_by,
        code,
        overlay,
        tuple(documents[at : at + HASH_BYTES] for at in range(0, len(documents), HASH_BYTES)),
    )
