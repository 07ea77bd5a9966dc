"""Reading what a batch needs: some statements for the whole batch, however many items it has (P7)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.act import Act, ErasureBody, RetireKeyServicesBody
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import parse_leaf
from client_sdk.kernel.formats.words import LapseKind
from registry_server.sequencing.items import (
    AcknowledgementItem,
    ActItem,
    AnnotationItem,
    Item,
    LapseItem,
    StatementItem,
)
from registry_server.storage import blocked, leaves, live, lost, notices, quotas, records
from registry_server.storage.quotas import QuotaKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from client_sdk.kernel.formats.statement import RecordKey
    from registry_server.storage.blocked import BlockedDebt
    from registry_server.storage.live import LiveRow
    from registry_server.storage.notices import NoticeKey, StoredNotice
    from registry_server.storage.records import StoredRecord
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Loaded", "load", "parse_act", "partners"]


@dataclass(slots=True)
class Loaded:
    """Rows that a batch starts from.

    Attributes:
        records: every record that an item names, and those erased together with them.
        live: live records of those, and all live records of every subject concerned.
        versions: leaf index of (first index of the record, version), for versions that come again.
        annotations: leaf index of (first index of the chain, number), for annotations that come again.
        texts: sealed texts of records that an item continues.
        notices: those that are acknowledged.
        leaves: leaves at these places, and of acknowledgements that come again.
        used: quotas of the day.
        lost: of these records, index of the newest version where a restore has not brought its row back.
        logged_at: when the newest version was logged, ms, of records that get a further one.
        copied_at: when the first version was logged, ms, of listings that a court removed.
        carried: versions of the subject keys that a live record carries, of those to be retired.
        awaits: whether a restore has left any record without its row.
    """

    records: dict[RecordKey, StoredRecord] = field(default_factory=dict)
    live: dict[RecordKey, LiveRow] = field(default_factory=dict)
    versions: dict[tuple[int, int], int] = field(default_factory=dict)
    annotations: dict[tuple[int, int], int] = field(default_factory=dict)
    notices: dict[NoticeKey, StoredNotice] = field(default_factory=dict)
    texts: dict[RecordKey, bytes] = field(default_factory=dict)
    leaves: dict[int, bytes] = field(default_factory=dict)
    used: dict[QuotaKey, int] = field(default_factory=dict)
    logged_at: dict[RecordKey, int] = field(default_factory=dict)
    copied_at: dict[RecordKey, int] = field(default_factory=dict)
    carried: frozenset[int] = frozenset()
    blocked: dict[bytes, list[BlockedDebt]] = field(default_factory=dict)
    lost: dict[RecordKey, int] = field(default_factory=dict)
    awaits: bool = False


def load(work: UnitOfWork, items: Sequence[Item], day: str, *, awaits: bool = False) -> Loaded:
    """Return what the items need.

    Args:
        work: the transaction that holds the head row.
        items: of the batch.
        day: the legal day, for quotas.
        awaits: whether a restore has left records without their rows.
    """
    acts = [act for item in items if isinstance(item, ActItem) and (act := parse_act(item)) is not None]
    loaded = Loaded(records=records.by_keys(work, _named(items, acts)), awaits=awaits)
    _load_families(work, loaded, _erased(items, acts))
    _load_live(work, loaded, items)
    loaded.notices = notices.by_keys(work, [item.notice for item in items if isinstance(item, AcknowledgementItem)])
    if awaits:
        newest = {key: record.chain.index for key, record in loaded.records.items()}
        missing = lost.known(work, newest.values())
        loaded.lost = {key: index for key, index in newest.items() if index in missing}
    _load_repeated(work, loaded, items)
    _load_times(work, loaded, items)
    remarks = [item.annotation for item in items if isinstance(item, AnnotationItem)]
    counters = [QuotaKey(name, quotas.STATEMENTS, day) for name in _speakers(items)]
    counters += [quotas.annotations_of(remark.author, remark.key, day) for remark in remarks]
    loaded.used = quotas.used(work, counters)
    retired = {act.body.retire for act in acts if isinstance(act.body, RetireKeyServicesBody)}
    loaded.carried = frozenset(version for version in retired if live.carries(work, version))
    loaded.blocked = blocked.known(work, _debts(items))
    return loaded


def debts_of(item: StatementItem) -> list[bytes]:
    """Return by what the debt of a first version could be blocked, under each version of the subject keys."""
    if item.binding is None or item.statement.version != 1:
        return []
    refs = [item.binding.debt_ref, *(alias.debt_ref for alias in item.aliases)]
    return [blocked.debt_hash(item.statement.kind, ref) for ref in refs]


def _debts(items: Iterable[Item]) -> list[bytes]:
    return [debt for item in items if isinstance(item, StatementItem) for debt in debts_of(item)]


def parse_act(item: ActItem) -> Act | None:
    """Return the act; None where its bytes are none, which the directory then refuses."""
    try:
        return Act.parse(item.payload)
    except FormatError:
        return None


def partners(record: StoredRecord) -> list[RecordKey]:
    """Return the records that are erased only together with this one (proto/README.md 2)."""
    return [key for key in (record.chain.continues, record.continued_by) if key is not None]


def _named(items: Iterable[Item], acts: Iterable[Act]) -> list[RecordKey]:
    keys: list[RecordKey] = []
    for item in items:
        if isinstance(item, StatementItem):
            keys.append(item.statement.key)
            if item.statement.continues is not None:
                keys.append(item.statement.continues)
            if item.basis is not None:
                keys.append(item.basis.record)
        elif isinstance(item, AnnotationItem):
            keys.append(item.annotation.key)
        elif isinstance(item, LapseItem):
            keys.append(item.key)
    for act in acts:
        if isinstance(act.body, ErasureBody):
            keys += act.body.records
    return keys


def _erased(items: Iterable[Item], acts: Iterable[Act]) -> list[RecordKey]:
    keys = [item.key for item in items if isinstance(item, LapseItem) and item.what is LapseKind.ERASED]
    for act in acts:
        if isinstance(act.body, ErasureBody):
            keys += act.body.records
    return keys


def _load_families(work: UnitOfWork, loaded: Loaded, keys: list[RecordKey]) -> None:
    """Add what is erased together with these records; a statement for each further generation of bought debts."""
    while keys:
        found = [loaded.records[key] for key in keys if key in loaded.records]
        keys = [key for record in found for key in partners(record) if key not in loaded.records]
        fresh = records.by_keys(work, keys)
        loaded.records.update(fresh)
        keys = list(fresh)


def _load_live(work: UnitOfWork, loaded: Loaded, items: Iterable[Item]) -> None:
    indexes = [record.chain.index for record in loaded.records.values() if record.chain.live]
    rows = live.by_indexes(work, indexes)
    subjects = [row.subject for row in rows]
    for item in items:
        if isinstance(item, StatementItem) and item.binding is not None:
            subjects.append(item.binding.subject)
            subjects += [alias.subject for alias in item.aliases]
    rows += live.by_subjects(work, subjects)
    loaded.live = {row.key: row for row in rows}
    continued = {item.statement.continues for item in items if isinstance(item, StatementItem)}
    annotated = [row.index for row in rows if row.key in continued and row.annotation_index >= 0]
    loaded.texts = {
        sealed.row.key: sealed.text_disclosure for sealed in live.sealed_by_indexes(work, annotated).values()
    }


def _load_repeated(work: UnitOfWork, loaded: Loaded, items: Iterable[Item]) -> None:
    """Add places and leaves of what is in the log under the same version or number already."""
    versions: list[tuple[int, int]] = []
    newest: dict[tuple[int, int], int] = {}
    annotated: list[tuple[int, int]] = []
    for item in items:
        if isinstance(item, StatementItem):
            record = loaded.records.get(item.statement.key)
            if record is not None and item.statement.version == record.chain.version:
                newest[record.first_index, record.chain.version] = record.chain.index
                if record.chain.key in loaded.lost and record.chain.version > 1:
                    # What it did to the record is counted once more, where it is given back.
                    versions.append((record.first_index, record.chain.version - 1))
            elif record is not None and item.statement.version < record.chain.version:
                versions.append((record.first_index, item.statement.version))
        elif isinstance(item, AnnotationItem):
            record = loaded.records.get(item.annotation.key)
            head = None if record is None else record.chain.annotation
            if head is not None and item.annotation.number <= head.number:
                annotated.append((head.first, item.annotation.number))
    loaded.versions = {**records.version_places(work, versions), **newest}
    loaded.annotations = records.annotation_places(work, annotated)
    noticed = [notice.leaf_index for notice in loaded.notices.values()]
    noticed += [notice.acknowledged_index for notice in loaded.notices.values() if notice.acknowledged_index]
    loaded.leaves = leaves.leaves_at(work, [*loaded.versions.values(), *loaded.annotations.values(), *noticed])


def _load_times(work: UnitOfWork, loaded: Loaded, items: Iterable[Item]) -> None:
    """Add when versions were logged: the newest of records that get a further one, the first of what courts removed."""
    statements = [item.statement for item in items if isinstance(item, StatementItem)]
    places = {
        statement.key: record.chain.index
        for statement in statements
        if (record := loaded.records.get(statement.key)) is not None and statement.version > record.chain.version
    }
    first = {
        statement.key: record.first_index
        for statement in statements
        if statement.removed_on and (record := loaded.records.get(statement.key)) is not None
    }
    found = leaves.leaves_at(work, [*places.values(), *first.values()])
    loaded.logged_at = {key: parse_leaf(found[place]).logged_at for key, place in places.items()}
    loaded.copied_at = {key: parse_leaf(found[place]).logged_at for key, place in first.items()}


def _speakers(items: Iterable[Item]) -> set[str]:
    speakers = set()
    for item in items:
        if isinstance(item, StatementItem):
            speakers.add(item.statement.signer)
        elif isinstance(item, AnnotationItem):
            speakers.add(item.annotation.author)
    return speakers
