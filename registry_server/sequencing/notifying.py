"""Notices to members: who must hear of a leaf, decided in the transaction that logs it (proto/README.md 5).

A notice and its leaf are one commit, so that none is lost or made twice, whatever dies when.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.kernel.formats.words import AnnotationFlag, DisputeOutcome, InstitutionStatus, NoticeReason
from client_sdk.kernel.ledger.breach import notified_members
from client_sdk.kernel.rules.correction import corrects
from registry_server.sequencing.staging import Cause
from registry_server.storage import notices, shown
from registry_server.storage.notices import StoredNotice

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from client_sdk.kernel.formats.breach import BreachBody
    from client_sdk.kernel.formats.words import Standing
    from client_sdk.kernel.ledger.chain import Chain
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.sequencing.items import AnnotationItem, StatementItem
    from registry_server.sequencing.staging import Staging
    from registry_server.storage.records import StoredRecord
    from registry_server.storage.shown import ShownRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["note_annotation", "note_breach", "note_restriction", "note_statement", "notify"]


def note_statement(staging: Staging, item: StatementItem, before: Standing, record: StoredRecord) -> None:
    """Note a further version, or the first of a bought record, if it takes back something of the one before.

    Args:
        staging: the batch.
        item: the version.
        before: standing of the version before, or of the sold record.
        record: after the version.
    """
    statement = item.statement
    if not statement.carries_subject:
        reason = NoticeReason(statement.standing.name)
    elif item.previous is None or item.facts is None:
        return
    elif corrects(item.previous.facts, item.facts, moved=statement.standing is not before):
        reason = NoticeReason.CORRECTED
    else:
        return
    staging.causes.append(_cause(staging, record, record.chain.index, reason, statement.signer))


def note_annotation(staging: Staging, item: AnnotationItem, before: Chain, record: StoredRecord) -> None:
    """Note an annotation, if it restricts the record, opens a dispute anew, or answers one.

    Who opened the dispute is told of its answer alone, before all others are of what it does to the record.
    """
    annotation, head, after = item.annotation, before.annotation, record.chain.annotation
    if after is None:
        return
    author, index = annotation.author, after.index
    if annotation.answers and head is not None:
        cause = _cause(staging, record, index, NoticeReason.ANSWERED, author)
        staging.causes.append(cause._replace(members=(head.disputed_by,)))
    if AnnotationFlag.RESTRICTED in after.flags and not (head is not None and head.restricted):
        staging.causes.append(_cause(staging, record, index, NoticeReason.RESTRICTED, author))
    if annotation.outcome is DisputeOutcome.CORRECTED and head is not None:
        cause = _cause(staging, record, index, NoticeReason.CORRECTED, author)
        since, corrected = head.disputed_since, record.chain.index
        staging.causes.append(cause._replace(corrected_since=since, corrected_index=corrected))
    if after.waits and not (head is not None and head.waits):
        furnisher = _furnisher(staging.directory, annotation.issuer)
        if furnisher:
            cause = _cause(staging, record, index, NoticeReason.DISPUTED, author)
            staging.causes.append(cause._replace(members=(furnisher,)))


def note_restriction(staging: Staging, record: StoredRecord, index: int) -> None:
    """Note a lapse that restricts a record."""
    staging.causes.append(_cause(staging, record, index, NoticeReason.RESTRICTED, ""))


def note_breach(staging: Staging, body: BreachBody, index: int) -> None:
    """Note an act that tells of a breach, for the members that it concerns."""
    members = notified_members(body, staging.directory.institutions)
    if members:
        staging.causes.append(Cause(index, index, staging.logged_at, NoticeReason.BREACH, "", 0, members))


def _cause(staging: Staging, record: StoredRecord, index: int, reason: NoticeReason, author: str) -> Cause:
    since = staging.logged_at - staging.directory.rulebook.correction_days * DAY_MS
    return Cause(record.first_index, index, staging.logged_at, reason, author, since)


def _furnisher(directory: Directory, issuer: str) -> str:
    """Return who answers for an issuer's records: itself, or its successor; empty for nobody."""
    state = directory.institution(issuer)
    return state.successor if state.status is InstitutionStatus.TERMINATED else issuer


