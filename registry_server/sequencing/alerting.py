"""Making alerts: who is to hear that a person was asked about or reported (proto/README.md 9).

They are made in the transaction that keeps the inquiry or logs the record: no crash loses one or makes it twice.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.words import AlertReason
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from registry_server.storage import alerts, inquiries
from registry_server.storage.alerts import AlertRequestRow, StoredAlert

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from registry_server.sequencing.items import InquiryItem
    from registry_server.sequencing.staging import Staging
    from registry_server.storage.live import LiveRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["MAX_WATCHED", "AlertRequests", "alert_of_records"]

# Inquiries of one member for which alerts are made at one time: with each, a report or an inquiry costs one row more.
MAX_WATCHED = 10_000
_ALERT_ID_BYTES = 16


class AlertRequests:
    """Who is to be alerted about some persons, as it stands within one transaction.

    Args:
        work: the transaction.
        subjects: pseudonyms of the persons.
        day: today, YYYY-MM-DD in the rulebook's time zone.
    """

    def __init__(self, work: UnitOfWork, subjects: Iterable[bytes], day: str) -> None:
        self._work, self._day = work, day
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

    def begin(self, item: InquiryItem, before: int, time_zone: str) -> None:
        """Begin what an inquiry about one person asks for.

        Args:
            item: answered, with the pseudonyms of the person.
            before: for how many inquiries its asker is alerted already.
            time_zone: of the rulebook.

        Raises:
            RuleError: ALERTS_ON; its asker is alerted about the person already, under each of the pseudonyms.
                ALERTS_FULL; its asker is alerted about too many.
        """
        about = [
            next((row for row in self._by_subject.get(subject, ()) if row.member == item.asker), None)
            for subject in item.subjects[0]
        ]
        if (running := about[0]) is not None and None not in about:
            got = f"since {self._begun_on(running, time_zone)} and until {running.until}, as {running.inquiry_id.hex()}"
            raise RuleError(
                "ALERTS_ON", "inquiry.alerts_until", "alerts.once", got=got, want="alerts that are not on yet"
            )
        if before >= MAX_WATCHED:
            want = f"at most {MAX_WATCHED:,} persons for whom a member is alerted"
            raise RuleError("ALERTS_FULL", "inquiry.alerts_until", "alerts.most", got=f"{before:,}", want=want)
        for subject in dict.fromkeys(item.subjects[0]):
            row = AlertRequestRow(subject, item.asker, item.inquiry_id, item.alerts_until)
            self._by_subject.setdefault(subject, []).append(row)
            self.fresh.append(row)

    def _begun_on(self, running: AlertRequestRow, time_zone: str) -> str:
        """Return the day on which alerts were asked for; today where the inquiry is of this transaction."""
        key = running.member, running.inquiry_id
        stored = inquiries.by_keys(self._work, [key]).get(key)
        return self._day if stored is None else day_of(stored.received_at, time_zone).isoformat()


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
