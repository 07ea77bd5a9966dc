"""Live records: binding and disclosure of the newest version of each, and of nothing else (proto/README.md 3).

These rows, apart from those that an overlay hides, are the rows of the map. A superseding, ending or erasing leaf
changes or deletes them in its own transaction; nothing else in the database leads to a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import select

from client_sdk.kernel.formats.map_entry import NO_ANNOTATION, MappedRecord
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import Kind, Standing, word
from client_sdk.kernel.rules.lifecycle import is_running
from registry_server.storage import schema
from registry_server.storage.driver import delete_keys, fetch, insert, select_in, update_moved

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.submission import Binding
    from registry_server.storage.driver import Fetched, Value
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "LiveRow",
    "MapRow",
    "SealedRow",
    "add",
    "by_indexes",
    "by_subjects",
    "carries",
    "live_rows",
    "map_page",
    "map_pages",
    "map_rows",
    "remove",
    "sealed_by_indexes",
    "sealed_by_subjects",
    "supersede",
]

_TABLE = schema.live_records
_BOUND = (
    "leaf_index, record, issuer, record_id, subject, subject_key_version, opening, debt_ref, kind, standing, "
    "leaf_hash, facts_commitment, annotation_index, annotation_hash, hidden"
)
_COLUMNS = tuple(column.name for column in _TABLE.columns)
_BOUND_COUNT = len(_BOUND.split(", "))


@dataclass(frozen=True, slots=True, repr=False)
class LiveRow:
    """A live record as the rules and the map see it; without its sealed disclosure.

    Attributes:
        index: of the leaf of its newest version.
        record: index of its first leaf.
        key: which record.
        subject: pseudonym, 32 bytes.
        subject_key_version: under which the pseudonym was made.
        opening: of the newest subject commitment, 32 bytes.
        debt_ref: which debt, 32 bytes.
        kind: of the record.
        standing: of its newest version.
        leaf_hash: of that version's leaf.
        facts_commitment: of that version.
        annotation_index: of the newest leaf in its annotation chain; -1 for none.
        annotation_hash: of that leaf; empty for none.
        hidden: whether an overlay keeps it out of the map.
    """

    index: int
    record: int
    key: RecordKey
    subject: bytes
    subject_key_version: int
    opening: bytes
    debt_ref: bytes
    kind: Kind
    standing: Standing
    leaf_hash: bytes
    facts_commitment: bytes
    annotation_index: int = -1
    annotation_hash: bytes = b""
    hidden: bool = False

    @property
    def running(self) -> bool:
        """Whether it counts for "one debt, one record"."""
        return is_running(self.standing)

    @property
    def mapped(self) -> MappedRecord:
        """Map entry of the record."""
        return MappedRecord(self.index, self.leaf_hash, self.annotation_hash or NO_ANNOTATION, self.opening)

    @classmethod
    def of(cls, chain: Chain, first_index: int, binding: Binding, facts_commitment: bytes) -> LiveRow:
        """Return the row of a record that lives.

        Args:
            chain: of the record, with its newest version.
            first_index: of its first leaf.
            binding: that opens the newest version's subject commitment.
            facts_commitment: of that version.
        """
        remark = chain.annotation
        return cls(
            index=chain.index,
            record=first_index,
            key=chain.key,
            subject=binding.subject,
            subject_key_version=chain.subject_key_version,
            opening=binding.opening,
            debt_ref=binding.debt_ref,
            kind=chain.kind,
            standing=chain.standing,
            leaf_hash=chain.leaf_hash,
            facts_commitment=facts_commitment,
            annotation_index=-1 if remark is None else remark.index,
            annotation_hash=b"" if remark is None else remark.leaf_hash,
            hidden=chain.hidden,
        )


class SealedRow(NamedTuple):
    """A live record with all that an answer or its issuer gets of it."""

    row: LiveRow
    disclosure: bytes
    text_disclosure: bytes
    leaf: bytes


class MapRow(NamedTuple):
    """Columns from which the map is rebuilt."""

    subject: bytes
    mapped: MappedRecord


def add(work: UnitOfWork, rows: Sequence[tuple[LiveRow, bytes, bytes]]) -> None:
    """Add live records, each with its sealed disclosure and the sealed text of its annotation, if it has one."""
    insert(work, _TABLE, [(*_values(row), disclosure, text) for row, disclosure, text in rows])


def supersede(work: UnitOfWork, rows: Sequence[tuple[int, LiveRow, bytes | None, bytes | None]]) -> None:
    """Replace live records, each as (its index before, its new state, new disclosure, new text disclosure).

    A disclosure or a text of None stays as it is.
    """
    for columns, some in _by_shape(rows).items():
        update_moved(work, _TABLE, columns, some)


def _by_shape(
    rows: Sequence[tuple[int, LiveRow, bytes | None, bytes | None]],
) -> dict[tuple[str, ...], list[tuple[Value, ...]]]:
    """Sort by which of the two sealed columns change: four statements at most."""
    shapes: dict[tuple[str, ...], list[tuple[Value, ...]]] = {}
    for before, row, disclosure, text in rows:
        sealed = {"disclosure": disclosure, "text_disclosure": text}
        changed = {name: value for name, value in sealed.items() if value is not None}
        columns = (*_COLUMNS[:_BOUND_COUNT], *changed)
        shapes.setdefault(columns, []).append((*_values(row), *changed.values(), before))
    return shapes


def remove(work: UnitOfWork, indexes: Sequence[int]) -> None:
    """Delete live records by the index of their newest version."""
    delete_keys(work, _TABLE, indexes)


def by_indexes(work: UnitOfWork, indexes: Iterable[int]) -> list[LiveRow]:
    """Return the live records whose newest version is at one of these places."""
    keys = [(index,) for index in dict.fromkeys(indexes)]
    rows = select_in(work, f"SELECT {_BOUND} FROM live_records", (_TABLE.c.leaf_index,), keys)  # noqa: S608 - names of our own schema
    return [_of(row) for row in rows]


def by_subjects(work: UnitOfWork, subjects: Iterable[bytes]) -> list[LiveRow]:
    """Return the live records of these pseudonyms."""
    keys = [(subject,) for subject in dict.fromkeys(subjects)]
    rows = select_in(work, f"SELECT {_BOUND} FROM live_records", (_TABLE.c.subject,), keys)  # noqa: S608 - names of our own schema
    return [_of(row) for row in rows]


_SEALED_COLUMNS = ", ".join(f"live_records.{name}" for name in _COLUMNS)
_SEALED = (
    f"SELECT {_SEALED_COLUMNS}, leaves.leaf "  # noqa: S608 - names of our own schema
    "FROM live_records JOIN leaves ON leaves.leaf_index = live_records.leaf_index"
)
_MAPPED = f"{_SEALED} AND live_records.hidden = 0"
_HIDDEN = f"{_SEALED} AND live_records.hidden = 1"


def sealed_by_subjects(work: UnitOfWork, subjects: Iterable[bytes]) -> dict[bytes, list[SealedRow]]:
    """Return the records of these pseudonyms that the map holds, with disclosure and leaf, ascending by index.

    Hidden ones are left out by the index itself: an answer does the same work whether there are any or not.
    """
    keys = [(subject,) for subject in dict.fromkeys(subjects)]
    found: dict[bytes, list[SealedRow]] = {}
    for row in select_in(work, _MAPPED, (_TABLE.c.subject,), keys):
        sealed = _sealed(row)
        found.setdefault(sealed.row.subject, []).append(sealed)
    for rows in found.values():
        rows.sort(key=lambda sealed: sealed.row.index)
    return found


def hidden_by_subjects(work: UnitOfWork, subjects: Iterable[bytes]) -> list[SealedRow]:
    """Return the records of these pseudonyms that an overlay hides, with disclosure and leaf, ascending by index."""
    keys = [(subject,) for subject in dict.fromkeys(subjects)]
    found = map(_sealed, select_in(work, _HIDDEN, (_TABLE.c.subject,), keys))
    return sorted(found, key=lambda sealed: sealed.row.index)


def sealed_by_indexes(work: UnitOfWork, indexes: Iterable[int]) -> dict[int, SealedRow]:
    """Return the live records whose newest version is at one of these places, by that place."""
    keys = [(index,) for index in dict.fromkeys(indexes)]
    rows = select_in(work, _SEALED, (_TABLE.c.leaf_index,), keys)
    return {sealed.row.index: sealed for sealed in map(_sealed, rows)}


def carries(work: UnitOfWork, subject_key_version: int) -> bool:
    """Whether any live record carries that version of the subject keys."""
    query = select(_TABLE.c.leaf_index).where(_TABLE.c.subject_key_version == subject_key_version).limit(1)
    return work.connection.execute(query).first() is not None


def live_rows(work: UnitOfWork) -> Iterator[SealedRow]:
    """Yield every live record, ascending by index, some at a time."""
    last = -1
    leaf = schema.leaves.c
    while True:
        query = (
            select(*_TABLE.columns, leaf.leaf)
            .join_from(_TABLE, schema.leaves, leaf.leaf_index == _TABLE.c.leaf_index)
            .where(_TABLE.c.leaf_index > last)
            .order_by(_TABLE.c.leaf_index)
            .limit(work.page_rows)
        )
        page = [_sealed(tuple(row)) for row in work.connection.execute(query)]
        yield from page
        if not page:
            return
        last = page[-1].row.index


def map_pages(work: UnitOfWork, *, hidden: bool = False) -> Iterator[list[Fetched]]:
    """Yield what the map is rebuilt from, ascending by index, a page of rows at a time as the driver gives them.

    A row is (leaf index, subject, leaf hash, annotation hash or nothing, opening). The map does not hold hidden
    records; theirs come where they are wanted.
    """
    last = -1
    row = _TABLE.c
    query = select(row.leaf_index, row.subject, row.leaf_hash, row.annotation_hash, row.opening)
    query = query if hidden else query.where(row.hidden == 0)
    while page := fetch(work, query.where(row.leaf_index > last).order_by(row.leaf_index).limit(work.page_rows)):
        yield page
        last = page[-1][0]


def map_rows(work: UnitOfWork, *, hidden: bool = False) -> Iterator[MapRow]:
    """Yield what the map is rebuilt from, ascending by index, some at a time; with hidden records where wanted."""
    for page in map_pages(work, hidden=hidden):
        for index, subject, leaf_hash, annotation_hash, opening in page:
            yield MapRow(subject, MappedRecord(index, leaf_hash, annotation_hash or NO_ANNOTATION, opening))


def map_page(work: UnitOfWork, after: int, limit: int | None) -> list[MapRow]:
    """Return the rows of live records, hidden ones too, whose newest version is after that index, at most so many."""
    row_ = _TABLE.c
    query = select(row_.subject, row_.leaf_index, row_.leaf_hash, row_.annotation_hash, row_.opening)
    query = query.where(row_.leaf_index > after).order_by(row_.leaf_index).limit(limit)
    return [
        MapRow(subject, MappedRecord(index, leaf_hash, annotation_hash or NO_ANNOTATION, opening))
        for subject, index, leaf_hash, annotation_hash, opening in work.connection.execute(query)
    ]


def _values(row: LiveRow) -> tuple[Value, ...]:
    return (
        row.index,
        row.record,
        row.key[0],
        row.key[1],
        row.subject,
        row.subject_key_version,
        row.opening,
        row.debt_ref,
        row.kind.number,
        row.standing.number,
        row.leaf_hash,
        row.facts_commitment,
        row.annotation_index,
        row.annotation_hash,
        int(row.hidden),
    )


def _of(columns: Fetched) -> LiveRow:
    index, record, issuer, record_id, subject, key_version, opening, debt_ref, kind, standing, *hashes = columns
    leaf_hash, facts_commitment, annotation_index, annotation_hash, hidden = hashes
    return LiveRow(
        index=index,
        record=record,
        key=RecordKey(issuer, record_id),
        subject=subject,
        subject_key_version=key_version,
        opening=opening,
        debt_ref=debt_ref,
        kind=word(Kind, kind, "database", "kind"),
        standing=word(Standing, standing, "database", "standing"),
        leaf_hash=leaf_hash,
        facts_commitment=facts_commitment,
        annotation_index=annotation_index,
        annotation_hash=annotation_hash,
        hidden=bool(hidden),
    )


def _sealed(columns: Fetched) -> SealedRow:
    disclosure, text_disclosure, leaf = columns[_BOUND_COUNT:]
    return SealedRow(_of(columns[:_BOUND_COUNT]), disclosure, text_disclosure, leaf)
