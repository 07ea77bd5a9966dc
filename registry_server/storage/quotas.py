"""Quotas: how much of a daily limit an institution has used (rulebook)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete

from registry_server.storage import schema
from registry_server.storage.driver import count_up, select_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.kernel.formats.statement import RecordKey
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "CERTIFICATES",
    "INQUIRED_SUBJECTS",
    "REFUSED_INQUIRIES",
    "SCREENED_SUBJECTS",
    "STATEMENTS",
    "QuotaKey",
    "add",
    "annotations_of",
    "forget_before",
    "used",
]

# Values of quotas.what.
STATEMENTS = "statements"
INQUIRED_SUBJECTS = "inquired-subjects"
SCREENED_SUBJECTS = "screened-subjects"
REFUSED_INQUIRIES = "refused-inquiries"
CERTIFICATES = "certificates"


class QuotaKey(NamedTuple):
    """Key of a counter: institution, limit and legal day (YYYY-MM-DD)."""

    institution: str
    what: str
    day: str


def annotations_of(author: str, record: RecordKey, day: str) -> QuotaKey:
    """Return the counter of one author's annotations of one record."""
    return QuotaKey(author, f"annotations {record.issuer}/{record.record_id.hex()}", day)


def used(work: UnitOfWork, keys: Iterable[QuotaKey]) -> dict[QuotaKey, int]:
    """Return what was used; 0 where nothing is known."""
    wanted = list(dict.fromkeys(keys))
    columns = (schema.quotas.c.institution, schema.quotas.c.what, schema.quotas.c.day)
    rows = select_in(work, "SELECT institution, what, day, used FROM quotas", columns, wanted)
    return {**dict.fromkeys(wanted, 0), **{QuotaKey(*row[:3]): row[3] for row in rows}}


def add(work: UnitOfWork, counts: Mapping[QuotaKey, int]) -> None:
    """Count further use; two processes that count at once lose nothing."""
    count_up(work, schema.quotas, [(*key, count) for key, count in counts.items()])


def forget_before(work: UnitOfWork, day: str) -> int:
    """Delete the counts of earlier days; return of how many."""
    return work.connection.execute(delete(schema.quotas).where(schema.quotas.c.day < day)).rowcount
