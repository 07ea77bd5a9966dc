"""Lapses: what the registry itself logs of a record as dates decide (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import dataclass

from creditregistry.v1 import statement_pb2 as pb

from client_sdk.kernel.formats import canonical
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.statement import CODE, RecordKey, check_hash, check_institution_id, check_record_id
from client_sdk.kernel.formats.words import LapseKind, word

__all__ = ["Lapse"]


@dataclass(frozen=True, slots=True)
class Lapse:
    """Payload of a LAPSE leaf: erased, restricted or shown again, as dates decide (proto/README.md 5)."""

    registry: str
    issuer: str
    record_id: bytes
    what: LapseKind
    ground: str
    number: int = 0
    previous: bytes = b""

    @property
    def key(self) -> RecordKey:
        """Which record."""
        return RecordKey(self.issuer, self.record_id)

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.Lapse(
                registry=self.registry,
                issuer=self.issuer,
                record_id=self.record_id,
                what=pb.LapseKind.ValueType(self.what.number),
                ground=self.ground,
                number=self.number,
                previous=self.previous,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> Lapse:
        """Return the lapse that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, or a field has the wrong form.
        """
        message = canonical.parse(pb.Lapse, payload, "lapse")
        lapse = cls(
            message.registry,
            message.issuer,
            message.record_id,
            word(LapseKind, message.what, "lapse", "what"),
            message.ground,
            message.number,
            message.previous,
        )
        check_institution_id(lapse.issuer, "lapse", "issuer")
        check_record_id(lapse.record_id, "lapse")
        if not lapse.registry or not lapse.ground or not CODE.fullmatch(lapse.ground):
            raise FormatError("lapse", "lapse.complete", want="registry and ground")
        if bool(lapse.number) is (lapse.what is LapseKind.ERASED):
            raise FormatError("lapse", "number.present", want="a number where RESTRICTED or SHOWN")
        check_hash(lapse.previous, "lapse", "previous", present=lapse.number > 1)
        return lapse
