"""Acknowledgements of notices, as the next leaves (proto/README.md 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.commitment import check_open, commit_notice
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.ledger.notice import check_acknowledgement
from client_sdk.kernel.rules.errors import RuleError
from registry_server.sequencing.items import ItemOutcome, Place, Result

if TYPE_CHECKING:
    from registry_server.sequencing.items import AcknowledgementItem
    from registry_server.sequencing.staging import Staging
    from registry_server.storage.notices import StoredNotice

__all__ = ["admit_acknowledgement", "known_acknowledgement"]


def known_acknowledgement(staging: Staging, item: AcknowledgementItem) -> Result | None:
    """Return the result for a notice that was acknowledged before; None where it was not.

    Raises:
        RuleError: NOTICE_UNKNOWN.
    """
    index = _notice(staging, item).acknowledged_index or staging.acknowledged.get(item.notice, (0, b""))[0]
    if not index:
        return None
    leaf = staging.leaf_at(index)
    return Result(ItemOutcome.REPEATED, Place(index, parse_leaf(leaf).logged_at, leaf))


def admit_acknowledgement(staging: Staging, item: AcknowledgementItem) -> int:
    """Log an acknowledgement of a notice that has none yet; return the index of its leaf.

    Raises:
        FormatError: the opening does not open the commitment to this notice.
        RuleError: NOTICE_UNKNOWN, or the member may not acknowledge with this key.
    """
    notice, index = _notice(staging, item), staging.next_index
    check_acknowledgement(item.acknowledgement, item.key_id, staging.directory, index)
    cause = leaf_hash(staging.leaf_at(notice.leaf_index))
    opened = commit_notice(item.opening, notice.leaf_index, cause, notice.reason.number)
    check_open(item.acknowledgement.notice_commitment, opened, "acknowledgement")
    leaf = StatementLeaf(staging.logged_at, dsse.ACKNOWLEDGEMENT, item.payload, item.key_id, item.signature)
    staging.add_leaf(leaf.encode())
    staging.acknowledged[item.notice] = (index, item.opening)
    return index


def _notice(staging: Staging, item: AcknowledgementItem) -> StoredNotice:
    notice = staging.loaded.notices.get(item.notice)
    if notice is None:
        raise RuleError("NOTICE_UNKNOWN", "number", "notice.own", want="the number of a notice in the own inbox")
    return notice
