"""Showing records to members, and reading what they are told, below gRPC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.commitment import commit_notice
from client_sdk.kernel.formats.encoding import leaf_hash
from registry_server.sequencing.items import AcknowledgementItem, ShownRecord
from tests.support.handmade_log import REGISTRY, seed, signer
from tests.support.registry_world import World

if TYPE_CHECKING:
    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.formats.words import NoticeReason
    from registry_server.sequencing.items import InquiryResult
    from registry_server.sequencing.ledger import Ledger

__all__ = ["acknowledgement", "as_shown", "show", "told"]


def as_shown(ledger: Ledger, *keys: RecordKey) -> tuple[ShownRecord, ...]:
    """Records as an answer of now shows them."""
    found = []
    with ledger.view() as view:
        for key in keys:
            record = view.stored_record(key)
            assert record is not None
            head = record.chain.annotation
            found.append(ShownRecord(record.first_index, record.chain.index, -1 if head is None else head.index))
    return tuple(found)


def show(
    ledger: Ledger, asker: str, name: str, *keys: RecordKey, shown: tuple[ShownRecord, ...] | None = None
) -> InquiryResult:
    """Keep an inquiry that is answered with records; return its result."""
    item = World.inquiry(asker, name, shown=as_shown(ledger, *keys) if shown is None else shown)
    (result,) = ledger.record_inquiries([item]).result()
    return result


def told(ledger: Ledger, member: str, *, waiting: bool = True) -> list[tuple[int, NoticeReason]]:
    """Number and reason of each notice of a member, in order."""
    with ledger.view() as view:
        return [(one.leaf_index, one.reason) for one in view.notices(member, 0, 10_000, waiting=waiting)]


def acknowledgement(ledger: Ledger, member: str, number: int, reason: NoticeReason) -> AcknowledgementItem:
    """A member's signed acknowledgement of a notice; the same for the same notice."""
    with ledger.view() as view:
        leaf = view.leaves_at([number])[number]
    opening = seed(f"opening of notice {number} of {member}")
    commitment = commit_notice(opening, number, leaf_hash(leaf), reason.number)
    said = Acknowledgement(REGISTRY, member, commitment, 1)
    own, payload = signer(f"{member} INQUIRE"), said.encode()
    signature = dsse.sign(own, dsse.ACKNOWLEDGEMENT, payload)
    return AcknowledgementItem(said, payload, own.public_key.key_id, signature, number, opening)
