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
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import Frontier
from client_sdk.kernel.formats.seal import disclosure_digest
from client_sdk.kernel.formats.statement import RecordKey
from client_sdk.kernel.formats.words import Standing
from client_sdk.kernel.ledger.quality import FROM_LOG
from client_sdk.kernel.ledger.state_store import MemoryStore
from registry_server.sequencing.admission import BLOCKING
from registry_server.sequencing.errors import InconsistentError, NoGenesisError
from registry_server.sequencing.map_building import settle_map, wrong_blocks
from registry_server.storage import (
    blocked,
    head,
    inquiries,
    leaves,
    proposals,
    records,
    schema,
    shown,
    wholesale,
)
from registry_server.storage.blocked import BlockedDebt
from registry_server.storage.leaves import StoredTile
from registry_server.storage.records import StoredRecord
from registry_server.storage.replays import StoredReplay
from registry_server.storage.settling import WantedRows, settle, settle_each
from registry_server.usecases.fsck.replay_rows import ReplayRows
from registry_server.usecases.fsck.rows import inquired
from registry_server.usecases.replayed_log import ReplayedLog, replayed_log
from registry_server.usecases.tile_rows import wrong_tiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.state_store import StateStore
    from registry_server.storage.driver import Fetched, Value
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Repaired", "repair_derived"]

# Of a live record, what the map is made of.
_OF_MAP = ("leaf_index", "subject", "leaf_hash", "annotation_hash", "opening")
# Of a record, what tells which version is the newest that says something else.
_OF_CHANGE = [[*schema.records.columns.keys()].index(name) for name in ("version", "changed_index")]


class Repaired(NamedTuple):
    """What was wrong, and put right unless it was only looked for.

    Attributes:
        rows: of each table, how many; tables in order are left out.
        lost: by issuer, leaf indexes of the newest versions of its live records whose binding no row holds: it cannot
            be derived.
        lost_texts: leaf indexes of annotations whose sealed text no row holds.
    """

    rows: dict[str, int]
    lost: dict[str, list[int]]
    lost_texts: tuple[int, ...]


def repair_derived(work: UnitOfWork, store: StateStore | None = None, *, write: bool) -> Repaired:
    """Compute every derived row anew, and put right what differs; the caller commits.

    Args:
        work: a transaction that holds the head row, or a snapshot where nothing is written.
        store: takes what grows with the log; None for memory.
        write: put right; False only counts.

    Raises:
        NoGenesisError: there is no log.
        ConfigError: the store's file cannot be written.
        InconsistentError: leaves or inquiries are damaged or missing: nothing can be derived from them.
    """
    row = head.read(work)
    if row is None:
        raise NoGenesisError
    store = store or MemoryStore()
    log = replayed_log(work, store)
    newest, frontier = log.replay.head, Frontier()
    for leaf in inquiries.leaves(work):
        frontier.append(leaf_hash(leaf))
    if newest is None or (frontier.size, frontier.root()) != (newest.inquiry_count, newest.inquiry_root):
        want = "none" if newest is None else f"{newest.inquiry_count} and the root that the last HEAD names"
        raise InconsistentError("inquiries", got=f"{frontier.size} inquiries", want=want)
    repairing = _Repairing(work, log, store, write=write)
    repairing.head(row, frontier)
    repairing.trees()
    repairing.records()
    repairing.live()
    repairing.counts()
    repairing.persons()
    repairing.replays()
    repairing.map()
    return Repaired(
        {name: count for name, count in sorted(repairing.rows.items()) if count},
        _by_issuer(repairing.lost),
        tuple(sorted(repairing.lost_texts)),
    )


