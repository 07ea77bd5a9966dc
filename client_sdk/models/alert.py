"""Alerts about persons, for those who speak for them (proto/README.md 9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import date, datetime

    from client_sdk.kernel.formats.words import AlertReason

__all__ = ["Alert", "AlertPage", "AlertsAsked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsAsked(Plain):
    """Alerts that an inquiry of this member has asked for.

    Attributes:
        inquiry_id: 16 bytes; names them from now on, in every alert and to end them.
        until: last day.
        subject_key_version: newest version of the subject keys by which the person is found. Of records that are
            reported under a later version there is no alert: ask for alerts again.
    """

    inquiry_id: bytes
    until: date
    subject_key_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert(Plain):
    """Word of the registry that something has happened about a person; a report of the person proves what.

    Attributes:
        alert_id: 16 bytes; the same whenever the alert is given.
        inquiry_id: of the inquiry that asked for it, 16 bytes.
        reason: ACCESS where another institution's inquiry about the person was answered, NEW_RECORD where a record
            about the person was reported for the first time.
        happened_at: when the inquiry was received or the record logged, UTC.
    """

    alert_id: bytes
    inquiry_id: bytes
    reason: AlertReason
    happened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertPage(Plain):
    """Alerts that wait for this member.

    Attributes:
        alerts: the oldest first, at most 256.
        more: whether others wait beside these.
        watched: for how many inquiries of this member the registry makes alerts.
    """

    alerts: tuple[Alert, ...]
    more: bool
    watched: int
