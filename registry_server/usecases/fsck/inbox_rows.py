"""Comparison of notices, and of who was shown what, with the leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.acknowledgement import Acknowledgement
from client_sdk.kernel.formats.commitment import check_open, commit_notice
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.link import link_of
from client_sdk.kernel.ledger.notice import check_cause
from registry_server.storage import leaves, notices, records, shown
from registry_server.usecases.fsck.report import MAX_KEPT, RowKind

if TYPE_CHECKING:
    from registry_server.storage.notices import StoredNotice
    from registry_server.storage.unit_of_work import UnitOfWork
    from registry_server.usecases.fsck.report import FsckReport

__all__ = ["check_notices", "check_shown"]


def check_notices(work: UnitOfWork, report: FsckReport) -> None:
    """Check that the leaf of each notice does what the notice says, and that its acknowledgement is in the log."""
    for notice in notices.rows(work):
        found = leaves.leaves_at(work, [notice.leaf_index, notice.acknowledged_index])
        place = f"notice {notice.leaf_index} of {notice.member}"
        cause = found.get(notice.leaf_index, b"")
        if not _is_cause(work, notice, cause):
            report.note(RowKind.NOTICE_ROW, place, "notices.leaf", want="a leaf that does this to the record")
        elif notice.acknowledged_index and not _acknowledges(notice, cause, found.get(notice.acknowledged_index, b"")):
            want = "the member's acknowledgement of this notice"
            report.note(RowKind.NOTICE_ROW, place, "notices.acknowledgement", want=want)


def _is_cause(work: UnitOfWork, notice: StoredNotice, data: bytes) -> bool:
    try:
        leaf = parse_leaf(data)
        link = link_of(leaf)
        if link is None:
            return False
        check_cause(leaf, link.record, notice.reason)
    except FormatError:
        return False
    record = records.by_keys(work, [link.record]).get(link.record)
    return record is not None and record.first_index == notice.record


def _acknowledges(notice: StoredNotice, cause: bytes, data: bytes) -> bool:
    try:
        leaf = parse_leaf(data)
        if not isinstance(leaf, StatementLeaf) or leaf.payload_type != dsse.ACKNOWLEDGEMENT:
            return False
        said = Acknowledgement.parse(leaf.payload)
        opened = commit_notice(notice.opening, notice.leaf_index, leaf_hash(cause), notice.reason.number)
        check_open(said.notice_commitment, opened, "acknowledgement")
    except FormatError:
        return False
    return said.member == notice.member


def check_shown(work: UnitOfWork, report: FsckReport) -> None:
    """Check that each version that an answer has shown is one of its record."""
    for row in shown.astray(work, MAX_KEPT):
        place = f"record of leaf {row.record}, shown to {row.asker}"
        report.note(RowKind.SHOWN_ROW, place, "shown.leaf-index", got=str(row.leaf_index), want="a version of it")
