"""Live records whose binding and facts a restore has not brought back, until their issuers give them back.

Empty but after a restore. A row is deleted with what it waits for: once the record is given back, ended or erased.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from registry_server.storage import schema
from registry_server.storage.driver import select_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["any_left", "forget", "known", "rows"]

_TABLE = schema.lost_bindings


def any_left(work: UnitOfWork) -> bool:
    """Whether any is waited for."""
    return work.connection.execute(select(_TABLE.c.leaf_index).limit(1)).first() is not None


def rows(work: UnitOfWork) -> Iterator[tuple[int, str]]:
    """Yield leaf index and issuer of every one that is waited for, in order, some at a time."""
    last = -1
    while True:
        query = select(_TABLE.c.leaf_index, _TABLE.c.issuer).where(_TABLE.c.leaf_index > last)
        page = [
            (row[0], row[1])
            for row in work.connection.execute(query.order_by(_TABLE.c.leaf_index).limit(work.page_rows))
        ]
        yield from page
        if not page:
            return
        last = page[-1][0]


def known(work: UnitOfWork, indexes: Iterable[int]) -> set[int]:
    """Return which of these leaf indexes are those of the newest versions of lost records."""
    keys = [(index,) for index in dict.fromkeys(indexes)]
    return {row[0] for row in select_in(work, "SELECT leaf_index FROM lost_bindings", (_TABLE.c.leaf_index,), keys)}


def forget(work: UnitOfWork, indexes: Sequence[int]) -> None:
    """Wait no more for these."""
    if indexes:
        work.connection.execute(delete(_TABLE).where(_TABLE.c.leaf_index.in_(indexes)))
