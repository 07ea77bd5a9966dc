"""Flows about the directory: acts and proposals."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import proposal_pb2

from client_sdk._member.core import Core
from client_sdk._protocol import arguments
from client_sdk._protocol import proposal as proposals
from client_sdk._steps import ask, beside
from client_sdk.kernel.formats.act import ClockBody
from client_sdk.kernel.formats.words import KeyUsage
from client_sdk.kernel.ledger.next_act import next_act

if TYPE_CHECKING:
    from client_sdk._steps import Flow
    from client_sdk.kernel.formats.act import Body
    from client_sdk.kernel.formats.leaf import Approval
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.models.act import LoggedAct
    from client_sdk.models.proposal import Approved, ProposalView

__all__ = ["Administering"]


class Administering(Core):
    """What administrators decide, and what every member reads of it."""

    def propose(self, body: Body, after: bytes | None) -> Flow[Approved]:
        """Propose an act with one's own signature."""
        decided = arguments.body_of(body)
        if after is not None:
            arguments.bytes_of(after, "after")
        directory = yield from self._directory_for(decided)
        act = next_act(directory, decided, self.session.now_ms(), after)
        request = yield from beside(partial(proposals.propose, act, self.session.signer(KeyUsage.ADMINISTER)))
        response = yield from ask(self.services.directory.ProposeAct, request)
        return proposals.read_approved(response, directory, self.session.log_key)

    def acts(self) -> Flow[tuple[LoggedAct, ...]]:
        """Follow the directory now, and return every act that is logged."""
        yield from self.following.refresh()
        return (yield from beside(self.session.acts))

    def proposals(self) -> Flow[tuple[ProposalView, ...]]:
        """Return the acts that wait for signatures."""
        directory = yield from self.following.refresh(at_any_time=True)
        response = yield from ask(self.services.directory.ListProposals, proposal_pb2.ListProposalsRequest())
        return (yield from beside(partial(proposals.read_proposals, response, directory)))

    def approve(self, proposal: ProposalView) -> Flow[Approved]:
        """Add one's own signature to a proposal."""
        arguments.proposal_of(proposal)
        directory = yield from self._directory_for(proposal.act.body)
        request = yield from beside(partial(proposals.approve, proposal, self.session.signer(KeyUsage.ADMINISTER)))
        return (yield from self._approve(request, directory))

    def bring_approval(self, proposal: ProposalView, approval: Approval) -> Flow[Approved]:
        """Add the signature of an administrator who has no certificate yet."""
        arguments.proposal_of(proposal)
        arguments.approval_of(approval)
        directory = yield from self._directory_for(proposal.act.body)
        return (yield from self._approve(proposals.bring(proposal, approval), directory))

    def _directory_for(self, body: Body) -> Flow[Directory]:
        """Follow the directory now; for an act that corrects the log's time, whatever the time of its HEAD."""
        return self.following.refresh(at_any_time=isinstance(body, ClockBody))

    def _approve(self, request: proposal_pb2.ApproveActRequest, directory: Directory) -> Flow[Approved]:
        response = yield from ask(self.services.directory.ApproveAct, request)
        return proposals.read_approved(response, directory, self.session.log_key)

    def connect(self, older: bytes, newer: bytes) -> Flow[None]:
        """Let the registry prove that two checkpoints belong to one history."""
        arguments.bytes_of(older, "older")
        arguments.bytes_of(newer, "newer")
        yield from self.prove(self.session.newest.connect(older, newer))
