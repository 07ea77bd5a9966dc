"""Blocks of the map's tree, by their place (``sequencing.map_block``): derived from live records and the directory."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from registry_server.storage import schema
from registry_server.storage.driver import delete_keys, select_in, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["between", "blocks_at", "clear", "put", "remove"]

_TABLE = schema.map_blocks


def blocks_at(work: UnitOfWork, places: Iterable[int]) -> dict[int, bytes]:
    """Return the blocks at these places; where there is none, it is left out."""
    keys = [(place,) for place in places]
    return dict(select_in(work, "SELECT place, block FROM map_blocks", (_TABLE.c.place,), keys))


def put(work: UnitOfWork, rows: Sequence[tuple[int, bytes]]) -> None:
    """Write blocks, each with its place, over those that are there."""
    upsert(work, _TABLE, rows)


def remove(work: UnitOfWork, places: Sequence[int]) -> None:
    """Delete the blocks at these places."""
    delete_keys(work, _TABLE, places)


def between(work: UnitOfWork, first: int, end: int | None = None) -> Iterator[tuple[int, bytes]]:
    """Yield the blocks from one place to before another, ascending, some at a time."""
    while True:
        query = select(_TABLE.c.place, _TABLE.c.block).where(_TABLE.c.place >= first)
        query = query if end is None else query.where(_TABLE.c.place < end)
        page = work.connection.execute(query.order_by(_TABLE.c.place).limit(work.page_rows)).all()
        yield from ((int(place), bytes(block)) for place, block in page)
        if len(page) < work.page_rows:
            return
        first = page[-1][0] + 1


def clear(work: UnitOfWork) -> None:
    """Delete all blocks."""
    work.connection.execute(delete(_TABLE))
