"""Evidence: records, proofs, states and acts that prove an answer, from one view (proto/README.md 8).

``client_sdk.kernel.ledger.answer`` verifies it and is its specification. ``client_sdk.kernel.ledger.references`` says
what records refer to: evidence holds all of that, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import parse_leaf
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.ledger.answer import EVIDENCE_VERSION
from client_sdk.kernel.ledger.references import References, acts_needed
from client_sdk.kernel.rules.withholding import Withholding
from registry_server.sequencing.errors import InconsistentError
from registry_server.usecases.act_book import ActBook
from registry_server.usecases.cosigned_proofs import CosignedProofs
from registry_server.usecases.proofs import map_proof

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from client_sdk.kernel.ledger.inquiry import Inquiry, PersonOpening
    from registry_server.sequencing.view import View
    from registry_server.storage.live import SealedRow

__all__ = ["EvidencePage", "EvidenceWriter"]

# 32 hashes: no path is longer in a log of four billion leaves, nor in the map of as many subjects but by rare chance.
_PATH_BYTES = 32 * HASH_BYTES


class EvidencePage(NamedTuple):
    """One page of an answer.

    Attributes:
        evidence: about some of the persons, without the inquiry, which its asker has.
        size: of its checkpoint.
        next_position: first person of the next page; 0 where this is the last.
    """

    evidence: pb.Evidence
    size: int
    next_position: int

    @property
    def first_position(self) -> int:
        """First person of this page."""
        return self.evidence.persons[0].position


class EvidenceWriter:
    """Writes evidence; remembers the acts of the log. Thread-safe.

    Args:
        cosigned: what witnesses have cosigned; None where there are none.
    """

    def __init__(self, cosigned: CosignedProofs | None = None) -> None:
        self._acts = ActBook()
        self._cosigned = cosigned or CosignedProofs()

    def pages(
        self,
        view: View,
        inquiry: Inquiry,
        key_id: bytes,
        persons: Sequence[PersonOpening],
        live: Mapping[bytes, Sequence[SealedRow]],
        page_bytes: int,
    ) -> list[EvidencePage]:
        """Return the pages of an answer.

        Args:
            view: the commit that is answered from.
            inquiry: that is answered.
            key_id: with which its asker signed.
            persons: what it asked about, in order.
            live: the live records of all their pseudonyms.
            page_bytes: persons of one page together, with what they need of the proofs at most; beside them stand some
                kilobytes of states and acts.

        Raises:
            InconsistentError: what is stored makes no evidence.
        """
        rows = [row for person in persons for _, subject in person.pseudonyms for row in live.get(subject, ())]
        annotations = view.annotation_leaves(rows) if any(row.row.annotation_index >= 0 for row in rows) else {}
        withholding = _HeldBack(view, inquiry)
        pages: list[_PageInProgress] = [_PageInProgress(view, inquiry, key_id)]
        try:
            for position, person in enumerate(persons):
                answer = _person(position, person, live, annotations, withholding)
                length = answer.ByteSize() + _PATH_BYTES * _paths(answer)
                if pages[-1].length and pages[-1].length + length > page_bytes:
                    pages.append(_PageInProgress(view, inquiry, key_id))
                pages[-1].add(answer, length)
            starts = [page.evidence.persons[0].position for page in pages[1:]]
            held, replayed = self._cosigned.beside(view, view.size), self._cosigned.replayed(view, view.size)
            return [
                EvidencePage(page.finish(self._acts, held, replayed), view.size, following)
                for page, following in zip(pages, [*starts, 0], strict=True)
            ]
        except FormatError as error:
            raise InconsistentError("evidence", got=str(error), want="leaves and states in their form") from error


class _HeldBack:
    """Decides which disclosures are held back from an asker (proto/README.md 6)."""

    def __init__(self, view: View, inquiry: Inquiry) -> None:
        self._view = view
        self._asker = inquiry.asker
        self._rule: Withholding | None = None
        if inquiry.purpose is not Purpose.SUBJECT_ACCESS:
            contribution = view.directory.contribution(inquiry.asker)
            self._rule = Withholding(inquiry.purpose, view.rulebook, contribution, view.logged_at)

    def holds_back(self, sealed: SealedRow) -> bool:
        """Whether the disclosure of a record is held back: never from who speaks for its issuer."""
        row = sealed.row
        if self._rule is None or self._rule.of(row.kind, row.standing, parse_leaf(sealed.leaf).logged_at) is None:
            return False
        issuer = self._view.directory.institution(row.key.issuer)
        return not issuer.speaks_at(self._asker, self._view.size - 1)


class _PageInProgress:
    """A page that grows, with everything that its records refer to."""

    def __init__(self, view: View, inquiry: Inquiry, key_id: bytes) -> None:
        self._view = view
        self._asker = inquiry.asker
        self._references = References(inquiry.asker, key_id, inquiry.purpose)
        self._subjects: list[bytes] = []
        self._leaves: list[int] = []
        self.evidence = pb.Evidence(
            version=EVIDENCE_VERSION,
            checkpoint=view.checkpoint,
            head=view.head_leaf,
            registry_state=view.registry_state,
        )
        self.length = 0

    def add(self, person: pb.PersonAnswer, length: int) -> None:
        """Add the next person."""
        self.evidence.persons.append(person)
        self.length += length
        for subject in person.subjects:
            self._subjects.append(subject.subject)
            for record in subject.records:
                self._references.add_record(record)
                self._leaves.extend(item.index for item in record.annotations)

    def finish(
        self, acts: ActBook, cosigned: pb.CosignedCheckpoint | None, replayed: Sequence[pb.CosignedCheckpoint]
    ) -> pb.Evidence:
        """Return the page with its proofs, the states and acts that it refers to, and the cosigned checkpoints."""
        view, references, directory = self._view, self._references, self._view.directory
        needed = acts_needed(directory.state, references.claims(directory.institutions))
        shown = sorted(references.institutions)
        self.evidence.institutions.extend(map(view.institution_state, shown))
        self.evidence.acts.extend(acts.leaves(view, needed))
        self.evidence.log_proof = view.log_proof(self._leaves)
        givers = [self._asker] if references.contribution else []
        self.evidence.map_proof.MergeFrom(map_proof(view.map_proof(shown, self._subjects, givers)))
        for giver in givers:
            self.evidence.contribution = view.contribution(giver)
        if cosigned is not None:
            self.evidence.cosigned.CopyFrom(cosigned)
        self.evidence.replayed.extend(replayed)
        if references.rulebook:
            self.evidence.rulebook = view.rulebook.encode()
        return self.evidence


def _paths(person: pb.PersonAnswer) -> int:
    """Return how many paths through map and log the answer about a person adds to the proofs."""
    return sum(1 + sum(len(record.annotations) for record in subject.records) for subject in person.subjects)


def _person(
    position: int,
    person: PersonOpening,
    live: Mapping[bytes, Sequence[SealedRow]],
    annotations: Mapping[int, Sequence[tuple[int, bytes]]],
    withholding: _HeldBack,
) -> pb.PersonAnswer:
    subjects = [
        pb.SubjectAnswer(
            subject_key_version=version,
            subject=subject,
            records=[
                _record(row, annotations.get(row.row.record, ()), held=withholding.holds_back(row))
                for row in live.get(subject, ())
            ],
        )
        for version, subject in person.pseudonyms
    ]
    return pb.PersonAnswer(position=position, opening=person.opening, subjects=subjects)


def _record(sealed: SealedRow, chain: Sequence[tuple[int, bytes]], *, held: bool) -> pb.LiveRecord:
    row = sealed.row
    if row.annotation_index != (chain[-1][0] if chain else -1):
        raise FormatError("annotation", "annotation.place", want="the newest leaf of the chain")
    return pb.LiveRecord(
        index=row.index,
        leaf=sealed.leaf,
        opening=row.opening,
        disclosure=b"" if held else sealed.disclosure,
        annotations=[pb.IndexedLeaf(index=index, leaf=leaf) for index, leaf in chain],
        text_disclosure=sealed.text_disclosure,
    )
