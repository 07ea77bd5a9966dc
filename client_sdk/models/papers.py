"""Papers that a record or an inquiry refers to: they stay with the lender, and their digest is what is signed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.rules.errors import RuleError, RuleReason
from client_sdk.kernel.rules.facts import Consent, ConsentForm, NoticeChannel, NoticeEvidence
from client_sdk.kernel.rules.field_types import check_field_types

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.kernel.formats.words import Purpose

__all__ = ["notice_sent", "written_consent"]


def written_consent(*, document: bytes, given_on: date, purposes: Iterable[Purpose | str] = ()) -> Consent:
    """Return the consent that a person has given in writing; an e-document is written (电子签名法 Art. 4).

    Args:
        document: the signed document; keep it.
        given_on: date on which it was given.
        purposes: for which it was given, as the document says. An inquiry for another one is refused, and a record
            needs REPORTING among them. None where the document names none: an inquiry then says with its signature
            that it was given for the inquiry's purpose.

    Raises:
        RuleError: FACTS_INVALID; the document is no bytes, the day no date, or a purpose none.
    """
    digest = _digest(document, "consent.document")
    given: object = purposes
    if isinstance(given, str) or not isinstance(given, Iterable):
        got, want = type(given).__name__, "purposes, one after the other"
        raise RuleError(RuleReason.FACTS_INVALID, "consent.purposes", "field.type", got=got, want=want)
    # Words become purposes; what is none is refused below.
    consent = Consent(form=ConsentForm.WRITTEN, date=given_on, digest=digest, purposes=tuple(given))
    check_field_types(consent, "consent")
    return consent


def notice_sent(*, document: bytes, sent_at: datetime, channel: NoticeChannel) -> NoticeEvidence:
    """Return the evidence that a person was notified before the record is supplied (征信业管理条例 Art. 15).

    Args:
        document: the notice as sent; keep it.
        sent_at: with its time zone.
        channel: how it was sent.

    Raises:
        RuleError: DATE_INVALID; ``sent_at`` is no time, or has no time zone. FACTS_INVALID; the document is no bytes,
            or the channel is none.
    """
    given: object = sent_at
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise RuleError(RuleReason.DATE_INVALID, "notice.sent_at", "notice.time-zone", want="a time with its zone")
    digest = _digest(document, "notice.document")
    try:
        sent = moment(milliseconds(sent_at))
    except (OverflowError, ValueError):
        want = "a time in UTC from 1970 to 9999"
        raise RuleError(RuleReason.DATE_INVALID, "notice.sent_at", "notice.sent-at", want=want) from None
    notice = NoticeEvidence(channel=channel, sent_at=sent, digest=digest)
    check_field_types(notice, "notice")
    return notice


def _digest(document: object, field: str) -> bytes:
    if not isinstance(document, bytes | bytearray | memoryview):
        raise RuleError(RuleReason.FACTS_INVALID, field, "field.type", got=type(document).__name__, want="bytes")
    return sha256(document).digest()
