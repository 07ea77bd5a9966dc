"""Inboxes: notices to a member, page by page, and their acknowledgements (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.leaf import parse_leaf
from client_sdk.kernel.formats.link import link_of
from client_sdk.kernel.formats.words import UNASKED, NoticeReason
from client_sdk.kernel.ledger.notice import check_acknowledgement
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.errors import InconsistentError
from registry_server.sequencing.items import AcknowledgementItem, ItemOutcome

if TYPE_CHECKING:
    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View
    from registry_server.storage.notices import StoredNotice

__all__ = ["Acknowledged", "Inbox", "InboxPage", "PlacedNotice", "ReceivedAcknowledgement"]

# Notices of one message; each takes at most some 6 KB, and one of a breach 34.
PAGE_NOTICES = 256
# Four fields, of which the longest are two names.
MAX_ACKNOWLEDGEMENT_BYTES = 1_024
_NEVER = 2**63 - 1


@dataclass(frozen=True, slots=True)
class PlacedNotice:
    """A notice with its leaf and the place of that in the log.

    Attributes:
        record: which record; None where BREACH.
        reason: what the leaf does to it.
        index: of the leaf; number of the notice.
        leaf: its bytes.
        path: of inclusion, the leaf's sibling first.
        inquiry_id: 16 bytes; empty where DISPUTED, ANSWERED or BREACH.
        asked_at: when that inquiry was received, ms; 0 where DISPUTED, ANSWERED or BREACH.
        shown_index: of the version that its answer showed; 0 where DISPUTED, ANSWERED or BREACH.
        acknowledged_index: of the leaf that acknowledges it; 0 while there is none.
    """

    record: RecordKey | None
    reason: NoticeReason
    index: int
    leaf: bytes
    path: tuple[bytes, ...]
    inquiry_id: bytes
    asked_at: int
    shown_index: int
    acknowledged_index: int


@dataclass(frozen=True, slots=True)
class InboxPage:
    """Some notices of a member.

    Attributes:
        notices: ascending by number.
        checkpoint: signed note that their paths lead to.
        next: what to ask after for the next ones; 0 after the last.
        waiting: how many of the member's notices were not acknowledged, counted up to 10,000.
        stale: how many of its own records are stale, counted up to 10,000; 0 where not asked for.
    """

    notices: tuple[PlacedNotice, ...]
    checkpoint: bytes
    next: int
    waiting: int
    stale: int = 0


@dataclass(frozen=True, slots=True, repr=False)
class ReceivedAcknowledgement:
    """A signed acknowledgement as it came.

    Attributes:
        payload: the exact bytes that were signed.
        key_id: which key signed.
        signature: over the payload.
        number: of the notice.
        opening: of the commitment to the notice.
    """

    payload: bytes
    key_id: bytes
    signature: bytes
    number: int
    opening: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Acknowledged:
    """The leaf that acknowledges a notice, with its place, and what opens its commitment."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]
    opening: bytes
    checkpoint: bytes


