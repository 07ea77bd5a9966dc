"""Cut the evidence about many persons down to one, keeping only what its answer refers to (proto/README.md 9)."""

from __future__ import annotations

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.log_proof import narrow_leaves
from client_sdk.kernel.formats.map_proof import narrow_keys
from client_sdk.kernel.formats.state import InstitutionState, RegistryState
from client_sdk.kernel.ledger.inquiry import Inquiry
from client_sdk.kernel.ledger.proving import read_map_proof
from client_sdk.kernel.ledger.references import References, acts_needed
from client_sdk.kernel.ledger.shown import shown_entries, shown_leaves

__all__ = ["cut_evidence"]


def cut_evidence(evidence: pb.Evidence, position: int, size: int) -> bytes:
    """Return canonical evidence about one of the persons.

    Args:
        evidence: that was verified.
        position: of the person in the inquiry.
        size: of the checkpoint of the evidence.

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
    inquiry = Inquiry.parse(evidence.inquiry.payload)
    references = References(inquiry.asker, evidence.inquiry.key_id, inquiry.purpose)
    for subject in person.subjects:
        for record in subject.records:
            references.add_record(record)
    states = [InstitutionState.parse(data) for data in evidence.institutions]
    claims = references.claims({state.id: state for state in states})
    needed = acts_needed(RegistryState.parse(evidence.registry_state), claims)
    kept = {
        state.id: data
        for state, data in zip(states, evidence.institutions, strict=True)
        if state.id in references.institutions
    }
    del cut.institutions[:], cut.acts[:]
    cut.institutions.extend(kept.values())
    cut.acts.extend(leaf for leaf in evidence.acts if leaf_hash(leaf) in needed)
    if not references.rulebook:
        cut.rulebook = b""
    if not references.contribution:
        cut.contribution = b""
    entries, leaves = shown_entries(evidence, [state.id for state in states]), shown_leaves(evidence, size)
    # Every hash that the smaller proofs need is in the larger ones, or follows from them.
    fewer = narrow_keys(entries, read_map_proof(evidence.map_proof), shown_entries(cut, kept))
    cut.map_proof.CopyFrom(pb.MapProof(depths=fewer.depths, others=fewer.others, siblings=fewer.siblings))
    cut.log_proof = narrow_leaves(size, leaves, evidence.log_proof, shown_leaves(cut, size))
    return canonical.encode(cut)
