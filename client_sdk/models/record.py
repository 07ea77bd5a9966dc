"""An own record as the registry holds it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import date, datetime

    from client_sdk.kernel.formats.words import Kind, Standing, WithdrawalReason
    from client_sdk.kernel.rules.facts import Facts

__all__ = ["RecordState", "RecordView"]


class RecordState(StrEnum):
    """Whether a record goes on; the map holds the live ones that are not hidden."""

    LIVE = "LIVE"
    # WITHDRAWN, SET_ASIDE, or continued by another record.
    ENDED = "ENDED"
    # Erased; nothing opens it any more.
    ERASED = "ERASED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView(Plain):
    """The newest version of an own record; its own signature was checked.

    Attributes:
        issuer: institution id; the caller, or an institution that it succeeds.
        record_id: 16 bytes.
        kind: of the record.
        version: newest.
        standing: of the newest version.
        state: whether it is live.
        subject_key_version: under which its pseudonym was made; 0 for WITHDRAWN and SET_ASIDE.
        issued_at: when the newest version was signed, UTC.
        logged_at: when the newest version was logged, UTC.
        index: place of the leaf in the log.
        retain_until: last day that it is kept; None where it does not expire.
        transferee: institution id of the buyer; empty for none.
        facts: of the newest version, where they were opened.
        reason: why it was withdrawn; None for every other standing.
        evidence: SHA-256 of the documents that the withdrawal rests on.
        removed_on: day on which the court removed the entry that a LISTING copied; None for every other withdrawal.
        stale: whether it is running and live, and had no further version for the rulebook's ``stale_days``.
        contested: whether it is live, and the key that signed its newest version is in doubt: until it is confirmed,
            corrected or withdrawn, answers refer it to a person.
        hidden: whether an overlay of the rulebook keeps a live record out of all answers; the registry's word alone.
    """

    issuer: str
    record_id: bytes
    kind: Kind
    version: int
    standing: Standing
    state: RecordState
    subject_key_version: int
    issued_at: datetime
    logged_at: datetime
    index: int
    retain_until: date | None = None
    transferee: str = ""
    facts: Facts | None = None
    reason: WithdrawalReason | None = None
    evidence: tuple[bytes, ...] = ()
    removed_on: date | None = None
    stale: bool = False
    contested: bool = False
    hidden: bool = False

    @property
    def uuid(self) -> UUID:
        """The record id as people write it."""
        return UUID(bytes=self.record_id)
