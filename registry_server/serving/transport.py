"""gRPC channel options: limits on every connection, before a call is authenticated.

Measured with grpcio 1.85: a message above the receive limit is refused from its length, before it has arrived. A stream
whose message nobody reads buffers at most the lookahead, as long as the library does not widen the window by itself
(``grpc.http2.bdp_probe``). So a connection costs at most streams x lookahead until permission has been given.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc
import grpc.aio

if TYPE_CHECKING:
    from registry_server.serving.guard import Guard

__all__ = ["MAX_STREAMS", "open_server"]

# Calls and streams that one connection may have under way; clients let further ones wait.
MAX_STREAMS = 32
# The longest message that is sent: an answer with its evidence.
_MAX_ANSWER_BYTES = 16 * 1024 * 1024
# A message longer than its limit by so much still arrives, so that the guard can refuse it by name.
_MARGIN_BYTES = 64 * 1024
_LOOKAHEAD_BYTES = 64 * 1024
# TCP connection to the end of the TLS handshake, and from there to the first HTTP/2 settings.
_HANDSHAKE_TIMEOUT_MS = 5_000
_SETTINGS_TIMEOUT_MS = 5_000
# A connection is ended after so long, and with it, once its streams have had their time, every message that its peer
# never takes: gRPC gives up such a message in no other way. Clients connect again by themselves.
_CONNECTION_AGE_MS = 3_600_000
_CONNECTION_GRACE_MS = 60_000
# A connection on which nothing is asked for so long is closed; the client opens another one with its next call.
_IDLE_MS = 600_000
# A peer that sends nothing for so long is asked whether it is there, and dropped if it does not answer.
_KEEPALIVE_MS = 60_000
_KEEPALIVE_TIMEOUT_MS = 20_000
# Clients keep idle connections alive about this often.
_MIN_PING_INTERVAL_MS = 10_000


def open_server(guard: Guard, request_bytes: int, connections: int, longest_stream: float = 0.0) -> grpc.aio.Server:
    """Return a server that holds its peers to the limits; belongs to the running event loop.

    Args:
        guard: around every method.
        request_bytes: of the longest request of any method.
        connections: that may be open at the same time; further ones are closed as they come.
        longest_stream: seconds that a stream may take at most; 0 where the server has no streams.
    """
    return grpc.aio.server(interceptors=(guard,), options=_options(request_bytes, connections, longest_stream))


def _options(request_bytes: int, connections: int, longest_stream: float) -> list[tuple[str, int]]:
    return [
        ("grpc.max_connection_age_ms", _CONNECTION_AGE_MS),
        ("grpc.max_connection_age_grace_ms", int(longest_stream * 1_000) + _CONNECTION_GRACE_MS),
        ("grpc.max_receive_message_length", request_bytes + _MARGIN_BYTES),
        ("grpc.max_send_message_length", _MAX_ANSWER_BYTES),
        ("grpc.max_concurrent_streams", MAX_STREAMS),
        # Else a stream counts until the interpreter has let go of it, and a client that keeps to the limit is refused.
        ("grpc.http.overload_protection", 0),
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", _LOOKAHEAD_BYTES),
        ("grpc.max_allowed_incoming_connections", connections),
        ("grpc.server_handshake_timeout_ms", _HANDSHAKE_TIMEOUT_MS),
        ("grpc.http2.settings_timeout", _SETTINGS_TIMEOUT_MS),
        ("grpc.max_connection_idle_ms", _IDLE_MS),
        ("grpc.keepalive_time_ms", _KEEPALIVE_MS),
        ("grpc.keepalive_timeout_ms", _KEEPALIVE_TIMEOUT_MS),
        ("grpc.http2.min_ping_interval_without_data_ms", _MIN_PING_INTERVAL_MS),
        ("grpc.keepalive_permit_without_calls", 1),
        # Two processes on one port would share its connections without either knowing.
        ("grpc.so_reuseport", 0),
    ]
