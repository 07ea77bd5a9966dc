"""Keeping inquiries, who was shown which record, and alerts: durable before they are answered (proto/README.md 9)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import AlertReason
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED, InquiryLeaf
from client_sdk.kernel.rules.consent import RequestUse, check_own_request
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.sequencing.alerting import AlertRequests
from registry_server.sequencing.items import InquiryItem, InquiryResult
from registry_server.storage import alerts, head, inquiries, quotas, shown
from registry_server.storage.inquiries import InquiredPerson, StoredInquiry
from registry_server.storage.quotas import INQUIRED_SUBJECTS, REFUSED_INQUIRIES, SCREENED_SUBJECTS, QuotaKey
from registry_server.storage.shown import NewestLinks, ShownRow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.state import Rulebook
    from registry_server.storage.alerts import StoredAlert
    from registry_server.storage.inquiries import InquiryKey
    from registry_server.storage.unit_of_work import Database, UnitOfWork

__all__ = ["MAX_REFUSED_INQUIRIES", "record"]

# Of one member on one legal day; what else is refused then is not kept. Each may take some kilobytes.
MAX_REFUSED_INQUIRIES = 1_000


def record(database: Database, rulebook: Rulebook, now: int, items: Sequence[InquiryItem]) -> list[InquiryResult]:
    """Keep inquiries, in one transaction; return the result of each.

    Args:
        database: where they are kept.
        rulebook: whose quota counts.
        now: when they were received, ms.
        items: at most some thousand, each with the records that its answer shows.

    Raises:
        StorageError: the database failed; the same inquiries may be sent again.
    """
    day = day_of(now, rulebook.time_zone).isoformat()
    with database.append() as work:
        overtaken = _overtaken(work, items)
        asked = [(item.asker, item.inquiry_id) for item in items]
        requests = [request for item in items for request in item.requests.values()]
        inquiries.hold(work, asked, requests)
        known = inquiries.by_keys(work, asked)
        keys = {key for item in items for key in (_quota(item, day), _refused(item, day))}
        used = quotas.used(work, keys)
        subjects = [subject for item in items for person in item.subjects for subject in person]
        held = alerts.count_watches(work, [item.asker for item in items if item.alerts_until])
        book = _Book(known, used, rulebook, now, day, AlertRequests(work, subjects, day), held)
        book.requests = _uses(work, requests)
        results = [
            InquiryResult(item.outcome, now, overtaken=True) if late else book.enter(item)
            for item, late in zip(items, overtaken, strict=True)
        ]
        if book.fresh or book.shown:
            inquiries.add(work, book.fresh)
            shown.put(work, book.shown)
            inquiries.add_persons(work, book.persons)
            quotas.add(work, book.counted)
            alerts.watch(work, book.watches.fresh)
            alerts.add(work, book.alerts)
            work.commit()
    return results


def _overtaken(work: UnitOfWork, items: Sequence[InquiryItem]) -> list[bool]:
    """Return of each inquiry whether a record of its answer has changed since; from here on none of them can.

    A leaf that changes one later finds who was shown it; one that came before was not in the answer.
    """
    records = {record.record for item in items for record in item.shown}
    if not records:
        return [False] * len(items)
    head.hold(work)
    newest = shown.newest_links(work, records)
    return [
        any(newest.get(record) != NewestLinks(leaf, annotation) for record, leaf, annotation in item.shown)
        for item in items
    ]


class _Book:
    """The inquiries of one transaction."""

    def __init__(
        self,
        known: dict[InquiryKey, StoredInquiry],
        used: dict[QuotaKey, int],
        rulebook: Rulebook,
        now: int,
        day: str,
        watches: AlertRequests,
        held: dict[str, int],
    ) -> None:
        self._known = known
        self._used = used
        self._most = rulebook.daily_inquired_subjects
        self._now = now
        self._day = day
        self._time_zone = rulebook.time_zone
        self._held = held
        self.watches = watches
        # What each request has been used for.
        self.requests: dict[bytes, RequestUse] = {}
        self.alerts: list[StoredAlert] = []
        self.fresh: list[StoredInquiry] = []
        self.shown: list[ShownRow] = []
        self.persons: list[InquiredPerson] = []
        self.counted: dict[QuotaKey, int] = {}

    def enter(self, item: InquiryItem) -> InquiryResult:
        """Enter one inquiry."""
        before = self._known.get((item.asker, item.inquiry_id))
        if before is not None:
            result = _again(item, before)
            if result.refusal is None:
                self._show(item, before.received_at)
            return result
        refusal = None
        if item.outcome == ANSWERED:
            refusal = self._check_request(item) or self._count(item) or self._begin_alerts(item)
            if refusal is not None:
                item = replace(
                    item, outcome=refusal.reason, opening=b"", subjects=(), alerts_until="", requests={}, signed_on=""
                )
        if item.outcome != ANSWERED and (unkept := self._count_refused(item)) is not None:
            return InquiryResult(unkept.reason, self._now, refusal=unkept, kept=False)
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
        if item.outcome == ANSWERED:
            self._show(item, self._now)
            asked_about = (subject for person in item.subjects for subject in person)
            self.alerts += self.watches.alerts(asked_about, AlertReason.ACCESS, self._now, item.asker)
        self.requests |= {request: _request_use(subject, item.signed_on) for subject, request in item.requests.items()}
        self.persons += _persons(item, self._now)
        return InquiryResult(item.outcome, self._now, refusal=refusal)

    def _show(self, item: InquiryItem, asked_at: int) -> None:
        self.shown += [
            ShownRow(record, item.asker, leaf_index, item.inquiry_id, asked_at) for record, leaf_index, _ in item.shown
        ]

    def _begin_alerts(self, item: InquiryItem) -> RuleError | None:
        """Begin the alerts that an inquiry asks for; return why it must not."""
        if item.alerts_until:
            try:
                self.watches.begin(item, self._held[item.asker], self._time_zone)
            except RuleError as error:
                return error
            self._held[item.asker] += 1
        return None

    def _check_request(self, item: InquiryItem) -> RuleError | None:
        """Return why an inquiry is not made on its request: another person has signed it, or on another day."""
        try:
            for subject, request in item.requests.items():
                check_own_request(_request_use(subject, item.signed_on), self.requests.get(request))
        except RuleError as error:
            return error
        return None

    def _count(self, item: InquiryItem) -> RuleError | None:
        key = _quota(item, self._day)
        total = self._used[key] + item.subject_count
        if total > self._most:
            return RuleError(
                "QUOTA_EXCEEDED",
                "inquiry.screening.persons" if item.screening else "inquiry.subject_commitments",
                "rulebook.daily-inquired-subjects",
                got=str(total),
                want=f"at most {self._most} a day",
            )
        self._use(key, item.subject_count)
        return None

    def _count_refused(self, item: InquiryItem) -> RuleError | None:
        """Count a refused inquiry; return why it is not kept where the asker has had too many refused today."""
        key = _refused(item, self._day)
        if self._used[key] >= MAX_REFUSED_INQUIRIES:
            most = f"at most {MAX_REFUSED_INQUIRIES} refused inquiries a day"
            want = f"{most}: this one was refused as well ({item.outcome}), and is not kept"
            return RuleError("QUOTA_EXCEEDED", "inquiry", "inquiry.refused-quota", want=want)
        self._use(key, 1)
        return None

    def _use(self, key: QuotaKey, count: int) -> None:
        self._used[key] += count
        self.counted[key] = self.counted.get(key, 0) + count


def _uses(work: UnitOfWork, requests: Sequence[bytes]) -> dict[bytes, RequestUse]:
    """Return what requests have been used for; all uses of one are for one person and with one day."""
    return {
        request: _request_use(subject, Inquiry.parse(first.payload).consent_terms.first_given_on)
        for request, (subject, first) in inquiries.requests(work, requests).items()
    }


def _request_use(subject: bytes, signed_on: str) -> RequestUse:
    return RequestUse(subject, date.fromisoformat(signed_on))


def _refused(item: InquiryItem, day: str) -> QuotaKey:
    """Return the counter of an asker's refused inquiries."""
    return QuotaKey(item.asker, REFUSED_INQUIRIES, day)


