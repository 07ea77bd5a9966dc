"""The live set: which records the map holds and the entries that follow from them (proto/README.md 6)."""

from __future__ import annotations

import hmac
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.commitment import commit_subject
from client_sdk.kernel.formats.map_entry import NO_ANNOTATION, MappedRecord, records_value, subject_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.ledger.chain import Chain

__all__ = ["Bound", "binding_opens", "mapped", "subject_entries"]


class Bound(NamedTuple):
    """A live record with what opens its subject commitment."""

    subject: bytes
    record: MappedRecord

    def __repr__(self) -> str:
        return f"Bound(leaf_index={self.record.leaf_index})"


def mapped(chain: Chain, opening: bytes) -> MappedRecord:
    """Return the map entry of a live record."""
    annotation = NO_ANNOTATION if chain.annotation is None else chain.annotation.leaf_hash
    return MappedRecord(chain.index, chain.leaf_hash, annotation, opening)


def binding_opens(commitment: bytes, subject: bytes, opening: bytes) -> bool:
    """Whether a binding opens a statement's subject commitment."""
    return hmac.compare_digest(commit_subject(opening, subject), commitment)


def subject_entries(bound: Iterable[Bound]) -> dict[bytes, bytes]:
    """Return key and value of each subject that has live records."""
    subjects: defaultdict[bytes, list[MappedRecord]] = defaultdict(list)
    for subject, record in bound:
        subjects[subject].append(record)
    return {subject_key(subject): records_value(records) for subject, records in subjects.items()}
