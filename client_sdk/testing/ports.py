"""Ports of this machine for servers that other programs must be able to name before they start."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from collections import deque

from client_sdk.errors import ConfigError

__all__ = ["HOST", "free_address", "free_port", "listens"]

HOST = "127.0.0.1"
# Below the range from which systems choose ports of their own accord, so that no connection takes one in between.
_PORTS = range(20_000, 32_768)
_CONNECT_SECONDS = 1.0
# Programs beside this one draw ports too: a datagram socket of the same number keeps a port from them, and lets a
# server listen on it. The newest are held; by then the servers of the others listen.
_MOST_HELD = 48
_held: deque[int] = deque()
_given: set[int] = set()
_drawing = threading.Lock()


def free_port() -> int:
    """Return a port on which nothing listens; this process gives each once, and no other one gives it meanwhile.

    Raises:
        ConfigError: none is left.
    """
    with _drawing:
        left = [port for port in _PORTS if port not in _given]
        secrets.SystemRandom().shuffle(left)
        for port in left:
            if not listens(port) and _hold(port):
                return port
    raise ConfigError(f"no port from {_PORTS.start} to {_PORTS.stop - 1} is left")


def _hold(port: int) -> bool:
    """Keep a port from other programs that draw one; return False where another has it."""
    if len(_held) >= _MOST_HELD:
        os.close(_held.popleft())
    try:
        held = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    except OSError as error:
        raise ConfigError(f"no port can be kept: {error.strerror}") from error
    try:
        held.bind((HOST, port))
    except OSError:
        held.close()
        return False
    # The descriptor alone, which the end of the program closes: no object of it is found unclosed.
    _held.append(held.detach())
    _given.add(port)
    return True


def listens(port: int) -> bool:
    """Return whether a program takes connections on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(_CONNECT_SECONDS)
        return probe.connect_ex((HOST, port)) == 0


def free_address() -> str:
    """Return host:port of a port on which nothing listens."""
    return f"{HOST}:{free_port()}"
