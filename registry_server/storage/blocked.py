"""Blocked debts: what was withdrawn so that it is not reported once more.

That is what was withdrawn as identity theft, and a listing that the court removed: the entry itself is never reported
again, and one that was removed at the applicant's request is followed by no other for the rulebook's months.

A row holds a hash of the debt reference, which only who can make the victim's seal key and knows creditor and contract
can compute. It is deleted with the record by order, and after the rulebook's years.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, select

from client_sdk.kernel.formats.encoding import label, u64
from registry_server.storage import schema
from registry_server.storage.driver import insert, select_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from client_sdk.kernel.formats.words import Kind
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["BlockedDebt", "add", "blocking", "debt_hash", "forget_before", "forget_records", "known", "rows"]

_LABEL = label("creditregistry/blocked-debt/v1")


class BlockedDebt(NamedTuple):
    """A debt that is not reported again.

    Attributes:
        debt_hash: of kind and debt reference, 32 bytes.
        record: index of the first leaf of the record that was withdrawn.
        blocked_at: logged_at of the withdrawal, ms.
        reason: of the withdrawal.
        removed_on: day on which the court removed a listing, YYYY-MM-DD; empty for other reasons.
    """

    debt_hash: bytes
    record: int
    blocked_at: int
    reason: str
    removed_on: str = ""


def debt_hash(kind: Kind, debt_ref: bytes) -> bytes:
    """Return what a debt is blocked by: a block of one kind leaves the others open."""
    return sha256(_LABEL + u64(kind.number) + debt_ref).digest()


def add(work: UnitOfWork, new: Sequence[BlockedDebt]) -> None:
    """Block debts, each by the record that was withdrawn, whether another one blocks it already or not."""
    insert(work, schema.blocked_debts, new)


def rows(work: UnitOfWork) -> Iterator[BlockedDebt]:
    """Yield every row, in no particular order, some at a time."""
    query = select(*(schema.blocked_debts.c[name] for name in BlockedDebt._fields))
    with work.connection.execute(query.execution_options(yield_per=work.page_rows)) as found:
        for row in found:
            yield BlockedDebt(*row)


def blocking(work: UnitOfWork, records: Iterable[int]) -> set[int]:
    """Return which records block a debt, by the index of their first leaf."""
    keys = [(record,) for record in dict.fromkeys(records)]
    columns = (schema.blocked_debts.c.record,)
    return {row[0] for row in select_in(work, "SELECT record FROM blocked_debts", columns, keys)}


def known(work: UnitOfWork, hashes: Iterable[bytes]) -> dict[bytes, list[BlockedDebt]]:
    """Return what blocks these debts, by their hash."""
    keys = [(one,) for one in dict.fromkeys(hashes)]
    columns = (schema.blocked_debts.c.debt_hash,)
    sql = f"SELECT {', '.join(BlockedDebt._fields)} FROM blocked_debts"  # noqa: S608 - our own columns
    found: dict[bytes, list[BlockedDebt]] = {}
    for row in select_in(work, sql, columns, keys):
        found.setdefault(row[0], []).append(BlockedDebt(*row))
    return found


def forget_records(work: UnitOfWork, records: Sequence[int]) -> None:
    """Delete the blocks that records made, by the index of their first leaf."""
    for some in work.in_pages(records):
        work.connection.execute(delete(schema.blocked_debts).where(schema.blocked_debts.c.record.in_(some)))


def forget_before(work: UnitOfWork, moment: int) -> int:
    """Delete the blocks made before that moment (ms); return of how many."""
    return work.connection.execute(
        delete(schema.blocked_debts).where(schema.blocked_debts.c.blocked_at < moment)
    ).rowcount
