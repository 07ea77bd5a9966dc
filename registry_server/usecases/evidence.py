"""Evidence: records, proofs, states and acts that prove an answer, from one view (proto/README.md 8).

``client_sdk.kernel.ledger.answer`` verifies it and is its specification. ``client_sdk.kernel.ledger.references`` says
what records refer to: evidence holds all of that, and nothing else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import LapseLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.statement import Annotation
from client_sdk.kernel.ledger.answer import EVIDENCE_VERSION
from client_sdk.kernel.ledger.references import References, acts_needed
from registry_server.sequencing.errors import InconsistentError
from registry_server.usecases.act_book import ActBook
from registry_server.usecases.proofs import inclusion_proof, map_proof, proved_institution

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from client_sdk.kernel.ledger.inquiry import PersonOpening
    from registry_server.sequencing.view import ProvedState, View
    from registry_server.storage.live import SealedRow

__all__ = ["EvidencePage", "EvidenceWriter"]


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


class _Shared:
    """What all answers under one HEAD share: made once for it."""

    def __init__(self, view: View) -> None:
        self.registry = view.registry
        self.evidence = pb.Evidence(
            version=EVIDENCE_VERSION,
            checkpoint=view.checkpoint,
            head=view.head_leaf,
            head_path=b"".join(view.head_path),
            registry_state=view.registry.state,
            registry_proof=map_proof(view.registry.proof),
        )
        self._institutions: dict[bytes, pb.ProvedInstitution] = {}

    def institution(self, proved: ProvedState) -> pb.ProvedInstitution:
        """Return the message of an institution's state."""
        message = self._institutions.get(proved.state)
        if message is None:
            message = self._institutions[proved.state] = proved_institution(proved)
        return message


class EvidenceWriter:
    """Writes evidence; remembers the acts of the log, and what answers under the newest HEAD share. Thread-safe."""

    def __init__(self) -> None:
        self._acts = ActBook()
        self._newest: _Shared | None = None

    def pages(
        self,
        view: View,
        asker: str,
        key_id: bytes,
        persons: Sequence[PersonOpening],
        live: Mapping[bytes, Sequence[SealedRow]],
        page_bytes: int,
    ) -> list[EvidencePage]:
        """Return the pages of an answer.

        Args:
            view: the commit that is answered from.
            asker: institution id.
            key_id: with which it signed.
            persons: what it asked about, in order.
            live: the live records of all their pseudonyms.
            page_bytes: persons of one page together; beside them stand some kilobytes of states and acts.

        Raises:
            InconsistentError: what is stored makes no evidence.
        """
        shared = self._shared(view)
        rows = [row for person in persons for _, subject in person.pseudonyms for row in live.get(subject, ())]
        annotations = view.annotation_leaves(rows) if any(row.row.annotation_index >= 0 for row in rows) else {}
        pages: list[_PageInProgress] = [_PageInProgress(shared, asker, key_id)]
        try:
            for position, person in enumerate(persons):
                answer = _person(view, position, person, live, annotations)
                length = answer.ByteSize()
                if pages[-1].length and pages[-1].length + length > page_bytes:
                    pages.append(_PageInProgress(shared, asker, key_id))
                pages[-1].add(answer, length)
            starts = [page.evidence.persons[0].position for page in pages[1:]]
            return [
                EvidencePage(page.finish(view, self._acts), view.size, following)
                for page, following in zip(pages, [*starts, 0], strict=True)
            ]
        except FormatError as error:
            raise InconsistentError("evidence", got=str(error), want="leaves and states in their form") from error

    def _shared(self, view: View) -> _Shared:
        shared = self._newest
        # The registry's state is proved once for each HEAD: the same object means the same HEAD.
        if shared is None or shared.registry is not view.registry:
            shared = self._newest = _Shared(view)
        return shared


class _PageInProgress:
    """A page that grows, with everything that its records refer to."""

    def __init__(self, shared: _Shared, asker: str, key_id: bytes) -> None:
        self._shared = shared
        self._references = References(asker, key_id)
        self.evidence = pb.Evidence()
        self.evidence.CopyFrom(shared.evidence)
        self.length = 0

    def add(self, person: pb.PersonAnswer, length: int) -> None:
        """Add the next person."""
        self.evidence.persons.append(person)
        self.length += length
        for subject in person.subjects:
            for record in subject.records:
                self._references.add_record(record)

    def finish(self, view: View, acts: ActBook) -> pb.Evidence:
        """Return the page with the states, acts and rulebook that it refers to."""
        references, directory = self._references, view.directory
        needed = acts_needed(directory.state, references.claims(directory.institutions))
        shown = (view.institution(institution) for institution in sorted(references.institutions))
        self.evidence.institutions.extend(map(self._shared.institution, shown))
        self.evidence.acts.extend(acts.leaves(view, needed))
        if references.rulebook:
            self.evidence.rulebook = view.rulebook.encode()
        return self.evidence


def _person(
    view: View,
    position: int,
    person: PersonOpening,
    live: Mapping[bytes, Sequence[SealedRow]],
    annotations: Mapping[int, Sequence[tuple[int, bytes]]],
) -> pb.PersonAnswer:
    subjects = [
        pb.SubjectAnswer(
            subject_key_version=version,
            subject=subject,
            proof=map_proof(view.prove_subject(subject)),
            records=[_record(view, row, annotations.get(row.row.record, ())) for row in live.get(subject, ())],
        )
        for version, subject in person.pseudonyms
    ]
    return pb.PersonAnswer(position=position, opening=person.opening, subjects=subjects)


def _record(view: View, sealed: SealedRow, chain: Sequence[tuple[int, bytes]]) -> pb.LiveRecord:
    row = sealed.row
    shown: Iterable[tuple[int, bytes]] = ()
    if row.annotation_index >= 0:
        shown = _shown(chain)
    return pb.LiveRecord(
        index=row.index,
        leaf=sealed.leaf,
        opening=row.opening,
        disclosure=sealed.disclosure,
        annotations=[
            pb.AnnotationLeaf(inclusion=inclusion_proof(index, view.inclusion(index)), leaf=leaf)
            for index, leaf in shown
        ],
        text_disclosure=sealed.text_disclosure,
    )


def _shown(chain: Sequence[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Return the newest leaf of an annotation chain, and those that a lapse rests on (proto/README.md 5)."""
    shown = [chain[-1]]
    if not isinstance(parse_leaf(chain[-1][1]), LapseLeaf):
        return shown
    for index, data in reversed(chain[:-1]):
        leaf = parse_leaf(data)
        if not isinstance(leaf, StatementLeaf):
            break
        annotation = Annotation.parse(leaf.payload)
        if not annotation.disputed or annotation.outcome is not None:
            break
        shown.append((index, data))
    return shown[::-1]
