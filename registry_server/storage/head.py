"""The head row: size and state of the log. The transaction that holds its row lock may append."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import insert, select, update

from registry_server.storage import schema

if TYPE_CHECKING:
    from sqlalchemy import Select

    from registry_server.storage.driver import Fetched
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "HeadRow",
    "StoredCheckpoint",
    "confirm_clock",
    "create",
    "lock",
    "mark_destroying",
    "read",
    "store_checkpoint",
    "write",
]

# Made once: each append runs them.
_READ = select(*(column for column in schema.head.columns if column.name != "id"))
_LOCK = _READ.with_for_update()
_WRITE = update(schema.head)
# Of the row, what an append leaves as it is.
_KEPT = frozenset(("clock_confirmed_at", "destroying"))
_SIGNED = frozenset(("checkpoint_size", "checkpoint"))


class StoredCheckpoint(NamedTuple):
    """A signed checkpoint as the head row has it.

    Attributes:
        size: of its tree.
        note: the signed note.
    """

    size: int
    note: bytes


@dataclass(frozen=True, slots=True)
class HeadRow:
    """State of the log after its newest commit.

    Attributes:
        size: number of leaves.
        frontier: of the log (``formats.merkle.Frontier``).
        leaf: the HEAD, last leaf.
        logged_at: its time, ms.
        map_root: root of the map, 32 bytes.
        entry_count: number of entries of the map.
        newest_act: index of the newest act.
        inquiry_count: number of leaves of the inquiry tree.
        inquiry_frontier: of the inquiry tree.
        checkpoint_size: size of the newest checkpoint that is stored.
        checkpoint: the signed note.
        clock_reference: what time it was at the newest commit by a clock that was vouched for, ms.
        clock_line: by how much that clock was ahead of the machine's steady one, ms.
        clock_boot: names the running of the machine in which its steady clock counts; empty where nothing names it.
        clock_confirmed_at: what an operator's clock showed when the operator confirmed it, ms.
        destroying: the registry is being destroyed; nothing is appended any more.
    """

    size: int
    frontier: bytes
    leaf: bytes
    logged_at: int
    map_root: bytes
    entry_count: int
    newest_act: int
    inquiry_count: int
    inquiry_frontier: bytes
    clock_reference: int
    clock_line: int = 0
    clock_boot: str = ""
    checkpoint_size: int = 0
    checkpoint: bytes = b""
    clock_confirmed_at: int | None = None
    destroying: bool = False


def read(work: UnitOfWork) -> HeadRow | None:
    """Return the head row; None before the genesis."""
    return _fetch(work, _READ)


def lock(work: UnitOfWork) -> HeadRow | None:
    """Return the head row and keep every other appender waiting until the transaction ends."""
    return _fetch(work, _LOCK)


def hold(work: UnitOfWork) -> None:
    """Keep every appender waiting until the transaction ends, beside others that hold the row."""
    if work.on_postgresql:
        work.connection.execute(select(schema.head.c.id).with_for_update(read=True))


def create(work: UnitOfWork, row: HeadRow) -> None:
    """Write the head row of a new log."""
    work.connection.execute(insert(schema.head), {"id": 1, **_values(row)})


def write(work: UnitOfWork, row: HeadRow) -> None:
    """Replace the head row; confirmation of the clock and destruction stay, and the checkpoint where none is given."""
    kept = _KEPT if row.checkpoint_size else _KEPT | _SIGNED
    work.connection.execute(_WRITE, {name: value for name, value in _values(row).items() if name not in kept})


def store_checkpoint(work: UnitOfWork, signed: StoredCheckpoint) -> bool:
    """Keep a signed checkpoint, unless a later one is kept already.

    Returns:
        Whether it is kept: also not where another process holds the row. That one is not waited for, since what it
        appends has a later checkpoint.
    """
    head = schema.head
    free = select(head.c.id).with_for_update(skip_locked=True)
    newer = update(head).where(head.c.checkpoint_size < signed.size, head.c.id.in_(free.scalar_subquery()))
    kept = work.connection.execute(newer, {"checkpoint_size": signed.size, "checkpoint": signed.note})
    return kept.rowcount == 1


def confirm_clock(work: UnitOfWork, now: int) -> None:
    """Store an operator's confirmation of the clock."""
    work.connection.execute(update(schema.head), {"clock_confirmed_at": now})


def mark_destroying(work: UnitOfWork) -> None:
    """Let no process append to the log any more, once what is being appended is committed."""
    work.connection.execute(update(schema.head), {"destroying": True})


def _fetch(work: UnitOfWork, query: Select[Fetched]) -> HeadRow | None:
    row = work.connection.execute(query).one_or_none()
    return None if row is None else HeadRow(*row)  # type: ignore[call-arg,arg-type]  # the columns are those of the class


def _values(row: HeadRow) -> dict[str, int | bytes | str | None]:
    return {name: getattr(row, name) for name in HeadRow.__slots__}
