"""Evidence: what an answer rests on, put together from one view (proto/README.md 8).

``client_sdk.kernel.ledger.answer`` verifies it and is its specification: everything that is referred to is there, and
nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.leaf import LapseLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.prefix_tree import MapProof
from client_sdk.kernel.formats.statement import Annotation
from client_sdk.kernel.formats.words import AnnotationFlag
from registry_server.sequencing.errors import InconsistentError
from registry_server.sequencing.view import ProvedState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from client_sdk.kernel.formats.leaf import Leaf
    from client_sdk.kernel.formats.state import InstitutionKey, InstitutionState
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.inquiry import PersonOpening
    from registry_server.sequencing.view import View
    from registry_server.storage.live import SealedRow
    from registry_server.usecases.act_book import ActBook

__all__ = [
    "AnnotationAnswer",
    "Evidence",
    "HeadAnswer",
    "MapProof",
    "PersonAnswer",
    "ProvedState",
    "RecordAnswer",
    "SubjectAnswer",
    "head_of",
    "put_together",
]

_HASH_BYTES = 32
# Lengths, tags and fixed fields of one message, rounded up.
_OVERHEAD_BYTES = 64


class HeadAnswer(NamedTuple):
    """Parts common to all answers under one HEAD.

    Attributes:
        size: number of leaves.
        checkpoint: signed note.
        head: the HEAD leaf.
        head_path: its path, leaf's sibling first.
        registry: RegistryState with its proof.
    """

    size: int
    checkpoint: bytes
    head: bytes
    head_path: tuple[bytes, ...]
    registry: ProvedState


class AnnotationAnswer(NamedTuple):
    """A leaf of an annotation chain with its path."""

    leaf_index: int
    path: tuple[bytes, ...]
    leaf: bytes


@dataclass(frozen=True, slots=True, repr=False)
class RecordAnswer:
    """One live record."""

    issuer: str
    leaf_index: int
    leaf: bytes
    opening: bytes
    disclosure: bytes
    annotations: tuple[AnnotationAnswer, ...]
    text_disclosure: bytes

    @property
    def length(self) -> int:
        """About how many bytes it takes."""
        annotations = sum(
            len(shown.leaf) + _HASH_BYTES * len(shown.path) + _OVERHEAD_BYTES for shown in self.annotations
        )
        return len(self.leaf) + len(self.disclosure) + len(self.text_disclosure) + annotations + _OVERHEAD_BYTES


@dataclass(frozen=True, slots=True, repr=False)
class SubjectAnswer:
    """Map proof and records of one pseudonym."""

    subject_key_version: int
    subject: bytes
    proof: MapProof
    records: tuple[RecordAnswer, ...]


@dataclass(frozen=True, slots=True, repr=False)
class PersonAnswer:
    """Answer about one person."""

    position: int
    opening: bytes
    subjects: tuple[SubjectAnswer, ...]

    @property
    def length(self) -> int:
        """About how many bytes it takes."""
        return sum(
            _HASH_BYTES * (len(subject.proof.siblings) + 2)
            + _OVERHEAD_BYTES
            + sum(record.length for record in subject.records)
            for subject in self.subjects
        )


@dataclass(frozen=True, slots=True, repr=False)
class Evidence:
    """One page of an answer.

    Attributes:
        head: the HEAD that it rests on.
        institutions: the asker and everyone who signed what is shown, ascending by id.
        acts: leaves, ascending by number.
        rulebook: canonical bytes, where a lapse is shown.
        persons: ascending by position.
        next_position: first person of the next page; 0 where this is the last.
    """

    head: HeadAnswer
    institutions: tuple[ProvedState, ...]
    acts: tuple[bytes, ...]
    rulebook: bytes
    persons: tuple[PersonAnswer, ...]
    next_position: int


def head_of(view: View) -> HeadAnswer:
    """Return what every answer from a view begins with."""
    return HeadAnswer(view.size, view.checkpoint, view.head_leaf, view.head_path, view.registry)


def put_together(
    view: View,
    acts: ActBook,
    asker: str,
    key_id: bytes,
    persons: Sequence[PersonOpening],
    live: Mapping[bytes, Sequence[SealedRow]],
    page_bytes: int,
) -> list[Evidence]:
    """Return the pages of an answer.

    Args:
        view: the commit that is answered from.
        acts: of the log.
        asker: institution id.
        key_id: with which it signed.
        persons: what it asked about, in order.
        live: the live records of all their pseudonyms.
        page_bytes: persons of one page together; beside them stand some kilobytes of states and acts.
    """
    rows = [row for person in persons for _, subject in person.pseudonyms for row in live.get(subject, ())]
    annotations = view.annotation_leaves(rows) if any(row.row.annotation_index >= 0 for row in rows) else {}
    pages: list[_Page] = [_Page(view, asker, key_id)]
    for position, person in enumerate(persons):
        answer = _person(view, position, person, live, annotations)
        if pages[-1].persons and pages[-1].length + answer.length > page_bytes:
            pages.append(_Page(view, asker, key_id))
        pages[-1].add(answer)
    starts = [page.persons[0].position for page in pages[1:]]
    return [page.finish(acts, following) for page, following in zip(pages, [*starts, 0], strict=True)]


def _person(
    view: View,
    position: int,
    person: PersonOpening,
    live: Mapping[bytes, Sequence[SealedRow]],
    annotations: Mapping[int, Sequence[tuple[int, bytes]]],
) -> PersonAnswer:
    subjects = tuple(
        SubjectAnswer(
            version,
            subject,
            view.prove_subject(subject),
            tuple(_record(view, row, annotations.get(row.row.record, ())) for row in live.get(subject, ())),
        )
        for version, subject in person.pseudonyms
    )
    return PersonAnswer(position, person.opening, subjects)


def _record(view: View, sealed: SealedRow, chain: Sequence[tuple[int, bytes]]) -> RecordAnswer:
    row = sealed.row
    shown: Iterable[tuple[int, bytes]] = ()
    if row.annotation_index >= 0:
        shown = _shown(chain, view.directory.institution(row.key.issuer))
    annotations = tuple(AnnotationAnswer(index, view.inclusion(index), leaf) for index, leaf in shown)
    return RecordAnswer(
        row.key.issuer,
        row.index,
        sealed.leaf,
        row.opening,
        sealed.disclosure,
        annotations,
        sealed.text_disclosure,
    )


def _shown(chain: Sequence[tuple[int, bytes]], issuer: InstitutionState) -> list[tuple[int, bytes]]:
    """Return the newest leaf of an annotation chain, and those that a lapse rests on (proto/README.md 5)."""
    shown = [chain[-1]]
    if not isinstance(parse_leaf(chain[-1][1]), LapseLeaf):
        return shown
    for index, data in reversed(chain[:-1]):
        leaf = parse_leaf(data)
        if not isinstance(leaf, StatementLeaf):
            break
        annotation = Annotation.parse(leaf.payload)
        if AnnotationFlag.DISPUTED not in annotation.flags or issuer.speaks_at(annotation.author, index):
            break
        shown.append((index, data))
    return shown[::-1]


class _Page:
    """A page that grows, with everyone whose signature is on it."""

    def __init__(self, view: View, asker: str, key_id: bytes) -> None:
        self._view = view
        self._directory: Directory = view.directory
        self._institutions = {asker}
        self._keys = {key_id}
        self._successions: set[bytes] = set()
        self._lapsed = False
        self.persons: list[PersonAnswer] = []
        self.length = 0

    def add(self, person: PersonAnswer) -> None:
        """Add the next person."""
        self.persons.append(person)
        self.length += person.length
        for subject in person.subjects:
            for record in subject.records:
                self._refer_to(record)

    def _refer_to(self, record: RecordAnswer) -> None:
        self._lapsed |= len(record.annotations) > 1
        # The issuer's state is shown even where its successor signed, and then the act that named it.
        self._institutions.add(record.issuer)
        leaf = parse_leaf(record.leaf)
        self._signed_by(leaf)
        if isinstance(leaf, StatementLeaf) and self._directory.owners[leaf.key_id] != record.issuer:
            succession = self._directory.institutions[record.issuer].succession_at(record.leaf_index)
            self._successions |= set() if succession is None else {succession.act_hash}
        for shown in record.annotations:
            self._signed_by(parse_leaf(shown.leaf))

    def _signed_by(self, leaf: Leaf) -> None:
        if isinstance(leaf, StatementLeaf):
            self._keys.add(leaf.key_id)
            self._institutions.add(self._directory.owners[leaf.key_id])

    def finish(self, acts: ActBook, next_position: int) -> Evidence:
        """Return the page with the states and acts that it refers to."""
        view, state = self._view, self._directory.state
        genesis, *changes = state.administrator_acts
        hashes = {act.leaf_hash for act in changes} | {self._key(key_id).act_hash for key_id in self._keys}
        hashes |= self._successions
        return Evidence(
            head_of(view),
            tuple(view.institution(id_) for id_ in sorted(self._institutions)),
            acts.leaves(view, hashes - {genesis.leaf_hash}),
            view.rulebook.encode() if self._lapsed else b"",
            tuple(self.persons),
            next_position,
        )

    def _key(self, key_id: bytes) -> InstitutionKey:
        key = self._directory.institutions[self._directory.owners[key_id]].key(key_id)
        if key is None:
            raise InconsistentError("directory", got="a key without owner", want="the key of its owner")
        return key
