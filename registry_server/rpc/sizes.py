"""Maximum request size by method: the sum of the limits of its parts, rounded up."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.limits import CHUNK_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["DEFAULT_BYTES", "LONGEST_BYTES", "REQUEST_BYTES"]

_KIB = 1024
# A submission with its statement, facts, sealed disclosure and aliases has at most some 16 KiB; 1,000 record ids 18.
DEFAULT_BYTES = 64 * _KIB
LONGEST_BYTES = CHUNK_BYTES
REQUEST_BYTES: Mapping[str, int] = MappingProxyType(
    {
        "/creditregistry.v1.RecordService/SubmitBatch": CHUNK_BYTES,
        # 100 persons, each with its pseudonym under every live version of the subject keys.
        "/creditregistry.v1.InquiryService/Check": 128 * _KIB,
        # An act fills a leaf at most; beside it stands the signature of who proposes it.
        "/creditregistry.v1.DirectoryService/ProposeAct": 128 * _KIB,
    }
)
