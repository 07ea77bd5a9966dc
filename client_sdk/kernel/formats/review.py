"""Review of a lender by the registry, as acts carry it (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_code, is_day

__all__ = ["Review"]

PART = "review"


@dataclass(frozen=True, slots=True)
class Review:
    """What the registry found of source, quality and security of a lender's data (征信业务管理办法 Art. 9).

    Attributes:
        reviewed_on: day on which the review was concluded.
        reference: the reviewer's own: letters, digits, dots, underscores and hyphens, 1 to 64.
        document_digest: SHA-256 of the document, 32 bytes; the document itself is in no leaf.
    """

    reviewed_on: date
    reference: str
    document_digest: bytes

    def message(self) -> pb.Review:
        """Return the protobuf form."""
        return pb.Review(
            reviewed_on=self.reviewed_on.isoformat(), reference=self.reference, document_digest=self.document_digest
        )

    @classmethod
    def of(cls, message: pb.Review) -> Review:
        """Return the value of a parsed message.

        Raises:
            FormatError: a value is missing or not in its form.
        """
        if not is_day(message.reviewed_on):
            got = message.reviewed_on[:16] or "none"
            raise FormatError(PART, "reviewed_on.date", got=got, want="a real day as YYYY-MM-DD")
        if not check_code(message.reference, PART):
            raise FormatError(PART, "review.reference", got="none", want="the reviewer's reference")
        digest = message.document_digest
        if len(digest) != HASH_BYTES:
            raise FormatError(PART, "document_digest.length", got=f"{len(digest)} bytes", want=f"{HASH_BYTES} bytes")
        return cls(date.fromisoformat(message.reviewed_on), message.reference, digest)
