"""Rules on the notice to the person before reporting.

征信业管理条例 Art. 15 and 41 (C06). Information that is public by law needs none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import HOUR_MS, milliseconds, span
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.fact_words import LegalBasis

if TYPE_CHECKING:
    from client_sdk.kernel.rules.fact_parts import NoticeEvidence

__all__ = ["check_notice"]


def check_notice(
    notice: NoticeEvidence | None, legal_basis: LegalBasis, *, submitted_at_ms: int, notice_hours: int
) -> None:
    """Check that the notice was sent strictly before the record is supplied, and long enough before.

    Args:
        notice: of the facts.
        legal_basis: of the facts.
        submitted_at_ms: moment of supplying, milliseconds since 1970 UTC.
        notice_hours: of the rulebook; 0 means strictly before.

    Raises:
        RuleError: NOTICE_MISSING or NOTICE_LATE.
    """
    if legal_basis is LegalBasis.LEGALLY_PUBLIC:
        return
    if notice is None or (sent_at := milliseconds(notice.sent_at)) <= 0:
        raise RuleError(RuleReason.NOTICE_MISSING, "facts.notice", "C06", want="evidence of the notice to the person")
    age = submitted_at_ms - sent_at
    if age <= 0 or age < notice_hours * HOUR_MS:
        raise RuleError(
            RuleReason.NOTICE_LATE,
            "facts.notice.sent_at",
            "C06",
            got=f"{span(age)} before the submission" if age > 0 else f"{span(age)} after the submission",
            want=f"at least {notice_hours} hours before" if notice_hours else "strictly before",
        )
