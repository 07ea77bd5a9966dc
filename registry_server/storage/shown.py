"""Table of records that answers have shown, and to which member: it gets a notice where one of them is corrected.

One row for a record and an asker, that of the asker's newest inquiry. It holds no pseudonym, and is deleted with the
opening of the inquiry, or when the record can change no more; where a buyer's record continues a sold one, that has the
row from then on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, select

from registry_server.storage import schema
from registry_server.storage.driver import select_in, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "NewestLinks",
    "ShownRow",
    "forget_before",
    "forget_records",
    "has",
    "newest_links",
    "of_other_records",
    "of_records",
    "put",
]

_TABLE = schema.shown
_COLUMNS = ", ".join(column.name for column in _TABLE.columns)
_RECORD = schema.records.c


class ShownRow(NamedTuple):
    """A record that a member was shown.

    Attributes:
        record: index of its first leaf.
        asker: institution id.
        leaf_index: of the version that was shown: one of the record, or of a record that it continues.
        inquiry_id: 16 bytes, of the inquiry.
        asked_at: when that was received, ms.
    """

    record: int
    asker: str
    leaf_index: int
    inquiry_id: bytes
    asked_at: int


class NewestLinks(NamedTuple):
    """Newest version and newest link of the annotation chain of a live record, by leaf index; -1 for no link."""

    leaf_index: int
    annotation_index: int


def put(work: UnitOfWork, rows: Iterable[ShownRow]) -> None:
    """Keep rows; the last one counts for a record and an asker."""
    upsert(work, _TABLE, list({(row.record, row.asker): row for row in rows}.values()))


def of_records(work: UnitOfWork, records: Iterable[int]) -> dict[int, list[ShownRow]]:
    """Return who was shown each record named by its first index, in order of the askers' ids."""
    keys = [(record,) for record in dict.fromkeys(records)]
    found: dict[int, list[ShownRow]] = {}
    rows = select_in(work, f"SELECT {_COLUMNS} FROM shown", (_TABLE.c.record,), keys)  # noqa: S608 - names of our own schema
    for row in sorted(ShownRow(*columns) for columns in rows):
        found.setdefault(row.record, []).append(row)
    return found


def has(work: UnitOfWork, record: int, asker: str) -> bool:
    """Whether there is a row for a record and an asker."""
    query = select(_TABLE.c.record).where(_TABLE.c.record == record, _TABLE.c.asker == asker)
    return work.connection.execute(query).first() is not None


def of_other_records(work: UnitOfWork) -> Iterator[tuple[ShownRow, int]]:
    """Yield each row whose version is of another record, with the first index of that one; -1 where it is of none."""
    version = schema.versions.c
    query = (
        select(_TABLE, version.record.label("version_record"))
        .select_from(_TABLE.outerjoin(schema.versions, version.leaf_index == _TABLE.c.leaf_index))
        .where(version.record.is_(None) | (version.record != _TABLE.c.record))
        .order_by(_TABLE.c.record, _TABLE.c.asker)
    )
    with work.connection.execute(query.execution_options(yield_per=work.page_rows)) as found:
        for *columns, record in found:
            yield ShownRow(*columns), -1 if record is None else record


def newest_links(work: UnitOfWork, records: Iterable[int]) -> dict[int, NewestLinks]:
    """Return the newest links of records named by their first index; those that are erased or continued left out."""
    query = "SELECT first_index, leaf_index, annotation_index, erased, continued_by_issuer FROM records"
    keys = [(record,) for record in dict.fromkeys(records)]
    rows = select_in(work, query, (_RECORD.first_index,), keys)
    return {row[0]: NewestLinks(row[1], row[2]) for row in rows if not row[3] and row[4] is None}


def forget_records(work: UnitOfWork, records: Sequence[int]) -> None:
    """Delete the rows of records named by their first index."""
    work.connection.execute(delete(_TABLE).where(_TABLE.c.record.in_(records)))


def forget_before(work: UnitOfWork, moment: int) -> int:
    """Delete the rows of inquiries received before that moment (ms); return how many."""
    return work.connection.execute(delete(_TABLE).where(_TABLE.c.asked_at < moment)).rowcount
