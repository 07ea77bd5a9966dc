"""Rows that follow from the leaves and from the rows that nothing else holds, computed anew and put right.

    leaves, inquiries, bindings, openings, sealed bytes          what nothing else holds: never made, only read
    head, tiles, acts, records, versions, annotations,
    contributions, counts, columns of live records,
    inquired persons, who was shown what, blocks of the map      follow from these

Nothing leads to a person whom the log has ended with: rows of ended, erased and superseded versions are deleted here,
so that a database that was older than an erasure forgets as well.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import ActLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.link import link_of
from client_sdk.kernel.formats.merkle import Frontier, MemoryTree
from client_sdk.kernel.formats.seal import disclosure_digest
from client_sdk.kernel.formats.statement import RecordKey, Statement
from client_sdk.kernel.formats.tiles import TILE_HEIGHT, TILE_WIDTH, tiles_of
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.quality import FROM_LOG
from client_sdk.kernel.ledger.replay import Replay
from registry_server.sequencing.admission import BLOCKING
from registry_server.sequencing.errors import InconsistentError, NoGenesisError
from registry_server.sequencing.map_building import settle_map, wrong_blocks
from registry_server.storage import blocked, head, inquiries, leaves, proposals, records, schema, wholesale
from registry_server.storage.blocked import BlockedDebt
from registry_server.storage.records import StoredRecord
from registry_server.storage.replays import StoredReplay
from registry_server.storage.settling import settle, settle_each
from registry_server.usecases.fsck.replay_rows import ReplayRows
from registry_server.usecases.fsck.rows import inquired

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from client_sdk.kernel.formats.errors import FormatError
    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.words import WithdrawalReason
    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.rules.errors import RuleError
    from registry_server.storage.driver import Fetched, Value
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Repaired", "repair_derived"]

# Of a live record, what the map is made of.
_OF_MAP = ("leaf_index", "subject", "leaf_hash", "annotation_hash", "opening")


class Repaired(NamedTuple):
    """What was wrong, and put right unless it was only looked for.

    Attributes:
        rows: of each table, how many; tables in order are left out.
        lost: leaf indexes of the newest versions of live records whose binding no row holds: it cannot be derived.
        lost_texts: leaf indexes of annotations whose sealed text no row holds.
    """

    rows: dict[str, int]
    lost: tuple[int, ...]
    lost_texts: tuple[int, ...]


class _Said(NamedTuple):
    """What the leaf of a version says beside its chain."""

    facts_commitment: bytes
    disclosure_digest: bytes
    reason: WithdrawalReason | None
    removed_on: str
    logged_at: int


@dataclass(slots=True)
class _Log:
    """All leaves, replayed.

    Attributes:
        hashes: of the leaves.
        replay: after the last one.
        first: leaf index of version 1 of each record.
        versions: record and version by leaf index.
        annotations: first index and number of annotations by leaf index.
        acts: leaf index of each act, by number.
        newest: of each record what the leaf of its newest version says.
        last: the last leaf.
    """

    replay: Replay
    hashes: list[bytes] = field(default_factory=list)
    first: dict[RecordKey, int] = field(default_factory=dict)
    versions: dict[int, tuple[RecordKey, int]] = field(default_factory=dict)
    annotations: dict[int, tuple[int, int]] = field(default_factory=dict)
    acts: list[int] = field(default_factory=list)
    newest: dict[RecordKey, _Said] = field(default_factory=dict)
    last: bytes = b""


def repair_derived(work: UnitOfWork, *, write: bool) -> Repaired:
    """Compute every derived row anew, and put right what differs; the caller commits.

    Args:
        work: a transaction that holds the head row, or a snapshot where nothing is written.
        write: put right; False only counts.

    Raises:
        NoGenesisError: there is no log.
        InconsistentError: leaves or inquiries are damaged or missing: nothing can be derived from them.
    """
    row = head.read(work)
    if row is None:
        raise NoGenesisError
    log = _read(work)
    asked = [leaf_hash(leaf) for leaf in inquiries.leaves(work)]
    newest = log.replay.head
    frontier = Frontier()
    frontier.extend(asked)
    if newest is None or (frontier.size, frontier.root()) != (newest.inquiry_count, newest.inquiry_root):
        want = "none" if newest is None else f"{newest.inquiry_count} and the root that the last HEAD names"
        raise InconsistentError("inquiries", got=f"{frontier.size} inquiries", want=want)
    repairing = _Repairing(work, log, write=write)
    repairing.head(row, frontier)
    repairing.trees(asked)
    repairing.records()
    repairing.live()
    repairing.counts()
    repairing.persons()
    repairing.replays()
    repairing.map()
    return Repaired(
        {name: count for name, count in sorted(repairing.rows.items()) if count},
        tuple(sorted(repairing.lost)),
        tuple(sorted(repairing.lost_texts)),
    )


def _read(work: UnitOfWork) -> _Log:
    log = _Log(Replay(_refuse))
    for stored in leaves.leaves(work):
        index, data = stored
        if index != len(log.hashes):
            raise InconsistentError("leaves", got=f"leaf {index}", want=f"leaf {len(log.hashes)}")
        log.hashes.append(leaf_hash(data))
        log.replay.feed(data, log.hashes[-1])
        leaf = parse_leaf(data)
        log.last = data
        if isinstance(leaf, ActLeaf):
            log.acts.append(index)
            if Act.parse(leaf.payload).number != len(log.acts) - 1:
                raise InconsistentError("leaves", got=f"another act at leaf {index}", want=f"act {len(log.acts) - 1}")
        link = link_of(leaf)
        if link is None:
            continue
        if link.version:
            log.versions[index] = (link.record, link.version)
            log.newest[link.record] = _said(leaf)
            if link.version == 1:
                log.first[link.record] = index
        annotated = log.replay.chains[link.record].annotation
        if annotated is not None and annotated.index == index:
            log.annotations[index] = (annotated.first, annotated.number)
    if not log.replay.ends_with_head:
        raise InconsistentError("leaves", got=f"{len(log.hashes)} leaves", want="a HEAD as the last one")
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


class _Repairing:
    """One pass over the tables."""

    def __init__(self, work: UnitOfWork, log: _Log, *, write: bool) -> None:
        self._work = work
        self._log = log
        self._write = write
        self.rows: Counter[str] = Counter()
        self.lost: set[int] = set()
        self.lost_texts: set[int] = set()
        self._chains = {log.first[key]: chain for key, chain in log.replay.chains.items()}
        self._heirs = {
            log.first[chain.continues]: index for index, chain in self._chains.items() if chain.continues is not None
        }

    def head(self, row: HeadRow, asked: Frontier) -> None:
        """Put the head row right, all but what only this machine's clock knows."""
        log, newest = self._log, self._log.replay.head
        frontier = Frontier()
        frontier.extend(log.hashes)
        if newest is None:
            raise NoGenesisError
        want = replace(
            row,
            size=frontier.size,
            frontier=frontier.to_bytes(),
            leaf=log.last,
            logged_at=log.replay.logged_at,
            map_root=newest.map_root,
            entry_count=newest.entry_count,
            newest_act=newest.newest_act,
            inquiry_count=asked.size,
            inquiry_frontier=asked.to_bytes(),
        )
        self.rows["head"] = int(want != row)
        if self._write and want != row:
            head.write(self._work, want)

    def replays(self) -> None:
        """Delete what no auditor has cosigned of this log; its auditor hands it over anew after its next audit."""
        rules = ReplayRows(self._log.replay.directory, self._log.hashes)

        def wanted(row: tuple[Value, ...]) -> tuple[Value, ...] | None:
            return None if rules.broken(StoredReplay(*row)) else row  # type: ignore[arg-type]  # as the schema has them

        self.rows["replays"] = settle_each(self._work, schema.replays, wanted, write=self._write)

    def trees(self, asked: Sequence[bytes]) -> None:
        """Put the tiles of both trees right, and the list of acts."""
        tiles = [*_tiles(schema.LOG_TREE, self._log.hashes), *_tiles(schema.INQUIRY_TREE, asked)]
        self._settle("tiles", tiles)
        self._settle("acts", list(enumerate(self._log.acts)))
        if self._write:
            proposals.forget_up_to(self._work, len(self._log.acts) - 1)

    def records(self) -> None:
        """Put records right, and the places of their versions and annotations."""
        log = self._log
        known = {stored.first_index: stored for stored in records.records(self._work)}
        keys = {index: chain.key for index, chain in self._chains.items()}
        rows = []
        for index, chain in self._chains.items():
            heir = keys[self._heirs[index]] if index in self._heirs else None
            stored = known.get(index)
            rows.append(records.to_row(StoredRecord(index, chain, heir, _changed_index(stored, chain))))
        self._settle("records", rows)
        versions = [(index, log.first[key], version) for index, (key, version) in log.versions.items()]
        self._settle("versions", versions)
        self._settle("annotations", [(index, *place) for index, place in log.annotations.items()])

    def live(self) -> None:
        """Put right what live records repeat of the leaves; delete what is live no more, and what was shown of it."""
        table = schema.live_records
        names = [column.name for column in table.columns]
        waiting = {chain.index: first for first, chain in self._chains.items() if chain.live}
        blocking = {row.record for row in blocked.rows(self._work)}
        blocks: list[BlockedDebt] = []

        def wanted(row: tuple[Value, ...]) -> tuple[Value, ...] | None:
            held = dict(zip(names, row, strict=True))
            first = self._newest_of(held)
            if first is not None and waiting.pop(self._chains[first].index, None) is not None:
                return tuple((held | self._follows(first, held)).values())
            blocks.extend(self._block(held, blocking))
            return None

        self.rows["live_records"] += settle_each(self._work, table, wanted, write=self._write)
        self.lost.update(waiting)
        self._settle("lost_bindings", [(index, self._chains[first].key.issuer) for index, first in waiting.items()])
        self.rows["blocked_debts"] += len(blocks)
        ended = [first for first in blocking if first not in self._chains or self._chains[first].erased]
        self.rows["blocked_debts"] += len(ended)
        if self._write:
            blocked.add(self._work, blocks)
            blocked.forget_records(self._work, ended)
        self._shown()

    def _named_by(self, held: Mapping[str, Value]) -> list[int]:
        """Return the first index of the records that a row may be of: by its leaf, and by what it says itself."""
        leaf = self._log.versions.get(int(held["leaf_index"] or 0))
        keys = [RecordKey(str(held["issuer"]), _bytes(held["record_id"])), *([] if leaf is None else [leaf[0]])]
        return [self._log.first[key] for key in dict.fromkeys(keys) if key in self._log.first]

    def _newest_of(self, held: Mapping[str, Value]) -> int | None:
        """Return the first index of the live record whose newest version a row is of; None for one that is over."""
        live = [first for first in self._named_by(held) if self._chains[first].live]
        digest = disclosure_digest(_bytes(held["disclosure"]))
        for first in live:
            if self._log.newest[self._chains[first].key].disclosure_digest == digest:
                return first
        # Its sealed bytes are damaged, which nothing puts right; what opens its commitments may still be whole.
        return next((first for first in live if self._chains[first].index == held["leaf_index"]), None)

    def _follows(self, first: int, held: Mapping[str, Value]) -> dict[str, Value]:
        """Return the columns of a live record that the leaves say."""
        chain = self._chains[first]
        said, remark = self._log.newest[chain.key], chain.annotation
        if disclosure_digest(_bytes(held["disclosure"])) != said.disclosure_digest:
            self.lost.add(chain.index)
        digest, text = b"" if remark is None else remark.disclosure_digest, _bytes(held["text_disclosure"])
        if (disclosure_digest(text) if text else b"") != digest:
            # The text of an annotation that another one has replaced; that of the newest is not here.
            text = b""
            if digest and remark is not None:
                self.lost_texts.add(remark.index)
        return {
            "leaf_index": chain.index,
            "record": first,
            "issuer": chain.key.issuer,
            "record_id": chain.key.record_id,
            "subject_key_version": chain.subject_key_version,
            "kind": chain.kind.number,
            "standing": chain.standing.number,
            "leaf_hash": chain.leaf_hash,
            "facts_commitment": said.facts_commitment,
            "annotation_index": -1 if remark is None else remark.index,
            "annotation_hash": b"" if remark is None else remark.leaf_hash,
            "hidden": int(chain.hidden),
            "text_disclosure": text,
        }

    def _block(self, held: Mapping[str, Value], blocking: Collection[int]) -> Iterator[BlockedDebt]:
        """Yield the block of a debt whose withdrawal the row of its record has not seen."""
        for first in self._named_by(held):
            chain = self._chains[first]
            said = self._log.newest[chain.key]
            if chain.standing is Standing.WITHDRAWN and not chain.erased and said.reason in BLOCKING:
                debt = blocked.debt_hash(chain.kind, _bytes(held["debt_ref"]))
                if first not in blocking and said.reason is not None:
                    yield BlockedDebt(debt, first, said.logged_at, said.reason.name, said.removed_on)
                return

    def _shown(self) -> None:
        """Delete who was shown records that can change no more; a record that continues another takes its rows over."""
        want: dict[tuple[Value, ...], tuple[Value, ...]] = {}

        def wanted(row: tuple[Value, ...]) -> tuple[Value, ...] | None:
            record = int(row[0] or 0)
            while record in self._heirs:
                record = self._heirs[record]
            if record not in self._chains or not self._chains[record].live:
                return None
            moved = (record, *row[1:])
            if moved != row:
                want.setdefault((record, row[1]), moved)
                return None
            return row

        self.rows["shown"] += settle_each(self._work, schema.shown, wanted, write=self._write, missing=want)

    def counts(self) -> None:
        """Put right what is counted of the log; what sealed facts said, and what was refused, no leaf tells."""
        replay = self._log.replay
        given = [
            (item.institution, one.kind.number, one.given_on)
            for item in replay.directory.contributions.values()
            for one in item.given
        ]
        self._settle("contributions", given)
        said = replay.tally.counts.items()
        self._settle("statement_counts", [(k.issuer, k.month, k.kind.number, k.event, count) for k, count in said])
        from_log = {event.number for event in FROM_LOG}
        want: dict[tuple[Value, ...], tuple[Value, ...]] = {
            (key.member, key.month, key.event.number, ""): (key.member, key.month, key.event.number, "", count)
            for key, count in replay.quality.counts.items()
        }

        def wanted(row: tuple[Value, ...]) -> tuple[Value, ...] | None:
            return (
                want.pop((str(row[0]), str(row[1]), int(row[2] or 0), str(row[3])), None) if row[2] in from_log else row
            )

        self.rows["quality_counts"] += settle_each(
            self._work, schema.quality_counts, wanted, write=self._write, missing=want
        )

    def persons(self) -> None:
        """Put right whom inquiries asked about, as their openings say."""
        rows = [tuple(row) for stored in inquiries.rows(self._work) for row in inquired(stored)]
        self._settle("inquired_persons", rows)

    def map(self) -> None:
        """Put the blocks of the map right, as follows from the live records once these are right."""
        directory = self._log.replay.directory
        if self._write:
            self.rows["map_blocks"] += settle_map(self._work, directory)
        else:
            self.rows["map_blocks"] += sum(1 for _ in wrong_blocks(self._work, directory, self._mapped))

    def _mapped(self, work: UnitOfWork) -> Iterator[list[Fetched]]:
        """Yield what the map is made of, as ``live.map_pages``, of live records as they should be."""
        names, seen = [column.name for column in schema.live_records.columns], set[int]()
        with wholesale.pages(work, schema.live_records) as found:
            for page in found:
                mapped: list[Fetched] = []
                for row in page:
                    held = dict(zip(names, row, strict=True))
                    first = self._newest_of(held)
                    if first is not None and first not in seen:
                        seen.add(first)
                        held |= self._follows(first, held)
                        if not held["hidden"]:
                            mapped.append(tuple(held[name] for name in _OF_MAP))
                yield mapped

    def _settle(self, name: str, rows: Sequence[tuple[Value, ...]]) -> None:
        self.rows[name] += settle(self._work, schema.metadata.tables[name], rows, write=self._write)


def _tiles(tree: str, hashes: Sequence[bytes]) -> Iterator[tuple[Value, ...]]:
    nodes = MemoryTree(hashes)
    for tile in tiles_of(len(hashes)):
        first = TILE_WIDTH * tile.index
        content = b"".join(nodes.node(TILE_HEIGHT * tile.level, first + at) for at in range(tile.width))
        yield tree, tile.level, tile.index, content


def _changed_index(stored: StoredRecord | None, chain: Chain) -> int:
    """Return which version is the newest that says something else; of one that only the log has, that it does."""
    before = 0 if stored is None else stored.changed_index
    newer = chain.version > (1 if stored is None else stored.chain.version)
    return chain.index if newer and chain.standing is not Standing.TRANSFERRED else before


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else b""
