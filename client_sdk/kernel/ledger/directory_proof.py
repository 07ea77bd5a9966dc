"""Verification of registry and institution states under one HEAD (proto/README.md 6).

    checkpoint > HEAD (last leaf) > map root > presence of RegistryState and of each InstitutionState

The proof rests on the log's key alone: whoever reads it holds it against the acts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.checkpoint import Checkpoint, parse_checkpoint
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import Head, HeadLeaf, parse_leaf
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, institution_key, state_value
from client_sdk.kernel.formats.merkle import verify_inclusion
from client_sdk.kernel.formats.prefix_tree import verify_presence
from client_sdk.kernel.formats.state import InstitutionState, RegistryState
from client_sdk.kernel.ledger.answer import split_hashes

if TYPE_CHECKING:
    from creditregistry.v1 import evidence_pb2
    from creditregistry.v1 import transparency_pb2 as pb

    from client_sdk.kernel.formats.note import VerifierKey

__all__ = ["ProvedDirectory", "verify_directory"]

PART = "directory proof"


class ProvedDirectory(NamedTuple):
    """The directory, or some of it, under one HEAD."""

    checkpoint: Checkpoint
    head: Head
    logged_at: int
    registry: RegistryState
    institutions: tuple[InstitutionState, ...]


def verify_directory(response: pb.GetDirectoryProofResponse, key: VerifierKey) -> ProvedDirectory:
    """Return what a directory proof proves.

    Args:
        response: of the registry.
        key: of the log.

    Raises:
        FormatError: checkpoint, HEAD, a state or a map proof does not verify, or institutions are out of order.
    """
    checkpoint = parse_checkpoint(response.checkpoint, key).checkpoint
    leaf = parse_leaf(response.head)
    if not isinstance(leaf, HeadLeaf):
        raise FormatError(PART, "head.leaf", want="a HEAD as the last leaf")
    path = split_hashes(response.head_path, PART)
    verify_inclusion(leaf_hash(response.head), checkpoint.size - 1, checkpoint.size, path, checkpoint.root)
    head = leaf.head
    _check_present(head, REGISTRY_KEY, response.registry_state, response.registry_proof)
    institutions: list[InstitutionState] = []
    for item in response.institutions:
        state = InstitutionState.parse(item.state)
        _check_present(head, institution_key(state.id), item.state, item.proof)
        institutions.append(state)
    if any(later.id <= earlier.id for earlier, later in pairwise(institutions)):
        raise FormatError(PART, "institutions.order", want="ascending by id, without repetition")
    registry = RegistryState.parse(response.registry_state)
    return ProvedDirectory(checkpoint, head, leaf.logged_at, registry, tuple(institutions))


def _check_present(head: Head, key: bytes, state: bytes, proof: evidence_pb2.MapProof) -> None:
    if proof.other_key or proof.other_value:
        raise FormatError(PART, "map-proof.presence", want="no other entry")
    verify_presence(head.map_root, key, state_value(state), split_hashes(proof.siblings, PART))
