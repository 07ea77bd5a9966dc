"""The registry's services over one channel, alike for blocking calls and for asyncio."""

from __future__ import annotations

from typing import TYPE_CHECKING

from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceStub
from creditregistry.v1.dispute_service_pb2_grpc import DisputeServiceStub
from creditregistry.v1.inquiry_service_pb2_grpc import InquiryServiceStub
from creditregistry.v1.record_service_pb2_grpc import RecordServiceStub
from creditregistry.v1.subject_access_service_pb2_grpc import SubjectAccessServiceStub
from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceStub

if TYPE_CHECKING:
    from client_sdk._transport.mode import AnyChannel

__all__ = ["Services"]


class Services:
    """Stubs of the services; a flow that runs in the channel's mode calls their methods.

    Args:
        channel: to the registry; the caller closes it.
    """

    def __init__(self, channel: AnyChannel) -> None:
        # For asyncio these are its own stubs, whose type is derived from that of the blocking ones.
        self.directory: DirectoryServiceStub = DirectoryServiceStub(channel)
        self.disputes: DisputeServiceStub = DisputeServiceStub(channel)
        self.inquiries: InquiryServiceStub = InquiryServiceStub(channel)
        self.records: RecordServiceStub = RecordServiceStub(channel)
        self.subject_access: SubjectAccessServiceStub = SubjectAccessServiceStub(channel)
        self.transparency: TransparencyServiceStub = TransparencyServiceStub(channel)
