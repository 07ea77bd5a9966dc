"""Disputes of records, and receipts of annotations (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.kernel.formats.checkpoint import tlog_proof
from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome

if TYPE_CHECKING:
    from datetime import date, datetime

__all__ = ["AnnotationReceipt", "DisputeView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeView(Plain):
    """The newest dispute of a live record, whether it stands or has ended.

    What its annotations say is proved. That they opened, documented and answered this dispute, who opened it,
    until when it waits, and that no dispute is left out of a list, is the registry's word; an audit finds a lie.

    Attributes:
        issuer: institution id of the record's issuer.
        record_id: 16 bytes.
        opened_by: institution id of the member that opened it.
        opened_at: when it was opened, UTC.
        code: its reason code; may be empty.
        evidence: SHA-256 of the documents that it rests on; after UNCONFIRMED, of those that were named for it anew.
        flags: what is remarked on the record.
        annotated_by: institution id of the author of the newest annotation.
        annotated_at: when that was logged, UTC.
        due_on: last day for the answer, by the calendar of the rulebook that was in force when the wait began; None
            where it waits for none.
        outcome: how it was answered, or WITHDRAWN; None where it was not. With a ``due_on`` it was answered
            UNCONFIRMED, and waits again for new evidence to be answered.
        answered_by: institution id of who gave the outcome; empty for none.
        answered_at: when that was logged, UTC; None for none.
        answer_evidence: SHA-256 of the documents that the outcome rests on.
    """

    issuer: str
    record_id: bytes
    opened_by: str
    opened_at: datetime
    code: str
    evidence: tuple[bytes, ...]
    flags: frozenset[AnnotationFlag]
    annotated_by: str
    annotated_at: datetime
    due_on: date | None
    outcome: DisputeOutcome | None = None
    answered_by: str = ""
    answered_at: datetime | None = None
    answer_evidence: tuple[bytes, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether the dispute stands with the record."""
        return AnnotationFlag.DISPUTED in self.flags

    @property
    def uuid(self) -> UUID:
        """The record id as people write it."""
        return UUID(bytes=self.record_id)

    @property
    def restricted(self) -> bool:
        """Whether the record must not be counted, as after silence."""
        return AnnotationFlag.RESTRICTED in self.flags


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationReceipt(Plain):
    """Verified receipt of an annotation.

    Attributes:
        issuer: institution id of the record's issuer.
        record_id: 16 bytes.
        number: of the annotation within the record.
        index: place of its leaf in the log.
        logged_at: when it was logged, UTC.
        leaf: its bytes.
        path: hashes of the inclusion proof, the leaf's sibling first.
        checkpoint: signed note of the log.
        size: of that checkpoint.
        repeated: whether the same bytes had been logged before.
    """

    issuer: str
    record_id: bytes
    number: int
    index: int
    logged_at: datetime
    leaf: bytes = field(repr=False)
    path: tuple[bytes, ...] = field(repr=False)
    checkpoint: bytes = field(repr=False)
    size: int
    repeated: bool = False

    @property
    def uuid(self) -> UUID:
        """The record id as people write it."""
        return UUID(bytes=self.record_id)

    def tlog_proof(self) -> str:
        """Return the receipt as a C2SP tlog-proof with the leaf in its line ``extra``: a file that proves by itself."""
        return tlog_proof(self.index, self.path, self.checkpoint, self.leaf)
