"""Network addresses as people write them: ``host:port``, and whether a host is this machine.

SDK, witnesses and both servers read theirs here.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

__all__ = ["LOOPBACK_HOSTS", "HostPort", "host_port", "is_every_address", "is_this_machine"]

# As certificates of a server on this machine name it.
LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "::1")
_HOST = re.compile(r"[A-Za-z0-9._-]+|\[(?P<six>[0-9A-Fa-f:.]+)\]", re.ASCII)
_PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
_MAX_PORT = 65_535


class HostPort(NamedTuple):
    """An address.

    Attributes:
        host: name or IP address, without brackets.
        port: 0 to 65535.
    """

    host: str
    port: int


def host_port(text: str, *, free: bool = False) -> HostPort:
    """Return the parts of ``host:port`` or ``[IPv6]:port``.

    Args:
        text: the address.
        free: take port 0 too, by which a server that listens asks for a free one.

    Raises:
        ValueError: it is neither; the error does not repeat the text, which may be a secret in the wrong place.
    """
    host, colon, port = text.rpartition(":")
    match = _HOST.fullmatch(host)
    if "://" in text:
        got = "a URL: leave out what stands before the host"
    elif not colon or not _PORT.fullmatch(port):
        got = "no port"
    elif int(port) > _MAX_PORT:
        got = f"a port above {_MAX_PORT}"
    elif not int(port) and not free:
        got = "port 0, at which nothing is reached"
    elif match is None:
        got = "no host name or address, which in IPv6 stands in brackets"
    else:
        return HostPort(match["six"] or host, int(port))
    raise ValueError(f"want HOST:PORT, such as 127.0.0.1:7443 (got {got})")


def is_this_machine(host: str) -> bool:
    """Whether a host is reached from this machine alone: localhost, or a loopback address."""
    address = _ip_of(host)
    return host == "localhost" if address is None else address.is_loopback


def is_every_address(host: str) -> bool:
    """Whether a server that listens there is reached at each address of its machine, as at 0.0.0.0."""
    address = _ip_of(host)
    return address is not None and address.is_unspecified


def _ip_of(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
