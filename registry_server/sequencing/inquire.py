"""Keeping inquiries: durable before they are answered, each counted once (proto/README.md 9)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from client_sdk.kernel.ledger.inquiry_tree import ANSWERED, InquiryLeaf
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.sequencing.items import InquiryItem, InquiryResult
from registry_server.storage import inquiries, quotas
from registry_server.storage.inquiries import InquiredPerson, StoredInquiry
from registry_server.storage.quotas import INQUIRED_SUBJECTS, QuotaKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.state import Rulebook
    from registry_server.storage.inquiries import InquiryKey
    from registry_server.storage.unit_of_work import Database

__all__ = ["record"]


def record(database: Database, rulebook: Rulebook, now: int, items: Sequence[InquiryItem]) -> list[InquiryResult]:
    """Keep inquiries, in one transaction; return the result of each.

    Args:
        database: where they are kept.
        rulebook: whose quota counts.
        now: when they were received, ms.
        items: at most some thousand.

    Raises:
        StorageError: the database failed; the same inquiries may be sent again.
    """
    day = day_of(now, rulebook.time_zone).isoformat()
    with database.append() as work:
        known = inquiries.by_keys(work, [(item.asker, item.inquiry_id) for item in items])
        used = quotas.used(work, {QuotaKey(item.asker, INQUIRED_SUBJECTS, day) for item in items})
        book = _Book(known, used, rulebook, now, day)
        results = [book.enter(item) for item in items]
        if book.fresh:
            inquiries.add(work, book.fresh)
            inquiries.add_persons(work, book.persons)
            quotas.add(work, book.counted)
            work.commit()
    return results


class _Book:
    """The inquiries of one transaction."""

    def __init__(
        self,
        known: dict[InquiryKey, StoredInquiry],
        used: dict[QuotaKey, int],
        rulebook: Rulebook,
        now: int,
        day: str,
    ) -> None:
        self._known = known
        self._used = used
        self._most = rulebook.daily_inquired_subjects
        self._now = now
        self._day = day
        self.fresh: list[StoredInquiry] = []
        self.persons: list[InquiredPerson] = []
        self.counted: dict[QuotaKey, int] = {}

    def enter(self, item: InquiryItem) -> InquiryResult:
        """Enter one inquiry."""
        before = self._known.get((item.asker, item.inquiry_id))
        if before is not None:
            return _again(item, before)
        refusal = None
        if item.outcome == ANSWERED:
            refusal = self._count(item)
            if refusal is not None:
                item = replace(item, outcome=refusal.reason, opening=b"", subjects=())
        leaf = InquiryLeaf.of(self._now, item.outcome, item.payload, item.signature).encode()
        stored = StoredInquiry(
            item.asker,
            item.inquiry_id,
            self._now,
            item.outcome,
            item.payload,
            item.key_id,
            item.signature,
            leaf,
            None,
            item.subject_count,
            item.opening or None,
        )
        self._known[item.asker, item.inquiry_id] = stored
        self.fresh.append(stored)
        self.persons += _persons(item, self._now)
        return InquiryResult(item.outcome, self._now, refusal=refusal)

    def _count(self, item: InquiryItem) -> RuleError | None:
        key = QuotaKey(item.asker, INQUIRED_SUBJECTS, self._day)
        total = self._used[key] + item.subject_count
        if total > self._most:
            return RuleError(
                "QUOTA_EXCEEDED",
                "inquiry.subject_commitments",
                "rulebook.daily-inquired-subjects",
                got=str(total),
                want=f"at most {self._most} a day",
            )
        self._used[key] = total
        self.counted[key] = self.counted.get(key, 0) + item.subject_count
        return None


def _persons(item: InquiryItem, now: int) -> list[InquiredPerson]:
    """Return whom an inquiry asks about; who is named twice has the first of the two places."""
    places: dict[bytes, int] = {}
    for place, subjects in enumerate(item.subjects):
        for subject in subjects:
            places.setdefault(subject, place)
    return [InquiredPerson(subject, now, item.asker, item.inquiry_id, place) for subject, place in places.items()]


def _again(item: InquiryItem, before: StoredInquiry) -> InquiryResult:
    """Return the result for a repeated inquiry id."""
    if (before.payload, before.signature) != (item.payload, item.signature):
        taken = RuleError("INQUIRY_TAKEN", "inquiry.inquiry_id", "inquiry.once", want="an id not used before")
        return InquiryResult(taken.reason, before.received_at, refusal=taken)
    refusal = None
    if before.outcome != ANSWERED:
        refusal = RuleError(before.outcome, "inquiry", "inquiry.refused", want="an inquiry not refused before")
    return InquiryResult(before.outcome, before.received_at, repeated=True, refusal=refusal)
