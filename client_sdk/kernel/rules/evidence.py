"""Digests of documents that prove something: a notice, a consent."""

from __future__ import annotations

from hashlib import sha256

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.rules.errors import RuleError, RuleReason

__all__ = ["check_digest", "is_digest_of_nothing"]

# What an export makes of a document that is not there.
_OF_NOTHING = frozenset((sha256(b"").digest(), bytes(HASH_BYTES)))


def is_digest_of_nothing(digest: bytes) -> bool:
    """Say whether a digest is that of an empty document, or all zeros."""
    return digest in _OF_NOTHING


def check_digest(digest: bytes, field: str) -> None:
    """Check the SHA-256 of a document.

    Raises:
        RuleError: FACTS_INVALID; another length, or the digest of no document.
    """
    if len(digest) != HASH_BYTES:
        got = f"{len(digest)} bytes"
        raise RuleError(RuleReason.FACTS_INVALID, field, "digest.length", got=got, want=f"{HASH_BYTES} bytes")
    if is_digest_of_nothing(digest):
        want = "the SHA-256 of the document as it was sent or signed"
        raise RuleError(RuleReason.FACTS_INVALID, field, "digest.document", got="that of an empty document", want=want)
