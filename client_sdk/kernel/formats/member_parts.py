"""Parts of an institution's state: its keys, its successors, its ending, and TLS keys that acts ended."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from creditregistry.v1 import common_pb2
from creditregistry.v1 import directory_pb2 as pb

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import check_enrolable, key_id
from client_sdk.kernel.formats.statement import check_institution_id, is_day
from client_sdk.kernel.formats.tls_key import check_spki_hash
from client_sdk.kernel.formats.words import KeyUsage, word

__all__ = ["EndedRecords", "EndedTlsKey", "InstitutionKey", "Succession"]


@dataclass(frozen=True, slots=True)
class InstitutionKey:
    """A key that an institution holds or held, and the leaves between which it counts."""

    key_id: bytes
    algorithm: str
    public_key: bytes
    usage: KeyUsage
    first: int
    end: int
    contested_from: int
    act_hash: bytes

    def counts_at(self, index: int) -> bool:
        """Whether what it signed at that leaf counts: ``first < index < end`` (proto/README.md 6)."""
        return self.first < index and (not self.end or index < self.end)

    @property
    def running(self) -> bool:
        """Whether it has not been ended."""
        return not self.end

    def contested_at(self, index: int) -> bool:
        """Whether what it signed at that leaf is in doubt."""
        return bool(self.contested_from) and index >= self.contested_from

    def message(self) -> pb.InstitutionKey:
        """Return the protobuf form."""
        return pb.InstitutionKey(
            key_id=self.key_id,
            algorithm=self.algorithm,
            public_key=self.public_key,
            usage=common_pb2.KeyUsage.ValueType(self.usage.number),
            first=self.first,
            end=self.end,
            contested_from=self.contested_from,
            act_hash=self.act_hash,
        )

    @classmethod
    def of(cls, message: pb.InstitutionKey, part: str) -> InstitutionKey:
        """Return the value of a parsed message.

        Raises:
            FormatError: the key id is not that of the key, or a field has the wrong form.
        """
        if message.key_id != key_id(message.algorithm, message.public_key):
            raise FormatError(part, "key_id.derived", want="the hash of algorithm and public key")
        check_enrolable(message.algorithm, message.public_key)
        if len(message.act_hash) != sha256().digest_size:
            raise FormatError(part, "act_hash.length", want="32 bytes")
        if message.end and message.end <= message.first:
            raise FormatError(part, "key.range", want="an end after the beginning")
        return cls(
            message.key_id,
            message.algorithm,
            message.public_key,
            word(KeyUsage, message.usage, part, "usage"),
            message.first,
            message.end,
            message.contested_from,
            message.act_hash,
        )


@dataclass(frozen=True, slots=True)
class Succession:
    """Successor of a terminated institution from an act on."""

    successor: str
    first: int
    act_hash: bytes

    def message(self) -> pb.Succession:
        """Return the protobuf form."""
        return pb.Succession(successor=self.successor, first=self.first, act_hash=self.act_hash)

    @classmethod
    def of(cls, message: pb.Succession, part: str) -> Succession:
        """Return the value of a parsed message.

        Raises:
            FormatError: a field has the wrong form.
        """
        check_institution_id(message.successor, part, "successor")
        if len(message.act_hash) != sha256().digest_size:
            raise FormatError(part, "act_hash.length", want="32 bytes")
        return cls(message.successor, message.first, message.act_hash)


@dataclass(frozen=True, slots=True)
class EndedRecords:
    """The act that closed a terminated institution's records, and the last day that any of them is kept."""

    retain_until: str
    index: int
    act_hash: bytes

    def message(self) -> pb.Ending:
        """Return the protobuf form."""
        return pb.Ending(retain_until=self.retain_until, index=self.index, act_hash=self.act_hash)

    @classmethod
    def of(cls, message: pb.Ending, part: str) -> EndedRecords:
        """Return the value of a parsed message.

        Raises:
            FormatError: a field has the wrong form.
        """
        if not is_day(message.retain_until):
            raise FormatError(part, "ending.date", want="a real day as YYYY-MM-DD")
        if len(message.act_hash) != sha256().digest_size or not message.index:
            raise FormatError(part, "ending.act", want="index and hash of the act")
        return cls(message.retain_until, message.index, message.act_hash)


@dataclass(frozen=True, slots=True)
class EndedTlsKey:
    """A TLS key that an act ended, with the place and the leaf hash of that act."""

    spki_hash: bytes
    index: int
    act_hash: bytes

    def message(self) -> pb.EndedTlsKey:
        """Return the protobuf form."""
        return pb.EndedTlsKey(spki_hash=self.spki_hash, index=self.index, act_hash=self.act_hash)

    @classmethod
    def of(cls, message: pb.EndedTlsKey, part: str) -> EndedTlsKey:
        """Return the value of a parsed message.

        Raises:
            FormatError: a field has the wrong form.
        """
        if len(message.act_hash) != sha256().digest_size:
            raise FormatError(part, "act_hash.length", want="32 bytes")
        return cls(check_spki_hash(message.spki_hash, part), message.index, message.act_hash)
