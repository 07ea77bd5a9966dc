"""Erasure: what the log's key signs of a record whose personal data is deleted (proto/README.md 8)."""

from __future__ import annotations

from dataclasses import dataclass

from creditregistry.v1 import erasure_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import RecordKey, check_institution_id, check_record_id

__all__ = ["Erasure"]

_PART = "erasure"


@dataclass(frozen=True, slots=True)
class Erasure:
    """Signed payload of a proof of erasure.

    Attributes:
        registry: name of the registry.
        issuer: of the record.
        record_id: 16 bytes.
        index: of the leaf that ended the record.
        leaf_hash: of that leaf.
        erased_at: its logged_at, ms.
        person: commitment to the person as the asker gave it, 32 bytes; empty for none.
        asker: institution id of who asked for the proof.
        found_at: logged_at of the HEAD under which the record was found erased, ms.
    """

    registry: str
    issuer: str
    record_id: bytes
    index: int
    leaf_hash: bytes
    erased_at: int
    person: bytes
    asker: str
    found_at: int

    @property
    def key(self) -> RecordKey:
        """Which record."""
        return RecordKey(self.issuer, self.record_id)

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.Erasure(
                registry=self.registry,
                issuer=self.issuer,
                record_id=self.record_id,
                index=self.index,
                leaf_hash=self.leaf_hash,
                erased_at=self.erased_at,
                person=self.person,
                asker=self.asker,
                found_at=self.found_at,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> Erasure:
        """Return the erasure that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.Erasure, payload, _PART)
        erasure = cls(
            message.registry,
            check_institution_id(message.issuer, _PART, "issuer"),
            check_record_id(message.record_id, _PART),
            message.index,
            message.leaf_hash,
            message.erased_at,
            message.person,
            check_institution_id(message.asker, _PART, "asker"),
            message.found_at,
        )
        if not erasure.registry or not erasure.index or not 0 < erasure.erased_at <= erasure.found_at:
            raise FormatError(_PART, "erasure.complete", want="registry, index, and a time not after found_at")
        if len(erasure.leaf_hash) != HASH_BYTES or len(erasure.person) not in {0, HASH_BYTES}:
            raise FormatError(_PART, "erasure.hash", want="32 bytes, and a person of 32 or none")
        return erasure
