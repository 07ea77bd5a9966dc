"""Acts: making, signing and reading proposals, and reading what is logged (proto/README.md 5)."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from creditregistry.v1 import proposal_pb2 as pb

from client_sdk._protocol.verification import verifying
from client_sdk.errors import VerificationError
from client_sdk.kernel.formats import dsse
from client_sdk.kernel.formats.act import Act
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.leaf import ActLeaf, Approval
from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.ledger.proving import leaf_under, read_checkpoint, read_leaf, split_hashes
from client_sdk.models.act import LoggedAct
from client_sdk.models.proposal import Approved, ProposalView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from creditregistry.v1 import evidence_pb2

    from client_sdk.kernel.formats.keys import Signer
    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.ledger.directory import Directory

__all__ = ["approve", "bring", "logged_act", "propose", "read_approved", "read_proposals"]


def propose(act: Act, signer: Signer) -> pb.ProposeActRequest:
    """Return the request that proposes an act with the proposer's signature."""
    payload = act.encode()
    return pb.ProposeActRequest(payload=payload, approval=_approval(payload, signer))


def approve(proposal: ProposalView, signer: Signer) -> pb.ApproveActRequest:
    """Return the request that adds a signature to a proposal."""
    return pb.ApproveActRequest(proposal_id=proposal.proposal_id, approval=_approval(proposal.payload, signer))


def bring(proposal: ProposalView, approval: Approval) -> pb.ApproveActRequest:
    """Return the request that adds a signature made offline by another administrator."""
    given = pb.Approval(key_id=approval.key_id, signature=approval.signature)
    return pb.ApproveActRequest(proposal_id=proposal.proposal_id, approval=given)


def _approval(payload: bytes, signer: Signer) -> pb.Approval:
    return pb.Approval(key_id=signer.public_key.key_id, signature=dsse.sign(signer, dsse.ACT, payload))


def read_proposals(response: pb.ListProposalsResponse, directory: Directory) -> tuple[ProposalView, ...]:
    """Return the proposals of an answer; errors as for ``read_proposal``."""
    return tuple(read_proposal(message, directory) for message in response.proposals)


def read_proposal(message: pb.Proposal, directory: Directory) -> ProposalView:
    """Return a proposal, once its id and the signatures of known administrators verify.

    Raises:
        VerificationError: the id is not that of the payload, the payload is no act, or a signature is invalid.
    """
    with verifying():
        if sha256(message.payload).digest() != message.proposal_id:
            raise FormatError("proposal", "proposal.id", want="SHA-256 of the payload")
        act = Act.parse(message.payload)
        approvals = tuple(Approval(item.key_id, item.signature) for item in message.approvals)
        approved_by = tuple(_signers(message.payload, approvals, directory))
    return ProposalView(
        proposal_id=message.proposal_id,
        payload=message.payload,
        act=act,
        approvals=approvals,
        approved_by=approved_by,
        threshold=directory.state.threshold,
        proposed_at=moment(message.proposed_at),
        lapses_at=moment(message.lapses_at),
    )


def _signers(payload: bytes, approvals: Iterable[Approval], directory: Directory) -> Iterable[str]:
    for approval in approvals:
        owner = directory.owners.get(approval.key_id)
        key = None if owner is None else directory.institution(owner).key(approval.key_id)
        if owner is not None and key is not None:
            dsse.verify(dsse.ACT, payload, key.public_key, approval.signature)
            yield owner


def read_approved(
    response: pb.ProposeActResponse | pb.ApproveActResponse, directory: Directory, key: VerifierKey
) -> Approved:
    """Return the result of a proposal, once the receipt of a logged act verifies.

    Raises:
        VerificationError: proposal or receipt do not verify, or the logged act is another one.
    """
    proposal = read_proposal(response.proposal, directory)
    if not response.HasField("receipt"):
        return Approved(proposal=proposal)
    receipt = response.receipt
    index = receipt.inclusion.index
    with verifying():
        leaf = read_leaf(receipt.leaf, "receipt")
        checkpoint = read_checkpoint(receipt.checkpoint, key)
        leaf_under(checkpoint, index, receipt.leaf, split_hashes(receipt.inclusion.path, "receipt"), "receipt")
    if not isinstance(leaf, ActLeaf) or leaf.payload != proposal.payload:
        raise VerificationError("receipt", "receipt.act", want="the act that was proposed")
    return Approved(proposal=proposal, index=index, leaf=receipt.leaf)


def logged_act(item: evidence_pb2.IndexedLeaf, directory: Directory) -> LoggedAct:
    """Return an act that was followed.

    Args:
        item: its leaf, which was verified when the directory took it up.
        directory: after this act or a later one.

    Raises:
        VerificationError: it is no act.
    """
    with verifying():
        leaf = read_leaf(item.leaf, "acts")
        if not isinstance(leaf, ActLeaf):
            raise FormatError("acts", "acts.leaf", want="an ACT leaf")
        signers = {directory.owners[approval.key_id] for approval in leaf.approvals}
        act = Act.parse(leaf.payload)
    return LoggedAct(
        index=item.index,
        logged_at=moment(leaf.logged_at),
        leaf=item.leaf,
        act=act,
        approved_by=tuple(sorted(signers)),
    )
