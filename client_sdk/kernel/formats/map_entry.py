"""Keys and values of the map (proto/README.md 6).

    subject      key   = H("creditregistry/map/subject/v1" || subject), with bit 0 cleared
                 value = H("creditregistry/map/records/v1" || for each live record, ascending by index:
                         index || leaf hash || leaf hash of its newest annotation, or 32 zero bytes || opening)
    institution  key   = H("creditregistry/map/institution/v1" || id), with bit 0 set
                 value = H(canonical InstitutionState)
    contribution key   = H("creditregistry/map/contribution/v1" || id), with bit 0 set
                 value = H(canonical Contribution)
    registry     key   = H("creditregistry/map/registry/v1"), with bit 0 set
                 value = H(canonical RegistryState)

A subject without live records has no entry. Bit 0 is the most significant bit of byte 0, the first that decides: one
half of the map holds the subjects, the other the few institutions, their contributions and the registry.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.encoding import label, lp

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "NO_ANNOTATION",
    "REGISTRY_KEY",
    "MappedRecord",
    "contribution_key",
    "institution_key",
    "record_part",
    "records_value",
    "state_value",
    "subject_key",
    "value_of_parts",
]

NO_ANNOTATION = bytes(32)
_SUBJECT = label("creditregistry/map/subject/v1")
_RECORDS = label("creditregistry/map/records/v1")
_INSTITUTION = label("creditregistry/map/institution/v1")
_CONTRIBUTION = label("creditregistry/map/contribution/v1")
_FIRST_BIT = 0x80


def _in_directory(digest: bytes) -> bytes:
    return bytes((digest[0] | _FIRST_BIT,)) + digest[1:]


REGISTRY_KEY = _in_directory(sha256(label("creditregistry/map/registry/v1")).digest())


class MappedRecord(NamedTuple):
    """One live record in the map value of its subject."""

    leaf_index: int
    leaf_hash: bytes
    annotation_hash: bytes
    opening: bytes

    def __repr__(self) -> str:
        return f"MappedRecord(leaf_index={self.leaf_index})"


def subject_key(subject: bytes) -> bytes:
    """Return the key of a pseudonym; a neighbour in a proof cannot be asked for."""
    digest = sha256(_SUBJECT + subject).digest()
    return bytes((digest[0] & ~_FIRST_BIT,)) + digest[1:]


def records_value(records: Iterable[MappedRecord]) -> bytes:
    """Return the value of a subject with live records, given in any order."""
    return value_of_parts(sorted(record_part(*record) for record in records))


def record_part(leaf_index: int, leaf_hash: bytes, annotation_hash: bytes, opening: bytes) -> bytes:
    """Return what one live record adds to the value of its subject, 104 bytes; parts sort by index."""
    return leaf_index.to_bytes(8) + leaf_hash + annotation_hash + opening


def value_of_parts(parts: Iterable[bytes]) -> bytes:
    """Return the value of a subject from the parts of its live records, ascending."""
    return sha256(b"".join([_RECORDS, *parts])).digest()


def institution_key(institution: str) -> bytes:
    """Return the key of an institution id."""
    return _in_directory(sha256(_INSTITUTION + lp(institution)).digest())


def contribution_key(institution: str) -> bytes:
    """Return the key of what an institution has given."""
    return _in_directory(sha256(_CONTRIBUTION + lp(institution)).digest())


def state_value(state: bytes) -> bytes:
    """Return the value of a canonical InstitutionState, RegistryState or Contribution."""
    return sha256(state).digest()
