"""Leaves, tiles and acts: the log as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import delete, func, select

from registry_server.storage import schema
from registry_server.storage.driver import insert, select_in, upsert

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = [
    "StoredAct",
    "StoredLeaf",
    "StoredTile",
    "act_leaves",
    "add_acts",
    "add_leaves",
    "leaf_range",
    "leaves",
    "leaves_at",
    "newest_act_number",
    "put_tiles",
    "remove_tile",
    "tile",
    "tile_places",
    "tiles",
]


class StoredLeaf(NamedTuple):
    """A leaf with its place."""

    leaf_index: int
    leaf: bytes


class StoredTile(NamedTuple):
    """A tile of hashes with its place in one of the two trees."""

    tree: str
    level: int
    tile_index: int
    hashes: bytes


class StoredAct(NamedTuple):
    """The leaf of an act, with the act's number."""

    number: int
    leaf_index: int
    leaf: bytes


def add_leaves(work: UnitOfWork, rows: Sequence[StoredLeaf]) -> None:
    """Add leaves."""
    insert(work, schema.leaves, rows)


def add_acts(work: UnitOfWork, rows: Sequence[tuple[int, int]]) -> None:
    """Add acts, each as (number, leaf index)."""
    insert(work, schema.acts, rows)


def put_tiles(work: UnitOfWork, rows: Sequence[StoredTile]) -> None:
    """Write tiles; a partial one replaces the narrower one in its place."""
    upsert(work, schema.tiles, rows)


def leaves_at(work: UnitOfWork, indexes: Iterable[int]) -> dict[int, bytes]:
    """Return the leaves at these places; places outside the log are left out."""
    keys = [(index,) for index in dict.fromkeys(indexes)]
    rows = select_in(work, "SELECT leaf_index, leaf FROM leaves", (schema.leaves.c.leaf_index,), keys)
    return dict(rows)


def leaf_range(work: UnitOfWork, start: int, end: int) -> list[StoredLeaf]:
    """Return the leaves from start to before end, in order; callers bound the width."""
    leaf = schema.leaves.c
    query = select(leaf.leaf_index, leaf.leaf).where(leaf.leaf_index >= start, leaf.leaf_index < end)
    return [StoredLeaf(*row) for row in work.connection.execute(query.order_by(leaf.leaf_index))]


def leaves(work: UnitOfWork, start: int = 0, end: int | None = None) -> Iterator[StoredLeaf]:
    """Yield all leaves from start to before end, in order, some at a time."""
    while end is None or start < end:
        page = leaf_range(work, start, start + work.page_rows if end is None else min(end, start + work.page_rows))
        yield from page
        if not page:
            return
        start = page[-1].leaf_index + 1


def tile(work: UnitOfWork, tree: str, level: int, index: int) -> bytes | None:
    """Return the hashes of a tile, full or partial; None where there is none."""
    tiles_ = schema.tiles.c
    query = select(tiles_.hashes).where(tiles_.tree == tree, tiles_.level == level, tiles_.tile_index == index)
    return work.connection.execute(query).scalar_one_or_none()


def tile_places(work: UnitOfWork, tree: str) -> Iterator[tuple[int, int]]:
    """Yield level and index of every tile of a tree, level by level, in order."""
    last = (-(1 << 31), 0)
    tiles_ = schema.tiles.c
    while True:
        after = (tiles_.level > last[0]) | ((tiles_.level == last[0]) & (tiles_.tile_index > last[1]))
        query = select(tiles_.level, tiles_.tile_index).where(tiles_.tree == tree, after)
        page = [
            (row[0], row[1])
            for row in work.connection.execute(query.order_by(tiles_.level, tiles_.tile_index).limit(work.page_rows))
        ]
        yield from page
        if not page:
            return
        last = page[-1]


def remove_tile(work: UnitOfWork, tree: str, level: int, index: int) -> None:
    """Delete a tile."""
    tiles_ = schema.tiles.c
    work.connection.execute(
        delete(schema.tiles).where(tiles_.tree == tree, tiles_.level == level, tiles_.tile_index == index)
    )


def tiles(work: UnitOfWork, tree: str) -> Iterator[StoredTile]:
    """Yield every tile of a tree, level by level, in order."""
    last = (-1, -1)
    tiles_ = schema.tiles.c
    while True:
        after = (tiles_.level > last[0]) | ((tiles_.level == last[0]) & (tiles_.tile_index > last[1]))
        query = select(*schema.tiles.columns).where(tiles_.tree == tree, after)
        page = [
            StoredTile(*row)
            for row in work.connection.execute(query.order_by(tiles_.level, tiles_.tile_index).limit(256))
        ]
        yield from page
        if not page:
            return
        last = (page[-1].level, page[-1].tile_index)


def newest_act_number(work: UnitOfWork) -> int:
    """Return the number of the newest act; -1 before the genesis."""
    newest: int | None = work.connection.execute(select(func.max(schema.acts.c.number))).scalar_one()
    return -1 if newest is None else newest


def act_leaves(work: UnitOfWork, from_number: int = 0, limit: int | None = None) -> list[StoredAct]:
    """Return acts in order of their number, from the one with that number on."""
    act, leaf = schema.acts.c, schema.leaves.c
    query = (
        select(act.number, act.leaf_index, leaf.leaf)
        .join_from(schema.acts, schema.leaves, leaf.leaf_index == act.leaf_index)
        .where(act.number >= from_number)
        .order_by(act.number)
        .limit(limit)
    )
    return [StoredAct(*row) for row in work.connection.execute(query)]
