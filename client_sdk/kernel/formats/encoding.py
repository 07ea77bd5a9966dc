"""Concatenation: how values are joined before they are hashed or signed (proto/README.md 1).

label        ASCII text || 0x00
integer      8 bytes, big-endian
fixed        hashes, openings, pseudonyms, 16-byte record ids: raw
the rest     length (4 bytes, big-endian) || bytes
"""

from __future__ import annotations

from hashlib import sha256

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.utf8 import encoded

__all__ = ["HASH_BYTES", "LEAF_PREFIX", "H", "is_digest_of_nothing", "label", "leaf_hash", "lp", "u32", "u64"]

HASH_BYTES = 32
# RFC 6962 2.1: what sets the hash of a leaf apart from the hash of a node.
LEAF_PREFIX = b"\x00"
# What an export makes of a document that is not there.
_OF_NOTHING = frozenset((sha256(b"").digest(), bytes(HASH_BYTES)))


def label(text: str) -> bytes:
    """Return the label that sets one use of a hash or a MAC apart from all others.

    Args:
        text: ASCII, e.g. "creditregistry/key/v1".

    Raises:
        FormatError: the text is not ASCII or holds the zero byte that ends a label.
    """
    if not text.isascii() or "\0" in text:
        raise FormatError("encoding", "label.ascii", want="ASCII without a zero byte")
    return text.encode("ascii") + b"\0"


def is_digest_of_nothing(digest: bytes) -> bool:
    """Say whether a digest is that of an empty document, or all zeros."""
    return digest in _OF_NOTHING


def u64(number: int) -> bytes:
    """Return an integer as 8 bytes, big-endian.

    Raises:
        FormatError: the integer does not fit.
    """
    try:
        return number.to_bytes(8, "big")
    except OverflowError:
        raise FormatError("encoding", "integer.range", want="0 to 2^64 - 1") from None


def u32(number: int) -> bytes:
    """Return an integer as 4 bytes, big-endian; only lengths are written so.

    Raises:
        FormatError: the integer does not fit.
    """
    try:
        return number.to_bytes(4, "big")
    except OverflowError:
        raise FormatError("encoding", "integer.range", want="0 to 2^32 - 1") from None


def lp(value: bytes | str) -> bytes:
    """Return a value of variable length with its length in bytes before it; text is written in UTF-8.

    Raises:
        FormatError: the text holds half of a surrogate pair and so has no UTF-8 form.
    """
    raw = encoded(value) if isinstance(value, str) else value
    if raw is None:
        raise FormatError("encoding", "text.utf-8", want="text that UTF-8 can write")
    return u32(len(raw)) + raw


def H(*parts: bytes) -> bytes:  # noqa: N802 - the name that the formats give to their hash
    """Return SHA-256 over the concatenation of encoded parts, 32 bytes."""
    return sha256(b"".join(parts)).digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf, SHA-256(0x00 || leaf), 32 bytes (RFC 6962 2.1)."""
    return sha256(LEAF_PREFIX + leaf).digest()
