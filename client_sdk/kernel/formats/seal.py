"""Sealed disclosures (proto/README.md 3): facts encrypted under a key derived from the identity number.

    key       = HKDF-Expand-SHA256(seal key, "creditregistry/disclosure/v1" || facts_commitment, 32)
    plaintext = opening || length of facts (4 bytes, big-endian) || facts || fewest zero bytes to a multiple of 256
    sealed    = AES-256-GCM(key, nonce = 12 zero bytes, no AAD, plaintext)

The nonce may be fixed because the key is as fresh as the opening inside the commitment. The same opening and facts
always give the same bytes, so a digest in the signed statement vouches for them.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from client_sdk.kernel.formats.commitment import OPENING_BYTES, check_open, commit_facts, commit_text, require_opening
from client_sdk.kernel.formats.encoding import label, u32
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.utf8 import decoded, encoded

__all__ = ["MAX_SEALED_BYTES", "Opened", "disclosure_digest", "open_facts", "open_text", "seal_facts", "seal_text"]

PAD_BYTES = 256
TAG_BYTES = 16
# Facts are some hundred bytes; the limit keeps a record in one chunk and one page of the database.
MAX_SEALED_BYTES = 16 * PAD_BYTES + TAG_BYTES
_HEADER_BYTES = OPENING_BYTES + 4
_NONCE = bytes(12)
_FACTS = label("creditregistry/disclosure/v1")
_TEXT = label("creditregistry/text-disclosure/v1")


class Opened(NamedTuple):
    """Plaintext of a sealed disclosure."""

    opening: bytes
    content: bytes

    def __repr__(self) -> str:
        return "Opened(...)"


def disclosure_digest(sealed: bytes) -> bytes:
    """Return SHA-256 of the sealed bytes, as the statement carries it."""
    return sha256(sealed).digest()


def seal_facts(seal_key: bytes, facts_commitment: bytes, opening: bytes, facts: bytes) -> bytes:
    """Seal canonical facts to the subject.

    Raises:
        FormatError: the facts are too long, or the opening has the wrong length.
    """
    return _seal(seal_key, _FACTS + facts_commitment, opening, facts)


def open_facts(seal_key: bytes, facts_commitment: bytes, sealed: bytes) -> Opened:
    """Open sealed facts and check them against their commitment.

    Raises:
        FormatError: the bytes were sealed under another key, are padded otherwise, or do not open the commitment.
    """
    opened = _open(seal_key, _FACTS + facts_commitment, sealed)
    check_open(facts_commitment, commit_facts(*opened), "disclosure")
    return opened


def seal_text(seal_key: bytes, text_commitment: bytes, opening: bytes, text: str) -> bytes:
    """Seal the text of an annotation to the subject (proto/README.md 5).

    Raises:
        FormatError: the text is too long or cannot be written in UTF-8, or the opening has the wrong length.
    """
    content = encoded(text)
    if content is None:
        raise FormatError("disclosure", "seal.text", want="text that UTF-8 can write")
    return _seal(seal_key, _TEXT + text_commitment, opening, content)


def open_text(seal_key: bytes, text_commitment: bytes, sealed: bytes) -> str:
    """Open a sealed text and check it against its commitment.

    Raises:
        FormatError: as ``open_facts``, or the text is not UTF-8.
    """
    opened = _open(seal_key, _TEXT + text_commitment, sealed)
    text = decoded(opened.content)
    if text is None:
        raise FormatError("disclosure", "seal.text", want="UTF-8")
    check_open(text_commitment, commit_text(opened.opening, text), "disclosure")
    return text


def _key(seal_key: bytes, info: bytes) -> AESGCM:
    return AESGCM(HKDFExpand(SHA256(), 32, info).derive(seal_key))


def _seal(seal_key: bytes, info: bytes, opening: bytes, content: bytes) -> bytes:
    plain = require_opening(opening, "disclosure") + u32(len(content)) + content
    plain += bytes(-len(plain) % PAD_BYTES)
    if len(plain) + TAG_BYTES > MAX_SEALED_BYTES:
        limit = MAX_SEALED_BYTES - TAG_BYTES - _HEADER_BYTES
        raise FormatError("disclosure", "seal.size", got=f"{len(content)} bytes", want=f"at most {limit} bytes")
    return _key(seal_key, info).encrypt(_NONCE, plain, None)


def _open(seal_key: bytes, info: bytes, sealed: bytes) -> Opened:
    if len(sealed) > MAX_SEALED_BYTES or len(sealed) % PAD_BYTES != TAG_BYTES:
        raise FormatError("disclosure", "seal.size", got=f"{len(sealed)} bytes", want="blocks of 256 bytes and a tag")
    try:
        plain = _key(seal_key, info).decrypt(_NONCE, sealed, None)
    except (InvalidTag, ValueError):
        raise FormatError("disclosure", "seal.key", want="bytes sealed to this subject") from None
    end = _HEADER_BYTES + int.from_bytes(plain[OPENING_BYTES:_HEADER_BYTES])
    if end > len(plain) or len(plain) - end >= PAD_BYTES or any(plain[end:]):
        raise FormatError("disclosure", "seal.padding", want="the fewest zero bytes")
    return Opened(plain[:OPENING_BYTES], plain[_HEADER_BYTES:end])
