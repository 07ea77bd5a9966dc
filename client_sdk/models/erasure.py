"""Proof that a record was erased, already verified (proto/README.md 8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["ErasureProof"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasureProof(Plain):
    """What the registry says, signed, of a record that was erased.

    Attributes:
        issuer: institution id of the record's issuer.
        record_id: 16 bytes.
        by: how it ended: WITHDRAWN, SET_ASIDE, ERASURE_ACT or RETENTION_ENDED.
        erased_at: when, UTC: the time that the leaf carries.
        index: place of the leaf in the log.
        asker: institution id of who asked for the proof, and says whose record it was.
        found_at: HEAD under which the registry found it erased, UTC.
        names_person: whether it names a person, by a commitment that only who knows the identity number can check. That
            the record was about this person is the asker's word: the registry knows it no more.
        size: of the checkpoint that covers the leaf.
        file: bytes of the file that proves by itself. It opens the commitment: give it to the person alone.
    """

    issuer: str
    record_id: bytes
    by: str
    erased_at: datetime
    index: int
    asker: str
    found_at: datetime
    names_person: bool
    size: int
    file: bytes = field(repr=False)

    @property
    def uuid(self) -> UUID:
        """The record id as people write it."""
        return UUID(bytes=self.record_id)
