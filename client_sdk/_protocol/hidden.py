"""Hidden records: no answer shows them, and the person's own report lists them, verified (proto/README.md 9)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk._protocol.opening import listed
from client_sdk._protocol.subject_access import read_pages, subject_record
from client_sdk._protocol.verification import verifying
from client_sdk.kernel.formats.commitment import binding_opens
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import StatementLeaf
from client_sdk.kernel.formats.moment import milliseconds
from client_sdk.kernel.formats.seal import disclosure_digest
from client_sdk.kernel.formats.statement import Annotation, RecordKey, Statement, check_institution_id, check_record_id
from client_sdk.kernel.formats.words import AnnotationFlag, LapseKind
from client_sdk.kernel.ledger.annotation_proof import ShownAnnotation
from client_sdk.kernel.ledger.answer_reading import VerifiedRecord
from client_sdk.kernel.ledger.proving import read_leaf
from client_sdk.kernel.rules.dates import day_of
from client_sdk.kernel.rules.lifecycle import is_live

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from creditregistry.v1 import subject_access_pb2 as pb

    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.history import HistoryStep, RecordHistory
    from client_sdk.kernel.subjects.pseudonym import Pseudonym
    from client_sdk.models.subject_report import SubjectRecord

__all__ = ["HiddenLeaves"]

PART = "hidden record"


@dataclass(slots=True)
class HiddenLeaves:
    """Leaves of a record about the person that an overlay hides, page by page.

    Attributes:
        hidden: what opens it, as the registry gave it.
        names: pseudonyms of the person, by version of the subject keys.
        pages: answers of the registry, in order.
    """

    hidden: pb.HiddenRecord
    names: Mapping[int, Pseudonym]
    pages: list[pb.ListRecordLeavesResponse] = field(default_factory=list)

    @property
    def key(self) -> RecordKey:
        """Which record."""
        return RecordKey(self.hidden.record.issuer, self.hidden.record.record_id)

    def check(self) -> None:
        """Check that a record is named.

        Raises:
            VerificationError: the name has another form.
        """
        with verifying():
            check_institution_id(self.key.issuer, PART, "issuer")
            check_record_id(self.key.record_id, PART)

    def read(self, directory: Directory, key: VerifierKey, as_of: datetime) -> SubjectRecord:
        """Return the record with its history, once it verifies.

        Args:
            directory: of the newest HEAD, with the keys that signed.
            key: of the log, from the trust root.
            as_of: for when the answer is proved.

        Raises:
            VerificationError: a leaf is not in the log or not of this record, the chain has a gap, the record is about
                another person, has ended, or is not hidden.
        """
        with verifying():
            leaves, history = read_pages(self.pages, self.key, directory, key)
            newest = [step for step in history.steps if isinstance(step.said, Statement)][-1]
            annotation, link, overlay = _hidden_by(history, newest.place)
            until = day_of(milliseconds(as_of), directory.rulebook.time_zone)
            record = self._verified(newest, annotation, link, leaves, directory, until)
            return subject_record(listed(record, self.names), history, directory, until, overlay)

    def _verified(
        self,
        newest: HistoryStep,
        annotation: ShownAnnotation,
        link: HistoryStep,
        leaves: Mapping[int, bytes],
        directory: Directory,
        until: date,
    ) -> VerifiedRecord:
        """Return the newest version, as an answer would show it."""
        statement, hidden = newest.said, self.hidden
        if not isinstance(statement, Statement) or not is_live(statement.standing):
            raise FormatError(PART, "record.live", want="a live standing")
        name = self.names.get(statement.subject_key_version)
        if name is None or not binding_opens(statement.subject_commitment, name.subject, hidden.opening):
            raise FormatError(PART, "record.binding", want="a binding of the person that opens the commitment")
        text = hidden.text_disclosure
        if text and annotation.disclosure_digest != disclosure_digest(text):
            raise FormatError(PART, "record.text", want="the sealed statement that the annotation names")
        ending = directory.institution(statement.issuer).ending
        return VerifiedRecord(
            statement=statement,
            index=newest.place,
            logged_at=newest.logged_at,
            subject=name.subject,
            disclosure=hidden.disclosure,
            intact=disclosure_digest(hidden.disclosure) == statement.disclosure_digest,
            contested=any(_contested(step.place, leaves, directory) for step in (newest, link)),
            annotation=annotation,
            text_disclosure=text,
            ended_until="" if ending is None else ending.retain_until,
            # What is hidden was repaid: only running records become stale.
            stale=False,
            logged_on=day_of(newest.logged_at, directory.rulebook.time_zone),
            known_on=until,
        )


def _hidden_by(history: RecordHistory, version_at: int) -> tuple[ShownAnnotation, HistoryStep, str]:
    """Return the annotation that hides the newest version, logged at that place, its step, and the overlay's name.

    Raises:
        FormatError: none does.
    """
    found: HistoryStep | None = None
    restricted = False
    for step in history.steps:
        if step.place <= version_at:
            continue
        if isinstance(step.said, Annotation):
            found, restricted = (step if step.said.hides else None), False
        elif not isinstance(step.said, Statement):
            restricted = step.said.what is LapseKind.RESTRICTED
            found = None if step.said.what is LapseKind.SHOWN else found
    if found is None or not isinstance(found.said, Annotation):
        raise FormatError(PART, "record.hidden", want="a newest annotation that hides the newest version")
    said = found.said
    flags = tuple(sorted({*said.flags, *((AnnotationFlag.RESTRICTED,) if restricted else ())}))
    return ShownAnnotation(flags, said.code, said.text_commitment, said.disclosure_digest, ()), found, said.overlay


def _contested(place: int, leaves: Mapping[int, bytes], directory: Directory) -> bool:
    """Whether the key that signed the leaf at that place is in doubt from there on."""
    leaf = read_leaf(leaves[place], PART)
    if not isinstance(leaf, StatementLeaf):
        return False
    holders = directory.institutions.values()
    return any(key.contested_at(place) for member in holders if (key := member.key(leaf.key_id)) is not None)
