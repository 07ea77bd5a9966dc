"""Signed inquiries as they come: whose they are, and whether their asker may ask (proto/README.md 8 and 9)."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.encoding import lp
from client_sdk.kernel.formats.moment import span
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, Purpose, purposes_of
from client_sdk.kernel.ledger.closing import check_not_closed
from client_sdk.kernel.ledger.head_time import CLOCKS_DIFFER_MS, MAX_OFF_MS
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED
from client_sdk.kernel.ledger.proving import within
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import Consent
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.items import InquiryItem
from registry_server.storage.inquiries import request_hash
from registry_server.usecases.failures import complaint_of

if TYPE_CHECKING:
    from client_sdk.kernel.formats.state import InstitutionState
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.inquiry import InquiryOpening
    from registry_server.sequencing.ledger import Ledger

__all__ = ["GOOD_FOR_MS", "SignedInquiry", "check_asker", "check_inquiry", "check_whole", "own_inquiry", "requests_of"]

# How long an inquiry may be asked with after it was signed.
GOOD_FOR_MS = MAX_OFF_MS


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class SignedInquiry:
    """A signed inquiry as it came.

    Attributes:
        peer: institution id of the TLS certificate.
        payload: the exact bytes that were signed.
        key_id: which key signed.
        signature: over the payload.
        opening: what opens the commitments.
        opening_bytes: the same, as it is kept.
        at_size: size of the checkpoint of the first answer; 0 for the newest.
    """

    peer: str
    payload: bytes
    key_id: bytes
    signature: bytes
    opening: InquiryOpening
    opening_bytes: bytes
    at_size: int = 0

    @property
    def digest(self) -> bytes:
        """Hash of payload and signature, as in the inquiry tree."""
        return sha256(lp(self.payload) + lp(self.signature)).digest()

    def item(self, inquiry: Inquiry, refused: Exception | None) -> InquiryItem:
        """Return what is kept of it; of a refused one, not its opening.

        Args:
            inquiry: that it holds.
            refused: why it is not answered, or None.
        """
        return InquiryItem(
            asker=inquiry.asker,
            inquiry_id=inquiry.inquiry_id,
            payload=self.payload,
            key_id=self.key_id,
            signature=self.signature,
            subject_count=inquiry.persons,
            opening=self.opening_bytes if refused is None else b"",
            outcome=ANSWERED if refused is None else complaint_of(refused).reason,
            screening=inquiry.screening is not None,
        )


def own_inquiry(question: SignedInquiry, directory: Directory) -> Inquiry:
    """Return the inquiry, if it is the peer's own.

    Raises:
        FormatError: it is not canonical.
        RegistryError: PEER_MISMATCH.
        RuleError: KEY_UNKNOWN or KEY_OF_ANOTHER.
        SignatureError: the signature does not verify.
    """
    inquiry = Inquiry.parse(question.payload)
    if inquiry.asker != question.peer:
        raise RegistryError(
            RefusalReason.PEER_MISMATCH, "inquiry.asker", "peer.match", got=inquiry.asker, want=question.peer
        )
    key = directory.key_of(question.key_id, inquiry.asker, "inquiry.key_id")
    with within("inquiry.signature"):
        dsse.verify(dsse.INQUIRY, question.payload, key.public_key, question.signature)
    return inquiry


def check_inquiry(inquiry: Inquiry, directory: Directory, now: int) -> None:
    """Check registry, time and purpose of an inquiry.

    Args:
        inquiry: of an asker who may ask.
        directory: that judges.
        now: ms since 1970 UTC.

    Raises:
        RuleError: it is for another registry, or the registry is closed.
        RegistryError: it is stale, or for a purpose for which its asker may not ask.
    """
    if inquiry.registry != directory.state.registry:
        want = directory.state.registry
        raise RuleError("REGISTRY_OTHER", "inquiry.registry", "inquiry.registry", got=inquiry.registry, want=want)
    check_not_closed(directory.closing, day_of(now, directory.rulebook.time_zone).isoformat())
    age = now - inquiry.issued_at
    if age < -CLOCKS_DIFFER_MS:
        got, want = f"{span(age)} ahead of the registry's clock", f"at most {span(CLOCKS_DIFFER_MS)} ahead"
        raise RegistryError(RefusalReason.INQUIRY_STALE, "inquiry.issued_at", "inquiry.ahead", got=got, want=want)
    if age > GOOD_FOR_MS:
        got, want = f"{span(age)} old by the registry's clock", f"at most {span(GOOD_FOR_MS)} old"
        raise RegistryError(RefusalReason.INQUIRY_STALE, "inquiry.issued_at", "inquiry.age", got=got, want=want)
    purposes = purposes_of(directory.institution(inquiry.asker).roles)
    if inquiry.purpose not in purposes:
        got, want = inquiry.purpose.name, f"one of {', '.join(sorted(purposes))}"
        raise RegistryError(RefusalReason.PURPOSE_INVALID, "inquiry.purpose", "inquiry.purpose", got=got, want=want)


def check_asker(question: SignedInquiry, directory: Directory, index: int | None) -> None:
    """Check that the asker is active, may ask at all, and its key is one for asking (proto/README.md 6).

    Args:
        question: the asker's own.
        directory: that judges.
        index: of the HEAD that is answered from; None for one that is still to come.

    Raises:
        RuleError: INSTITUTION_SUSPENDED, INSTITUTION_TERMINATED, NOT_A_LENDER, KEY_USAGE or KEY_RANGE.
    """
    asker = directory.institution(question.peer)
    _check_status(asker)
    key = asker.key(question.key_id)
    if key is None or key.usage is not KeyUsage.INQUIRE:
        got = "none" if key is None else key.usage.name
        raise RuleError("KEY_USAGE", "inquiry.key_id", "key.usage", got=got, want=KeyUsage.INQUIRE.name)
    if not (key.running if index is None else key.counts_at(index)):
        got = f"{key.first} to {key.end or 'now'}"
        raise RuleError("KEY_RANGE", "inquiry.key_id", "key.range", got=got, want="a key that runs")


def check_whole(ledger: Ledger) -> None:
    """Check that no live record is missing that a restore has not brought back: an answer would leave it out.

    Raises:
        RegistryError: RECORDS_LOST.
        StorageError: the database failed.
    """
    if ledger.misses_records():
        want = "all live records"
        raise RegistryError(RefusalReason.RECORDS_LOST, "registry", "restore.whole", got="some lost", want=want)


def requests_of(inquiry: Inquiry, opening: InquiryOpening) -> dict[bytes, bytes]:
    """Return by pseudonym what the request stands under that the person signed; for other purposes nothing.

    Args:
        inquiry: that is answered.
        opening: of its commitments.

    Raises:
        FormatError: the consent is none.
    """
    if inquiry.purpose is not Purpose.SUBJECT_ACCESS:
        return {}
    digest = Consent.parse(opening.consent).digest
    pairs = (pair for person in opening.persons for pair in person.pseudonyms)
    return {subject: request_hash(inquiry.asker, version, digest) for version, subject in pairs}


def _check_status(asker: InstitutionState) -> None:
    if asker.status is not InstitutionStatus.ACTIVE:
        reason = f"INSTITUTION_{asker.status.name}"
        raise RuleError(reason, "inquiry.asker", "institution.state", got=asker.status.name, want="ACTIVE")
    if not purposes_of(asker.roles):
        raise RuleError("NOT_A_LENDER", "inquiry.asker", "institution.role", want="a LENDER or a REPRESENTATIVE")
