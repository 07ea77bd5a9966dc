"""Ports of this machine for servers that other programs must be able to name before they start."""

from __future__ import annotations

import os
import secrets
import socket
import tempfile
from pathlib import Path

from filelock import FileLock, Timeout

from client_sdk._files import cannot_be_written
from client_sdk.errors import ConfigError

__all__ = ["HOST", "free_address", "free_port", "listens"]

HOST = "127.0.0.1"
# Below the range from which systems choose ports of their own accord, so that no connection takes one in between.
_PORTS = range(20_000, 32_768)
_CONNECT_SECONDS = 1.0
_LOCK_SECONDS = 60.0
_FOLDER_MODE = 0o700
_MODE = 0o600


def free_port() -> int:
    """Return a port on which nothing listens; no other call is given it, here or beside, until all others were.

    Raises:
        ConfigError: something listens on each, or the file with the next number cannot be written.
    """
    for _ in _PORTS:
        port = _next_port()
        if not listens(port):
            return port
    raise ConfigError(f"no port from {_PORTS.start} to {_PORTS.stop - 1} is left")


def _next_port() -> int:
    """Return the next number; all programs of one user take turns at one file, which holds it."""
    folder = Path(tempfile.gettempdir()) / f"credit-registry-ports-{os.getuid()}"
    file = folder / "next"
    try:
        folder.mkdir(_FOLDER_MODE, exist_ok=True)
        # In a folder that all users share: a link, or what another user made, may lead to any file of this one.
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            raise ConfigError(f"{folder} belongs to another user: it has to be removed")
        with FileLock(folder / "lock", timeout=_LOCK_SECONDS, mode=_MODE):
            port = _read(file)
            file.write_text(str(port + 1))
    except Timeout:
        raise ConfigError(f"{folder}: another program holds its lock") from None
    except OSError as error:
        raise cannot_be_written(file, error) from error
    return port


def _read(file: Path) -> int:
    """Return the number in the file; where there is none in it, any one to begin with."""
    try:
        port = int(file.read_text())
    except (FileNotFoundError, ValueError):
        return secrets.choice(_PORTS)
    return port if port in _PORTS else _PORTS.start


def listens(port: int) -> bool:
    """Return whether a program takes connections on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(_CONNECT_SECONDS)
        return probe.connect_ex((HOST, port)) == 0


def free_address() -> str:
    """Return host:port of a port on which nothing listens."""
    return f"{HOST}:{free_port()}"