def _by_issuer(lost: dict[int, str]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for index, issuer in sorted(lost.items()):
        found.setdefault(issuer, []).append(index)
    return dict(sorted(found.items()))


class _Repairing:
    """One pass over the tables."""

    def __init__(self, work: UnitOfWork, log: ReplayedLog, store: StateStore, *, write: bool) -> None:
        self._work = work
        self._log = log
        self._store = store
        self._write = write
        self.rows: Counter[str] = Counter()
        self.lost: dict[int, str] = {}
        self.lost_texts: set[int] = set()

    def head(self, row: HeadRow, asked: Frontier) -> None:
        """Put the head row right, all but what only this machine's clock knows."""
        log, newest = self._log, self._log.replay.head
        if newest is None:
            raise NoGenesisError
        want = replace(
            row,
            size=log.frontier.size,
            frontier=log.frontier.to_bytes(),
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
        rules = ReplayRows(self._log.replay.directory, self._log.frontier.size, self._log.roots)

        def wanted(row: tuple[Value, ...]) -> tuple[Value, ...] | None:
            return None if rules.broken(StoredReplay(*row)) else row  # type: ignore[arg-type]  # as the schema has them

        self.rows["replays"] = settle_each(self._work, schema.replays, wanted, self._store, write=self._write)

    def trees(self) -> None:
        """Put the tiles of both trees right, and the list of acts."""
        self._tiles(schema.LOG_TREE, (leaf_hash(stored.leaf) for stored in leaves.leaves(self._work)))
        self._tiles(schema.INQUIRY_TREE, map(leaf_hash, inquiries.leaves(self._work)))
        self._settle("acts", enumerate(self._log.acts))
        if self._write:
            proposals.forget_up_to(self._work, len(self._log.acts) - 1)

    def _tiles(self, tree: str, hashes: Iterable[bytes]) -> None:
        for level, index, _, wanted in wrong_tiles(self._work, tree, hashes):
            self.rows["tiles"] += 1
            if self._write and wanted is None:
                leaves.remove_tile(self._work, tree, level, index)
            elif self._write and wanted is not None:
                leaves.put_tiles(self._work, [StoredTile(tree, level, index, wanted)])

    def records(self) -> None:
        """Put records right, and the places of their versions and annotations."""
        log = self._log
        missing = self._store.mapping("records without a row", int, bool)
        missing.update((first, True) for first in log.records)

        def wanted(row: tuple[Value, ...]) -> tuple[Value, ...] | None:
            first = int(row[0] or 0)
            if missing.pop(first, None) is None:
                return None
            # Of the row nothing else is believed than what only it knows.
            return self._record_row(first, *(int(row[column] or 0) for column in _OF_CHANGE))

        rest = (self._record_row(first) for first, _ in self._store.ascending(missing))
        self.rows["records"] += settle_each(
            self._work, schema.records, wanted, self._store, write=self._write, missing=rest
        )
        versions = ((at, log.first[key], version) for at, (key, version) in self._store.ascending(log.versions))
        self._settle("versions", versions)
        annotations = ((at, *place) for at, place in self._store.ascending(log.annotations))
        self._settle("annotations", annotations)

    def _record_row(self, first: int, version: int = 1, changed_index: int = 0) -> tuple[Value, ...]:
        """Return the row of a record; version and index of the newest change are of its row, where it has one."""
        chain, heir = self._log.replay.chains[self._log.records[first]], self._log.heirs.get(first)
        # Of a version that only the log has, that it says something else.
        newer = chain.version > version and chain.standing is not Standing.TRANSFERRED
        heir_key = None if heir is None else self._log.records[heir]
        return records.to_row(StoredRecord(first, chain, heir_key, chain.index if newer else changed_index))

    def live(self) -> None:
        """Put right what live records repeat of the leaves; delete what is live no more, and what was shown of it."""
        table, log = schema.live_records, self._log
        names = [column.name for column in table.columns]
        waiting = self._store.mapping("live records without a row", int, str)
        waiting.update((chain.index, chain.key.issuer) for chain in log.replay.live())
        blocks: list[BlockedDebt] = []

        def wanted(row: tuple[Value, ...]) -> tuple[Value, ...] | None:
            held = dict(zip(names, row, strict=True))
            newest = self._newest_of(held)
            if newest is not None and waiting.pop(newest[1].index, None) is not None:
                return tuple((held | self._follows(*newest, held)).values())
            blocks.extend(self._block(held))
            return None

        self.rows["live_records"] += settle_each(self._work, table, wanted, self._store, write=self._write)
        self.lost.update(self._store.ascending(waiting))
        self._settle("lost_bindings", self._store.ascending(waiting))
        chains = ((row.record, log.chain(row.record)) for row in blocked.rows(self._work))
        ended = [first for first, chain in chains if chain is None or chain.erased]
        self.rows["blocked_debts"] += len(blocks) + len(set(ended))
        if self._write:
            blocked.add(self._work, blocks)
            blocked.forget_records(self._work, ended)
        self._shown()

    def _named_by(self, held: Mapping[str, Value]) -> list[tuple[int, Chain]]:
        """Return the records that a row may be of, by what it says itself and by its leaf: first index and chain."""
        log, keys = self._log, [RecordKey(str(held["issuer"]), _bytes(held["record_id"]))]
        if (version := log.versions.get(int(held["leaf_index"] or 0))) is not None:
            keys.append(version.record)
        found = ((log.first.get(key), log.replay.chains.get(key)) for key in dict.fromkeys(keys))
        return [(first, chain) for first, chain in found if first is not None and chain is not None]

    def _newest_of(self, held: Mapping[str, Value]) -> tuple[int, Chain] | None:
        """Return the live record whose newest version a row is of; None for one that is over."""
        live = [named for named in self._named_by(held) if named[1].live]
        digest = disclosure_digest(_bytes(held["disclosure"]))
        for named in live:
            if self._log.newest[named[1].key].disclosure_digest == digest:
                return named
        # Its sealed bytes are damaged, which nothing puts right; what opens its commitments may still be whole.
        return next((named for named in live if named[1].index == held["leaf_index"]), None)

    def _follows(self, first: int, chain: Chain, held: Mapping[str, Value]) -> dict[str, Value]:
        """Return the columns of a live record that the leaves say."""
        said, remark = self._log.newest[chain.key], chain.annotation
        if disclosure_digest(_bytes(held["disclosure"])) != said.disclosure_digest:
            self.lost[chain.index] = chain.key.issuer
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

    def _block(self, held: Mapping[str, Value]) -> Iterator[BlockedDebt]:
        """Yield the block of a debt whose withdrawal the row of its record has not seen."""
        for first, chain in self._named_by(held):
            said = self._log.newest[chain.key]
            if chain.standing is Standing.WITHDRAWN and not chain.erased and said.reason in BLOCKING:
                debt = blocked.debt_hash(chain.kind, _bytes(held["debt_ref"]))
                if not blocked.blocking(self._work, [first]):
                    yield BlockedDebt(debt, first, said.logged_at, said.reason.name, said.removed_on)
                return

    def _shown(self) -> None:
        """Delete who was shown records that can change no more; a record that continues another takes its rows over."""
        want = WantedRows(schema.shown, self._store)

        def wanted(row: tuple[Value, ...]) -> tuple[Value, ...] | None:
            record = int(row[0] or 0)
            while (heir := self._log.heirs.get(record)) is not None:
                record = heir
            chain = self._log.chain(record)
            if chain is None or not chain.live:
                return None
            moved = (record, *row[1:])
            if moved != row:
                if not want.has(moved):
                    want.add(moved)
                return None
            return row

        # The heir may have been shown to the same member: that was later, and counts.
        rest = (row for row in want.left() if not shown.has(self._work, int(row[0] or 0), str(row[1])))
        self.rows["shown"] += settle_each(
            self._work, schema.shown, wanted, self._store, write=self._write, missing=rest
        )

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
        want = WantedRows(schema.quality_counts, self._store)
        for key, count in replay.quality.counts.items():
            want.add((key.member, key.month, key.event.number, "", count))

        def wanted(row: tuple[Value, ...]) -> tuple[Value, ...] | None:
            return want.take(row) if row[2] in from_log else row

        self.rows["quality_counts"] += settle_each(
            self._work, schema.quality_counts, wanted, self._store, write=self._write, missing=want.left()
        )

    def persons(self) -> None:
        """Put right whom inquiries asked about, as their openings say."""
        rows = (tuple(row) for stored in inquiries.rows(self._work) for row in inquired(stored))
        self._settle("inquired_persons", rows)

    def map(self) -> None:
        """Put the blocks of the map right, as follows from the live records once these are right."""
        directory = self._log.replay.directory
        if self._write:
            self.rows["map_blocks"] += settle_map(self._work, directory, self._store)
        else:
            wrong = wrong_blocks(self._work, directory, self._store, self._mapped)
            self.rows["map_blocks"] += sum(1 for _ in wrong)

    def _mapped(self, work: UnitOfWork) -> Iterator[list[Fetched]]:
        """Yield what the map is made of, as ``live.map_pages``, of live records as they should be."""
        names = [column.name for column in schema.live_records.columns]
        seen = self._store.mapping("live records seen", int, bool)
        with wholesale.pages(work, schema.live_records) as found:
            for page in found:
                mapped: list[Fetched] = []
                for row in page:
                    held = dict(zip(names, row, strict=True))
                    newest = self._newest_of(held)
                    if newest is not None and newest[0] not in seen:
                        seen[newest[0]] = True
                        held |= self._follows(*newest, held)
                        if not held["hidden"]:
                            mapped.append(tuple(held[name] for name in _OF_MAP))
                yield mapped

    def _settle(self, name: str, rows: Iterable[tuple[Value, ...]]) -> None:
        self.rows[name] += settle(self._work, schema.metadata.tables[name], rows, self._store, write=self._write)


def _bytes(value: Value) -> bytes:
    return value if isinstance(value, bytes) else b""
