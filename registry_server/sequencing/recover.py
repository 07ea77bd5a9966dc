"""Start-up: the state in memory from the rows, and a refusal where they do not fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, HeadLeaf, parse_leaf
from client_sdk.kernel.ledger.directory import Directory
from client_sdk.kernel.rules.errors import RuleError
from registry_server.sequencing.committed import Committed, open_trees, stored_map
from registry_server.sequencing.errors import InconsistentError, NoGenesisError
from registry_server.sequencing.map_cache import DEFAULT_BYTES, MapCache, StoredBlocks
from registry_server.sequencing.state import State
from registry_server.storage import contributions, head, leaves, lost

if TYPE_CHECKING:
    from client_sdk.kernel.formats.leaf import Head
    from registry_server.sequencing.map_block import Blocks
    from registry_server.sequencing.map_tree import MapTree
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = ["directory_at", "directory_of", "recover"]


def recover(database: Database, *, restating: bool = False, map_cache_bytes: int = DEFAULT_BYTES) -> Committed:
    """Return the newest commit, from the rows.

    Args:
        database: where it is.
        restating: take the map as it is stored, although the newest HEAD has another one: for the HEAD that says so
            (``restating``).
        map_cache_bytes: how much of the map is kept in memory.

    Neither the whole log nor the whole map is read again; that is what ``fsck`` is for. What is checked here is that
    head row, last leaf, tiles, acts, the map's top, its directory and the inquiry tree belong to one commit.

    Raises:
        NoGenesisError: there is no genesis yet.
        InconsistentError: something does not fit, and what.
        StorageError: the database failed.
    """
    cache = MapCache(map_cache_bytes)
    with database.snapshot() as work:
        row = head.read(work)
        if row is None:
            raise NoGenesisError
        try:
            newest = _newest_head(work, row)
            directory = directory_at(work, row)
            tree = stored_map(work)
            awaits = lost.any_left(work)
            if not restating:
                _check_map(tree, newest, awaits=awaits)
                _check_directory(tree, directory, StoredBlocks(cache, work))
            log, asked = open_trees(database, row)
        except (FormatError, RuleError) as error:
            raise InconsistentError("leaves", got=str(error), want="what the formats allow") from error
    if log.size != row.size or log.node(0, row.size - 1) != leaf_hash(row.leaf):
        raise InconsistentError("tiles", got="another last leaf", want="the HEAD of the head row")
    if (asked.size, asked.root) != (newest.inquiry_count, newest.inquiry_root):
        raise InconsistentError("inquiry tree", got=f"{asked.size} leaves", want=f"{newest.inquiry_count} and its root")
    state = State(row.size, log.root, newest, row.leaf, row.logged_at, directory, tree)
    committed = Committed(state, log, asked, cache)
    committed.awaits = awaits
    return committed


def _newest_head(work: UnitOfWork, row: HeadRow) -> Head:
    last = leaves.leaf_range(work, row.size - 1, row.size + 1)
    if [stored.leaf for stored in last] != [row.leaf]:
        raise InconsistentError("leaves", got=f"{len(last)} from the last on", want="the HEAD as the last one")
    parsed = parse_leaf(row.leaf)
    if not isinstance(parsed, HeadLeaf) or parsed.logged_at != row.logged_at:
        raise InconsistentError("head", got="another last leaf", want="a HEAD of that time")
    newest = parsed.head
    got = (newest.map_root, newest.entry_count, newest.newest_act, newest.inquiry_count)
    if got != (row.map_root, row.entry_count, row.newest_act, row.inquiry_count):
        raise InconsistentError("head", got="a row of another commit", want="the row of the last leaf")
    return newest


def directory_at(work: UnitOfWork, row: HeadRow) -> Directory:
    """Return the directory of the head row with what its lenders have given, which the map holds as well.

    Raises:
        InconsistentError: an act is missing, or the newest is not that of the head row.
        FormatError: a leaf is damaged.
    """
    return _with_contributions(work, directory_of(work, row))


def directory_of(work: UnitOfWork, row: HeadRow) -> Directory:
    """Return the directory after the newest act, made of all acts.

    Raises:
        InconsistentError: an act is missing, or the newest is not that of the head row.
        FormatError: a leaf is damaged.
    """
    directory: Directory | None = None
    for number, stored in enumerate(leaves.act_leaves(work)):
        leaf = parse_leaf(stored.leaf)
        if not isinstance(leaf, ActLeaf) or stored.number != number:
            raise InconsistentError("acts", got=f"leaf {stored.leaf_index}", want=f"act {number}")
        directory = Directory.genesis(leaf) if directory is None else directory.apply(stored.leaf_index, leaf)
    if directory is None or directory.newest_act != row.newest_act:
        got = "none" if directory is None else str(directory.newest_act)
        raise InconsistentError("acts", got=got, want=f"the newest at {row.newest_act}")
    return directory


def _with_contributions(work: UnitOfWork, directory: Directory) -> Directory:
    """Return the directory with what its lenders have given; whether the rows are right, the map tells."""
    for row in contributions.rows(work):
        given = directory.contribution(row.institution).after(row.kind, row.given_on)
        directory = directory.with_contribution(given)
    return directory


def _check_map(tree: MapTree, newest: Head, *, awaits: bool) -> None:
    if (tree.root, tree.count) != (newest.map_root, newest.entry_count):
        want = f"that of the HEAD over {newest.entry_count}"
        if awaits:
            want += (
                "; a restore has lost records, and no HEAD says so yet: see registry-server register show and refill"
            )
        elif not tree.count:
            want += "; make it with registry-server db upgrade"
        else:
            want += "; make it anew with registry-server fsck --repair-derived"
        raise InconsistentError("map", got=f"another root over {tree.count} entries", want=want)


def _check_directory(tree: MapTree, directory: Directory, blocks: Blocks) -> None:
    entries = directory.map_entries()
    if tree.values(entries, blocks) != entries:
        raise InconsistentError("map", got="another directory", want="that of the acts, and of what lenders have given")
