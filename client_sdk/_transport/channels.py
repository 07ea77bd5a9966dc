"""Channels to the registry and to key services: mutual TLS, keepalive, retries, and a deadline on every call.

gRPC retries what has one answer, and only where it is UNAVAILABLE, the status of every reason after which the same call
may succeed, or CANCELLED, as a server that stops ends calls that it has not taken up. It never retries a stream: under
its policy a broken stream may not end, not even at its deadline; who sends or reads one begins it again. Evaluations
are not retried either: a key service takes a signed request once, so a second attempt needs a new one. gRPC for Python
ignores the deadline of a service config, therefore calls carry it.

A target may be several addresses of one server, with commas between. Where none of gRPC's attempts was answered, a call
is made at the next address within the same deadline, once at each; a stream that is begun again is begun there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import grpc
import grpc.aio
from creditregistry.v1 import (
    directory_service_pb2,
    dispute_service_pb2,
    inbox_service_pb2,
    inquiry_service_pb2,
    record_service_pb2,
    subject_access_service_pb2,
    subject_key_service_pb2,
    transparency_service_pb2,
)

from client_sdk._transport.addresses import addresses_of
from client_sdk._transport.deadlines import Deadlines, OverdueError
from client_sdk._transport.owner import Owner
from client_sdk._transport.refusal import STATUS_DETAILS, error_of
from client_sdk._transport.tls import TlsMaterial
from client_sdk._transport.watched import WatchedChannel
from client_sdk._transport.watched_aio import WatchedAioChannel
from client_sdk._version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk._transport.tls import TlsSource
    from client_sdk.errors import RefusedError, TransportError

__all__ = [
    "MAX_MESSAGE_BYTES",
    "Deadlines",
    "TlsMaterial",
    "aio_channel",
    "channel",
    "error_of_call",
    "retried_methods",
]

# The longest answer is evidence of 100 subjects in one page; requests are far shorter.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
KEEPALIVE_MS = 30_000
KEEPALIVE_TIMEOUT_MS = 10_000
# A broken connection is made again before the last attempt of a call, and within seconds, also after the other side was
# away for long.
INITIAL_RECONNECT_BACKOFF_MS = 100
MAX_RECONNECT_BACKOFF_MS = 5_000
CONNECT_MS = 5_000
MAX_ATTEMPTS = 4

_RETRY = {
    "maxAttempts": MAX_ATTEMPTS,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE", "CANCELLED"],
}
_CONTRACT = (
    directory_service_pb2,
    dispute_service_pb2,
    inbox_service_pb2,
    inquiry_service_pb2,
    record_service_pb2,
    subject_access_service_pb2,
    subject_key_service_pb2,
    transparency_service_pb2,
)
_SENT_ONCE = ("creditregistry.v1.SubjectKeyService", "Evaluate")


def retried_methods() -> list[tuple[str, str]]:
    """Return service and name of each method that gRPC calls again: those with one question and one answer."""
    methods = [
        (service.full_name, method.name)
        for file in _CONTRACT
        for service in file.DESCRIPTOR.services_by_name.values()
        for method in service.methods
        if not (method.client_streaming or method.server_streaming)
    ]
    return [method for method in methods if method != _SENT_ONCE]


_SERVICE_CONFIG = json.dumps(
    {
        "methodConfig": [
            {
                "name": [{"service": service, "method": method} for service, method in retried_methods()],
                "retryPolicy": _RETRY,
            }
        ]
    }
)


def channel(target: str, tls: TlsSource, deadlines: Deadlines | None = None) -> grpc.Channel:
    """Return a blocking channel to ``host:port``, or several with commas between; the caller closes it."""
    addresses = addresses_of(target)
    options = _options(several=len(addresses) > 1)

    def connect(address: str, shown: TlsMaterial) -> grpc.Channel:
        return grpc.secure_channel(address, shown.channel_credentials(), options)

    return WatchedChannel(tls, connect, deadlines or Deadlines(), addresses)


def aio_channel(target: str, tls: TlsSource, deadlines: Deadlines | None = None) -> grpc.aio.Channel:
    """Return a channel to ``host:port``, or several with commas between, for the running event loop.

    The caller closes it.

    Raises:
        ConfigError: no event loop is running.
    """
    addresses = addresses_of(target)
    options = _options(several=len(addresses) > 1)

    def connect(address: str, shown: TlsMaterial) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(address, shown.channel_credentials(), options)

    return WatchedAioChannel(tls, connect, deadlines or Deadlines(), Owner.of_running_loop(), addresses)


def error_of_call(error: grpc.RpcError) -> RefusedError | TransportError:
    """Return the SDK's error for a call that failed; sync and asyncio alike."""
    if isinstance(error, OverdueError):
        return error_of("DEADLINE_EXCEEDED", "the call was given up after its deadline", None)
    if isinstance(error, grpc.aio.AioRpcError):
        return error_of(error.code().name, error.details() or "", _details(error.trailing_metadata()))
    if isinstance(error, grpc.Call):
        return error_of(error.code().name, str(error.details() or ""), _details(error.trailing_metadata()))
    return error_of("UNKNOWN", "the call failed", None)


def _details(metadata: object) -> bytes | None:
    # The stubs give sync and asyncio metadata different types.
    pairs: Iterator[tuple[str, str | bytes]] = iter(metadata or ())  # type: ignore[call-overload]  # both are pairs
    return next((value for key, value in pairs if key == STATUS_DETAILS and isinstance(value, bytes)), None)


def _options(*, several: bool) -> list[tuple[str, str | int]]:
    # A machine that is gone answers no attempt to connect; where there is another address, it is not waited for long.
    soon = [("grpc.min_reconnect_backoff_ms", CONNECT_MS)] if several else []
    return [
        *soon,
        ("grpc.primary_user_agent", f"credit-registry/{__version__}"),
        ("grpc.service_config", _SERVICE_CONFIG),
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
        ("grpc.initial_reconnect_backoff_ms", INITIAL_RECONNECT_BACKOFF_MS),
        ("grpc.max_reconnect_backoff_ms", MAX_RECONNECT_BACKOFF_MS),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        # A proxy of the environment would see who asks; the registry is reached directly.
        ("grpc.enable_http_proxy", 0),
    ]