def _quota(item: InquiryItem, day: str) -> QuotaKey:
    """Return the counter of an inquiry: those who are screened do not use up what may be asked, nor the other way."""
    return QuotaKey(item.asker, SCREENED_SUBJECTS if item.screening else INQUIRED_SUBJECTS, day)


def _persons(item: InquiryItem, now: int) -> list[InquiredPerson]:
    """Return whom an inquiry asks about; who is named twice has the first of the two places."""
    places: dict[bytes, int] = {}
    for place, subjects in enumerate(item.subjects):
        for subject in subjects:
            places.setdefault(subject, place)
    return [
        InquiredPerson(subject, now, item.asker, item.inquiry_id, place, item.requests.get(subject))
        for subject, place in places.items()
    ]


def _again(item: InquiryItem, before: StoredInquiry) -> InquiryResult:
    """Return the result for a repeated inquiry id."""
    if (before.payload, before.signature) != (item.payload, item.signature):
        taken = RuleError("INQUIRY_TAKEN", "inquiry.inquiry_id", "inquiry.once", want="an id not used before")
        return InquiryResult(taken.reason, before.received_at, refusal=taken)
    refusal = None
    if before.outcome != ANSWERED:
        refusal = RuleError(before.outcome, "inquiry", "inquiry.refused", want="an inquiry not refused before")
    return InquiryResult(before.outcome, before.received_at, repeated=True, refusal=refusal)
