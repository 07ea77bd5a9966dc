"""An answer while its page can be read: with what was asked, and without the number that was typed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.models import Answer, Assessment, IdType, Purpose

__all__ = ["KeptAnswer"]


@dataclass(frozen=True, slots=True, repr=False)
class KeptAnswer:
    """One answer.

    Attributes:
        answer: verified, or UNVERIFIABLE; it names no identity.
        assessment: by the lender's criteria.
        purpose: of the inquiry.
        id_type: of the number that was asked about.
        officer: who asked.
        consent_date: day of the consent.
        unknown_region: whether the number names a region that did not exist in its year of birth.
    """

    answer: Answer
    assessment: Assessment
    purpose: Purpose
    id_type: IdType
    officer: str
    consent_date: date
    unknown_region: bool
