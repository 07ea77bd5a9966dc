"""Proofs and receipts (proto/creditregistry/v1/evidence.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2 as pb

if TYPE_CHECKING:
    from registry_server.usecases.evidence import MapProof, ProvedState
    from registry_server.usecases.inquiries import InquiryReceipt
    from registry_server.usecases.receipts import LeafReceipt

__all__ = ["inclusion_proof", "inquiry_receipt", "map_proof", "proved_institution", "receipt"]


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


def receipt(value: LeafReceipt) -> pb.Receipt:
    """Return a receipt."""
    inclusion = inclusion_proof(value.leaf_index, value.path)
    return pb.Receipt(leaf=value.leaf, inclusion=inclusion, checkpoint=value.checkpoint)


def inquiry_receipt(value: InquiryReceipt) -> pb.InquiryReceipt:
    """Return the receipt of an inquiry."""
    return pb.InquiryReceipt(
        leaf=value.leaf,
        inclusion=inclusion_proof(value.position, value.path),
        head=value.head.head,
        head_path=b"".join(value.head.head_path),
        checkpoint=value.head.checkpoint,
    )
