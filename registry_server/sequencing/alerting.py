"""Making alerts: who is to hear that a person was asked about or reported (proto/README.md 9).

They are made in the transaction that keeps the inquiry or logs the record: no crash loses one or makes it twice.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import AlertReason
from client_sdk.kernel.rules.errors import RuleError
from registry_server.storage import alerts
from registry_server.storage.alerts import AlertRequestRow, StoredAlert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from registry_server.sequencing.items import InquiryItem
    from registry_server.sequencing.staging import Staging
    from registry_server.storage.live import LiveRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["MAX_WATCHED", "MAX_WATCHED_ONE", "AlertRequests", "alert_of_records"]

# Inquiries of one member for which alerts are made at one time: with each, a report or an inquiry costs one row more.
MAX_WATCHED = 10_000
# Of these, inquiries about one and the same person.
MAX_WATCHED_ONE = 8
_ALERT_ID_BYTES = 16


class AlertRequests:
    """Who is to be alerted about some persons, as it stands within one transaction.

    Args:
        work: the transaction.
        subjects: pseudonyms of the persons.
        day: today, YYYY-MM-DD in the rulebook's time zone.
    """

    def __init__(self, work: UnitOfWork, subjects: Iterable[bytes], day: str) -> None:
        self._by_subject: dict[bytes, list[AlertRequestRow]] = {}
        for row in alerts.watches_of(work, subjects):
            if row.until >= day:
                self._by_subject.setdefault(row.subject, []).append(row)
        self.fresh: list[AlertRequestRow] = []

    def alerts(
        self, subjects: Iterable[bytes], reason: AlertReason, happened_at: int, author: str
    ) -> list[StoredAlert]:
        """Return an alert for each inquiry that asked for them, but none to who did it itself.

        Args:
            subjects: pseudonyms of the persons to whom it happened.
            reason: what happened.
            happened_at: ms.
            author: institution id of who did it.
        """
        told = {
            (row.member, row.inquiry_id)
            for subject in subjects
            for row in self._by_subject.get(subject, ())
            if row.member != author
        }
        return [
            StoredAlert(member, secrets.token_bytes(_ALERT_ID_BYTES), inquiry_id, reason, happened_at)
            for member, inquiry_id in sorted(told)
        ]

    def begin(self, item: InquiryItem, before: int) -> None:
        """Begin what an inquiry about one person asks for.

        Args:
            item: answered, with the pseudonyms of the person.
            before: for how many inquiries its asker is alerted already.

        Raises:
            RuleError: ALERTS_FULL; for too many, or too many about this person.
        """
        about = {
            row.inquiry_id
            for subject in item.subjects[0]
            for row in self._by_subject.get(subject, ())
            if row.member == item.asker
        }
        _check_most(before, MAX_WATCHED, "persons for whom a member is alerted")
        _check_most(len(about), MAX_WATCHED_ONE, "times that a member is alerted about one person")
        for subject in dict.fromkeys(item.subjects[0]):
            row = AlertRequestRow(subject, item.asker, item.inquiry_id, item.alerts_until)
            self._by_subject.setdefault(subject, []).append(row)
            self.fresh.append(row)


def _check_most(held: int, most: int, what: str) -> None:
    if held >= most:
        want = f"at most {most:,} {what}"
        raise RuleError("ALERTS_FULL", "inquiry.alerts_until", "alerts.most", got=f"{held:,}", want=want)


def alert_of_records(work: UnitOfWork, added: Sequence[tuple[LiveRow, bytes, bytes]], staging: Staging) -> None:
    """Make the alerts of records that a batch reports for the first time.

    A record carries the newest pseudonym of its person alone, and alerts may have been asked for under an older one.

    Args:
        work: the transaction that logs the batch.
        added: its new live records, each with sealed disclosure and text.
        staging: the batch.
    """
    about = [(row.key.issuer, (row.subject, *staging.also_about.get(row.key, ()))) for row, _, _ in added]
    watched = AlertRequests(work, [subject for _, subjects in about for subject in subjects], staging.day)
    made = [
        alert
        for issuer, subjects in about
        for alert in watched.alerts(subjects, AlertReason.NEW_RECORD, staging.logged_at, issuer)
    ]
    alerts.add(work, made)
