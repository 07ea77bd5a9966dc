"""The gRPC server: mutual TLS, limits, the services, and an end that loses nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import grpc
import grpc.aio
from creditregistry.v1 import (
    directory_service_pb2,
    directory_service_pb2_grpc,
    inquiry_service_pb2,
    inquiry_service_pb2_grpc,
    record_service_pb2,
    record_service_pb2_grpc,
    transparency_service_pb2,
    transparency_service_pb2_grpc,
)
from grpc_health.v1 import health_pb2_grpc

from registry_server.health_guard import HealthGuard
from registry_server.rpc.health import Health
from registry_server.rpc.interceptors.guard import MAX_MESSAGE_BYTES, Guard

if TYPE_CHECKING:
    from collections.abc import Callable

    from creditregistry.v1.directory_service_pb2_grpc import DirectoryServiceServicer
    from creditregistry.v1.inquiry_service_pb2_grpc import InquiryServiceServicer
    from creditregistry.v1.record_service_pb2_grpc import RecordServiceServicer
    from creditregistry.v1.transparency_service_pb2_grpc import TransparencyServiceServicer

__all__ = ["SERVICES", "RpcServer", "Servicers", "TlsFiles"]

SERVICES = tuple(
    service.full_name
    for file in (record_service_pb2, inquiry_service_pb2, transparency_service_pb2, directory_service_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
)
# A message above this ends the connection's stream before anything of ours sees it; between the two limits the
# guard refuses it by name.
_TRANSPORT_BYTES = 4 * MAX_MESSAGE_BYTES
# Calls that one connection may have under way.
_MAX_STREAMS = 1_024
# A peer that says nothing for so long is asked whether it is there, and dropped if it does not answer.
_KEEPALIVE_MS = 60_000
_KEEPALIVE_TIMEOUT_MS = 20_000
# Clients keep idle connections alive about this often.
_MIN_PING_INTERVAL_MS = 10_000


class TlsFiles(NamedTuple):
    """What the server shows and trusts, PEM.

    Attributes:
        key: private key.
        certificate: its chain, leaf first.
        authority: certificates that a client's must lead to.
    """

    key: bytes
    certificate: bytes
    authority: bytes

    def __repr__(self) -> str:
        return "TlsFiles(...)"


@dataclass(frozen=True, slots=True)
class Servicers:
    """One of each service."""

    records: RecordServiceServicer
    inquiries: InquiryServiceServicer
    transparency: TransparencyServiceServicer
    directory: DirectoryServiceServicer


class RpcServer:
    """Serves on one address; belongs to one event loop.

    Args:
        servicers: of the services.
        guard: around every method.
        tls: what is shown and trusted.
        ask_health: returns where the registry can serve, raises where it cannot.
        health_interval: seconds between two questions.
    """

    def __init__(
        self,
        servicers: Servicers,
        guard: Guard,
        tls: TlsFiles,
        ask_health: Callable[[], object],
        health_interval: float,
    ) -> None:
        guards = (guard, HealthGuard(guard.admit_to_health))
        self._server = grpc.aio.server(interceptors=guards, options=_options())
        self._health = Health(ask_health, health_interval, SERVICES)
        self._credentials = grpc.ssl_server_credentials(
            [(tls.key, tls.certificate)], tls.authority, require_client_auth=True
        )
        record_service_pb2_grpc.add_RecordServiceServicer_to_server(servicers.records, self._server)
        inquiry_service_pb2_grpc.add_InquiryServiceServicer_to_server(servicers.inquiries, self._server)
        transparency_service_pb2_grpc.add_TransparencyServiceServicer_to_server(servicers.transparency, self._server)
        directory_service_pb2_grpc.add_DirectoryServiceServicer_to_server(servicers.directory, self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health.servicer, self._server)

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
        await self._server.start()
        return port

    async def stop(self, grace: float) -> None:
        """Take no more calls, let those under way end, and cancel what is left.

        Args:
            grace: seconds for the calls under way.
        """
        await self._health.stop()
        await self._server.stop(grace)
        await self._health.ended()


def _options() -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", _TRANSPORT_BYTES),
        ("grpc.max_send_message_length", _TRANSPORT_BYTES),
        ("grpc.max_concurrent_streams", _MAX_STREAMS),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        # Two processes on one port would share its connections without either knowing.
        ("grpc.so_reuseport", 0),
    ]
