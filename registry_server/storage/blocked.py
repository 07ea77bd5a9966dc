"""Blocked debts: what was withdrawn so that it is not reported once more.

That is what was withdrawn as identity theft, and a listing that the court removed: the entry itself is never reported
again, and one that was removed at the applicant's request is followed by no other for the rulebook's months.

A row holds a hash of the debt reference, which only who can make the victim's seal key and knows creditor and contract
can compute. It is deleted with the record by order, and after the rulebook's years.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete

from client_sdk.kernel.formats.encoding import label, u64
from registry_server.storage import schema
from registry_server.storage.driver import select_in, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from client_sdk.kernel.formats.words import Kind
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["BlockedDebt", "add", "debt_hash", "forget_before", "forget_records", "known"]

_LABEL = label("creditregistry/blocked-debt/v1")


class BlockedDebt(NamedTuple):
    """A debt that is not reported again.

    Attributes:
        debt_hash: of kind and debt reference, 32 bytes.
        record: index of the first leaf of the record that was withdrawn.
        blocked_at: logged_at of the withdrawal, ms.
        reason: of the withdrawal.
    """

    debt_hash: bytes
    record: int
    blocked_at: int
    reason: str


def debt_hash(kind: Kind, debt_ref: bytes) -> bytes:
    """Return what a debt is blocked by: a block of one kind leaves the others open."""
    return sha256(_LABEL + u64(kind.number) + debt_ref).digest()


def add(work: UnitOfWork, rows: Sequence[BlockedDebt]) -> None:
    """Block debts; one that is blocked already is blocked from now on anew."""
    upsert(work, schema.blocked_debts, rows)


def known(work: UnitOfWork, hashes: Iterable[bytes]) -> dict[bytes, BlockedDebt]:
    """Return those of these debts that are blocked, by their hash."""
    keys = [(one,) for one in dict.fromkeys(hashes)]
    columns = (schema.blocked_debts.c.debt_hash,)
    sql = "SELECT debt_hash, record, blocked_at, reason FROM blocked_debts"
    return {row[0]: BlockedDebt(*row) for row in select_in(work, sql, columns, keys)}


def forget_records(work: UnitOfWork, records: Sequence[int]) -> None:
    """Delete the blocks that records made, by the index of their first leaf."""
    if records:
        work.connection.execute(delete(schema.blocked_debts).where(schema.blocked_debts.c.record.in_(records)))


def forget_before(work: UnitOfWork, moment: int) -> int:
    """Delete the blocks made before that moment (ms); return of how many."""
    return work.connection.execute(
        delete(schema.blocked_debts).where(schema.blocked_debts.c.blocked_at < moment)
    ).rowcount
