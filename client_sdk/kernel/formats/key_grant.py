"""Keys given by acts: the grant, its proof of possession and its endorsement (proto/README.md 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from creditregistry.v1 import common_pb2
from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.keys import check_enrolable, key_id
from client_sdk.kernel.formats.words import KeyUsage, word

if TYPE_CHECKING:
    from client_sdk.kernel.formats.keys import Signer

__all__ = ["KeyGrant", "grant_key", "possession_payload"]

PART = "act"


@dataclass(frozen=True, slots=True)
class KeyGrant:
    """A key given to an institution, with a proof of possession of its private key."""

    algorithm: str
    public_key: bytes
    usage: KeyUsage
    possession: bytes
    endorser: bytes = b""
    endorsement: bytes = b""

    @property
    def key_id(self) -> bytes:
        """Id of the key."""
        return key_id(self.algorithm, self.public_key)

    def message(self) -> pb.KeyGrant:
        """Return the protobuf form."""
        return pb.KeyGrant(
            algorithm=self.algorithm,
            public_key=self.public_key,
            usage=common_pb2.KeyUsage.ValueType(self.usage.number),
            possession=self.possession,
            endorser=self.endorser,
            endorsement=self.endorsement,
        )

    @classmethod
    def of(cls, message: pb.KeyGrant) -> KeyGrant:
        """Return the value of a parsed message.

        Raises:
            FormatError: the key cannot be enrolled.
        """
        check_enrolable(message.algorithm, message.public_key)
        usage = word(KeyUsage, message.usage, PART, "usage")
        return cls(
            message.algorithm, message.public_key, usage, message.possession, message.endorser, message.endorsement
        )


def possession_payload(registry: str, institution: str, grant: KeyGrant) -> bytes:
    """Return what the holder of the key signs, and in a key act also a running key of the institution."""
    return canonical.encode(
        pb.Possession(
            registry=registry,
            institution=institution,
            algorithm=grant.algorithm,
            public_key=grant.public_key,
            usage=common_pb2.KeyUsage.ValueType(grant.usage.number),
        )
    )


def grant_key(
    registry: str, institution: str, signer: Signer, usage: KeyUsage, endorser: Signer | None = None
) -> KeyGrant:
    """Sign the possession of a key, and let a running key endorse it where one is given."""
    key = signer.public_key
    bare = KeyGrant(key.algorithm, key.raw, usage, b"")
    payload = possession_payload(registry, institution, bare)
    possession = dsse.sign(signer, dsse.POSSESSION, payload)
    if endorser is None:
        return KeyGrant(key.algorithm, key.raw, usage, possession)
    endorsement = dsse.sign(endorser, dsse.POSSESSION, payload)
    return KeyGrant(key.algorithm, key.raw, usage, possession, endorser.public_key.key_id, endorsement)
