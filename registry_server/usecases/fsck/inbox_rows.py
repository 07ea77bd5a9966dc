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
from registry_server.usecases.fsck.report import RowKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.state_store import StateStore
    from registry_server.storage.notices import StoredNotice
    from registry_server.storage.unit_of_work import UnitOfWork
    from registry_server.usecases.fsck.report import FsckReport
    from registry_server.usecases.fsck.rows import LeafPlaces

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
        check_cause(leaf, None if link is None else link.record, notice.reason, notice.member)
    except FormatError:
        return False
    if link is None:
        return notice.record == notice.leaf_index
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


def check_shown(
    work: UnitOfWork,
    report: FsckReport,
    chains: Mapping[RecordKey, Chain],
    links: LeafPlaces,
    store: StateStore,
) -> None:
    """Check that each version that a member was shown is one of its record, or of one that this record continues.

    Args:
        work: the snapshot.
        report: takes the findings.
        chains: of all records, from the leaves.
        links: where their versions are.
        store: takes what grows with the records that continue others.
    """
    before = store.mapping("continued records", int, int)
    for chain in chains.values():
        if chain.continues is not None:
            first, former = links.first(chain.key), links.first(chain.continues)
            if first is not None and former is not None:
                before[first] = former
    for row, shown_of in shown.of_other_records(work):
        record: int | None = row.record
        # Each record begins after the one that it continues.
        while record is not None and record > shown_of:
            record = before.get(record)
        if record != shown_of:
            place = f"record of leaf {row.record}, shown to {row.asker}"
            report.note(RowKind.SHOWN_ROW, place, "shown.leaf-index", got=str(row.leaf_index), want="a version of it")
