"""Proofs over a map and a log that a test holds in memory, as messages of the contract carry them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.log_proof import prove_leaves
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, contribution_key, institution_key, subject_key
from client_sdk.kernel.formats.map_proof import prove_keys

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from client_sdk.kernel.formats.merkle import MemoryTree

__all__ = ["prove_directory", "prove_evidence"]


def prove_directory(
    entries: Mapping[bytes, bytes],
    institutions: Iterable[str],
    subjects: Iterable[bytes] = (),
    givers: Iterable[str] = (),
) -> pb.MapProof:
    """What the map with these entries holds of the registry, of institutions, pseudonyms and contributions."""
    keys = [REGISTRY_KEY, *map(institution_key, institutions), *map(subject_key, subjects)]
    keys += map(contribution_key, givers)
    proof = prove_keys(sorted(entries.items()), keys)
    return pb.MapProof(depths=proof.depths, others=proof.others, siblings=proof.siblings)


def prove_evidence(
    evidence: pb.Evidence, entries: Mapping[bytes, bytes], institutions: Iterable[str], tree: MemoryTree
) -> None:
    """Add the two proofs of what evidence shows.

    Args:
        evidence: complete but for its proofs.
        entries: of the map under its HEAD.
        institutions: ids of those whose states it shows.
        tree: of the log, whose last leaf is the HEAD.
    """
    answers = [answer for person in evidence.persons for answer in person.subjects]
    givers = [Contribution.parse(evidence.contribution).institution] if evidence.contribution else []
    subjects = [answer.subject for answer in answers]
    evidence.map_proof.CopyFrom(prove_directory(entries, institutions, subjects, givers))
    records = [record for answer in answers for record in answer.records]
    places = [item.index for record in records for item in record.annotations]
    evidence.log_proof = prove_leaves([*places, tree.size - 1], tree.size, tree.node)
