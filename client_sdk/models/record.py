"""An own record as the registry holds it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.models.moment import moment

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.words import Kind, Standing
    from client_sdk.kernel.rules.facts import Facts

__all__ = ["RecordState", "RecordView"]


class RecordState(StrEnum):
    """Whether a record is in the map."""

    LIVE = "LIVE"
    # WITHDRAWN, SET_ASIDE, or continued by another record.
    ENDED = "ENDED"
    # Erased; nothing opens it any more.
    ERASED = "ERASED"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """The newest version of an own record; its own signature was checked.

    Attributes:
        issuer: institution id; the caller, or whom it succeeds.
        record_id: 16 bytes.
        kind: of the record.
        version: newest.
        standing: of the newest version.
        state: whether it is live.
        subject_key_version: under which its pseudonym was made; 0 where it binds nobody.
        issued_at_ms: of the statement, milliseconds since 1970 UTC.
        logged_at_ms: of the leaf, milliseconds since 1970 UTC.
        index: place of the leaf in the log.
        retain_until: YYYY-MM-DD; empty where it does not expire.
        transferee: institution id of the buyer; empty for none.
        facts: of the newest version, where they were opened.
    """

    issuer: str
    record_id: bytes
    kind: Kind
    version: int
    standing: Standing
    state: RecordState
    subject_key_version: int
    issued_at_ms: int
    logged_at_ms: int
    index: int
    retain_until: str = ""
    transferee: str = ""
    facts: Facts | None = None

    @property
    def uuid(self) -> UUID:
        """The record id as people write it."""
        return UUID(bytes=self.record_id)

    @property
    def logged_at(self) -> datetime:
        """When the newest version was logged, UTC."""
        return moment(self.logged_at_ms)
