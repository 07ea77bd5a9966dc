"""Encoding and parsing of log leaves: statements, acts, lapses and HEADs (proto/README.md 5).

leaf  = type (1 byte) || format version 1 (1 byte) || logged_at in ms (8 bytes) || parts
part  = length (4 bytes, big-endian) || bytes

STATEMENT  payload type, payload, key id, signature
ACT        payload type, payload, then key id and signature of each signer, ascending by key id
LAPSE      payload
HEAD       payload
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

from creditregistry.v1 import statement_pb2 as pb

from client_sdk.kernel.formats import canonical, dsse
from client_sdk.kernel.formats.encoding import u32
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.keys import KEY_ID_BYTES

__all__ = [
    "MAX_LEAF_BYTES",
    "ActLeaf",
    "Approval",
    "Head",
    "HeadLeaf",
    "LapseLeaf",
    "Leaf",
    "LeafType",
    "StatementLeaf",
    "parse_leaf",
]

MAX_LEAF_BYTES = 65_535
FORMAT_VERSION = 1
# The longest signature of any algorithm that the formats name (ML-DSA-87).
MAX_SIGNATURE_BYTES = 4_627
# More administrators than this cannot sign one act.
MAX_SIGNERS = 32
# 9999-01-01 UTC: any earlier time can be converted to a date in every time zone.
TIME_END_MS = 253_370_764_800_000
_PREFIX_BYTES = 10
_STATEMENT_TYPES = {form.encode(): form for form in (dsse.STATEMENT, dsse.ANNOTATION, dsse.ACKNOWLEDGEMENT)}
_ACT_TYPE = dsse.ACT.encode()


class LeafType(IntEnum):
    """The first byte of a leaf."""

    STATEMENT = 1
    ACT = 2
    LAPSE = 3
    HEAD = 4


class Approval(NamedTuple):
    """One signature on an act."""

    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class StatementLeaf:
    """A statement, an annotation or an acknowledgement with its signature."""

    logged_at: int
    payload_type: str
    payload: bytes
    key_id: bytes
    signature: bytes

    def encode(self) -> bytes:
        """Return the bytes of the leaf.

        Raises:
            FormatError: the leaf is longer than a leaf may be.
        """
        parts = (self.payload_type.encode(), self.payload, self.key_id, self.signature)
        return _encode(LeafType.STATEMENT, self.logged_at, parts)


@dataclass(frozen=True, slots=True)
class ActLeaf:
    """An act with the signatures of its signers, ascending by key id."""

    logged_at: int
    payload: bytes
    approvals: tuple[Approval, ...]

    def encode(self) -> bytes:
        """Return the bytes of the leaf.

        Raises:
            FormatError: the leaf is longer than a leaf may be.
        """
        signatures = [part for approval in self.approvals for part in approval]
        return _encode(LeafType.ACT, self.logged_at, (_ACT_TYPE, self.payload, *signatures))


@dataclass(frozen=True, slots=True)
class LapseLeaf:
    """A lapse."""

    logged_at: int
    payload: bytes

    def encode(self) -> bytes:
        """Return the bytes of the leaf.

        Raises:
            FormatError: the leaf is longer than a leaf may be.
        """
        return _encode(LeafType.LAPSE, self.logged_at, (self.payload,))


@dataclass(frozen=True, slots=True)
class HeadLeaf:
    """The leaf that ends a commit."""

    logged_at: int
    payload: bytes

    def encode(self) -> bytes:
        """Return the bytes of the leaf.

        Raises:
            FormatError: the leaf is longer than a leaf may be.
        """
        return _encode(LeafType.HEAD, self.logged_at, (self.payload,))

    @property
    def head(self) -> Head:
        """The HEAD inside.

        Raises:
            FormatError: the payload is not a canonical HEAD.
        """
        return Head.parse(self.payload)


Leaf = StatementLeaf | ActLeaf | LapseLeaf | HeadLeaf


@dataclass(frozen=True, slots=True)
class Head:
    """Payload of the HEAD leaf that ends every commit (proto/README.md 7)."""

    map_root: bytes
    entry_count: int
    previous: bytes
    newest_act: int
    inquiry_count: int
    inquiry_root: bytes
    closing_act: int = 0
    map_version: int = 1

    def encode(self) -> bytes:
        """Return the canonical payload."""
        return canonical.encode(
            pb.Head(
                map_version=self.map_version,
                map_root=self.map_root,
                entry_count=self.entry_count,
                previous=self.previous,
                newest_act=self.newest_act,
                inquiry_count=self.inquiry_count,
                inquiry_root=self.inquiry_root,
                closing_act=self.closing_act,
            )
        )

    @classmethod
    def parse(cls, payload: bytes) -> Head:
        """Return the HEAD that a payload canonically encodes.

        Raises:
            FormatError: it is not canonical, of another map version, or a hash has the wrong length.
        """
        message = canonical.parse(pb.Head, payload, "head")
        if message.map_version != 1:
            raise FormatError("head", "head.map-version", got=str(message.map_version), want="1")
        if not len(message.map_root) == len(message.previous) == len(message.inquiry_root) == sha256().digest_size:
            raise FormatError("head", "head.hash-length", want="32 bytes")
        return cls(
            message.map_root,
            message.entry_count,
            message.previous,
            message.newest_act,
            message.inquiry_count,
            message.inquiry_root,
            message.closing_act,
        )


def _encode(kind: LeafType, logged_at: int, parts: tuple[bytes, ...]) -> bytes:
    pieces = [bytes((kind, FORMAT_VERSION)), logged_at.to_bytes(8)]
    for part in parts:
        pieces += (u32(len(part)), part)
    leaf = b"".join(pieces)
    if len(leaf) > MAX_LEAF_BYTES:
        raise FormatError("leaf", "leaf.size", got=f"{len(leaf)} bytes", want=f"at most {MAX_LEAF_BYTES} bytes")
    return leaf


def parse_leaf(data: bytes) -> Leaf:
    """Return the leaf that the bytes encode.

    Raises:
        FormatError: wrong type, version, time, length or number of parts, or bytes left over.
    """
    if not _PREFIX_BYTES <= len(data) <= MAX_LEAF_BYTES:
        raise FormatError("leaf", "leaf.size", got=f"{len(data)} bytes", want=f"10 to {MAX_LEAF_BYTES} bytes")
    if data[1] != FORMAT_VERSION:
        raise FormatError("leaf", "leaf.version", got=str(data[1]), want=str(FORMAT_VERSION))
    logged_at = int.from_bytes(data[2:_PREFIX_BYTES])
    if logged_at >= TIME_END_MS:
        raise FormatError("leaf", "leaf.time", want="a time before the year 9999")
    parts = _split(data)
    match data[0], parts:
        case LeafType.STATEMENT, [payload_type, payload, key_id, signature]:
            return StatementLeaf(logged_at, _statement_type(payload_type), payload, *_signature(key_id, signature))
        case LeafType.ACT, [payload_type, payload, *signatures] if payload_type == _ACT_TYPE:
            return ActLeaf(logged_at, payload, _approvals(signatures))
        case LeafType.LAPSE, [payload]:
            return LapseLeaf(logged_at, payload)
        case LeafType.HEAD, [payload]:
            return HeadLeaf(logged_at, payload)
        case _:
            got = f"type {data[0]} with {len(parts)} parts"
            raise FormatError("leaf", "leaf.parts", got=got, want="a known leaf type")


def _split(data: bytes) -> list[bytes]:
    parts: list[bytes] = []
    at, size = _PREFIX_BYTES, len(data)
    while at < size:
        start = at + 4
        at = start + int.from_bytes(data[at:start])
        if at > size or start > size:
            raise FormatError("leaf", "leaf.part-length", want="parts that fill the leaf")
        parts.append(data[start:at])
    return parts


def _statement_type(payload_type: bytes) -> str:
    form = _STATEMENT_TYPES.get(payload_type)
    if form is None:
        raise FormatError("leaf", "leaf.payload-type", want="statement, annotation or acknowledgement")
    return form


def _signature(key_id: bytes, signature: bytes) -> Approval:
    if len(key_id) != KEY_ID_BYTES or not 0 < len(signature) <= MAX_SIGNATURE_BYTES:
        raise FormatError("leaf", "leaf.signature", want="a key id of 32 bytes and a signature")
    return Approval(key_id, signature)


def _approvals(parts: list[bytes]) -> tuple[Approval, ...]:
    if not parts or len(parts) % 2 or len(parts) > 2 * MAX_SIGNERS:
        raise FormatError("leaf", "leaf.signers", got=f"{len(parts)} parts", want="1 to 32 pairs")
    approvals = tuple(_signature(*pair) for pair in zip(parts[::2], parts[1::2], strict=True))
    if any(later.key_id <= earlier.key_id for earlier, later in pairwise(approvals)):
        raise FormatError("leaf", "leaf.signer-order", want="key ids ascending, without repetition")
    return approvals
