"""Limits of the contract that client and server share: how many of what one message carries."""

from __future__ import annotations

__all__ = ["CHUNK_BYTES", "CHUNK_SUBMISSIONS", "MAX_INSTITUTIONS", "MAX_RECORD_IDS"]

# Submissions in one chunk of a batch.
CHUNK_SUBMISSIONS = 256
# Bytes of the message that carries a chunk; no request of the contract is longer.
CHUNK_BYTES = 1024 * 1024
# Ids in one request for records.
MAX_RECORD_IDS = 1_000
# Institutions in one request for a directory proof.
MAX_INSTITUTIONS = 100
