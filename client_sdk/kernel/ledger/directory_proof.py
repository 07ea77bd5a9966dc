"""Verification of registry and institution states under one HEAD (proto/README.md 6).

    checkpoint > HEAD (last leaf) > map root > presence of RegistryState and of each InstitutionState

The proof rests on the log's key alone: the reader compares it with the acts.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.contribution import Contribution
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_entry import REGISTRY_KEY
from client_sdk.kernel.formats.map_proof import narrow_keys
from client_sdk.kernel.formats.state import InstitutionState, RegistryState
from client_sdk.kernel.ledger.proving import (
    entries_under,
    head_under,
    read_checkpoint,
    read_map_proof,
    split_hashes,
    within,
)
from client_sdk.kernel.ledger.shown import contribution_entries, state_entries

if TYPE_CHECKING:
    from collections.abc import Iterable

    from creditregistry.v1 import transparency_pb2 as pb

    from client_sdk.kernel.formats.checkpoint import Checkpoint
    from client_sdk.kernel.formats.leaf import Head
    from client_sdk.kernel.formats.note import VerifierKey

__all__ = ["ProvedDirectory", "registry_alone", "verify_directory"]

PART = "directory proof"


class ProvedDirectory(NamedTuple):
    """The directory, or some of it, under one HEAD."""

    checkpoint: Checkpoint
    head: Head
    logged_at: int
    registry: RegistryState
    institutions: tuple[InstitutionState, ...]
    # What those of them that lend have given; empty where it was not asked for.
    contributions: tuple[Contribution, ...] = ()


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
    institutions = tuple(map(InstitutionState.parse, response.institutions))
    if any(later.id <= earlier.id for earlier, later in pairwise(institutions)):
        raise FormatError(PART, "institutions.order", want="ascending by id, without repetition")
    contributions = tuple(map(Contribution.parse, response.contributions))
    givers = [item.institution for item in contributions]
    if any(later <= earlier for earlier, later in pairwise(givers)):
        raise FormatError(PART, "contributions.order", want="ascending by institution, without repetition")
    with within(PART):
        entries_under(leaf.head, _entries(response, institutions), response.map_proof)
    registry = RegistryState.parse(response.registry_state)
    return ProvedDirectory(checkpoint, leaf.head, leaf.logged_at, registry, institutions, contributions)


def registry_alone(response: pb.GetDirectoryProofResponse, proved: ProvedDirectory) -> pb.GetDirectoryProofResponse:
    """Return a directory proof of the registry's state alone, made from one that was verified.

    Args:
        response: that was verified; it stays as it is.
        proved: what it proves.
    """
    alone = type(response)()
    alone.CopyFrom(response)
    alone.ClearField("institutions")
    alone.ClearField("contributions")
    alone.ClearField("consistency")
    entries = _entries(response, proved.institutions)
    fewer = narrow_keys(entries, read_map_proof(response.map_proof), [REGISTRY_KEY])
    alone.map_proof.depths, alone.map_proof.others, alone.map_proof.siblings = (
        fewer.depths,
        fewer.others,
        fewer.siblings,
    )
    return alone


def _entries(
    response: pb.GetDirectoryProofResponse, institutions: Iterable[InstitutionState]
) -> dict[bytes, bytes | None]:
    """Return what the map must hold by the response."""
    states = {state.id: data for state, data in zip(institutions, response.institutions, strict=True)}
    return {**state_entries(response.registry_state, states), **contribution_entries(response.contributions)}
