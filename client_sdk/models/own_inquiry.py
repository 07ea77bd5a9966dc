"""An own inquiry, as the registry keeps it: who asked, why and when, without the persons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import date, datetime

    from client_sdk.kernel.formats.words import Purpose

__all__ = ["OwnInquiry"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnInquiry(Plain):
    """One inquiry of this member; its own signature was checked, and that the officer is the one it names.

    When it was received and how it ended is the registry's word; the inquiry's receipt proves both.

    Attributes:
        inquiry_id: 16 bytes.
        received_at: when the registry got it, UTC.
        purpose: why it was asked.
        persons: how many it is about.
        screening: whether it was for pages of the map.
        consent_given_on: day of the consent that it rests on; of a screening, of the oldest.
        outcome: ANSWERED, or the reason of refusal.
        officer: who asked; empty where it was refused, and once the registry has forgotten it.
    """

    inquiry_id: bytes
    received_at: datetime
    purpose: Purpose
    persons: int
    screening: bool
    consent_given_on: date
    outcome: str
    officer: str = ""
