"""DirectoryService: acts, proposals, certificates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import proposal_pb2 as pb
from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceServicer

from registry_server.rpc.convert.proofs import receipt
from registry_server.rpc.convert.proposals import acts, approval, proposal
from registry_server.rpc.threads import in_thread
from registry_server.serving.call import current_call

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from registry_server.usecases.acts import Acts
    from registry_server.usecases.certificates import Certificates
    from registry_server.usecases.proposals import Proposals

__all__ = ["DirectoryServicer"]


class DirectoryServicer(DirectoryServiceServicer):
    """The service.

    Args:
        acts_: use case.
        proposals: use case.
        certificates: use case.
        executor: whose threads do what blocks.
    """

    def __init__(self, acts_: Acts, proposals: Proposals, certificates: Certificates, executor: Executor) -> None:
        self._acts = acts_
        self._proposals = proposals
        self._certificates = certificates
        self._executor = executor

    async def ListActs(self, request: pb.ListActsRequest, _context: object) -> pb.ListActsResponse:
        """Return acts in order of their number."""
        return acts(await in_thread(self._executor, partial(self._acts.list_from, request.from_number)))

    async def ProposeAct(
        self,
        request: pb.ProposeActRequest,
        _context: object,
    ) -> pb.ProposeActResponse:
        """Propose an act."""
        peer, given = current_call().institution, approval(request.approval)
        propose = partial(self._proposals.propose, peer, request.payload, given)
        became = await in_thread(self._executor, propose)
        logged = None if became.receipt is None else receipt(became.receipt)
        return pb.ProposeActResponse(proposal=proposal(became), receipt=logged)

    async def ListProposals(
        self,
        _request: pb.ListProposalsRequest,
        _context: object,
    ) -> pb.ListProposalsResponse:
        """Return waiting proposals."""
        waiting = await in_thread(self._executor, self._proposals.waiting)
        return pb.ListProposalsResponse(proposals=map(proposal, waiting))

    async def ApproveAct(
        self,
        request: pb.ApproveActRequest,
        _context: object,
    ) -> pb.ApproveActResponse:
        """Add a signature to a proposal."""
        peer, given = current_call().institution, approval(request.approval)
        approve = partial(self._proposals.approve, peer, request.proposal_id, given)
        became = await in_thread(self._executor, approve)
        logged = None if became.receipt is None else receipt(became.receipt)
        return pb.ApproveActResponse(proposal=proposal(became), receipt=logged)

    async def IssueCertificate(
        self,
        request: pb.IssueCertificateRequest,
        _context: object,
    ) -> pb.IssueCertificateResponse:
        """Return a certificate of an enrolled institution."""
        peer = current_call().institution
        issue = partial(self._certificates.issue, peer, request.institution, request.csr)
        return pb.IssueCertificateResponse(certificate=await in_thread(self._executor, issue))
