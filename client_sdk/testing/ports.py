"""Ports of this machine for servers that other programs must be able to name before they start."""

from __future__ import annotations

import secrets
import socket
import threading

from client_sdk.errors import ConfigError

__all__ = ["HOST", "free_address", "free_port", "listens"]

HOST = "127.0.0.1"
# Below the range from which systems choose ports of their own accord, so that no connection takes one in between.
_PORTS = range(20_000, 32_768)
_CONNECT_SECONDS = 1.0
_given: set[int] = set()
_drawing = threading.Lock()


def free_port() -> int:
    """Return a port on which nothing listens; this process gives each only once, as nothing holds it yet.

    Raises:
        ConfigError: none is left.
    """
    with _drawing:
        while left := [port for port in _PORTS if port not in _given]:
            port = secrets.choice(left)
            _given.add(port)
            if not listens(port):
                return port
    raise ConfigError(f"no port from {_PORTS.start} to {_PORTS.stop - 1} is left")


def listens(port: int) -> bool:
    """Return whether a program takes connections on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(_CONNECT_SECONDS)
        return probe.connect_ex((HOST, port)) == 0


def free_address() -> str:
    """Return host:port of a port on which nothing listens."""
    return f"{HOST}:{free_port()}"
