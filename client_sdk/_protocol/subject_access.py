"""A person's own report: reading inquiries about the person and histories of records (proto/README.md 9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from typing import TYPE_CHECKING

from client_sdk._protocol.verification import verifying
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.merkle import verify_inclusion
from client_sdk.kernel.formats.moment import milliseconds, moment
from client_sdk.kernel.formats.statement import Annotation, RecordKey, Statement
from client_sdk.kernel.formats.words import AnnotationFlag, KeyUsage, LapseKind, Purpose
from client_sdk.kernel.ledger.history import read_history
from client_sdk.kernel.ledger.inquiry import Inquiry, person_of
from client_sdk.kernel.ledger.inquiry_tree import ANSWERED, InquiryLeaf
from client_sdk.kernel.ledger.proving import head_leaf, head_under, leaves_under, read_checkpoint, split_hashes, within
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.free_reports import ReportTally, tally_reports
from client_sdk.kernel.rules.monthly import KnownVersion, monthly_history
from client_sdk.models.subject_report import AskedAbout, InstitutionName, RecordEvent, SubjectRecord, SubjectReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from creditregistry.v1 import subject_access_pb2 as pb

    from client_sdk.kernel.formats.leaf import Head
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.history import HistoryStep, RecordHistory
    from client_sdk.kernel.rules.facts import Consent
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.answer import Answer
    from client_sdk.models.listed import ListedRecord

__all__ = ["Askers", "RecordLeaves", "make_report", "read_pages", "subject_record"]

PART = "inquiry about the person"
HISTORY = "history"


@dataclass(slots=True)
class Askers:
    """Inquiries about a person, page by page.

    Attributes:
        own: id of the inquiry that asks for them.
        names: pseudonyms of the person, by version of the subject keys.
        at_size: of the checkpoint that the answer to that inquiry rests on.
        pages: answers of the registry, in order.
    """

    own: bytes
    names: Mapping[int, Pseudonym]
    at_size: int = 0
    pages: list[pb.ListAskersResponse] = field(default_factory=list)

    def read(self, directory: Directory, key: VerifierKey) -> tuple[AskedAbout, ...]:
        """Return the inquiries, once they verify.

        Args:
            directory: of the newest HEAD, with the keys that signed.
            key: of the log, from the trust root.

        Raises:
            VerificationError: one is about another person, unsigned, or not in its place; one comes twice, out of
                order, or the own one is missing.
        """
        with verifying():
            found = [one for page in self.pages for one in self._page(page, directory, key)]
            if len({(one.asker, one.inquiry_id) for one in found}) != len(found):
                raise FormatError(PART, "askers.once", want="each inquiry once")
            if any(later.received_at > one.received_at for one, later in pairwise(found)):
                raise FormatError(PART, "askers.order", want="those received last first")
            if self.own not in {one.inquiry_id for one in found}:
                raise FormatError(PART, "askers.own", want="the inquiry that asks for them among them")
        return tuple(found)

    def _page(self, page: pb.ListAskersResponse, directory: Directory, key: VerifierKey) -> list[AskedAbout]:
        checkpoint = read_checkpoint(page.checkpoint, key)
        head = head_under(checkpoint, page.head, split_hashes(page.head_path, PART), PART).head
        return [self._one(item, head, directory) for item in page.inquiries]

    def _one(self, item: pb.AskedInquiry, head: Head, directory: Directory) -> AskedAbout:
        signed, leaf = item.inquiry, InquiryLeaf.parse(item.leaf)
        inquiry = Inquiry.parse(signed.payload)
        if inquiry.registry != directory.state.registry:
            raise FormatError(PART, "inquiry.registry", want="the registry of the trust root")
        with within(PART):
            public = directory.key_of(signed.key_id, inquiry.asker)
            if public.usage is not KeyUsage.INQUIRE:
                raise FormatError(PART, "key.usage", got=public.usage.name, want=KeyUsage.INQUIRE.name)
            dsse.verify(dsse.INQUIRY, signed.payload, public.public_key, signed.signature)
        if leaf != InquiryLeaf.of(leaf.received_at, ANSWERED, signed.payload, signed.signature):
            raise FormatError(PART, "inquiry.digest", want="the leaf of an inquiry that was answered")
        person = person_of(item.person)
        inquiry.check_person(item.position, person, [version for version, _ in person.pseudonyms])
        own = {(version, name.subject) for version, name in self.names.items()}
        if own.isdisjoint(person.pseudonyms):
            raise FormatError(PART, "askers.person", want="an inquiry about the person")
        index = None
        if item.HasField("inclusion"):
            index, path = item.inclusion.index, split_hashes(item.inclusion.path, PART)
            with within(PART):
                verify_inclusion(leaf_hash(item.leaf), index, head.inquiry_count, path, head.inquiry_root)
        return AskedAbout(
            asker=inquiry.asker,
            inquiry_id=inquiry.inquiry_id,
            purpose=inquiry.purpose,
            received_at=moment(leaf.received_at),
            index=index,
            alerts_until=date.fromisoformat(inquiry.alerts_until) if inquiry.alerts_until else None,
        )


@dataclass(slots=True)
class RecordLeaves:
    """Leaves of a listed record, page by page.

    Attributes:
        record: as the answer lists it.
        pages: answers of the registry, in order.
    """

    record: ListedRecord
    pages: list[pb.ListRecordLeavesResponse] = field(default_factory=list)

    @property
    def key(self) -> RecordKey:
        """Which record."""
        return RecordKey(self.record.issuer, self.record.record_id)

    def read(self, directory: Directory, key: VerifierKey, as_of: datetime) -> SubjectRecord:
        """Return the record with its history, once it verifies; arguments as for ``Askers.read``.

        Args:
            directory: of the newest HEAD.
            key: of the log.
            as_of: for when the answer is proved.

        Raises:
            VerificationError: a leaf is not in the log or not of this record, the chain has a gap, or the version that
                the answer lists is not in it.
        """
        with verifying():
            _, history = read_pages(self.pages, self.key, directory, key)
            listed = (self.record.index, self.record.version)
            shown = {(step.place, step.said.version) for step in history.steps if isinstance(step.said, Statement)}
            if listed not in shown:
                raise FormatError(HISTORY, "history.listed", want="the version that the answer lists")
            until = day_of(milliseconds(as_of), directory.rulebook.time_zone)
            return subject_record(self.record, history, directory, until)


def read_pages(
    pages: Sequence[pb.ListRecordLeavesResponse], record: RecordKey, directory: Directory, key: VerifierKey
) -> tuple[dict[int, bytes], RecordHistory]:
    """Return the leaves of a record by index, once they are proved to be in the log, and the history that they make.

    Raises:
        FormatError: a leaf is not in the log or not of this record, or the chain has a gap.
    """
    leaves = [leaf for page in pages for leaf in _proved_leaves(page, key)]
    return dict(leaves), read_history(leaves, record, directory)


def subject_record(
    record: ListedRecord, history: RecordHistory, directory: Directory, until: date, hidden_under: str = ""
) -> SubjectRecord:
    """Return a record with its history.

    Args:
        record: as it is listed, or as it would be were it not hidden.
        history: of it.
        directory: of the newest HEAD.
        until: day for which the answer is proved.
        hidden_under: name of the overlay that hides it; empty for none.
    """
    return SubjectRecord(
        record=record,
        history=tuple(map(_event, history.steps)),
        due_on=history.due_on,
        disputed_by=history.disputed_by,
        months=monthly_history(record.kind, _versions(record, history, directory), until),
        hidden_under=hidden_under,
    )


def _versions(record: ListedRecord, history: RecordHistory, directory: Directory) -> list[KnownVersion]:
    """Return all versions; facts are opened of the listed one alone, as the registry keeps no others."""
    zone = directory.rulebook.time_zone
    return [
        KnownVersion(
            step.said.version,
            step.said.standing,
            day_of(step.logged_at, zone),
            record.facts if step.said.version == record.version else None,
        )
        for step in history.steps
        if isinstance(step.said, Statement)
    ]


def _proved_leaves(page: pb.ListRecordLeavesResponse, key: VerifierKey) -> list[tuple[int, bytes]]:
    checkpoint = read_checkpoint(page.checkpoint, key)
    head_leaf(page.head, HISTORY)
    leaves = [(item.index, item.leaf) for item in page.leaves]
    hashes = {index: leaf_hash(leaf) for index, leaf in leaves}
    if len(hashes) != len(leaves) or checkpoint.size - 1 in hashes:
        raise FormatError(HISTORY, "history.order", want="each leaf once")
    leaves_under(
        checkpoint, dict(sorted({**hashes, checkpoint.size - 1: leaf_hash(page.head)}.items())), page.log_proof
    )
    return leaves


def _event(step: HistoryStep) -> RecordEvent:
    said, at = step.said, moment(step.logged_at)
    match said:
        case Statement():
            return RecordEvent(
                index=step.place,
                logged_at=at,
                by=said.signer,
                version=said.version,
                standing=said.standing,
                retain_until=date.fromisoformat(said.retain_until) if said.retain_until else None,
            )
        case Annotation():
            flags = frozenset(said.flags)
            return RecordEvent(
                index=step.place, logged_at=at, by=said.author, flags=flags, code=said.code, outcome=said.outcome
            )
        case _:
            flags = frozenset((AnnotationFlag.RESTRICTED,) if said.what is LapseKind.RESTRICTED else ())
            return RecordEvent(index=step.place, logged_at=at, by="", flags=flags, code=said.ground)


def make_report(
    answer: Answer,
    records: Sequence[SubjectRecord],
    asked: Sequence[AskedAbout],
    directory: Directory,
    *,
    office: str,
    mandate: Consent,
    now_ms: int,
) -> SubjectReport:
    """Return a person's own report.

    Args:
        answer: LISTED or CLEAR.
        records: of it, with their history, then hidden ones.
        asked: who asked.
        directory: of the newest HEAD.
        office: institution id of who asked for it.
        mandate: the request that the person signed.
        now_ms: the asker's clock, milliseconds since 1970 UTC.

    Raises:
        VerificationError: an institution is named that the directory does not know, or a time that no calendar has.
    """
    rulebook = directory.rulebook
    with verifying():
        tally = _tally(asked, directory, now_ms)
        members = {member: _member(member, directory) for member in _named(records, asked, office)}
    return SubjectReport(
        answer=answer,
        records=tuple(records),
        asked=tuple(asked),
        members=members,
        office=office,
        mandate=mandate,
        had=tally.had,
        free=tally.free,
        chargeable=tally.chargeable,
        made_at=moment(now_ms),
        time_zone=rulebook.time_zone,
        jurisdiction=rulebook.jurisdiction,
        retention_years=rulebook.retention_years,
        dispute_days=rulebook.dispute_days,
    )


def _tally(asked: Iterable[AskedAbout], directory: Directory, now_ms: int) -> ReportTally:
    zone = directory.rulebook.time_zone
    # What only asks for alerts is no report of the person.
    reports = [one for one in asked if one.purpose is Purpose.SUBJECT_ACCESS and one.alerts_until is None]
    days = [day_of(milliseconds(one.received_at), zone) for one in reports]
    return tally_reports(days, day_of(now_ms, zone), directory.rulebook.free_reports_a_year)


def _named(records: Iterable[SubjectRecord], asked: Iterable[AskedAbout], office: str) -> list[str]:
    named = {office, *(one.asker for one in asked)}
    for item in records:
        named |= {item.record.issuer, item.record.signer, item.record.transferee, item.disputed_by}
        named |= {event.by for event in item.history}
    return sorted(named - {""})


def _member(member: str, directory: Directory) -> InstitutionName:
    state = directory.institution(member)
    return InstitutionName(id=member, name=state.name, licence_number=state.licence_number)
