"""Staging of a batch: the changes of the items accepted so far, on top of the rows that it started from.

Items see what earlier items of the batch have done. Nothing here touches the database; the append writes what has
come together, once, at the end.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.map_entry import records_value, subject_key
from client_sdk.kernel.ledger.quality import QualityCount
from client_sdk.kernel.ledger.statistics import FactCount, StatementCount, counted_facts, event_of
from registry_server.storage.blocked import BlockedDebt, debt_hash
from registry_server.storage.leaves import StoredLeaf
from registry_server.storage.records import AnnotationPlace, StoredRecord, VersionPlace

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.contribution import Contribution
    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.formats.words import NoticeReason, Standing, WithdrawalReason
    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.quality import QualityEvent
    from client_sdk.kernel.rules.facts import Facts
    from registry_server.sequencing.loading import Loaded
    from registry_server.storage.live import LiveRow
    from registry_server.storage.notices import NoticeKey
    from registry_server.storage.quotas import QuotaKey

__all__ = ["Cause", "LiveChanges", "Staging"]


@dataclass(slots=True)
class _Sealed:
    """New sealed bytes of a live record; None for those that stay."""

    disclosure: bytes | None = None
    text: bytes | None = None


@dataclass(frozen=True, slots=True)
class LiveChanges:
    """Changes of the table of live records.

    Attributes:
        added: row, disclosure and text of each new one.
        superseded: index before, row, and the sealed bytes that change, of each that goes on.
        removed: index of each that is live no more.
    """

    added: list[tuple[LiveRow, bytes, bytes]]
    superseded: list[tuple[int, LiveRow, bytes | None, bytes | None]]
    removed: list[int]


class Cause(NamedTuple):
    """A leaf of which members must hear.

    Attributes:
        record: index of the record's first leaf; of the leaf itself, where it tells of a breach.
        leaf_index: of the leaf.
        logged_at: its time, ms.
        reason: what it does.
        author: institution id of who signed it, who is not told; empty for a lapse.
        since: who was shown the record by an inquiry received earlier, ms, is not told.
        members: institution ids of who alone are told, of a dispute, its answer or a breach; none where those are who
            were shown the record.
        corrected_since: of an answer that a version corrects the record: index of the leaf that opened the dispute. Who
            was told of a leaf after that one is not told again; 0 for any other leaf.
        corrected_index: of that version: who was shown it is not told; 0 for any other leaf.
    """

    record: int
    leaf_index: int
    logged_at: int
    reason: NoticeReason
    author: str
    since: int
    members: tuple[str, ...] = ()
    corrected_since: int = 0
    corrected_index: int = 0


class Staging:
    """State of a batch in progress.

    Args:
        directory: before the batch.
        loaded: the rows that the batch starts from; owned by the staging from now on.
        first_index: where the batch's first leaf goes.
        logged_at: time of its leaves, ms.
        day: the legal day of that time.
    """

    def __init__(self, directory: Directory, loaded: Loaded, first_index: int, logged_at: int, day: str) -> None:
        self.directory = directory
        self.directory_before: Directory | None = directory
        self.loaded = loaded
        self.logged_at = logged_at
        self.day = day
        self.leaves: list[StoredLeaf] = []
        self.leaf_hashes: list[bytes] = []
        self.versions: list[VersionPlace] = []
        self.annotations: list[AnnotationPlace] = []
        self.acts: list[tuple[int, int]] = []
        self.used: dict[QuotaKey, int] = {}
        self.statement_counts: Counter[StatementCount] = Counter()
        self.fact_counts: Counter[FactCount] = Counter()
        self.quality: Counter[QualityCount] = Counter()
        self.causes: list[Cause] = []
        self.acknowledged: dict[NoticeKey, tuple[int, bytes]] = {}
        # Pseudonyms of the person of a new record under the other live versions of the subject keys.
        self.also_about: dict[RecordKey, tuple[bytes, ...]] = {}
        self.erases = False
        self.blocked: list[BlockedDebt] = []
        self.erased: list[int] = []
        # Whether a live record was given back that a restore had lost.
        self.given_back = False
        self._first_index = first_index
        self._changed_records: dict[RecordKey, StoredRecord] = {}
        self._stored_at = {key: row.index for key, row in loaded.live.items()}
        self._sealed: dict[RecordKey, _Sealed] = {}
        self._by_subject: dict[bytes, dict[RecordKey, LiveRow]] = {}
        # Value of the map before the batch, of every subject whose records it changes; None for none.
        self._before: dict[bytes, bytes | None] = {}
        for key, row in loaded.live.items():
            self._by_subject.setdefault(row.subject, {})[key] = row

    @property
    def next_index(self) -> int:
        """Index of the next leaf."""
        return self._first_index + len(self.leaves)

    def record(self, key: RecordKey) -> StoredRecord | None:
        """Return a record as it stands now."""
        return self.loaded.records.get(key)

    def chain(self, key: RecordKey) -> Chain | None:
        """Return the chain of a record as it stands now."""
        record = self.loaded.records.get(key)
        return None if record is None else record.chain

    def live(self, key: RecordKey) -> LiveRow | None:
        """Return a live record as it stands now."""
        return self.loaded.live.get(key)

    def live_of(self, subject: bytes) -> list[LiveRow]:
        """Return the live records of a subject as they stand now."""
        return list(self._by_subject.get(subject, {}).values())

    def leaf_at(self, index: int) -> bytes:
        """Return a leaf of the batch or of the log, where it was loaded."""
        own = index - self._first_index
        return self.leaves[own].leaf if own >= 0 else self.loaded.leaves[index]

    def add_leaf(self, leaf: bytes, hash_: bytes | None = None) -> int:
        """Add a leaf; return its index."""
        index = self.next_index
        self.leaves.append(StoredLeaf(index, leaf))
        self.leaf_hashes.append(leaf_hash(leaf) if hash_ is None else hash_)
        return index

    def put_record(self, record: StoredRecord) -> None:
        """Set the state of a record."""
        key = record.chain.key
        self.loaded.records[key] = self._changed_records[key] = record

    def add_version(self, record: StoredRecord) -> None:
        """Note where the newest version of a record is."""
        chain = record.chain
        self.versions.append(VersionPlace(chain.index, record.first_index, chain.version))
        self.loaded.versions[record.first_index, chain.version] = chain.index

    def add_annotation(self, record: StoredRecord) -> None:
        """Note where the newest link in the annotation chain of a record is."""
        head = record.chain.annotation
        if head is not None:
            self.annotations.append(AnnotationPlace(head.index, head.first, head.number))
            self.loaded.annotations[head.first, head.number] = head.index

    def text_of(self, key: RecordKey) -> bytes:
        """Return the sealed text of a record that another continues; empty for none."""
        sealed = self._sealed.get(key)
        stored = self.loaded.texts.get(key, b"")
        return stored if sealed is None or sealed.text is None else sealed.text

    def put_live(self, row: LiveRow, *, disclosure: bytes | None = None, text: bytes | None = None) -> None:
        """Set how a live record stands; sealed bytes that are not given stay as they are."""
        key = row.key
        before = self.loaded.live.get(key)
        if before is not None:
            self._unlink(key, before.subject)
        self.loaded.live[key] = row
        self._note_before(row.subject)
        self._by_subject.setdefault(row.subject, {})[key] = row
        sealed = self._sealed.setdefault(key, _Sealed())
        sealed.disclosure = sealed.disclosure if disclosure is None else disclosure
        sealed.text = sealed.text if text is None else text

    def remove_live(self, key: RecordKey) -> None:
        """Take a record out of the map, and delete what leads to its subject."""
        before = self.loaded.live.pop(key, None)
        if before is not None:
            self._unlink(key, before.subject)
            self._sealed.setdefault(key, _Sealed())

    def _unlink(self, key: RecordKey, subject: bytes) -> None:
        self._note_before(subject)
        del self._by_subject[subject][key]

    def _note_before(self, subject: bytes) -> None:
        if subject not in self._before:
            self._before[subject] = self._value_of(subject)

    def _value_of(self, subject: bytes) -> bytes | None:
        """Return the value of the map that the live records of a subject make as they stand now."""
        shown = [row.mapped for row in self._by_subject.get(subject, {}).values() if not row.hidden]
        return records_value(shown) if shown else None

    def count_version(self, chain: Chain, before: Standing | None, facts: Facts | None) -> None:
        """Count a version for the statistics: what it does, and what a DEFAULT that is opened or cured says."""
        month, event = self.day[:7], event_of(before, chain.standing)
        self.statement_counts[StatementCount(chain.key.issuer, month, chain.kind, event)] += 1
        self.fact_counts.update(counted_facts(month, event, facts))

    def count_quality(self, member: str, events: Iterable[QualityEvent]) -> None:
        """Count events for the quality of what a member reports."""
        self.quality.update(QualityCount(member, self.day[:7], event) for event in events)

    def block(self, record: StoredRecord, row: LiveRow, reason: WithdrawalReason, removed_on: str) -> None:
        """Note that the debt of a record is not to be reported again; of a listing, the day of the court's removal."""
        debt = debt_hash(row.kind, row.debt_ref)
        block = BlockedDebt(debt, record.first_index, self.logged_at, reason.name, removed_on)
        self.loaded.blocked.setdefault(debt, []).append(block)
        self.blocked.append(block)

    def changed_records(self) -> list[StoredRecord]:
        """Return every record that is new or has changed."""
        return list(self._changed_records.values())

    def live_changes(self) -> LiveChanges:
        """Return the changes of the table of live records."""
        changes = LiveChanges([], [], [])
        for key, sealed in self._sealed.items():
            row, stored_at = self.loaded.live.get(key), self._stored_at.get(key)
            if row is not None and stored_at is not None:
                changes.superseded.append((stored_at, row, sealed.disclosure, sealed.text))
            elif row is not None:
                changes.added.append((row, sealed.disclosure or b"", sealed.text or b""))
            elif stored_at is not None:
                changes.removed.append(stored_at)
        return changes

    def found(self) -> list[int]:
        """Return the leaf indexes of lost records that are waited for no more: given back, ended or erased."""
        lost = self.loaded.lost
        over = (key for key in lost if key in self.loaded.live or not self.loaded.records[key].chain.live)
        return [lost[key] for key in over]

    def changed_contributions(self) -> list[Contribution]:
        """Return what those lenders have given who have given anew."""
        before = {} if self.directory_before is None else self.directory_before.contributions
        if self.directory.contributions is before:
            return []
        return [item for id_, item in self.directory.contributions.items() if before.get(id_) is not item]

    def map_before(self) -> dict[bytes, bytes | None]:
        """Return the keys of subjects that the batch changes, with the values that the rows had before it."""
        return {subject_key(subject): value for subject, value in self._before.items()}

    def map_changes(self) -> dict[bytes, bytes | None]:
        """Return the keys of the map that the batch changes, with their new values; None for those that go."""
        changes = {subject_key(subject): self._value_of(subject) for subject in self._before}
        if self.directory is not self.directory_before:
            before = self.directory_before
            changes |= self.directory.map_entries() if before is None else self.directory.entries_since(before)
        return changes
