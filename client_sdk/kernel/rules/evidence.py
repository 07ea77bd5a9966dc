"""Digests of documents that prove something: a notice, a consent."""

from __future__ import annotations

from client_sdk.kernel.formats.encoding import HASH_BYTES, is_digest_of_nothing
from client_sdk.kernel.rules.errors import RuleError, RuleReason

__all__ = ["check_digest"]


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
