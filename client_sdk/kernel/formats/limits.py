"""Size limits that client and server share: the number of submissions in a message of a batch."""

from __future__ import annotations

__all__ = ["CHUNK_BYTES", "CHUNK_SUBMISSIONS"]

# Submissions in one chunk of a batch.
CHUNK_SUBMISSIONS = 256
# Bytes of the message that carries a chunk; no request of the contract is longer.
CHUNK_BYTES = 1024 * 1024
