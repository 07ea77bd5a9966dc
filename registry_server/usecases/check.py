"""Checks: a signed inquiry in, proved evidence out (proto/README.md 9).

What is refused after the signature has shown whose inquiry it is, is kept as well, with the reason as its outcome. An
answer is made first and given last: in between, the inquiry becomes durable together with which records the answer
shows, in a transaction that also finds whether they are still as they were.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.rules.alerts import check_alerts_until
from client_sdk.kernel.rules.consent import check_inquiry_consent
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.kernel.rules.facts import Consent
from registry_server.errors import RefusalReason, RegistryError
from registry_server.sequencing.items import InquiryItem, ShownRecord
from registry_server.usecases.asking import (
    GOOD_FOR_MS,
    SignedInquiry,
    check_asker,
    check_inquiry,
    check_whole,
    own_inquiry,
    requests_of,
)
from registry_server.usecases.evidence import EvidenceWriter
from registry_server.usecases.pages import PageKey, PageShelf

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.inquiry import Inquiry
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View
    from registry_server.storage.live import SealedRow
    from registry_server.usecases.cosigned_proofs import CosignedProofs
    from registry_server.usecases.evidence import EvidencePage

__all__ = ["Checks", "ReceivedInquiry"]

# How often an answer is made anew because a record in it has changed meanwhile.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, repr=False, kw_only=True)
class ReceivedInquiry(SignedInquiry):
    """A signed inquiry about persons as it came.

    Attributes:
        from_position: first person wanted.
    """

    from_position: int = 0


class _Asked:
    """An inquiry in progress.

    Attributes:
        question: as it came.
        inquiry: once it is known to be its asker's own, so that it is kept; None before, and for a further page.
        pages: of its answer, which is given once the inquiry is kept.
        shown: the records in them.
        result: the first page of its answer, or the error that it ends with; None while there is neither.
    """

    __slots__ = ("inquiry", "pages", "question", "result", "shown")

    def __init__(self, question: ReceivedInquiry) -> None:
        self.question = question
        self.inquiry: Inquiry | None = None
        self.pages: list[EvidencePage] = []
        self.shown: tuple[ShownRecord, ...] = ()
        self.result: EvidencePage | Exception | None = None

    @property
    def refused(self) -> Exception | None:
        """Why it is not answered, as far as that is known."""
        return self.result if isinstance(self.result, Exception) else None

    def item(self, inquiry: Inquiry) -> InquiryItem:
        """Return what is kept of the inquiry: whom it asks about, and which records its answer shows."""
        item = self.question.item(inquiry, self.refused)
        if self.refused is not None:
            return item
        persons = self.question.opening.persons
        subjects = tuple(tuple(subject for _, subject in person.pseudonyms) for person in persons)
        requests = requests_of(inquiry, self.question.opening)
        return replace(
            item,
            shown=self.shown,
            subjects=subjects,
            alerts_until=inquiry.alerts_until,
            requests=requests,
            signed_on=inquiry.consent_terms.first_given_on if requests else "",
        )


class Checks:
    """Answers inquiries, many at once, with a constant number of SQL statements for each batch.

    Args:
        ledger: where they are kept and answered from.
        page_bytes: persons of one page of an answer together.
        cosigned: what witnesses have cosigned; None where there are none.
    """

    def __init__(self, ledger: Ledger, page_bytes: int, cosigned: CosignedProofs | None = None) -> None:
        self._ledger = ledger
        self._page_bytes = page_bytes
        self._writer = EvidenceWriter(cosigned)
        self._shelf = PageShelf(GOOD_FOR_MS)

    def answer(self, questions: Sequence[ReceivedInquiry]) -> list[EvidencePage | Exception]:
        """Return for each question its answer, or the error that it ends with.

        Raises:
            RegistryError: RECORDS_LOST: a restore has not brought all records back; nothing is kept or answered.
            StorageError: the database failed; nothing is known of the inquiries, which may be sent again.
            ClockError: what time it is is not known.
            InconsistentError: another process has appended what does not fit together.
        """
        check_whole(self._ledger)
        now = self._ledger.clock()
        directory = self._ledger.directory
        asked = [_Asked(question) for question in questions]
        for item in asked:
            self._examine(item, directory, now)
        own = [item for item in asked if item.inquiry is not None]
        for _ in range(_ATTEMPTS):
            self._answer([item for item in own if item.result is None])
            own = self._keep(own, now)
            if not own:
                break
        overtaken = RegistryError(RefusalReason.ANSWER_OVERTAKEN, "inquiry", "inquiry.overtaken")
        return [item.result or overtaken for item in asked]

    def _examine(self, asked: _Asked, directory: Directory, now: int) -> None:
        """Take a further page at once; check what begins anew."""
        question = asked.question
        try:
            if question.from_position or question.at_size:
                key = PageKey(question.peer, question.digest, question.at_size, question.from_position)
                asked.result = self._shelf.take(key, now)
                return
            asked.inquiry = own_inquiry(question, directory)
            _check(question, asked.inquiry, directory, now)
        except (FormatError, RuleError, RegistryError) as error:
            asked.result = error

    def _keep(self, own: Sequence[_Asked], now: int) -> list[_Asked]:
        """Keep inquiries, also the refused ones, and give the answers; return those that must be answered anew."""
        items = [item.item(item.inquiry) for item in own if item.inquiry is not None]
        kept = self._ledger.record_inquiries(items).result() if items else []
        overtaken = []
        for item, result in zip(own, kept, strict=True):
            if result.overtaken:
                overtaken.append(item)
            elif item.result is None or not result.kept:
                item.result = result.refusal or self._given(item, now)
        return overtaken

    def _given(self, item: _Asked, now: int) -> EvidencePage:
        """Return the first page of an answer, and keep the others for when they are asked for."""
        self._shelf.keep(item.question.peer, item.question.digest, item.pages, now)
        return item.pages[0]

    def _answer(self, waiting: Sequence[_Asked]) -> None:
        """Make answers from one view; an error in one answer goes to its asker alone."""
        if not waiting:
            return
        persons = [person for item in waiting for person in item.question.opening.persons]
        with self._ledger.view() as view:
            live = view.live_records([subject for person in persons for _, subject in person.pseudonyms])
            for item in waiting:
                if item.inquiry is None:
                    continue
                try:
                    item.pages = self._pages(item.question, item.inquiry, view, live)
                    item.shown = _shown(item.question, live)
                except Exception as error:  # noqa: BLE001 - whatever is stored wrongly about these persons
                    item.result = error

    def _pages(
        self, question: ReceivedInquiry, inquiry: Inquiry, view: View, live: Mapping[bytes, Sequence[SealedRow]]
    ) -> list[EvidencePage]:
        """Return the pages of an answer.

        Raises:
            RuleError: the asker may no longer ask, or not under these versions of the subject keys.
            InconsistentError: what is stored makes no evidence.
            StorageError: the database failed.
        """
        check_asker(question, view.directory, view.size - 1)
        _check_versions(question, view.directory)
        persons = question.opening.persons
        return self._writer.pages(view, inquiry, question.key_id, persons, live, self._page_bytes)


def _shown(question: ReceivedInquiry, live: Mapping[bytes, Sequence[SealedRow]]) -> tuple[ShownRecord, ...]:
    """Return the records that an answer shows."""
    subjects = dict.fromkeys(subject for person in question.opening.persons for _, subject in person.pseudonyms)
    rows = [sealed.row for subject in subjects for sealed in live.get(subject, ())]
    return tuple(ShownRecord(row.record, row.index, row.annotation_index) for row in rows)


def _check(question: ReceivedInquiry, inquiry: Inquiry, directory: Directory, now: int) -> None:
    """Check everything about an inquiry that does not depend on earlier inquiries.

    Raises:
        FormatError: a commitment does not open, or it is a screening.
        RuleError: who asks may not, there is no consent, or alerts are asked for too long.
        RegistryError: it is stale, too long, or for a purpose for which its asker may not ask.
    """
    # As if under the next HEAD: what this process knows has been committed.
    check_asker(question, directory, None)
    check_inquiry(inquiry, directory, now)
    if inquiry.screening is not None:
        raise FormatError("inquiry", "inquiry.persons", got="a screening", want="commitments to persons")
    count, most = inquiry.persons, directory.rulebook.max_subjects_per_inquiry
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
        check_inquiry_consent(None, inquiry.purpose, directory.rulebook, today=today)
    _check_versions(question, directory)
    question.opening.check(inquiry, directory.state.live_subject_key_versions)
    consent = Consent.parse(question.opening.consent)
    check_inquiry_consent(consent, inquiry.purpose, directory.rulebook, today=today)
    if inquiry.alerts_until:
        check_alerts_until(inquiry.alerts_until, today)


def _check_versions(question: ReceivedInquiry, directory: Directory) -> None:
    """Check that each person is asked about under every live version of the subject keys and no other.

    Raises:
        RuleError: SUBJECT_KEY_VERSION.
    """
    live = directory.state.live_subject_key_versions
    if any(tuple(version for version, _ in person.pseudonyms) != live for person in question.opening.persons):
        want = f"versions {', '.join(map(str, live))}"
        raise RuleError("SUBJECT_KEY_VERSION", "opening.persons", "inquiry.versions", want=want)
