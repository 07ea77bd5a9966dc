"""The append: the one transaction in which leaves, rows and the HEAD become the log.

    lock the head row -> follow what others have appended -> take and decide item by item -> write -> commit

An item that fails leaves the batch with its own result. A batch with nothing to log writes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import Head, HeadLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.ledger.closing import place_of
from client_sdk.kernel.ledger.head import NO_HEAD
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import complaint_of
from registry_server.sequencing.acknowledging import admit_acknowledgement, known_acknowledgement
from registry_server.sequencing.admission import admit_annotation, admit_statement
from registry_server.sequencing.alerting import alert_of_records
from registry_server.sequencing.decisions import admit_act, admit_lapse, corrects_time
from registry_server.sequencing.errors import LedgerClosedError, NoGenesisError
from registry_server.sequencing.follow import follow
from registry_server.sequencing.giving_back import give_back
from registry_server.sequencing.items import (
    AcknowledgementItem,
    ActItem,
    AnnotationItem,
    Item,
    ItemOutcome,
    LapseItem,
    Place,
    Result,
    StatementItem,
)
from registry_server.sequencing.loading import load
from registry_server.sequencing.map_cache import StoredBlocks
from registry_server.sequencing.map_tree import MapTree
from registry_server.sequencing.notifying import notify
from registry_server.sequencing.staging import Staging
from registry_server.sequencing.state import State
from registry_server.storage import (
    blocked,
    contributions,
    head,
    inquiries,
    leaves,
    live,
    lost,
    map_blocks,
    notices,
    proposals,
    quality,
    quotas,
    records,
    statistics,
)
from registry_server.storage.head import HeadRow, StoredCheckpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from registry_server.sequencing.clock import KnownClock, Timekeeper
    from registry_server.sequencing.committed import Committed
    from registry_server.sequencing.log_tree import LogTree, StagedTiles
    from registry_server.sequencing.map_cache import MapCache
    from registry_server.storage.records import StoredRecord
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = ["Batch", "ClosedBatch", "Trees", "append", "seal"]

# Inquiries that one HEAD sequences at most; the rest waits for the next.
MAX_SEQUENCED_INQUIRIES = 10_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Result of a batch.

    Attributes:
        state: after the batch; the same as before where nothing was logged.
        results: one for each item; their leaves have no path yet.
        logged: whether anything was.
        freed: whether rows that lead to subjects were deleted or replaced.
        erased: whether records were erased by order.
    """

    state: State
    results: list[Result]
    logged: bool
    freed: bool = False
    erased: bool = False


@dataclass(frozen=True, slots=True)
class ClosedBatch:
    """A batch that is written and ends with its HEAD; to be taken over once it is committed."""

    state: State
    log: StagedTiles
    inquiries: StagedTiles


class Trees(NamedTuple):
    """The two trees, and what is in memory of the map, as they are before a batch."""

    log: LogTree
    inquiries: LogTree
    map_cache: MapCache


