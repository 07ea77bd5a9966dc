"""Proofs of one commit: its HEAD, and the messages that carry paths in the log and in the map (evidence.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from creditregistry.v1 import evidence_pb2 as pb

if TYPE_CHECKING:
    from client_sdk.kernel.formats.map_proof import MapProof
    from registry_server.sequencing.view import View

__all__ = ["ProvedHead", "head_of", "inclusion_proof", "map_proof"]


class ProvedHead(NamedTuple):
    """A HEAD as the last leaf of its checkpoint.

    Attributes:
        checkpoint: signed note.
        leaf: the HEAD leaf.
        path: its path, leaf's sibling first.
    """

    checkpoint: bytes
    leaf: bytes
    path: tuple[bytes, ...]


def head_of(view: View) -> ProvedHead:
    """Return the HEAD of a view."""
    return ProvedHead(view.checkpoint, view.head_leaf, view.head_path)


def map_proof(proof: MapProof) -> pb.MapProof:
    """Return a proof of what the map holds."""
    return pb.MapProof(depths=proof.depths, others=proof.others, siblings=proof.siblings)


def inclusion_proof(index: int, path: tuple[bytes, ...]) -> pb.InclusionProof:
    """Return a proof of inclusion."""
    return pb.InclusionProof(index=index, path=b"".join(path))
