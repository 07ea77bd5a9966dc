"""The whole map as a dictionary, from live records with what opens their commitments; for small logs."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.map_entry import NO_ANNOTATION, MappedRecord, records_value, subject_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["Bound", "map_entries", "mapped"]


class Bound(NamedTuple):
    """A live record with what opens its subject commitment."""

    subject: bytes
    record: MappedRecord


def mapped(chain: Chain, opening: bytes) -> MappedRecord:
    """Return the map entry of a live record."""
    annotation = NO_ANNOTATION if chain.annotation is None else chain.annotation.leaf_hash
    return MappedRecord(chain.index, chain.leaf_hash, annotation, opening)


def map_entries(directory: Directory, bound: Iterable[Bound]) -> Mapping[bytes, bytes]:
    """Return every entry of the map: subjects, institutions, the registry."""
    subjects: defaultdict[bytes, list[MappedRecord]] = defaultdict(list)
    for subject, record in bound:
        subjects[subject].append(record)
    shown = {subject_key(subject): records_value(records) for subject, records in subjects.items()}
    return {**shown, **directory.map_entries()}
