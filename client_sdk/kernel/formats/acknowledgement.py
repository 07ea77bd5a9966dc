"""Acknowledgements: a member's signed word that it has taken note of a notice in its inbox (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import dataclass

from creditregistry.v1 import statement_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import check_institution_id

__all__ = ["Acknowledgement"]

PART = "acknowledgement"


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Payload of an acknowledgement. It names the notice by a commitment, so that the log tells no record.

    Attributes:
        registry: its name.
        member: institution id of who acknowledges.
        notice_commitment: 32 bytes; ``commit_notice`` makes it.
        issued_at: ms since 1970 UTC.
    """

    registry: str
    member: str
    notice_commitment: bytes
    issued_at: int

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.Acknowledgement(
                registry=self.registry,
                member=self.member,
                notice_commitment=self.notice_commitment,
                issued_at=self.issued_at,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> Acknowledgement:
        """Return the acknowledgement that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.Acknowledgement, payload, PART)
        check_institution_id(message.member, PART, "member")
        if len(message.notice_commitment) != HASH_BYTES:
            got = f"{len(message.notice_commitment)} bytes"
            raise FormatError(PART, "notice_commitment.length", got=got, want=f"{HASH_BYTES} bytes")
        if not message.registry or not message.issued_at:
            raise FormatError(PART, "acknowledgement.complete", want="registry and issued_at")
        return cls(message.registry, message.member, message.notice_commitment, message.issued_at)