def notify(work: UnitOfWork, staging: Staging) -> None:
    """Make the notices of a batch, and delete which answers have shown the records that can change no more.

    Where a buyer's record continues a sold one, who was shown that one hears of the buyer's from then on.

    Args:
        work: the transaction that logs the batch; it holds the head row, as every transaction that adds to ``shown``.
        staging: the batch.
    """
    heirs = _heirs(staging)
    if staging.causes or heirs:
        rows = _shown(work, staging, heirs)
        notified = _MembersToNotify(work, staging.causes, rows, heirs)
        fresh = [notice for cause in staging.causes for notice in notified.of(cause, staging.directory)]
        notices.add(work, fresh)
        shown.put(work, [row._replace(record=heir) for heir in set(heirs.values()) for row in rows.get(heir, ())])
    ended = [record.first_index for record in staging.changed_records() if not record.chain.live]
    if ended:
        shown.forget_records(work, ended)


def _heirs(staging: Staging) -> dict[int, int]:
    """Return of each record that the batch has continued the last one that continues it, both by their first index."""
    heirs: dict[int, int] = {}
    for record in staging.changed_records():
        last = record
        while last.continued_by is not None and (heir := staging.record(last.continued_by)) is not None:
            last = heir
        if last is not record:
            heirs[record.first_index] = last.first_index
    return heirs


def _shown(work: UnitOfWork, staging: Staging, heirs: Mapping[int, int]) -> dict[int, list[ShownRow]]:
    """Return who was shown the records of a batch, by the record that stands for each when the batch ends."""
    concerned = [*heirs, *heirs.values(), *(cause.record for cause in staging.causes if not cause.members)]
    found: dict[int, dict[str, ShownRow]] = {}
    for record, rows in sorted(shown.of_records(work, concerned).items()):
        newest = found.setdefault(heirs.get(record, record), {})
        newest.update({row.asker: row for row in rows})
    return {record: [rows[asker] for asker in sorted(rows)] for record, rows in found.items()}


class _MembersToNotify:
    """Which members were shown the records of a batch's causes, and which notices of them there are already."""

    def __init__(
        self,
        work: UnitOfWork,
        causes: Iterable[Cause],
        rows: Mapping[int, Sequence[ShownRow]],
        heirs: Mapping[int, int],
    ) -> None:
        self._shown = rows
        self._heirs = heirs
        self._already_notified = notices.already_notified(
            work, [cause.record for cause in causes if cause.corrected_since]
        )

    def of(self, cause: Cause, directory: Directory) -> list[StoredNotice]:
        """Return the notices of a leaf, one for each member that must hear of it."""
        if cause.members:
            fresh = [
                StoredNotice(member, cause.leaf_index, cause.record, cause.reason, b"", cause.logged_at, 0)
                for member in cause.members
            ]
        else:
            fresh = [
                StoredNotice(row.asker, cause.leaf_index, cause.record, cause.reason, *_asked(row))
                for row in self._shown.get(self._heirs.get(cause.record, cause.record), ())
                if self._concerns(cause, row)
            ]
        return [notice for notice in fresh if self._is_first(notice, cause, directory)]

    def _is_first(self, notice: StoredNotice, cause: Cause, directory: Directory) -> bool:
        """Whether a member gets a notice, and has none of the same leaf for another reason."""
        member, key = notice.member, (notice.record, notice.member, notice.leaf_index)
        status = directory.institution(member).status
        if member == cause.author or status is InstitutionStatus.TERMINATED or key in self._already_notified:
            return False
        self._already_notified.add(key)
        return True

    def _concerns(self, cause: Cause, row: ShownRow) -> bool:
        if row.asked_at < cause.since:
            return False
        if not cause.corrected_since:
            return True
        notified = any(
            (record, member) == (cause.record, row.asker) and number > cause.corrected_since
            for record, member, number in self._already_notified
        )
        return row.leaf_index < cause.corrected_index and not notified


def _asked(row: ShownRow) -> tuple[bytes, int, int]:
    return row.inquiry_id, row.asked_at, row.leaf_index