def append(
    database: Database,
    committed: Committed,
    timekeeper: Timekeeper,
    take: Callable[[], Sequence[Item]],
    *,
    beat: bool = False,
    at_once: bool = False,
    signed: StoredCheckpoint | None = None,
) -> Batch:
    """Log what may be logged of the items, in order, in one transaction.

    Args:
        database: where the log is.
        committed: what this process knows of it; brought up to date.
        timekeeper: says what time it is.
        take: called once, when it is this process's turn; returns the items, at most some thousand, and an act that
            corrects the log's time by itself.
        beat: also log a HEAD if the newest is older than the rulebook's heartbeat.
        at_once: with ``beat``, log it however young the newest is.
        signed: the newest checkpoint of this process; stored with the batch, unless a later one is stored already.

    Raises:
        NoGenesisError: there is no genesis yet.
        LedgerClosedError: the registry is being destroyed.
        ClockError: what time it is is not known; nothing was logged.
        InconsistentError: the database does not fit together, or is older than what was served.
        StorageError: the database failed; nothing is known of the batch, and the same items may be sent again.
    """
    with database.append() as work:
        row = head.lock(work)
        if row is None:
            raise NoGenesisError
        if row.destroying:
            raise LedgerClosedError
        with committed.lock:
            follow(committed, work, row)
            state = committed.state
        timekeeper.saw(row)
        items = take()
        now, time = timekeeper.moment(row.logged_at, correcting=corrects_time(items))
        day = day_of(time, state.directory.rulebook.time_zone).isoformat()
        loaded = load(work, items, day, awaits=committed.awaits)
        staging = Staging(state.directory, loaded, state.size, time, day)
        results = [_take(staging, item) for item in items]
        due = beat and (at_once or now - state.logged_at >= state.directory.rulebook.heartbeat_seconds * 1000)
        if not staging.leaves and not staging.given_back and not due:
            return Batch(state, results, logged=False)
        trees = Trees(committed.log, committed.inquiries, committed.map_cache)
        newer = signed if signed is not None and signed.size > row.checkpoint_size else None
        sealed = seal(work, staging, trees, state, timekeeper.known, newer)
        awaits = committed.awaits and lost.any_left(work)
        with committed.lock:
            work.commit()
            committed.awaits = awaits
            committed.advance(sealed.state, sealed.log, sealed.inquiries)
    changes = staging.live_changes()
    freed = bool(changes.removed or changes.superseded)
    return Batch(sealed.state, results, logged=True, freed=freed, erased=staging.erases)


def _take(staging: Staging, item: Item) -> Result:
    """Decide one item."""
    try:
        match item:
            case StatementItem():
                known = _known_statement(staging, item)
                if known is not None:
                    give_back(staging, item)
                return known or _accepted(staging, admit_statement(staging, item))
            case AnnotationItem():
                return _known_annotation(staging, item) or _accepted(staging, admit_annotation(staging, item))
            case AcknowledgementItem():
                return known_acknowledgement(staging, item) or _accepted(staging, admit_acknowledgement(staging, item))
            case ActItem():
                return _accepted(staging, admit_act(staging, item))
            case LapseItem():
                return _accepted(staging, admit_lapse(staging, item))
    except (FormatError, RuleError) as error:
        return Result.refused(complaint_of(error))


def _accepted(staging: Staging, index: int) -> Result:
    return Result(ItemOutcome.ACCEPTED, Place(index, staging.logged_at, staging.leaf_at(index)))


def _known_statement(staging: Staging, item: StatementItem) -> Result | None:
    """Return the result for a version that is in the log already; None where it is not."""
    statement = item.statement
    record = staging.record(statement.key)
    if record is None or statement.version > record.chain.version:
        return None
    index = staging.loaded.versions[record.first_index, statement.version]
    repeated = _repeated(staging, index, item)
    if repeated is not None:
        return repeated
    if record.chain.erased:
        raise RuleError("RECORD_ERASED", "record_id", "record.erased", want="no leaf after the erasure")
    leaf = staging.leaf_at(index)
    return Result.refused(_taken(record, item, leaf).complaint, leaf)


def _known_annotation(staging: Staging, item: AnnotationItem) -> Result | None:
    record = staging.record(item.annotation.key)
    if record is None:
        return None
    head = record.chain.annotation
    index = None if head is None else staging.loaded.annotations.get((head.first, item.annotation.number))
    return None if index is None else _repeated(staging, index, item)


def _taken(record: StoredRecord, item: StatementItem, leaf: bytes) -> RuleError:
    """Return why a version may not be logged a second time, with other bytes."""
    logged = parse_leaf(leaf)
    if isinstance(logged, StatementLeaf) and logged.payload == item.payload:
        # The receipt of the leaf would not be one for these bytes: such as for another place in a batch.
        got, want = "the same statement with another signature", "the signature with which it was logged"
        return RuleError("VERSION_TAKEN", "statement.signature", "version.signed-once", got=got, want=want)
    got, want = str(item.statement.version), str(record.chain.version + 1)
    return RuleError("VERSION_TAKEN", "version", "version.next", got=got, want=want)


