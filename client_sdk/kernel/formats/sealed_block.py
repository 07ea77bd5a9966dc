"""Blocks of a member's own file, sealed under a key that is not in the file: HKDF-SHA256 and AES-256-GCM.

keys  = HKDF-SHA256(secret, salt, info, 64): for sealing, for naming
block = nonce (12 bytes) || AES-256-GCM(content), with the block's place in the file as additional data
"""

from __future__ import annotations

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from client_sdk.kernel.formats.encoding import u64
from client_sdk.kernel.formats.errors import FormatError

__all__ = ["BLOCK_NONCE_BYTES", "BlockSealer"]

BLOCK_NONCE_BYTES = 12
_KEY_BYTES = 32
_TAG_BYTES = 16


class BlockSealer:
    """Seals and opens the blocks of one file.

    Args:
        secret: of the member, 32 random bytes.
        salt: of the file, 32 random bytes.
        info: what the file is for: another secret, salt or info opens nothing.
    """

    def __init__(self, secret: bytes, salt: bytes, info: bytes) -> None:
        keys = HKDF(SHA256(), 2 * _KEY_BYTES, salt, info).derive(secret)
        self._box, self._naming = AESGCM(keys[:_KEY_BYTES]), keys[_KEY_BYTES:]

    def name(self, data: bytes) -> bytes:
        """Return a keyed hash that stands for something in this file, 32 bytes."""
        return hmac.digest(self._naming, data, "sha256")

    def seal(self, place: int, nonce: bytes, content: bytes) -> bytes:
        """Return a sealed block.

        Args:
            place: of the block in the file.
            nonce: 12 random bytes, drawn for this block.
            content: of any length.
        """
        return nonce + self._box.encrypt(nonce, content, u64(place))

    def open(self, place: int, sealed: bytes) -> bytes:
        """Return the content of a block.

        Raises:
            FormatError: it was not sealed under this key for this place.
        """
        if len(sealed) < BLOCK_NONCE_BYTES + _TAG_BYTES:
            raise FormatError("sealed block", "block.length", got=f"{len(sealed)} bytes", want="a whole block")
        nonce, box = sealed[:BLOCK_NONCE_BYTES], sealed[BLOCK_NONCE_BYTES:]
        try:
            return self._box.decrypt(nonce, box, u64(place))
        except InvalidTag:
            raise FormatError("sealed block", "block.opens", want="the key and place that it was sealed for") from None
