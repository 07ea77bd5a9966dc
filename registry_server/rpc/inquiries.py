"""InquiryService: lenders ask, and get their questions' places."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from creditregistry.v1 import check_pb2 as pb
from creditregistry.v1.inquiry_service_pb2_grpc import InquiryServiceServicer

from registry_server.rpc.convert.checks import padded, question, screened, screening
from registry_server.rpc.convert.proofs import own_inquiry, proved_inquiry
from registry_server.rpc.gathering import Gathering
from registry_server.rpc.threads import in_thread
from registry_server.serving.call import current_call

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from registry_server.usecases.check import Checks, ReceivedInquiry
    from registry_server.usecases.evidence import EvidencePage
    from registry_server.usecases.inquiries import Inquiries
    from registry_server.usecases.screen import Screens

__all__ = ["InquiryServicer"]

# Checks that are answered together at most; each may ask about 100 persons.
_GATHERED = 32


class InquiryServicer(InquiryServiceServicer):
    """Serves InquiryService.

    Args:
        checks: use case.
        screens: use case.
        inquiries: use case.
        executor: whose threads do what blocks.
    """

    def __init__(self, checks: Checks, screens: Screens, inquiries: Inquiries, executor: Executor) -> None:
        self._screens = screens
        self._inquiries = inquiries
        self._executor = executor
        self._checks: Gathering[ReceivedInquiry, EvidencePage] = Gathering(checks.answer, executor, limit=_GATHERED)

    async def Check(self, request: pb.CheckRequest, _context: object) -> pb.CheckResponse:
        """Answer about 1 to 100 persons."""
        answer = await self._checks.submit(question(request, current_call().institution))
        return padded(answer)

    async def Screen(self, request: pb.ScreenRequest, _context: object) -> pb.ScreenResponse:
        """Serve pages of the map under one signed screening."""
        received = screening(request, current_call().institution)
        return screened(await in_thread(self._executor, partial(self._screens.pages, received)))

    async def ListInquiries(self, request: pb.ListInquiriesRequest, _context: object) -> pb.ListInquiriesResponse:
        """Return some own inquiries, the newest first."""
        peer = current_call().institution
        page = await in_thread(self._executor, partial(self._inquiries.own, peer, request.before, request.before_id))
        return pb.ListInquiriesResponse(inquiries=map(own_inquiry, page.inquiries), more=page.more)

    async def GetInquiryReceipt(
        self,
        request: pb.GetInquiryReceiptRequest,
        _context: object,
    ) -> pb.GetInquiryReceiptResponse:
        """Return the place of an own inquiry."""
        peer = current_call().institution
        found = await in_thread(self._executor, partial(self._inquiries.receipt, peer, request.inquiry_id))
        return pb.GetInquiryReceiptResponse(inquiry=proved_inquiry(found))
