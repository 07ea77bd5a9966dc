"""Verification of registry and institution states under one HEAD (proto/README.md 6).

    checkpoint > HEAD (last leaf) > map root > presence of RegistryState and of each InstitutionState

The proof rests on the log's key alone: the reader compares it with the acts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY, institution_key
from client_sdk.kernel.formats.state import InstitutionState, RegistryState
from client_sdk.kernel.ledger.proving import head_under, read_checkpoint, split_hashes, state_under

if TYPE_CHECKING:
    from creditregistry.v1 import transparency_pb2 as pb

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.leaf import Head
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
    checkpoint = read_checkpoint(response.checkpoint, key)
    leaf = head_under(checkpoint, response.head, split_hashes(response.head_path, PART), PART)
    head = leaf.head
    state_under(head, REGISTRY_KEY, response.registry_state, response.registry_proof, PART)
    institutions: list[InstitutionState] = []
    for item in response.institutions:
        state = InstitutionState.parse(item.state)
        state_under(head, institution_key(state.id), item.state, item.proof, PART)
        institutions.append(state)
    if any(later.id <= earlier.id for earlier, later in pairwise(institutions)):
        raise FormatError(PART, "institutions.order", want="ascending by id, without repetition")
    registry = RegistryState.parse(response.registry_state)
    return ProvedDirectory(checkpoint, head, leaf.logged_at, registry, tuple(institutions))
