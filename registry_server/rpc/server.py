"""The gRPC server: mutual TLS, limits, the services, and an end that loses nothing."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from creditregistry.v1 import (
    directory_service_pb2,
    directory_service_pb2_grpc,
    dispute_service_pb2,
    dispute_service_pb2_grpc,
    inbox_service_pb2,
    inbox_service_pb2_grpc,
    inquiry_service_pb2,
    inquiry_service_pb2_grpc,
    record_service_pb2,
    record_service_pb2_grpc,
    subject_access_service_pb2,
    subject_access_service_pb2_grpc,
    transparency_service_pb2,
    transparency_service_pb2_grpc,
)
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha.reflection import SERVICE_NAME as REFLECTION
from grpc_reflection.v1alpha.reflection import enable_server_reflection

from registry_server.rpc.health import READING, Health, Probes
from registry_server.rpc.sizes import LONGEST_BYTES
from registry_server.serving.memory import giving_back
from registry_server.serving.transport import open_server

if TYPE_CHECKING:
    import grpc
    from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceServicer
    from creditregistry.v1.dispute_service_pb2_grpc import DisputeServiceServicer
    from creditregistry.v1.inquiry_service_pb2_grpc import InquiryServiceServicer
    from creditregistry.v1.record_service_pb2_grpc import RecordServiceServicer
    from creditregistry.v1.subject_access_service_pb2_grpc import SubjectAccessServiceServicer
    from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceServicer

    from registry_server.rpc.inbox import InboxServicer
    from registry_server.serving.guard import Guard

__all__ = ["SERVICES", "RpcServer", "Servicers"]

SERVICES = tuple(
    service.full_name
    for file in (
        record_service_pb2,
        dispute_service_pb2,
        inbox_service_pb2,
        inquiry_service_pb2,
        subject_access_service_pb2,
        transparency_service_pb2,
        directory_service_pb2,
    )
    for service in file.DESCRIPTOR.services_by_name.values()
)
# The directory service is a reader: administrators must reach it while the log stands still, to decide what ends that.
_READERS = tuple(service for service in SERVICES if service.endswith((".TransparencyService", ".DirectoryService")))
_WRITERS = tuple(service for service in SERVICES if service not in _READERS)


@dataclass(frozen=True, slots=True)
class Servicers:
    """One of each service."""

    records: RecordServiceServicer
    disputes: DisputeServiceServicer
    inbox: InboxServicer
    inquiries: InquiryServiceServicer
    subject_access: SubjectAccessServiceServicer
    transparency: TransparencyServiceServicer
    directory: DirectoryServiceServicer


class RpcServer:
    """Serves on one address; belongs to one event loop.

    Args:
        servicers: of the services.
        guard: around every method.
        credentials: what is shown and trusted.
        probes: of the health service.
        connections: that may be open at the same time.
        longest_stream: seconds that a stream may take at most.
        reflection: whether members may ask for the contract (gRPC server reflection).
    """

    def __init__(
        self,
        servicers: Servicers,
        guard: Guard,
        credentials: grpc.ServerCredentials,
        probes: Probes,
        connections: int,
        longest_stream: float,
        *,
        reflection: bool = False,
    ) -> None:
        self._server = open_server(guard, LONGEST_BYTES, connections, longest_stream)
        self._beside = AsyncExitStack()
        self._health = Health(probes, readers=_READERS, writers=_WRITERS)
        self._credentials = credentials
        self._inbox = servicers.inbox
        record_service_pb2_grpc.add_RecordServiceServicer_to_server(servicers.records, self._server)
        dispute_service_pb2_grpc.add_DisputeServiceServicer_to_server(servicers.disputes, self._server)
        inbox_service_pb2_grpc.add_InboxServiceServicer_to_server(servicers.inbox, self._server)
        inquiry_service_pb2_grpc.add_InquiryServiceServicer_to_server(servicers.inquiries, self._server)
        subject_access_service_pb2_grpc.add_SubjectAccessServiceServicer_to_server(
            servicers.subject_access, self._server
        )
        transparency_service_pb2_grpc.add_TransparencyServiceServicer_to_server(servicers.transparency, self._server)
        directory_service_pb2_grpc.add_DirectoryServiceServicer_to_server(servicers.directory, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)
        if reflection:
            enable_server_reflection((*SERVICES, REFLECTION), self._server)

    async def start(self, address: str) -> int:
        """Begin to serve.

        Args:
            address: host:port; port 0 takes a free one.

        Returns:
            The port.

        Raises:
            RuntimeError: the address is taken or is none of this machine.
        """
        port = self._server.add_secure_port(address, self._credentials)
        await self._health.start()
        await self._beside.enter_async_context(giving_back())
        await self._server.start()
        return port

    def is_serving(self) -> bool:
        """Return the health status of the server as a whole."""
        return self._health.is_serving()

    def is_readable(self) -> bool:
        """Return whether the registry can at least be read."""
        return self._health.is_serving(READING)

    async def stop(self, grace: float) -> None:
        """Take no more calls, let those under way end, and cancel what is left.

        Args:
            grace: seconds for the calls under way.
        """
        await self._health.stop()
        self._inbox.stop()
        await self._server.stop(grace)
        await self._health.ended()
        await self._beside.aclose()
