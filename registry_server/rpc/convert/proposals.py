"""Acts and proposals (proto/creditregistry/v1/proposal.proto)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1 import evidence_pb2
from creditregistry.v1 import proposal_pb2 as pb

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import KEY_ID_BYTES, SIGNATURE_BYTES
from client_sdk.kernel.formats.leaf import Approval

if TYPE_CHECKING:
    from registry_server.usecases.acts import ActPage
    from registry_server.usecases.proposals import Proposal

__all__ = ["acts", "approval", "proposal"]


def approval(message: pb.Approval) -> Approval:
    """Return a signature with the id of its key.

    Raises:
        FormatError: one of them has the wrong length.
    """
    if len(message.key_id) != KEY_ID_BYTES or len(message.signature) != SIGNATURE_BYTES:
        got = f"{len(message.key_id)} and {len(message.signature)} bytes"
        raise FormatError("approval", "approval.length", got=got, want=f"{KEY_ID_BYTES} and {SIGNATURE_BYTES} bytes")
    return Approval(message.key_id, message.signature)


def proposal(value: Proposal) -> pb.Proposal:
    """Return the state of a proposal."""
    stored = value.stored
    return pb.Proposal(
        proposal_id=stored.proposal_id,
        payload=stored.payload,
        approvals=[pb.Approval(key_id=given.key_id, signature=given.signature) for given in stored.approvals],
        proposed_at=stored.proposed_at,
        lapses_at=stored.lapses_at,
    )


def acts(page: ActPage) -> pb.ListActsResponse:
    """Return some acts in order."""
    leaves = [evidence_pb2.IndexedLeaf(index=act.leaf_index, leaf=act.leaf) for act in page.acts]
    return pb.ListActsResponse(acts=leaves, more=page.more)
