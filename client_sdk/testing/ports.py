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
# Programs beside this one draw ports too: a datagram socket of the same number keeps a port from them, and lets a
# server listen on it.
_held: dict[int, int] = {}
_drawing = threading.Lock()


def free_port() -> int:
    """Return a port on which nothing listens; no other call is given it while this process runs, here or beside it.

    Raises:
        ConfigError: none is left.
    """
    with _drawing:
        left = [port for port in _PORTS if port not in _held]
        secrets.SystemRandom().shuffle(left)
        for port in left:
            if not listens(port) and _hold(port):
                return port
    raise ConfigError(f"no port from {_PORTS.start} to {_PORTS.stop - 1} is left")


def _hold(port: int) -> bool:
    """Keep a port from other programs that draw one, until this one ends; return False where another has it."""
    held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        held.bind((HOST, port))
    except OSError:
        held.close()
        return False
    # The descriptor alone: it is open until the program ends, and no object of it is found unclosed then.
    _held[port] = held.detach()
    return True


def listens(port: int) -> bool:
    """Return whether a program takes connections on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(_CONNECT_SECONDS)
        return probe.connect_ex((HOST, port)) == 0


def free_address() -> str:
    """Return host:port of a port on which nothing listens."""
    return f"{HOST}:{free_port()}"
