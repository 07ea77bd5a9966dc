"""Inquiries in the log: the payload that is signed and the leaf that is kept (proto/README.md 9).

    leaf of the inquiry tree = received_at (8 bytes, ms) || outcome (length-prefixed ASCII) || H(payload || signature)

Payload and signature are each preceded by their length, like every value of variable length (proto/README.md 1).
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

from client_sdk.kernel.formats.encoding import HASH_BYTES, lp
from client_sdk.kernel.formats.errors import FormatError

__all__ = ["ANSWERED", "InquiryLeaf"]

ANSWERED = "ANSWERED"
_OUTCOME = re.compile(rb"[A-Z][A-Z_]{0,63}")
_HEADER_BYTES = 12


class InquiryLeaf(NamedTuple):
    """Leaf of the inquiry tree: time and outcome of an inquiry, ANSWERED or the reason of refusal."""

    received_at: int
    outcome: str
    digest: bytes

    @classmethod
    def of(cls, received_at: int, outcome: str, payload: bytes, signature: bytes) -> InquiryLeaf:
        """Return the leaf of a signed inquiry."""
        return cls(received_at, outcome, sha256(lp(payload) + lp(signature)).digest())

    def encode(self) -> bytes:
        """Return the bytes of the leaf."""
        return self.received_at.to_bytes(8) + lp(self.outcome) + self.digest

    @classmethod
    def parse(cls, data: bytes) -> InquiryLeaf:
        """Return the leaf that the bytes encode.

        Raises:
            FormatError: wrong lengths or an outcome that is no reason.
        """
        length = int.from_bytes(data[8:_HEADER_BYTES])
        outcome = data[_HEADER_BYTES : _HEADER_BYTES + length]
        if len(data) != _HEADER_BYTES + length + HASH_BYTES or not _OUTCOME.fullmatch(outcome):
            raise FormatError("inquiry leaf", "inquiry.leaf", got=f"{len(data)} bytes", want="time, outcome, hash")
        return cls(int.from_bytes(data[:8]), outcome.decode(), data[-HASH_BYTES:])
