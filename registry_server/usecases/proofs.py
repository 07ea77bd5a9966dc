"""Proofs of one commit: its HEAD, and the messages that carry paths in the log and in the map (evidence.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import evidence_pb2 as pb

from registry_server.sequencing.view import ProvedState

if TYPE_CHECKING:
    from client_sdk.kernel.formats.prefix_tree import MapProof
    from registry_server.sequencing.view import View

__all__ = ["ProvedHead", "ProvedState", "head_of", "inclusion_proof", "map_proof", "proved_institution"]


class ProvedHead(NamedTuple):
    """A HEAD as the last leaf of its checkpoint, with the state of the registry.

    Attributes:
        checkpoint: signed note.
        leaf: the HEAD leaf.
        path: its path, leaf's sibling first.
        registry: RegistryState with its proof.
    """

    checkpoint: bytes
    leaf: bytes
    path: tuple[bytes, ...]
    registry: ProvedState


def head_of(view: View) -> ProvedHead:
    """Return the HEAD of a view."""
    return ProvedHead(view.checkpoint, view.head_leaf, view.head_path, view.registry)


def map_proof(proof: MapProof) -> pb.MapProof:
    """Return a proof in the prefix tree."""
    if proof.other is None:
        return pb.MapProof(siblings=b"".join(proof.siblings))
    key, value = proof.other
    return pb.MapProof(siblings=b"".join(proof.siblings), other_key=key, other_value=value)


def inclusion_proof(index: int, path: tuple[bytes, ...]) -> pb.InclusionProof:
    """Return a proof of inclusion."""
    return pb.InclusionProof(index=index, path=b"".join(path))


def proved_institution(state: ProvedState) -> pb.ProvedInstitution:
    """Return an institution with its place in the map."""
    return pb.ProvedInstitution(state=state.state, proof=map_proof(state.proof))
