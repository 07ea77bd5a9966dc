"""Sizes of the batches of an Arrow file once unpacked, told by its metadata before any of them is unpacked.

The library unpacks a batch whole, and some kilobytes may unpack to gigabytes. Metadata are FlatBuffers: tables whose
fields are found through a list of offsets, as ``File.fbs`` and ``Message.fbs`` of Arrow have them.
"""

from __future__ import annotations

import os
import struct
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["ArrowBatch", "arrow_batches"]

_MAGIC = b"ARROW1"
_MOST_METADATA = 16 * 1024 * 1024
_MOST_BATCHES = 100_000
# Of all batches together: some seconds of reading.
_MOST_BUFFERS = 1_000_000
_CONTINUATION = b"\xff\xff\xff\xff"
# Numbers of fields.
_FOOTER_DICTIONARIES, _FOOTER_BATCHES = 2, 3
_MESSAGE_TYPE, _MESSAGE_HEADER, _MESSAGE_METADATA = 1, 2, 4
_DICTIONARY_DATA = 1
_BATCH_LENGTH, _BATCH_BUFFERS, _BATCH_COMPRESSION = 0, 2, 3
# The kinds of a message's header.
_DICTIONARY, _RECORDS = 2, 3
_BLOCK_BYTES, _BUFFER_BYTES, _LENGTH_BYTES = 24, 16, 8
# In place of a length: what follows is not compressed.
_AS_IT_IS = -1


class ArrowBatch(NamedTuple):
    """One batch of a file.

    Attributes:
        rows: in it.
        unpacked: bytes of it in memory.
        is_dictionary: whether it is kept for all batches that follow.
    """

    rows: int
    unpacked: int
    is_dictionary: bool


def arrow_batches(file: IO[bytes]) -> Iterator[ArrowBatch]:
    """Yield the batches that the end of a file names, those of dictionaries first.

    Args:
        file: which can be sought in.

    Raises:
        ValueError: it is damaged.
    """
    size = file.seek(0, os.SEEK_END)
    footer = _Table.root(_footer(file, size))
    metadata_left, buffers_left = size, _MOST_BUFFERS
    for is_dictionary, field in ((True, _FOOTER_DICTIONARIES), (False, _FOOTER_BATCHES)):
        start, count = footer.vector(field)
        if count > _MOST_BATCHES:
            raise ValueError("too many batches")
        for place in range(start, start + count * _BLOCK_BYTES, _BLOCK_BYTES):
            offset, metadata_bytes = footer.number("<q", place), footer.number("<i", place + 8)
            # Each message stands once in the file: a footer may not have the same one read again and again.
            metadata_left -= metadata_bytes
            if metadata_left < 0:
                raise ValueError("more metadata than the file has bytes")
            body = _BatchBody(file, size, offset + metadata_bytes)
            batch, buffers = _batch(
                _read(file, offset, metadata_bytes), body, buffers_left, is_dictionary=is_dictionary
            )
            buffers_left -= buffers
            yield batch


def _footer(file: IO[bytes], end: int) -> bytes:
    tail = _read(file, end - len(_MAGIC) - 4, len(_MAGIC) + 4)
    (length,) = struct.unpack("<i", tail[:4])
    if tail[4:] != _MAGIC:
        raise ValueError("no Arrow file")
    return _read(file, end - len(tail) - length, length)


def _batch(metadata: bytes, body: _BatchBody, most_buffers: int, *, is_dictionary: bool) -> tuple[ArrowBatch, int]:
    """Return a batch, and how many buffers it has."""
    message = _Table.root(metadata[8 if metadata.startswith(_CONTINUATION) else 4 :])
    kind, batch = message.small(_MESSAGE_TYPE), message.table(_MESSAGE_HEADER)
    if batch is not None and is_dictionary:
        batch = batch.table(_DICTIONARY_DATA)
    if batch is None or kind != (_DICTIONARY if is_dictionary else _RECORDS):
        raise ValueError("another message than the end of the file says")
    # Before Arrow 1.0 the compression of a batch stood there, and the library still obeys it.
    if message.vector(_MESSAGE_METADATA)[1]:
        raise ValueError("metadata of a batch")
    rows = batch.long(_BATCH_LENGTH)
    if rows < 0:
        raise ValueError("a number of rows below 0")
    compressed = batch.table(_BATCH_COMPRESSION) is not None
    start, count = batch.vector(_BATCH_BUFFERS)
    if count > most_buffers:
        raise ValueError("too many buffers")
    unpacked = 0
    for place in range(start, start + count * _BUFFER_BYTES, _BUFFER_BYTES):
        unpacked += body.unpacked(batch.number("<q", place), batch.number("<q", place + 8), compressed=compressed)
    return ArrowBatch(rows, unpacked, is_dictionary), count


class _BatchBody(NamedTuple):
    """Where the buffers of a batch stand.

    Attributes:
        file: that they are in.
        size: of the file.
        start: of them in it.
    """

    file: IO[bytes]
    size: int
    start: int

    def unpacked(self, begin: int, length: int, *, compressed: bool) -> int:
        """Return the length of a buffer in memory; it stands before one that is compressed."""
        place = self.start + begin
        if min(place, begin, length) < 0 or place + length > self.size:
            raise ValueError("a buffer outside of the file")
        if not (compressed and length):
            return length
        (told,) = struct.unpack("<q", _read(self.file, place, _LENGTH_BYTES))
        if told < _AS_IT_IS:
            raise ValueError("a length below 0")
        return length if told == _AS_IT_IS else int(told)


def _read(file: IO[bytes], place: int, length: int) -> bytes:
    if place < 0 or not 0 <= length <= _MOST_METADATA:
        raise ValueError("a place outside of the file")
    file.seek(place)
    data = file.read(length)
    if len(data) != length:
        raise ValueError("it ends too early")
    return data


class _Table(NamedTuple):
    """A table of a FlatBuffer.

    Attributes:
        data: the whole buffer.
        place: of the table in it.
    """

    data: bytes
    place: int

    @classmethod
    def root(cls, data: bytes) -> _Table:
        """Return the table that a buffer holds."""
        return cls(data, cls(data, 0).number("<I", 0))

    def number(self, form: str, place: int) -> int:
        """Return the number at a place of the buffer."""
        if not 0 <= place <= len(self.data) - struct.calcsize(form):
            raise ValueError("a place outside of the metadata")
        (found,) = struct.unpack_from(form, self.data, place)
        return int(found)

    def field(self, number: int) -> int:
        """Return where a field stands; 0 where the table has none."""
        offsets = self.place - self.number("<i", self.place)
        entry = 4 + 2 * number
        if entry >= self.number("<H", offsets):
            return 0
        offset = self.number("<H", offsets + entry)
        return self.place + offset if offset else 0

    def small(self, number: int) -> int:
        """Return a field of one byte, 0 where it has none."""
        place = self.field(number)
        return self.number("<B", place) if place else 0

    def long(self, number: int) -> int:
        """Return a field of eight bytes, 0 where it has none."""
        place = self.field(number)
        return self.number("<q", place) if place else 0

    def table(self, number: int) -> _Table | None:
        """Return the table that a field refers to; None where it has none."""
        place = self.field(number)
        return _Table(self.data, place + self.number("<I", place)) if place else None

    def vector(self, number: int) -> tuple[int, int]:
        """Return where the items of a vector begin, and how many there are."""
        place = self.field(number)
        if not place:
            return 0, 0
        start = place + self.number("<I", place)
        return start + 4, self.number("<I", start)
