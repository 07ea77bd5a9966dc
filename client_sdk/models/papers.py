"""Papers that a record or an inquiry refers to: they stay with the lender, and their digest is what is signed."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import Consent, ConsentForm, NoticeChannel, NoticeEvidence

if TYPE_CHECKING:
    from datetime import date

__all__ = ["notice_sent", "written_consent"]


def written_consent(*, document: bytes, given_on: date) -> Consent:
    """Return the consent that a person has given in writing; an e-document is written (电子签名法 Art. 4).

    Args:
        document: the signed document; keep it.
        given_on: date on which it was given.
    """
    return Consent(form=ConsentForm.WRITTEN, date=given_on, digest=sha256(document).digest())


def notice_sent(*, document: bytes, sent_at: datetime, channel: NoticeChannel) -> NoticeEvidence:
    """Return the evidence that a person was notified before the record is supplied (征信业管理条例 Art. 15).

    Args:
        document: the notice as sent; keep it.
        sent_at: with its time zone.
        channel: how it was sent.

    Raises:
        RuleError: DATE_INVALID; ``sent_at`` is no time, or has no time zone.
    """
    given: object = sent_at
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise RuleError(RuleReason.DATE_INVALID, "notice.sent_at", "notice.time-zone", want="a time with its zone")
    return NoticeEvidence(channel=channel, sent_at=moment(milliseconds(sent_at)), digest=sha256(document).digest())
