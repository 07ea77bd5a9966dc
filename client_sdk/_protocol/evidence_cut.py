"""Cut the evidence about many persons down to one, keeping only what its answer refers to (proto/README.md 9)."""

from __future__ import annotations

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.state import InstitutionState, RegistryState
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.references import References, acts_needed

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
    person = next(person for person in evidence.persons if person.position == position)
    del cut.persons[:]
    cut.persons.add().CopyFrom(person)
    references = References(Inquiry.parse(evidence.inquiry.payload).asker, evidence.inquiry.key_id)
    for subject in person.subjects:
        for record in subject.records:
            references.add_record(record)
    parsed = [(InstitutionState.parse(item.state), item) for item in evidence.institutions]
    claims = references.claims({state.id: state for state, _ in parsed})
    needed = acts_needed(RegistryState.parse(evidence.registry_state), claims)
    del cut.institutions[:]
    cut.institutions.extend(item for state, item in parsed if state.id in references.institutions)
    leaves = [leaf for leaf in evidence.acts if leaf_hash(leaf) in needed]
    del cut.acts[:]
    cut.acts.extend(leaves)
    if not references.rulebook:
        cut.rulebook = b""
    return canonical.encode(cut)
