"""Checks: a signed inquiry in, proved evidence out (proto/README.md 9).

What is refused after the signature has shown whose inquiry it is, is kept as well, with the reason as its outcome; and
everything that is kept is durable before anything is answered.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.encoding import lp
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.words import InstitutionStatus, KeyUsage, purposes_of
from client_sdk.kernel.ledger.head_time import CLOCKS_DIFFER_MS, MAX_OFF_MS, span
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED
from client_sdk.kernel.ledger.proving import within
from client_sdk.kernel.rules.consent import check_inquiry_consent
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import Consent
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.items import InquiryItem
from registry_server.usecases.evidence import EvidenceWriter
from registry_server.usecases.failures import complaint_of
from registry_server.usecases.pages import PageKey, PageShelf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk.kernel.formats.state import InstitutionState
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.inquiry import InquiryOpening
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View
    from registry_server.storage.live import SealedRow
    from registry_server.usecases.evidence import EvidencePage

__all__ = ["GOOD_FOR_MS", "Checks", "ReceivedInquiry"]

# How long an inquiry may be asked with, and the further pages of its answer be taken.
GOOD_FOR_MS = MAX_OFF_MS


@dataclass(frozen=True, slots=True, repr=False)
class ReceivedInquiry:
    """A signed inquiry as it came.

    Attributes:
        peer: institution id of the TLS certificate.
        payload: the exact bytes that were signed.
        key_id: which key signed.
        signature: over the payload.
        opening: what opens the commitments.
        opening_bytes: the same, as it is kept.
        from_position: first person wanted.
        at_size: size of the checkpoint of the first page; 0 for the newest.
    """

    peer: str
    payload: bytes
    key_id: bytes
    signature: bytes
    opening: InquiryOpening
    opening_bytes: bytes
    from_position: int = 0
    at_size: int = 0

    @property
    def digest(self) -> bytes:
        """Hash of payload and signature, as in the inquiry tree."""
        return sha256(lp(self.payload) + lp(self.signature)).digest()


class _Asked:
    """An inquiry in progress.

    Attributes:
        question: as it came.
        inquiry: once it is known to be its asker's own, so that it is kept; None before, and for a further page.
        result: the first page of its answer, or the error that it ends with; None while there is neither.
    """

    __slots__ = ("inquiry", "question", "result")

    def __init__(self, question: ReceivedInquiry) -> None:
        self.question = question
        self.inquiry: Inquiry | None = None
        self.result: EvidencePage | Exception | None = None

    def item(self, inquiry: Inquiry) -> InquiryItem:
        """Return what is kept of an inquiry; of a refused one, not its opening."""
        question, refused = self.question, self.result
        return InquiryItem(
            asker=inquiry.asker,
            inquiry_id=inquiry.inquiry_id,
            payload=question.payload,
            key_id=question.key_id,
            signature=question.signature,
            subject_count=len(inquiry.subject_commitments),
            opening=question.opening_bytes if refused is None else b"",
            outcome=complaint_of(refused).reason if isinstance(refused, Exception) else ANSWERED,
            subjects=()
            if refused is not None
            else tuple(tuple(subject for _, subject in person.pseudonyms) for person in question.opening.persons),
        )


class Checks:
    """Answers inquiries, many at once, with a constant number of SQL statements for each batch.

    Args:
        ledger: where they are kept and answered from.
        page_bytes: persons of one page of an answer together.
    """

    def __init__(self, ledger: Ledger, page_bytes: int) -> None:
        self._ledger = ledger
        self._page_bytes = page_bytes
        self._writer = EvidenceWriter()
        self._shelf = PageShelf(GOOD_FOR_MS)

    def answer(self, questions: Sequence[ReceivedInquiry]) -> list[EvidencePage | Exception]:
        """Return for each question its answer, or the error that it ends with.

        Raises:
            StorageError: the database failed; nothing is known of the inquiries, which may be sent again.
            ClockError: what time it is is not known.
            InconsistentError: another process has appended what does not fit together.
        """
        now = self._ledger.clock()
        directory = self._ledger.directory
        asked = [_Asked(question) for question in questions]
        for item in asked:
            self._examine(item, directory, now)
        self._keep(asked)
        waiting = [item for item in asked if item.result is None]
        if waiting:
            self._answer(waiting, now)
        return [item.result or RegistryError(RefusalReason.INTERNAL) for item in asked]

    def _examine(self, asked: _Asked, directory: Directory, now: int) -> None:
        """Take a further page at once; check what begins anew."""
        question = asked.question
        try:
            if question.from_position or question.at_size:
                key = PageKey(question.peer, question.digest, question.at_size, question.from_position)
                asked.result = self._shelf.take(key, now)
                return
            asked.inquiry = _own_inquiry(question, directory)
            _check(question, asked.inquiry, directory, now)
        except (FormatError, RuleError, RegistryError) as error:
            asked.result = error

    def _keep(self, asked: Sequence[_Asked]) -> None:
        """Keep every inquiry that is its asker's own, also the refused ones, before anything is answered."""
        own = [(item, item.inquiry) for item in asked if item.inquiry is not None]
        if not own:
            return
        kept = self._ledger.record_inquiries([item.item(inquiry) for item, inquiry in own]).result()
        for (item, _), result in zip(own, kept, strict=True):
            item.result = item.result or result.refusal

    def _answer(self, waiting: Sequence[_Asked], now: int) -> None:
        """Answer from one view; an error in one answer goes to its asker alone."""
        persons = [person for item in waiting for person in item.question.opening.persons]
        with self._ledger.view() as view:
            live = view.live_records([subject for person in persons for _, subject in person.pseudonyms])
            for item in waiting:
                try:
                    item.result = self._first_page(item.question, view, live, now)
                except Exception as error:  # noqa: BLE001 - whatever is stored wrongly about these persons
                    item.result = error

    def _first_page(
        self, question: ReceivedInquiry, view: View, live: Mapping[bytes, Sequence[SealedRow]], now: int
    ) -> EvidencePage:
        """Return the first page of an answer, and keep the others for when they are asked for.

        Raises:
            RuleError: the asker may no longer ask, or not under these versions of the subject keys.
            InconsistentError: what is stored makes no evidence.
            StorageError: the database failed.
        """
        _check_asker(question, view.directory, view.size - 1)
        _check_versions(question, view.directory)
        persons = question.opening.persons
        pages = self._writer.pages(view, question.peer, question.key_id, persons, live, self._page_bytes)
        self._shelf.keep(question.peer, question.digest, pages, now)
        return pages[0]


