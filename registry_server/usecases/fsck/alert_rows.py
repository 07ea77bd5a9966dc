"""Comparison of alerts, and of whom members are alerted about, with the inquiries that asked for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.ledger.inquiry import Inquiry, InquiryOpening
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED
from registry_server.storage import alerts, inquiries
from registry_server.usecases.fsck.report import RowKind

if TYPE_CHECKING:
    from registry_server.storage.inquiries import StoredInquiry
    from registry_server.storage.unit_of_work import UnitOfWork
    from registry_server.usecases.fsck.report import FsckReport

__all__ = ["check_alerts"]


def check_alerts(work: UnitOfWork, report: FsckReport) -> None:
    """Check that an answered inquiry of the member asked for each row, until this day and about this person."""
    for row in alerts.watches(work):
        if not _asked_for(_inquiry(work, row.member, row.inquiry_id), row.subject, row.until):
            place, want = f"alerts to {row.member}", "what an answered inquiry of the member asks for"
            report.note(RowKind.WATCHED_PERSON_ROW, place, "watched-persons.inquiry", want=want)
    for alert in alerts.rows(work):
        if not _asked_for(_inquiry(work, alert.member, alert.inquiry_id)):
            place, want = f"alert to {alert.member}", "of an answered inquiry of the member that asks for alerts"
            report.note(RowKind.ALERT_ROW, place, "alerts.inquiry", want=want)


def _inquiry(work: UnitOfWork, member: str, inquiry_id: bytes) -> StoredInquiry | None:
    return inquiries.by_keys(work, [(member, inquiry_id)]).get((member, inquiry_id))


def _asked_for(stored: StoredInquiry | None, subject: bytes | None = None, until: str | None = None) -> bool:
    if stored is None or stored.outcome != ANSWERED:
        return False
    try:
        inquiry = Inquiry.parse(stored.payload)
        if subject is None:
            return bool(inquiry.alerts_until)
        (person,) = InquiryOpening.parse(stored.opening or b"").persons
    except (FormatError, ValueError):
        return False
    return inquiry.alerts_until == until and subject in {name for _, name in person.pseudonyms}
