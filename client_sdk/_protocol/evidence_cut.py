"""Cut the evidence about many persons down to one, keeping only what its answer refers to (proto/README.md 9)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.leaf import StatementLeaf, parse_leaf
from client_sdk.kernel.formats.state import InstitutionState, RegistryState
from client_sdk.kernel.formats.statement import Annotation, Statement
from client_sdk.kernel.ledger.inquiry import Inquiry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["cut_evidence"]


def cut_evidence(evidence: pb.Evidence, position: int) -> bytes:
    """Return canonical evidence about one of the persons.

    Args:
        evidence: that was verified.
        position: of the person in the inquiry.

    Raises:
        FormatError: the evidence has been changed since it was verified.
    """
    if len(evidence.persons) == 1:
        return canonical.encode(evidence)
    cut = pb.Evidence()
    cut.CopyFrom(evidence)
    del cut.persons[:]
    cut.persons.add().CopyFrom(next(person for person in evidence.persons if person.position == position))
    states = {state.id: state for state in map(_state, evidence.institutions)}
    owners, signing = _referred(cut)
    keys = {key.key_id: key for state in states.values() for key in state.keys}
    changes = {act.leaf_hash for act in RegistryState.parse(evidence.registry_state).administrator_acts}
    needed = changes | {keys[key_id].act_hash for key_id in signing} | _successions(cut, states)
    _keep(cut, owners, needed)
    if not any(len(record.annotations) > 1 for record in _records(cut)):
        cut.rulebook = b""
    return canonical.encode(cut)


def _state(proved: pb.ProvedInstitution) -> InstitutionState:
    return InstitutionState.parse(proved.state)


def _records(evidence: pb.Evidence) -> Iterator[pb.LiveRecord]:
    for person in evidence.persons:
        for subject in person.subjects:
            yield from subject.records


def _referred(evidence: pb.Evidence) -> tuple[set[str], set[bytes]]:
    """Return the ids of institutions and the key ids of everyone who speaks in the evidence."""
    owners = {Inquiry.parse(evidence.inquiry.payload).asker}
    signing = {evidence.inquiry.key_id}
    for record in _records(evidence):
        leaf = parse_leaf(record.leaf)
        if isinstance(leaf, StatementLeaf):
            statement = Statement.parse(leaf.payload)
            owners |= {statement.issuer, statement.signer}
            signing.add(leaf.key_id)
        for shown in record.annotations:
            annotation = parse_leaf(shown.leaf)
            if isinstance(annotation, StatementLeaf):
                owners.add(Annotation.parse(annotation.payload).author)
                signing.add(annotation.key_id)
    return owners, signing


def _successions(evidence: pb.Evidence, states: Mapping[str, InstitutionState]) -> set[bytes]:
    """Return leaf hashes of the acts that named a successor who signed in place of an issuer."""
    acts: set[bytes] = set()
    for record in _records(evidence):
        leaf = parse_leaf(record.leaf)
        statement = Statement.parse(leaf.payload) if isinstance(leaf, StatementLeaf) else None
        if statement is not None and statement.signer != statement.issuer:
            succession = states[statement.issuer].succession_at(record.index)
            acts |= set() if succession is None else {succession.act_hash}
    return acts


def _keep(cut: pb.Evidence, owners: set[str], acts: set[bytes]) -> None:
    institutions = [item for item in cut.institutions if _state(item).id in owners]
    leaves = [leaf for leaf in cut.acts if leaf_hash(leaf) in acts]
    del cut.institutions[:]
    cut.institutions.extend(institutions)
    del cut.acts[:]
    cut.acts.extend(leaves)
