"""Reads for a person's own report: inquiries about the person, and the history of a record (proto/README.md 9).

Both are answered to the inquiry for SUBJECT_ACCESS that was just answered: its signature, its consent and its opening
have shown about whom its asker may know this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_institution_id, check_record_id
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.ledger.inquiry import INQUIRY_ID_BYTES, Inquiry, InquiryOpening
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED
from client_sdk.kernel.rules.errors import RuleError
from registry_server.errors import RefusalReason, RegistryError
from registry_server.usecases.asking import GOOD_FOR_MS, check_whole
from registry_server.usecases.proofs import ProvedHead, head_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.statement import RecordKey
    from client_sdk.kernel.ledger.inquiry import PersonOpening
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View
    from registry_server.storage.inquiries import StoredInquiry
    from registry_server.storage.live import SealedRow

__all__ = ["AnsweredInquiry", "AskersPage", "LeavesPage", "SubjectAccess"]

# Inquiries of one message: each may name 100 persons and has a path of some 700 bytes.
PAGE_ASKED = 64
# Leaves of one message; each takes some 700 bytes.
PAGE_LEAVES = 256
# Both databases take it, and nobody has asked so often.
_MAX_SKIP = 2**31 - 1


class AnsweredInquiry(NamedTuple):
    """An answered inquiry about the person.

    Attributes:
        stored: the inquiry as it is kept.
        path: to the inquiry root of the HEAD; None while it has no place.
        place: of the person among its commitments.
        person: opens that commitment.
    """

    stored: StoredInquiry
    path: tuple[bytes, ...] | None
    place: int
    person: PersonOpening

    def __repr__(self) -> str:
        return "AnsweredInquiry(...)"


class AskersPage(NamedTuple):
    """Some inquiries and hidden records; ``next`` is how many of each come before the next page, 0 after the last."""

    asked: tuple[AnsweredInquiry, ...]
    hidden: tuple[SealedRow, ...]
    head: ProvedHead
    next: int


class LeavesPage(NamedTuple):
    """Some leaves of a record by index, with the proof that they and the HEAD are in the log; ``next`` as above."""

    leaves: tuple[tuple[int, bytes], ...]
    log_proof: bytes
    head: ProvedHead
    next: int


class SubjectAccess:
    """The use case.

    Args:
        ledger: where inquiries and records are.
        page_asked: inquiries of one message at most.
        page_leaves: leaves of one message at most.
    """

    def __init__(self, ledger: Ledger, page_asked: int = PAGE_ASKED, page_leaves: int = PAGE_LEAVES) -> None:
        self._ledger = ledger
        self._page_asked = page_asked
        self._page_leaves = page_leaves

    def askers(self, peer: str, inquiry_id: bytes, skip: int, at_size: int = 0) -> AskersPage:
        """Return answered inquiries about a person, up to the one that asks for them, and the hidden records.

        Inquiries that were received last come first.

        Args:
            peer: institution id of who asks.
            inquiry_id: of its inquiry about the person.
            skip: how many to leave out.
            at_size: of the checkpoint that the answer to that inquiry rests on; 0 where it does not matter.

        Raises:
            FormatError: the id does not have 16 bytes.
            RegistryError: INQUIRY_UNKNOWN, PURPOSE_INVALID or INQUIRY_STALE; HEAD_GONE, a record about the person
                has changed since the answer.
            RuleError: the inquiry was refused.
            ClockError: what time it is is not known.
        """
        check_whole(self._ledger)
        now = self._ledger.clock()
        with self._ledger.view() as view:
            own, person = _access(view, peer, inquiry_id, now)
            subjects = [subject for _, subject in person.pseudonyms]
            hidden = view.hidden_records(subjects)
            _check_unchanged([*_live(view, subjects), *hidden], at_size)
            found = view.inquiries_about(subjects, own.received_at, min(skip, _MAX_SKIP), self._page_asked + 1)
            page = tuple(_asked(view, stored, place) for stored, place in found[: self._page_asked])
            hidden = hidden[skip:]
            shown = tuple(hidden[: self._page_asked])
            more = len(found) > len(page) or len(hidden) > len(shown)
            following = skip + max(len(page), len(shown)) if more else 0
            return AskersPage(page, shown, head_of(view), following)

    def record_leaves(self, peer: str, inquiry_id: bytes, key: RecordKey, skip: int, at_size: int = 0) -> LeavesPage:
        """Return leaves of a live or hidden record about a person, ascending; arguments and errors as for ``askers``.

        Raises:
            RegistryError: also RECORD_UNKNOWN; it is no live record about this person.
        """
        check_institution_id(key.issuer, "record", "issuer")
        check_record_id(key.record_id, "record")
        check_whole(self._ledger)
        now = self._ledger.clock()
        with self._ledger.view() as view:
            _, person = _access(view, peer, inquiry_id, now)
            subjects = [subject for _, subject in person.pseudonyms]
            rows = [*_live(view, subjects), *view.hidden_records(subjects)]
            about = {sealed.row.key for sealed in rows}
            _check_unchanged([sealed for sealed in rows if sealed.row.key == key], at_size)
            record = view.stored_record(key) if key in about else None
            if record is None:
                raise RegistryError("RECORD_UNKNOWN", "record", "record.known", want="a live record about the person")
            places = view.record_places(record)
            page = places[skip : skip + self._page_leaves]
            found = view.leaves_at(page)
            following = skip + len(page) if len(places) > skip + len(page) else 0
            return LeavesPage(
                tuple((index, found[index]) for index in page), view.log_proof(page), head_of(view), following
            )


def _live(view: View, subjects: list[bytes]) -> list[SealedRow]:
    return [sealed for rows in view.live_records(subjects).values() for sealed in rows]


def _check_unchanged(rows: Iterable[SealedRow], at_size: int) -> None:
    """Check that no leaf has changed records since an answer; who has it puts the same inquiry again."""
    newest = max((max(sealed.row.index, sealed.row.annotation_index) for sealed in rows), default=-1)
    if at_size and newest >= at_size:
        want = "an answer of now: a record about the person has changed since"
        raise RegistryError(RefusalReason.HEAD_GONE, "at_size", "subject-access.unchanged", got=str(at_size), want=want)


def _access(view: View, peer: str, inquiry_id: bytes, now: int) -> tuple[StoredInquiry, PersonOpening]:
    """Return the peer's inquiry for SUBJECT_ACCESS, and what opens it; it is about one person."""
    if len(inquiry_id) != INQUIRY_ID_BYTES:
        raise FormatError("inquiry_id", "inquiry_id.length", got=f"{len(inquiry_id)} bytes", want="16 bytes")
    stored = view.inquiry(peer, inquiry_id)
    if stored is None:
        raise RegistryError(RefusalReason.INQUIRY_UNKNOWN, "inquiry_id", "inquiry.known", want="an own inquiry")
    if stored.outcome != ANSWERED:
        raise RuleError(stored.outcome, "inquiry_id", "inquiry.refused", want="an inquiry that was answered")
    purpose = Inquiry.parse(stored.payload).purpose
    if purpose is not Purpose.SUBJECT_ACCESS:
        got, want = purpose.name, Purpose.SUBJECT_ACCESS.name
        raise RegistryError(RefusalReason.PURPOSE_INVALID, "inquiry_id", "inquiry.purpose", got=got, want=want)
    if stored.opening is None or now - stored.received_at > GOOD_FOR_MS:
        want = "an inquiry that was answered within the last 5 minutes"
        raise RegistryError(RefusalReason.INQUIRY_STALE, "inquiry_id", "inquiry.age", want=want)
    return stored, InquiryOpening.parse(stored.opening).persons[0]


def _asked(view: View, stored: StoredInquiry, place: int) -> AnsweredInquiry:
    if stored.opening is None:
        raise RegistryError(RefusalReason.INTERNAL)
    placed = stored.position is not None and stored.position < view.head.inquiry_count
    path = view.inquiry_place(stored)[1] if placed else None
    return AnsweredInquiry(stored, path, place, InquiryOpening.parse(stored.opening).persons[place])