class Inbox:
    """The use case; for all members.

    Args:
        ledger: where notices are made and acknowledgements logged.
        page: notices of one message at most.
    """

    def __init__(self, ledger: Ledger, page: int = PAGE_NOTICES) -> None:
        self._ledger = ledger
        self._page = page

    @property
    def size(self) -> int:
        """Size of the log as this process knows it: while it stays, no inbox has more."""
        return self._ledger.size

    def notices(self, member: str, after: int, *, waiting: bool, stale: bool = False) -> InboxPage:
        """Return some notices of a member.

        Args:
            member: institution id of who asks.
            after: number; only higher ones are returned.
            waiting: only those that were not acknowledged.
            stale: also count the member's own stale records.
        """
        with self._ledger.view() as view:
            found = view.notices(member, min(after, _NEVER), self._page + 1, waiting=waiting)
            page = found[: self._page]
            following = page[-1].leaf_index if len(found) > self._page else 0
            left_alone = view.stale_of(member) if stale else 0
            return InboxPage(_placed(view, page), view.checkpoint, following, view.waiting_notices(member), left_alone)

    def acknowledge(self, peer: str, sent: ReceivedAcknowledgement) -> Acknowledged:
        """Log that a member has taken note of one of its notices; return the leaf that says so.

        Raises:
            FormatError: bytes are not in their form, or the opening does not open the commitment; SignatureError for
                the signature.
            RegistryError: PEER_MISMATCH, SIZE_LIMIT or NOTICE_UNKNOWN.
            RuleError: the member may not acknowledge, or not with this key.
            ClockError: what time it is is not known.
            StorageError: nothing is known of the acknowledgement, which may be sent again.
        """
        item = _read(sent, peer, self._ledger.directory)
        appended = self._ledger.append([item]).result()
        (result,) = appended.results
        place = result.place
        if result.outcome is ItemOutcome.REFUSED or place is None:
            complaint = result.complaint
            raise RegistryError(RefusalReason.INTERNAL) if complaint is None else RegistryError.of(complaint)
        opening = sent.opening
        if result.outcome is ItemOutcome.REPEATED:
            opening = self._opening(peer, sent.number)
        return Acknowledged(place.leaf_index, place.leaf, place.path, opening, appended.checkpoint)

    def _opening(self, peer: str, number: int) -> bytes:
        """Return what opens the acknowledgement that was logged first."""
        with self._ledger.view() as view:
            notice = view.notice(peer, number)
        if notice is None:
            raise RegistryError(RefusalReason.NOTICE_UNKNOWN, "number", "notice.own", want="a notice that is kept")
        return notice.opening


def _placed(view: View, page: list[StoredNotice]) -> tuple[PlacedNotice, ...]:
    leaves = view.leaves_at([notice.leaf_index for notice in page])
    return tuple(_one(view, notice, leaves[notice.leaf_index]) for notice in page)


def _one(view: View, notice: StoredNotice, leaf: bytes) -> PlacedNotice:
    link = link_of(parse_leaf(leaf))
    breach = notice.reason is NoticeReason.BREACH
    if link is None and not breach:
        raise InconsistentError("notices", got=f"leaf {notice.leaf_index}", want="a leaf about a record")
    return PlacedNotice(
        None if link is None else link.record,
        notice.reason,
        notice.leaf_index,
        leaf,
        view.inclusion(notice.leaf_index),
        notice.inquiry_id,
        0 if notice.reason in UNASKED else notice.asked_at,
        notice.shown_index,
        notice.acknowledged_index,
    )


def _read(sent: ReceivedAcknowledgement, peer: str, directory: Directory) -> AcknowledgementItem:
    """Return what may be appended, if the log's state allows it."""
    size, most = len(sent.payload), MAX_ACKNOWLEDGEMENT_BYTES
    if size > most:
        field = "acknowledgement.payload"
        raise RegistryError(RefusalReason.SIZE_LIMIT, field, f"{field}.size", got=str(size), want=f"at most {most}")
    acknowledgement = Acknowledgement.parse(sent.payload)
    if acknowledgement.member != peer:
        got, want = acknowledgement.member, peer
        raise RegistryError(RefusalReason.PEER_MISMATCH, "acknowledgement.member", "peer.match", got=got, want=want)
    # As if it were the next leaf; the append judges it at its own.
    key = check_acknowledgement(acknowledgement, sent.key_id, directory, _NEVER)
    dsse.verify(dsse.ACKNOWLEDGEMENT, sent.payload, key.public_key, sent.signature)
    if not 0 < sent.number <= _NEVER:
        raise RegistryError(RefusalReason.NOTICE_UNKNOWN, "number", "notice.own", want="a number of the own inbox")
    return AcknowledgementItem(acknowledgement, sent.payload, sent.key_id, sent.signature, sent.number, sent.opening)
