"""Public keys of key services: elements of ristretto255 (RFC 9496) other than the identity."""

from __future__ import annotations

from voprf import ristretto

from client_sdk.kernel.formats.errors import FormatError

__all__ = ["check_voprf_key", "parse_voprf_key"]


def parse_voprf_key(public_key: bytes) -> ristretto.PublicKey:
    """Return the public key that the bytes encode.

    Args:
        public_key: 32 bytes.

    Raises:
        FormatError: wrong length, no element of the group, not canonical, or the identity.
    """
    try:
        return ristretto.PublicKey.deserialize(public_key)
    except ValueError:
        raise FormatError("key service", "voprf.public-key", want="a canonical element, no identity") from None


def check_voprf_key(public_key: bytes) -> bytes:
    """Return a key service's public key if it is valid.

    Raises:
        FormatError: as ``parse_voprf_key``.
    """
    parse_voprf_key(public_key)
    return public_key
