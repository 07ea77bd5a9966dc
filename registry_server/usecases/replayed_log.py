"""The log of a database, read and replayed: what its derived rows follow from."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, NoReturn

from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import ActLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.link import link_of
from client_sdk.kernel.formats.merkle import EMPTY_ROOT, Frontier
from client_sdk.kernel.formats.statement import RecordKey, Statement
from client_sdk.kernel.ledger.replay import Replay
from registry_server.sequencing.errors import InconsistentError
from registry_server.storage import leaves, replays

if TYPE_CHECKING:
    from client_sdk.kernel.formats.errors import FormatError
    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.words import WithdrawalReason
    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.state_store import StateStore
    from client_sdk.kernel.rules.errors import RuleError
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["ReplayedLog", "replayed_log"]


class _VersionOf(NamedTuple):
    """Record and number of a version."""

    record: RecordKey
    version: int


class _Said(NamedTuple):
    """What the leaf of a version says beside its chain."""

    facts_commitment: bytes
    disclosure_digest: bytes
    reason: WithdrawalReason | None
    removed_on: str
    logged_at: int


class ReplayedLog:
    """All leaves, replayed.

    Args:
        store: takes what grows with the log.

    Attributes:
        replay: after the last one.
        frontier: of the leaves.
        roots: at the sizes of ``roots_at``.
        first: leaf index of version 1 of each record.
        records: the same by that index.
        heirs: first index of the record that continues another one, by the first index of that.
        versions: record and version by leaf index.
        annotations: first index and number of annotations by leaf index.
        acts: leaf index of each act, by number.
        newest: of each record what the leaf of its newest version says.
        last: the last leaf.
    """

    def __init__(self, store: StateStore) -> None:
        self.replay = Replay(_refuse, store=store)
        self.frontier = Frontier()
        self.roots = {0: EMPTY_ROOT}
        self.first = store.mapping("first versions", RecordKey, int)
        self.records = store.mapping("records by first version", int, RecordKey)
        self.heirs = store.mapping("heirs", int, int)
        self.versions = store.mapping("versions", int, _VersionOf)
        self.annotations = store.mapping("annotations", int, tuple)
        self.acts: list[int] = []
        self.newest = store.mapping("newest versions", RecordKey, _Said)
        self.last = b""

    def chain(self, first: int) -> Chain | None:
        """Return the chain of the record whose version 1 is at an index."""
        key = self.records.get(first)
        return None if key is None else self.replay.chains[key]

    def take(self, index: int, data: bytes) -> None:
        """Take the next leaf.

        Raises:
            InconsistentError: it may not stand there.
        """
        if index != self.frontier.size:
            raise InconsistentError("leaves", got=f"leaf {index}", want=f"leaf {self.frontier.size}")
        hash_ = leaf_hash(data)
        self.frontier.append(hash_)
        self.replay.feed(data, hash_)
        self.last = data
        leaf = parse_leaf(data)
        if isinstance(leaf, ActLeaf):
            self.acts.append(index)
            if Act.parse(leaf.payload).number != len(self.acts) - 1:
                raise InconsistentError("leaves", got=f"another act at leaf {index}", want=f"act {len(self.acts) - 1}")
        link = link_of(leaf)
        if link is not None:
            self._take_link(index, leaf, link.record, link.version)

    def _take_link(self, index: int, leaf: Leaf, record: RecordKey, version: int) -> None:
        chain = self.replay.chains[record]
        if version:
            self.versions[index] = _VersionOf(record, version)
            self.newest[record] = _said(leaf)
        if version == 1:
            self.first[record], self.records[index] = index, record
            if chain.continues is not None:
                self.heirs[self.first[chain.continues]] = index
        annotated = chain.annotation
        if annotated is not None and annotated.index == index:
            self.annotations[index] = (annotated.first, annotated.number)


def replayed_log(work: UnitOfWork, store: StateStore) -> ReplayedLog:
    """Read and replay all leaves.

    Args:
        work: the transaction.
        store: takes what grows with the log.

    Raises:
        InconsistentError: leaves are damaged or missing.
    """
    log, cosigned = ReplayedLog(store), {replay.size for replay in replays.rows(work)}
    for stored in leaves.leaves(work):
        log.take(*stored)
        if log.frontier.size in cosigned:
            log.roots[log.frontier.size] = log.frontier.root()
    if not log.replay.ends_with_head:
        raise InconsistentError("leaves", got=f"{log.frontier.size} leaves", want="a HEAD as the last one")
    return log


def _said(leaf: Leaf) -> _Said:
    if not isinstance(leaf, StatementLeaf):
        raise InconsistentError("leaves", got="another leaf", want="a statement")
    statement = Statement.parse(leaf.payload)
    return _Said(
        statement.facts_commitment,
        statement.disclosure_digest,
        statement.reason,
        statement.removed_on,
        leaf.logged_at,
    )


def _refuse(index: int, error: FormatError | RuleError) -> NoReturn:
    raise InconsistentError(f"leaf {index}", got=str(error), want="a leaf that may stand there") from None
