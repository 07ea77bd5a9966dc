"""The act by which a registry closes (proto/README.md 5); its effects are in ``ledger.closing``."""

from __future__ import annotations

from dataclasses import dataclass

from creditregistry.v1 import closing_pb2 as pb

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import is_day
from client_sdk.kernel.formats.words import ClosingWay, word

__all__ = ["ClosingBody", "SuccessorRegistry"]

_PART = "act"


@dataclass(frozen=True, slots=True)
class SuccessorRegistry:
    """The registry that takes the data of one that closes.

    Attributes:
        registry: its name.
        genesis_hash: its fingerprint, the leaf hash of its genesis act, 32 bytes.
    """

    registry: str
    genesis_hash: bytes


@dataclass(frozen=True, slots=True)
class ClosingBody:
    """The end of the registry.

    Attributes:
        way: where its data goes.
        open_until: last legal day on which members are served, YYYY-MM-DD.
        approval: number of the supervisor's document.
        approval_digest: SHA-256 of that document, 32 bytes.
        successor: who takes the data; None exactly where it is destroyed.
    """

    way: ClosingWay
    open_until: str
    approval: str
    approval_digest: bytes
    successor: SuccessorRegistry | None = None

    def is_over(self, day: str) -> bool:
        """Whether a legal day, YYYY-MM-DD, is after the last one on which members are served."""
        return day > self.open_until

    def message(self) -> pb.ClosingAct:
        """Return the protobuf form."""
        return pb.ClosingAct(
            way=pb.ClosingWay.ValueType(self.way.number),
            open_until=self.open_until,
            successor=None
            if self.successor is None
            else pb.SuccessorRegistry(registry=self.successor.registry, genesis_hash=self.successor.genesis_hash),
            approval=self.approval,
            approval_digest=self.approval_digest,
        )

    @classmethod
    def of(cls, message: pb.ClosingAct) -> ClosingBody:
        """Return the value of a parsed message.

        Raises:
            FormatError: a field is missing or has the wrong form.
        """
        way = word(ClosingWay, message.way, _PART, "way")
        if not is_day(message.open_until):
            raise FormatError(_PART, "closing.open-until", want="a real day as YYYY-MM-DD")
        if not message.approval or len(message.approval_digest) != HASH_BYTES:
            raise FormatError(_PART, "closing.approval", want="number and SHA-256 of the supervisor's document")
        if message.HasField("successor") is (way is ClosingWay.DESTROY):
            raise FormatError(_PART, "closing.successor", got=way.name, want="a successor, and none for DESTROY")
        successor = _successor(message.successor) if message.HasField("successor") else None
        return cls(way, message.open_until, message.approval, message.approval_digest, successor)


def _successor(message: pb.SuccessorRegistry) -> SuccessorRegistry:
    if not message.registry or len(message.genesis_hash) != HASH_BYTES:
        raise FormatError(_PART, "closing.successor", want="name and fingerprint of the successor")
    return SuccessorRegistry(message.registry, message.genesis_hash)
