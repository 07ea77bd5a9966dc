"""Addresses of a server: one ``host:port``, or several with commas between, which all lead to the same registry."""

from __future__ import annotations

import re

__all__ = ["MAX_ADDRESSES", "addresses_of", "is_address_list"]

MAX_ADDRESSES = 16
_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")
_MAX_PORT = 65_535


def addresses_of(text: str) -> list[str]:
    """Return the addresses in their order."""
    return text.split(",")


def is_address_list(text: str) -> bool:
    """Return whether a text is one address or several, each once and at most 16."""
    addresses = addresses_of(text)
    found = [_ADDRESS.fullmatch(address) for address in addresses]
    well_formed = all(match is not None and 0 < int(match[1]) <= _MAX_PORT for match in found)
    return well_formed and len(set(addresses)) == len(addresses) <= MAX_ADDRESSES
