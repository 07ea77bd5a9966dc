"""Addresses of a server: one ``host:port``, or several with commas between, which all lead to the same registry."""

from __future__ import annotations

from client_sdk._address import host_port

__all__ = ["MAX_ADDRESSES", "addresses_of", "is_address_list"]

MAX_ADDRESSES = 16


def addresses_of(text: str) -> list[str]:
    """Return the addresses in their order."""
    return text.split(",")


def is_address_list(text: str) -> bool:
    """Return whether a text is one address or several, each once and at most 16."""
    addresses = addresses_of(text)
    try:
        found = {host_port(address) for address in addresses}
    except ValueError:
        return False
    return len(found) == len(addresses) <= MAX_ADDRESSES
