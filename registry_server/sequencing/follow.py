"""Following what another process has appended: leaves, acts and the map's top, from the rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, HeadLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.statement import Statement
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.sequencing.committed import leaf_hashes, stored_map
from registry_server.sequencing.errors import InconsistentError, RolledBackError
from registry_server.sequencing.state import State
from registry_server.storage import inquiries, leaves

if TYPE_CHECKING:
    from client_sdk.kernel.formats.leaf import Head
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.committed import Committed
    from registry_server.sequencing.log_tree import LogTree, StagedTiles
    from registry_server.sequencing.map_tree import MapTree
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["follow"]


def follow(committed: Committed, work: UnitOfWork, row: HeadRow) -> None:
    """Bring the state in memory to that of the head row; the caller holds ``committed.lock``.

    Args:
        committed: what this process knows.
        work: a transaction in which the head row is the newest commit.
        row: the head row.

    Raises:
        RolledBackError: the database is older than what this process knows.
        InconsistentError: what was appended does not fit together.
    """
    state = committed.state
    if row.size == state.size and row.leaf == state.head_leaf:
        return
    if row.size <= state.size:
        raise RolledBackError(row.size, state.size)
    try:
        news = _News(state.directory)
        for stored in leaves.leaves(work, state.size, row.size):
            news.take(stored.leaf_index, stored.leaf)
        if news.head is None:
            raise InconsistentError("head", got="no HEAD", want="a HEAD as last leaf")
        tree = _follow_map(work, news)
        log = _staged(committed.log, news.leaf_hashes, row.frontier, "log")
        asked_before, asked_now = committed.inquiries.size, news.head.inquiry_count
        waiting = inquiries.leaf_range(work, asked_before, asked_now) if asked_now != asked_before else []
        asked = _staged(committed.inquiries, leaf_hashes(waiting), row.inquiry_frontier, "inquiry tree")
    except (FormatError, RuleError) as error:
        raise InconsistentError("leaves", got=str(error), want="leaves that follow") from error
    after = State(log.size, log.root, news.head, row.leaf, row.logged_at, news.directory, tree)
    committed.advance(after, log, asked)


class _News:
    """Changes found in the leaves that another process has appended."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.leaf_hashes: list[bytes] = []
        self.head: Head | None = None

    def take(self, index: int, data: bytes) -> None:
        """Take the next leaf."""
        self.leaf_hashes.append(leaf_hash(data))
        self.head = None
        leaf = parse_leaf(data)
        match leaf:
            case ActLeaf():
                self.directory = self.directory.apply(index, leaf)
            case StatementLeaf(payload_type=dsse.STATEMENT):
                day = day_of(leaf.logged_at, self.directory.rulebook.time_zone).isoformat()
                self.directory = self.directory.gave(Statement.parse(leaf.payload), day)
            case HeadLeaf():
                self.head = leaf.head
            case _:
                pass


def _staged(tree: LogTree, hashes: list[bytes], frontier: bytes, part: str) -> StagedTiles:
    staged = tree.stage(hashes)
    if staged.frontier != frontier:
        raise InconsistentError(part, got=f"other nodes after {staged.size} leaves", want="those of the head row")
    return staged


def _follow_map(work: UnitOfWork, news: _News) -> MapTree:
    """Return the map after the news: its top block is stored with the commit."""
    tree = stored_map(work)
    if news.head is None or tree.root != news.head.map_root:
        raise InconsistentError("map", got="another root", want="the root of the newest HEAD")
    return tree
