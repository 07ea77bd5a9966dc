"""DirectoryService: acts, proposals, certificates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import certificate_pb2
from creditregistry.v1 import proposal_pb2 as pb
from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceServicer

from registry_server.rpc.convert.certificates import issued_certificate, request_of, revocation_of
from registry_server.rpc.convert.proofs import receipt
from registry_server.rpc.convert.proposals import acts, approval, proposal
from registry_server.rpc.threads import in_thread
from registry_server.serving.call import current_call

if TYPE_CHECKING:
    from registry_server.rpc.threads import Threads
    from registry_server.usecases.acts import Acts
    from registry_server.usecases.certificates import Certificates
    from registry_server.usecases.proposals import Proposals

__all__ = ["DirectoryServicer"]


class DirectoryServicer(DirectoryServiceServicer):
    """Serves DirectoryService.

    Args:
        acts_: use case.
        proposals: use case.
        certificates: use case.
        threads: that do what blocks.
    """

    def __init__(self, acts_: Acts, proposals: Proposals, certificates: Certificates, threads: Threads) -> None:
        self._acts = acts_
        self._proposals = proposals
        self._certificates = certificates
        self._executor = threads.calls
        self._reading = threads.reading

    async def ListActs(self, request: pb.ListActsRequest, _context: object) -> pb.ListActsResponse:
        """Return acts in order of their number."""
        return acts(await in_thread(self._reading, partial(self._acts.list_from, request.from_number)))

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
        request: certificate_pb2.IssueCertificateRequest,
        _context: object,
    ) -> certificate_pb2.IssueCertificateResponse:
        """Return a certificate for a TLS key that its institution vouches for."""
        call = current_call()
        issue = partial(self._certificates.issue, call.institution, request_of(request), vouched=call.vouched)
        return certificate_pb2.IssueCertificateResponse(certificate=await in_thread(self._executor, issue))

    async def RevokeTlsKey(
        self,
        request: certificate_pb2.RevokeTlsKeyRequest,
        _context: object,
    ) -> certificate_pb2.RevokeTlsKeyResponse:
        """End a TLS key of the caller's institution."""
        revoke = partial(self._certificates.revoke, current_call().institution, revocation_of(request))
        return certificate_pb2.RevokeTlsKeyResponse(revoked_at=await in_thread(self._executor, revoke))

    async def ListCertificates(
        self,
        request: certificate_pb2.ListCertificatesRequest,
        _context: object,
    ) -> certificate_pb2.ListCertificatesResponse:
        """Return the certificates that were issued for an institution."""
        peer = current_call().institution
        listing = partial(self._certificates.issued_for, peer, request.institution or peer)
        listed = await in_thread(self._executor, listing)
        return certificate_pb2.ListCertificatesResponse(certificates=map(issued_certificate, listed))