def _own_inquiry(question: ReceivedInquiry, directory: Directory) -> Inquiry:
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


def _check(question: ReceivedInquiry, inquiry: Inquiry, directory: Directory, now: int) -> None:
    """Check everything about an inquiry that does not depend on earlier inquiries.

    Raises:
        FormatError: a commitment does not open.
        RuleError: who asks may not, or there is no consent.
        RegistryError: it is stale, too long, or for a purpose for which its asker may not ask.
    """
    # As if under the next HEAD: what this process knows has been committed.
    _check_asker(question, directory, None)
    if inquiry.registry != directory.state.registry:
        want = directory.state.registry
        raise RuleError("REGISTRY_OTHER", "inquiry.registry", "inquiry.registry", got=inquiry.registry, want=want)
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
    count, most = len(inquiry.subject_commitments), directory.rulebook.max_subjects_per_inquiry
    if count > most:
        raise RegistryError(
            RefusalReason.TOO_MANY_SUBJECTS,
            "inquiry.subject_commitments",
            "rulebook.max-subjects-per-inquiry",
            got=str(count),
            want=f"at most {most}",
        )
    today = day_of(now, directory.rulebook.time_zone)
    if not question.opening.consent:
        # This raises: a missing consent is refused before commitments are compared with their openings.
        check_inquiry_consent(None, today=today)
    _check_versions(question, directory)
    question.opening.check(inquiry, directory.state.live_subject_key_versions)
    check_inquiry_consent(Consent.parse(question.opening.consent), today=today)


def _check_asker(question: ReceivedInquiry, directory: Directory, index: int | None) -> None:
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


def _check_status(asker: InstitutionState) -> None:
    if asker.status is not InstitutionStatus.ACTIVE:
        reason = f"INSTITUTION_{asker.status.name}"
        raise RuleError(reason, "inquiry.asker", "institution.state", got=asker.status.name, want="ACTIVE")
    if not purposes_of(asker.roles):
        raise RuleError("NOT_A_LENDER", "inquiry.asker", "institution.role", want="a LENDER or a REPRESENTATIVE")


def _check_versions(question: ReceivedInquiry, directory: Directory) -> None:
    """Check that each person is asked about under every live version of the subject keys and no other.

    Raises:
        RuleError: SUBJECT_KEY_VERSION.
    """
    live = directory.state.live_subject_key_versions
    if any(tuple(version for version, _ in person.pseudonyms) != live for person in question.opening.persons):
        want = f"versions {', '.join(map(str, live))}"
        raise RuleError("SUBJECT_KEY_VERSION", "opening.persons", "inquiry.versions", want=want)
