"""The entries of the map and the leaves of the log that evidence shows, and the proofs that must cover exactly these.

    key of the registry, of each institution, of the
    asker's contribution, of each pseudonym                     > its value, or nothing        MapProof, HEAD's map
    HEAD, every annotation leaf                                 > its place                    log proof, checkpoint

A verifier computes both from the evidence itself, so that what is proved is what was read (proto/README.md 8).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_entry import (
    NO_ANNOTATION,
    REGISTRY_KEY,
    MappedRecord,
    contribution_key,
    institution_key,
    records_value,
    state_value,
    subject_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from creditregistry.v1 import evidence_pb2 as pb

__all__ = ["contribution_entries", "shown_entries", "shown_leaves", "state_entries"]

# The same states stand in every answer under one HEAD.
_institution_key = lru_cache(maxsize=1024)(institution_key)
_state_value = lru_cache(maxsize=1024)(state_value)


def state_entries(registry_state: bytes, institutions: Mapping[str, bytes]) -> dict[bytes, bytes]:
    """Return the map entries of states: key and value.

    Args:
        registry_state: canonical RegistryState.
        institutions: canonical InstitutionState by institution id.
    """
    entries = {_institution_key(id_): _state_value(state) for id_, state in institutions.items()}
    entries[REGISTRY_KEY] = _state_value(registry_state)
    return entries


def contribution_entries(contributions: Iterable[bytes]) -> dict[bytes, bytes]:
    """Return the map entries of canonical Contributions: key and value.

    Raises:
        FormatError: one is not in its form.
    """
    return {contribution_key(Contribution.parse(data).institution): state_value(data) for data in contributions}


def shown_entries(evidence: pb.Evidence, institutions: Iterable[str]) -> dict[bytes, bytes | None]:
    """Return the values that the map must hold by the evidence, by key; None where it must hold nothing.

    Args:
        evidence: of which the states have been parsed.
        institutions: ids of its institution states, in their order.

    Raises:
        FormatError: one pseudonym is shown with two values, or the contribution is not in its form.
    """
    states = dict(zip(institutions, evidence.institutions, strict=True))
    entries: dict[bytes, bytes | None] = {**state_entries(evidence.registry_state, states)}
    if evidence.contribution:
        entries |= contribution_entries([evidence.contribution])
    for person in evidence.persons:
        for answer in person.subjects:
            key = subject_key(answer.subject)
            value = records_value(map(_mapped, answer.records)) if answer.records else None
            # One person may have been asked about twice.
            if entries.setdefault(key, value) != value:
                raise FormatError("person", "persons.same", want="the same records for the same pseudonym")
    return entries


def shown_leaves(evidence: pb.Evidence, size: int) -> dict[int, bytes]:
    """Return the leaf hashes that the log must hold by the evidence, by index.

    Args:
        evidence: whose HEAD is the last leaf.
        size: of its checkpoint.

    Raises:
        FormatError: two leaves are shown at one index.
    """
    leaves = {size - 1: leaf_hash(evidence.head)}
    for record in _records(evidence):
        for item in record.annotations:
            hash_ = leaf_hash(item.leaf)
            if leaves.setdefault(item.index, hash_) != hash_:
                raise FormatError("annotation", "annotation.place", want="one leaf at one index")
    return leaves


def _records(evidence: pb.Evidence) -> Iterator[pb.LiveRecord]:
    return (record for person in evidence.persons for answer in person.subjects for record in answer.records)


def _mapped(record: pb.LiveRecord) -> MappedRecord:
    """Return what the map says of a record: the newest leaf of its annotation chain stands last."""
    annotation = leaf_hash(record.annotations[-1].leaf) if record.annotations else NO_ANNOTATION
    return MappedRecord(record.index, leaf_hash(record.leaf), annotation, record.opening)
