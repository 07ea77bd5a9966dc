"""Evidence made by hand from a handmade log: honest by default, and able to show whatever the log's key can sign.

registry = AnsweringRegistry(log)                     what an honest registry would answer from
registry.institutions["lender-1"] = ...              what the map shall say instead
evidence = registry.answer("lender-2", "person")     signed, proved, complete
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.checkpoint import sign_checkpoint
from client_sdk.kernel.formats.commitment import commit_inquiry
from client_sdk.kernel.formats.consent_terms import ConsentTerms
from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import Head, HeadLeaf, LapseLeaf, StatementLeaf, parse_leaf
from client_sdk.kernel.formats.map_entry import (
    NO_ANNOTATION,
    REGISTRY_KEY,
    MappedRecord,
    contribution_key,
    institution_key,
    records_value,
    state_value,
    subject_key,
)
from client_sdk.kernel.formats.merkle import EMPTY_ROOT, MemoryTree
from client_sdk.kernel.formats.prefix_tree import root_of
from client_sdk.kernel.formats.statement import Annotation, Statement
from client_sdk.kernel.formats.words import Purpose
from client_sdk.kernel.ledger.inquiry import Inquiry
from tests.support.handmade_log import REGISTRY, seed, signer
from tests.support.proofs import prove_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.state import InstitutionState
    from tests.support.handmade_log import HandmadeLog

__all__ = ["AnsweringRegistry", "pseudonym"]


def pseudonym(person: str) -> bytes:
    """The pseudonym that follows from a name under version 1 of the subject keys, as the handmade log makes it."""
    return seed(f"subject {person} 1")


class AnsweringRegistry:
    """A registry with the log's key that answers from a handmade log. Each thing that it may lie about is an attribute.

    Attributes:
        log: whose leaves are shown; every answer adds a HEAD of its own.
        institutions: what the map says of members.
        contributions: what the map says that members have given.
        state: what the map says of the registry.
        records: live records by pseudonym, ascending.
        acts: leaves that can be shown, by leaf hash.
        head: changes to the HEAD of the next answers.
    """

    def __init__(self, log: HandmadeLog) -> None:
        self.log = log
        directory = log.state.directory
        self.institutions: dict[str, InstitutionState] = dict(directory.institutions)
        self.state = directory.state
        self.rulebook = directory.rulebook
        self.contributions = dict(directory.contributions)
        self.records: dict[bytes, list[pb.LiveRecord]] = {}
        self.acts = {leaf_hash(leaf): leaf for leaf in log.leaves}
        self.newest_act = directory.newest_act
        for bound in sorted(log.bound(), key=lambda bound: bound.record.leaf_index):
            self.records.setdefault(bound.subject, []).append(self.record(bound.record.leaf_index))

    def record(self, index: int) -> pb.LiveRecord:
        """The live record whose newest version stands at that leaf, with its annotations."""
        leaf = parse_leaf(self.log.leaves[index])
        assert isinstance(leaf, StatementLeaf)
        statement = Statement.parse(leaf.payload)
        secret = self.log.secrets[statement.subject_commitment]
        chain = self.log.state.chains[statement.key]
        shown = self._annotations(statement) if chain.annotation else []
        return pb.LiveRecord(
            index=index,
            leaf=self.log.leaves[index],
            opening=secret.opening,
            disclosure=secret.disclosure,
            annotations=[self.annotation(at) for at in shown],
        )

    def _annotations(self, statement: Statement) -> list[int]:
        """Indexes of the annotation leaves that must be shown (proto/README.md 5)."""
        chain = self.log.state.chains[statement.key]
        assert chain.annotation is not None
        newest = chain.annotation.index
        if not isinstance(parse_leaf(self.log.leaves[newest]), LapseLeaf):
            return [newest]
        shown = [newest]
        for index in range(newest - 1, 0, -1):
            leaf = parse_leaf(self.log.leaves[index])
            if isinstance(leaf, StatementLeaf) and leaf.payload_type == dsse.ANNOTATION:
                annotation = Annotation.parse(leaf.payload)
                if annotation.key != statement.key:
                    continue
                if not annotation.disputed or annotation.outcome is not None:
                    break
                shown.append(index)
        return shown[::-1]

    def annotation(self, index: int) -> pb.IndexedLeaf:
        """A leaf of an annotation chain."""
        return pb.IndexedLeaf(index=index, leaf=self.log.leaves[index])

    def answer(
        self,
        asker: str,
        *people: str,
        by: Signer | None = None,
        purpose: Purpose = Purpose.LOAN_APPROVAL,
        **head: object,
    ) -> pb.Evidence:
        """Answer an inquiry of that member about those people, under a HEAD that this makes."""
        # Also of a member that the map has been given by hand.
        self.contributions.setdefault(asker, Contribution(asker, "2026-01-01"))
        entries = self._entries()
        fields = {
            "map_root": root_of(sorted(entries.items())),
            "entry_count": len(entries),
            "previous": self.log.state.head_chain.leaf_hash,
            "newest_act": self.newest_act,
            "inquiry_count": 0,
            "inquiry_root": EMPTY_ROOT,
        }
        last = HeadLeaf(self.log.logged_at, Head(**{**fields, **head}).encode()).encode()  # type: ignore[arg-type]  # the test names fields
        tree = MemoryTree(map(leaf_hash, [*self.log.leaves, last]))
        evidence = pb.Evidence(
            version=1,
            inquiry=self.inquiry(asker, people, by, purpose),
            checkpoint=sign_checkpoint(self.log.origin, tree.size, tree.root(), self.log.log_signer),
            head=last,
            registry_state=self.state.encode(),
            persons=[self._person(position, person) for position, person in enumerate(people)],
        )
        prove_evidence(evidence, entries, self._refer(evidence, asker), tree)
        return evidence

    def inquiry(
        self,
        asker: str,
        people: Sequence[str],
        by: Signer | None = None,
        purpose: Purpose = Purpose.LOAN_APPROVAL,
    ) -> pb.SignedPayload:
        """The signed question."""
        key = by or signer(f"{asker} INQUIRE")
        payload = Inquiry(
            REGISTRY,
            asker,
            seed("inquiry", 16),
            self.log.logged_at,
            purpose,
            tuple(commit_inquiry(_opening(person), [(1, pseudonym(person))]) for person in people),
            seed("consent commitment"),
            seed("officer commitment"),
            ConsentTerms.on(date(2026, 1, 1), purpose),
        ).encode()
        return pb.SignedPayload(
            payload=payload, key_id=key.public_key.key_id, signature=dsse.sign(key, dsse.INQUIRY, payload)
        )

    def _entries(self) -> dict[bytes, bytes]:
        entries = {institution_key(id_): state_value(state.encode()) for id_, state in self.institutions.items()}
        entries |= {contribution_key(id_): state_value(item.encode()) for id_, item in self.contributions.items()}
        entries[REGISTRY_KEY] = state_value(self.state.encode())
        for subject, records in self.records.items():
            if records:
                entries[subject_key(subject)] = records_value([_mapped(record) for record in records])
        return entries

    def _person(self, position: int, person: str) -> pb.PersonAnswer:
        subject = pseudonym(person)
        answer = pb.SubjectAnswer(subject_key_version=1, subject=subject, records=self.records.get(subject, []))
        return pb.PersonAnswer(position=position, opening=_opening(person), subjects=[answer])

    def _refer(self, evidence: pb.Evidence, asker: str) -> set[str]:
        """Add the states, acts and rulebook that the rest refers to; returns whose states."""
        named, keys = {asker}, {evidence.inquiry.key_id}
        places = {act.leaf_hash: act.place for act in self.state.administrator_acts[1:]}
        for record in _records(evidence):
            for data in (record.leaf, *(shown.leaf for shown in record.annotations)):
                leaf = parse_leaf(data)
                if not isinstance(leaf, StatementLeaf):
                    continue
                if leaf.payload_type == dsse.STATEMENT:
                    statement = Statement.parse(leaf.payload)
                    named |= {statement.issuer, statement.signer}
                    evidence.rulebook = self.rulebook.encode()
                    if statement.issuer != asker:
                        evidence.contribution = self.contributions[asker].encode()
                    keys.add(leaf.key_id)
                    succession = self.institutions[statement.issuer].succession_at(record.index)
                    if statement.signer != statement.issuer and succession is not None:
                        places[succession.act_hash] = succession.first
                else:
                    named.add(Annotation.parse(leaf.payload).author)
                    keys.add(leaf.key_id)
        evidence.institutions.extend(self.institutions[id_].encode() for id_ in sorted(named))
        for state in self.institutions.values():
            places |= {key.act_hash: key.first for key in state.keys if key.key_id in keys}
        evidence.acts.extend(self.acts[hash_] for hash_ in sorted(places, key=places.__getitem__))
        return named


def _opening(person: str) -> bytes:
    return seed(f"inquiry opening of {person}")


def _records(evidence: pb.Evidence) -> Iterator[pb.LiveRecord]:
    return (record for person in evidence.persons for subject in person.subjects for record in subject.records)


def _mapped(record: pb.LiveRecord) -> MappedRecord:
    annotation = leaf_hash(record.annotations[-1].leaf) if record.annotations else NO_ANNOTATION
    return MappedRecord(record.index, leaf_hash(record.leaf), annotation, record.opening)
