"""fsck: everything that is stored, recomputed from the leaves alone.

The leaves are examined as an auditor does; then every row that the server derives from them or keeps beside them is
held against what they say: head row, tiles, records, versions, annotations, acts, contributions, bindings,
disclosures, blocks of the map, inquiries, blocked debts, alerts, notices, TLS keys, counts, cosignatures of auditors.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk._shared_examination import SharedExamination
from client_sdk._shared_work import SharedWork
from client_sdk.kernel.formats.checkpoint import Checkpoint, parse_checkpoint
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, parse_leaf
from client_sdk.kernel.formats.link import link_of
from client_sdk.kernel.formats.merkle import EMPTY_ROOT, Frontier
from client_sdk.kernel.formats.note import VerifierKey
from client_sdk.kernel.ledger.examination import Examination, LiveBinding
from client_sdk.kernel.ledger.findings import Findings
from client_sdk.kernel.ledger.state_store import MemoryStore
from registry_server.sequencing.map_building import wrong_blocks
from registry_server.storage import head, inquiries, leaves, live, replays
from registry_server.storage.errors import RegisterError
from registry_server.storage.schema import INQUIRY_TREE, LOG_TREE
from registry_server.usecases.fsck.alert_rows import check_alerts
from registry_server.usecases.fsck.blocked_rows import check_blocked
from registry_server.usecases.fsck.count_rows import check_fact_counts, check_quality_counts, check_statement_counts
from registry_server.usecases.fsck.inbox_rows import check_notices, check_shown
from registry_server.usecases.fsck.replay_rows import check_replays
from registry_server.usecases.fsck.report import FsckReport, RowKind
from registry_server.usecases.fsck.rows import (
    LeafPlaces,
    check_acts,
    check_contributions,
    check_inquiry_rows,
    check_live_rows,
    check_records,
    check_tiles,
    check_tls_keys,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from client_sdk.kernel.ledger.state_store import StateStore
    from registry_server.storage.head import HeadRow
    from registry_server.storage.register import Register
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = ["FsckReport", "fsck"]


def fsck(
    database: Database,
    register: Register | None = None,
    executor: Executor | None = None,
    store: StateStore | None = None,
) -> FsckReport:
    """Check a whole database in one snapshot, and return the findings.

    Args:
        database: may be served meanwhile.
        register: what was signed last, to be held against the leaves; None leaves that out.
        executor: verifies signatures and computes the map; None for this process.
        store: takes what grows with the log; None for memory.

    Raises:
        StorageError: the database failed.
        ConfigError: the store's file cannot be written.
        ExecutorError: the executor did not do a part.
    """
    report = FsckReport()
    registered: Checkpoint | RegisterError | None = None
    if register is not None:
        try:
            # Before the snapshot: what is registered was committed before.
            registered = register.read()
        except RegisterError as error:
            registered = error
    with database.snapshot() as work:
        row = head.read(work)
        if row is None:
            report.note(RowKind.HEAD_ROW, "head", "log.genesis", got="none", want="a log with a genesis")
            return report
        size = registered.size if isinstance(registered, Checkpoint) else 0
        check = _Check(work, row, report, size, store or MemoryStore())
        with SharedWork(executor) as shared:
            check.run(shared)
        if register is not None:
            check.check_register(registered)
    return report


class _Check:
    """One pass over one database."""

    def __init__(self, work: UnitOfWork, row: HeadRow, report: FsckReport, registered: int, store: StateStore) -> None:
        self._work = work
        self._row = row
        self._report = report
        self._store = store
        self._findings = Findings()
        # Sizes at which something was signed whose root is compared.
        signed = {registered, row.checkpoint_size, *(replay.size for replay in replays.rows(work))}
        self._examination = Examination(self._findings, roots_at=signed, store=store)
        self._links = LeafPlaces(store)
        self._last = b""
        self._asked = Frontier()

    def run(self, work: SharedWork) -> None:
        """Look at everything; what no row bears on is shared."""
        shared = SharedExamination(work, self._findings)
        self._read_leaves(shared)
        if self._examination.begun:
            self._check_checkpoint()
            self._examination.check_last_leaf()
            self._examination.check_map(self._bindings(), shared.subtrees)
            self._examination.check_inquiries(inquiries.leaves(self._work))
            self._examination.check_retention()
            self._examination.check_hidden()
        work.settle()
        self._report.take_over(self._findings)
        if self._examination.begun:
            for leaf in inquiries.leaves(self._work):
                self._asked.append(leaf_hash(leaf))
            self._check_head()
            self._check_rows()

    def check_register(self, registered: Checkpoint | RegisterError | None) -> None:
        """Hold the checkpoint register against the leaves: they begin with what was signed last."""
        report, have = self._report, f"{self._examination.size} leaves"
        match registered:
            case None:
                report.note(RowKind.REGISTER, "register", "register.present", got="none", want="a checkpoint register")
            case RegisterError():
                report.note(RowKind.REGISTER, "register", "register.form", got=str(registered), want="one checkpoint")
            case Checkpoint(size=size) if size > self._examination.size:
                report.note(RowKind.REGISTER, "register", "register.below", got=have, want=f"{size} leaves or more")
            case Checkpoint(size=size, root=root) if self._roots.get(size) != root:
                want = f"the {size} leaves that were signed"
                report.note(RowKind.REGISTER, "register", "register.fork", got=have, want=want)

    @property
    def _roots(self) -> dict[int, bytes]:
        """Roots of the leaves at the sizes at which something was signed."""
        return {0: EMPTY_ROOT, **self._examination.roots}

    def _read_leaves(self, shared: SharedExamination) -> None:
        for stored in leaves.leaves(self._work):
            if stored.leaf_index != self._examination.size:
                got, want = str(stored.leaf_index), str(self._examination.size)
                self._report.note(RowKind.LEAF_ROW, f"leaf {stored.leaf_index}", "leaves.index", got=got, want=want)
                break
            shared.verify(self._examination.feed((stored.leaf,)))
            self._place(stored.leaf_index, stored.leaf)
            self._last = stored.leaf
        shared.flush()
        self._report.leaves = self._examination.size
        if not self._examination.size:
            self._report.note(RowKind.LEAF_ROW, "leaf 0", "leaves.index", got="none", want=f"{self._row.size} leaves")

    def _place(self, index: int, data: bytes) -> None:
        """Note where an act, a version or a link of an annotation chain is; a leaf without form is found elsewhere."""
        try:
            leaf = parse_leaf(data)
            link = link_of(leaf)
        except FormatError:
            return
        if isinstance(leaf, ActLeaf):
            self._links.acts.append(index)
        if link is None:
            return
        if link.version:
            self._links.add_version(link.record, link.version, index)
        chain = self._examination.replay.chains.get(link.record)
        head = None if chain is None else chain.annotation
        if head is not None and head.index == index:
            self._links.add_annotation(head.first, head.number, index)

    def _bindings(self) -> Iterator[LiveBinding]:
        for row in live.map_rows(self._work, hidden=True):
            yield LiveBinding(row.mapped.leaf_index, row.subject, row.mapped.opening)

    def _check_checkpoint(self) -> None:
        """Hold the stored checkpoint against the leaves; it is behind them until the next append or heartbeat."""
        row, report = self._row, self._report
        if not row.checkpoint_size:
            report.note(RowKind.CHECKPOINT_ROW, "head", "log.checkpoint", got="none", want="a checkpoint")
            return
        for key in self._examination.replay.directory.state.log_keys:
            try:
                signed = parse_checkpoint(row.checkpoint, VerifierKey.ed25519(key.origin, key.public_key)).checkpoint
            except FormatError:
                continue
            if signed.size != row.checkpoint_size or self._roots.get(signed.size) != signed.root:
                got, want = f"size {signed.size}", "size and root of the leaves"
                report.note(RowKind.CHECKPOINT_ROW, "head", "log.checkpoint", got=got, want=want)
            return
        report.note(RowKind.CHECKPOINT_ROW, "head", "log.checkpoint", want="a signature by a key of the log")

    def _check_head(self) -> None:
        """Hold the head row against the leaves."""
        replay = self._examination.replay
        asked, newest = self._asked, replay.head
        if newest is None:
            return
        want = replace(
            self._row,
            size=self._examination.size,
            frontier=self._examination.frontier,
            logged_at=replay.logged_at,
            map_root=newest.map_root,
            entry_count=newest.entry_count,
            newest_act=newest.newest_act,
            inquiry_count=asked.size,
            inquiry_frontier=asked.to_bytes(),
        )
        for name in self._row.__slots__:
            if getattr(self._row, name) != getattr(want, name):
                self._report.note(RowKind.HEAD_ROW, f"head.{name}", "head.chain", want="what the leaves say")
        if self._row.leaf != self._last:
            self._report.note(RowKind.HEAD_ROW, "head.leaf", "head.chain", want="the last leaf")

    def _check_rows(self) -> None:
        work, report, replay, store = self._work, self._report, self._examination.replay, self._store
        size, links = self._examination.size, self._links
        check_tiles(work, report, LOG_TREE, (leaf_hash(stored.leaf) for stored in leaves.leaves(work, 0, size)))
        check_tiles(work, report, INQUIRY_TREE, map(leaf_hash, inquiries.leaves(work)))
        check_acts(work, report, links.acts)
        check_contributions(work, report, replay.directory)
        check_records(work, report, replay.chains, links)
        check_live_rows(work, report, replay.chains, links)
        for place, wanted in wrong_blocks(work, replay.directory, store):
            got, want = ("another block", "none") if wanted is None else ("", "what the rows say")
            report.note(RowKind.MAP_BLOCK_ROW, f"map block {place}", "map-block.row", got=got, want=want)
        check_inquiry_rows(work, report, self._asked.size, store)
        check_blocked(work, report, replay.chains, links, replay.logged_at, store)
        check_alerts(work, report)
        check_notices(work, report)
        check_shown(work, report, replay.chains, links, store)
        check_tls_keys(work, report, replay.directory)
        check_replays(work, report, replay.directory, size, self._roots)
        check_statement_counts(work, report, replay.tally.counts)
        check_fact_counts(work, report, replay.tally.counts)
        check_quality_counts(work, report, replay.quality.counts)
