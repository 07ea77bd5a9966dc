"""Notices in a member's inbox, and receipts of their acknowledgements (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.breach import BreachBody
from client_sdk.kernel.formats.checkpoint import tlog_proof
from client_sdk.kernel.formats.leaf import ActLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.plain import LEFT_OUT, Plain
from client_sdk.kernel.formats.statement import Annotation, Statement
from client_sdk.kernel.formats.words import NoticeReason

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.words import DisputeOutcome, Kind, Standing, WithdrawalReason

__all__ = ["AcknowledgementReceipt", "Notice", "NoticedVersion"]


class NoticedVersion(NamedTuple):
    """What the signed half of the version that a notice tells of says.

    Attributes:
        number: of the version.
        kind: of the record.
        standing: from this version on.
        reason: why it was withdrawn; None for every other standing.
    """

    number: int
    kind: Kind
    standing: Standing
    reason: WithdrawalReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice(Plain):
    """A leaf of the log that concerns this member; that the leaf is there and does what the reason says is proved.

    Which inquiry it comes from, that this member opened the dispute, and that no notice is left out, is the registry's
    word.

    Attributes:
        number: index of the leaf; names the notice within this inbox.
        reason: CORRECTED, WITHDRAWN, SET_ASIDE or RESTRICTED for a record that this member was shown; DISPUTED for one
            of its own, or of a lender that it succeeds; ANSWERED for a dispute that it opened; BREACH for an act that
            tells of a breach of data.
        issuer: institution id of the record's issuer; None where BREACH.
        record_id: 16 bytes; None where BREACH.
        logged_at: when the leaf was logged, UTC.
        inquiry_id: 16 bytes, of the newest inquiry of this member that was answered with the record; empty where
            DISPUTED, ANSWERED or BREACH.
        asked_at: when that inquiry was received, UTC; None where DISPUTED, ANSWERED or BREACH.
        shown_index: index of the leaf of the version that its answer showed, of this record or of a sold one that it
            continues; None where DISPUTED, ANSWERED or BREACH.
        acknowledged_index: index of the leaf with this member's acknowledgement; None while there is none.
        leaf: bytes of the leaf.
        path: hashes of the inclusion proof, the leaf's sibling first.
        checkpoint: signed note of the log.
    """

    number: int
    reason: NoticeReason
    issuer: str | None
    record_id: bytes | None
    logged_at: datetime
    inquiry_id: bytes
    asked_at: datetime | None
    shown_index: int | None
    acknowledged_index: int | None
    leaf: bytes = field(repr=False)
    path: tuple[bytes, ...] = field(repr=False)
    checkpoint: bytes = field(repr=False)

    @property
    def uuid(self) -> UUID | None:
        """The record id as people write it; None where BREACH."""
        return None if self.record_id is None else UUID(bytes=self.record_id)

    @property
    def breach(self) -> BreachBody | None:
        """What a notice of a breach tells; None for another notice."""
        if self.reason is not NoticeReason.BREACH:
            return None
        leaf = parse_leaf(self.leaf)
        body = Act.parse(leaf.payload).body if isinstance(leaf, ActLeaf) else None
        return body if isinstance(body, BreachBody) else None

    @property
    def version(self) -> NoticedVersion | None:
        """What the version says that the notice tells of; None where it tells of no version."""
        leaf = parse_leaf(self.leaf)
        if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.STATEMENT:
            return None
        said = Statement.parse(leaf.payload)
        return NoticedVersion(said.version, said.kind, said.standing, said.reason)

    @property
    def outcome(self) -> DisputeOutcome | None:
        """How a dispute that this member opened was answered; None where the notice is not ANSWERED."""
        leaf = parse_leaf(self.leaf)
        if self.reason is not NoticeReason.ANSWERED or not isinstance(leaf, StatementLeaf):
            return None
        return Annotation.parse(leaf.payload).outcome

    @property
    def waits(self) -> bool:
        """Whether it was not acknowledged."""
        return self.acknowledged_index is None


@dataclass(frozen=True, slots=True, kw_only=True)
class AcknowledgementReceipt(Plain):
    """Verified receipt of an acknowledgement.

    Attributes:
        number: of the notice.
        index: place of the acknowledgement's leaf in the log.
        logged_at: when it was logged, UTC.
        leaf: its bytes. They tell no record; with ``opening`` they prove which notice was acknowledged.
        opening: of the commitment in it, 32 bytes; in no dictionary.
        path: hashes of the inclusion proof, the leaf's sibling first.
        checkpoint: signed note of the log.
        size: of that checkpoint.
        repeated: whether the notice had been acknowledged before; the leaf is then the one of that time.
    """

    number: int
    index: int
    logged_at: datetime
    leaf: bytes = field(repr=False)
    opening: bytes = field(repr=False, metadata=LEFT_OUT)
    path: tuple[bytes, ...] = field(repr=False)
    checkpoint: bytes = field(repr=False)
    size: int
    repeated: bool = False

    def tlog_proof(self) -> str:
        """Return the receipt as a C2SP tlog-proof with the leaf in its line ``extra``: a file that proves by itself."""
        return tlog_proof(self.index, self.path, self.checkpoint, self.leaf)