def _repeated(staging: Staging, index: int, item: StatementItem | AnnotationItem) -> Result | None:
    """Return the place of a leaf if it logs the same bytes: payload, key id and signature."""
    leaf = staging.leaf_at(index)
    parsed = parse_leaf(leaf)
    if not isinstance(parsed, StatementLeaf):
        return None
    if (parsed.payload, parsed.key_id, parsed.signature) != (item.payload, item.key_id, item.signature):
        return None
    return Result(ItemOutcome.REPEATED, Place(index, parsed.logged_at, leaf))


def seal(
    work: UnitOfWork,
    staging: Staging,
    trees: Trees,
    before: State | None,
    clock: KnownClock,
    signed: StoredCheckpoint | None = None,
) -> ClosedBatch:
    """Write a batch with its HEAD; the caller commits.

    Args:
        work: the transaction.
        staging: the batch.
        trees: before it.
        before: the state before it; None for the genesis.
        clock: what is known of it, for the next start.
        signed: a checkpoint that is to be stored; None for none.
    """
    waiting = inquiries.waiting(work, MAX_SEQUENCED_INQUIRIES)
    log, asked, cache = trees
    asked_after = asked.stage([leaf_hash(inquiry.leaf) for inquiry in waiting])
    former = MapTree() if before is None else before.map_tree
    tree, blocks = former.changed(staging.map_changes(), StoredBlocks(cache, work), staging.map_before())
    newest = Head(
        map_root=tree.root,
        entry_count=tree.count,
        previous=NO_HEAD if before is None else leaf_hash(before.head_leaf),
        newest_act=staging.directory.newest_act,
        inquiry_count=asked_after.size,
        inquiry_root=asked_after.root,
        closing_act=place_of(staging.directory.closing),
    )
    leaf = HeadLeaf(staging.logged_at, newest.encode()).encode()
    staging.add_leaf(leaf)
    log_after = log.stage(staging.leaf_hashes)
    state = State(log_after.size, log_after.root, newest, leaf, staging.logged_at, staging.directory, tree)
    _write(work, staging)
    map_blocks.put(work, cache.replace(blocks))
    map_blocks.remove(work, [block.place for block in blocks if block.after is None])
    leaves.put_tiles(work, [*log_after.tiles, *asked_after.tiles])
    if waiting:
        inquiries.place(work, asked.size, waiting)
    row = _head_row(state, log_after, asked_after, clock, signed or StoredCheckpoint(0, b""))
    (head.create if before is None else head.write)(work, row)
    return ClosedBatch(state, log_after, asked_after)


def _write(work: UnitOfWork, staging: Staging) -> None:
    leaves.add_leaves(work, staging.leaves)
    records.put(work, staging.changed_records())
    records.add_versions(work, staging.versions)
    records.add_annotations(work, staging.annotations)
    leaves.add_acts(work, staging.acts)
    if staging.acts:
        proposals.forget_up_to(work, max(number for number, _ in staging.acts))
    lost.forget(work, staging.found())
    changes = staging.live_changes()
    live.remove(work, changes.removed)
    live.supersede(work, changes.superseded)
    live.add(work, changes.added)
    notify(work, staging)
    alert_of_records(work, changes.added, staging)
    for notice, (index, opening) in staging.acknowledged.items():
        notices.acknowledge(work, notice, index, opening)
    blocked.add(work, staging.blocked)
    blocked.forget_records(work, staging.erased)
    quotas.add(work, staging.used)
    statistics.add_statements(work, staging.statement_counts)
    statistics.add_facts(work, staging.fact_counts)
    quality.add(work, staging.quality)
    contributions.put(work, staging.changed_contributions())


def _head_row(
    state: State, log: StagedTiles, asked: StagedTiles, clock: KnownClock, signed: StoredCheckpoint
) -> HeadRow:
    return HeadRow(
        size=state.size,
        frontier=log.frontier,
        leaf=state.head_leaf,
        logged_at=state.logged_at,
        map_root=state.head.map_root,
        entry_count=state.head.entry_count,
        newest_act=state.head.newest_act,
        inquiry_count=asked.size,
        inquiry_frontier=asked.frontier,
        clock_reference=clock.reference,
        clock_line=clock.line,
        clock_boot=clock.boot,
        checkpoint_size=signed.size,
        checkpoint=signed.note,
    )
