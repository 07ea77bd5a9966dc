"""The parties of sandbox and demo: invented institutions, and the papers that they would have in their files.

Every number here is synthetic: credit codes with a right check character that no register has issued, consents and
notices that exist only as digests, made again in the same way whenever they are asked for.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone

from client_sdk.models import Consent, ConsentForm, NoticeChannel, NoticeEvidence

__all__ = [
    "ADMINISTRATORS",
    "AUDITOR",
    "CHINA",
    "KEY_SERVICES",
    "LENDERS",
    "OFFICE",
    "Lender",
    "Party",
    "consent_to",
    "notice_of",
]

# The registry's legal time zone; China has had no summer time since 1991.
CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True, slots=True)
class Party:
    """An invented institution.

    Attributes:
        name: institution id, which is also the name of its folder.
        title: what people call it.
        licence: number of its licence.
    """

    name: str
    title: str
    licence: str


@dataclass(frozen=True, slots=True)
class Lender(Party):
    """An invented lender.

    Attributes:
        creditor: its unified social credit code, which names it as the first creditor of its debts.
    """

    creditor: str


ADMINISTRATORS = (
    Party("admin-1", "Registry Association, first seat", "A-0001"),
    Party("admin-2", "Registry Association, second seat", "A-0002"),
    Party("admin-3", "Registry Association, third seat", "A-0003"),
)
LENDERS = (
    Lender("lender-1", "Harbour Consumer Finance", "L-0001", "91110000MA0000000H"),
    Lender("lender-2", "Lakeside Bank", "L-0002", "91310000MA00000012"),
    Lender("lender-3", "Southern Card Company", "L-0003", "91440300MA0000002P"),
    Lender("lender-4", "Village Credit Cooperative", "L-0004", "92110115MA000000AA"),
)
AUDITOR = Party("auditor", "Independent Audit Office", "D-0001")
OFFICE = Party("office", "Consumer Office", "R-0001")
KEY_SERVICES = ("key-service-a", "key-service-b")


def consent_to(lender: str, contract: str, signed_on: date) -> Consent:
    """Return the written consent that the borrower signed with the contract.

    Args:
        lender: institution id.
        contract: number of the contract.
        signed_on: day of the signature.
    """
    return Consent(form=ConsentForm.WRITTEN, date=signed_on, digest=_paper("consent", lender, contract))


def notice_of(lender: str, contract: str, episode: date, sent_on: date) -> NoticeEvidence:
    """Return the evidence that the borrower was notified before anything was reported (征信业管理条例 Art. 15).

    Args:
        lender: institution id.
        contract: number of the contract.
        episode: first day of what is reported.
        sent_on: day on which the message went out, at ten in the morning.
    """
    digest = _paper("notice", lender, contract, episode.isoformat())
    sent_at = datetime.combine(sent_on, time(10), CHINA)
    return NoticeEvidence(channel=NoticeChannel.SMS, sent_at=sent_at, digest=digest)


def _paper(*parts: str) -> bytes:
    """Return the digest of a paper that stands for the real one."""
    return hashlib.sha256("|".join(parts).encode()).digest()
