"""Sizes of the row groups of a Parquet file once unpacked, told by the headers of its pages before any is unpacked.

The library makes room for what a page's header claims, up to 2 GiB, and has no limit that could be set. A header is a
struct of Thrift's compact protocol, as ``parquet.thrift`` has it; it stands before each page.
"""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["parquet_groups"]

# Of all headers together, read byte by byte: some seconds.
_MOST_HEADER_BYTES = 16 * 1024 * 1024
_DEEPEST = 8
_MOST_VARINT_BITS = 63
# What the library keeps of each entry of a dictionary, beside its bytes.
_ENTRY_BYTES = 16
# Fields of a page's header; its kinds, each with the field of what it says of its values.
_KIND, _UNPACKED, _PACKED = 1, 2, 3
_DATA, _DICTIONARY, _DATA_V2 = 0, 2, 3
_OF_KIND = {_DATA: 5, _DICTIONARY: 7, _DATA_V2: 8}
_VALUES = 1
# Types of the protocol.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(1, 14)
_WHOLE = frozenset((_I16, _I32, _I64))
_FIXED = {_BYTE: 1, _DOUBLE: 8, _UUID: 16}
_LONG_LIST = 15


class _PageHeader(NamedTuple):
    """What the header of a page says.

    Attributes:
        values: entries of a dictionary, or values of a data page with those that are null.
        is_dictionary: whether it is one.
        is_data: whether it holds values.
        packed: bytes that follow the header.
        unpacked: bytes of them in memory.
    """

    values: int
    is_dictionary: bool
    is_data: bool
    packed: int
    unpacked: int


def parquet_groups(file: IO[bytes], metadata: Any) -> Iterator[int]:
    """Yield how many bytes each row group has in memory once it is unpacked.

    Args:
        file: which can be sought in.
        metadata: of the file, as ``pyarrow`` has read it.

    Raises:
        ValueError: it is damaged, or says the same page twice.
    """
    headers = _Headers(file)
    packed_left = file.seek(0, os.SEEK_END)
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        unpacked = 0
        for place in range(group.num_columns):
            for page in _pages(headers, group.column(place)):
                # Each page stands once in the file: its end may not have the same one read again and again.
                packed_left -= page.packed
                if packed_left < 0:
                    raise ValueError("more pages than the file has bytes")
                unpacked += page.unpacked + (_ENTRY_BYTES * page.values if page.is_dictionary else 0)
        yield unpacked


def _pages(headers: _Headers, chunk: Any) -> Iterator[_PageHeader]:
    """Yield the pages of one column in one row group, as the library comes to them."""
    start, first = chunk.data_page_offset, chunk.dictionary_page_offset
    place = first if chunk.has_dictionary_page and first and first < start else start
    left = chunk.num_values
    while left > 0:
        page, place = headers.page(place)
        place += page.packed
        if page.values > (chunk.num_values if page.is_dictionary else left) and (page.is_dictionary or page.is_data):
            raise ValueError("a page of more values than its column")
        left -= page.values if page.is_data else 0
        yield page


class _Headers:
    """Reads headers of pages.

    Args:
        file: which can be sought in.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = _MOST_HEADER_BYTES

    def page(self, place: int) -> tuple[_PageHeader, int]:
        """Return what a header says, and where what follows it begins."""
        if place < 0:
            raise ValueError("a page outside of the file")
        self._file.seek(place)
        found = self._struct(_DEEPEST)
        kind, packed, unpacked = (found.get(field) for field in (_KIND, _PACKED, _UNPACKED))
        if not isinstance(kind, int) or not isinstance(packed, int) or not isinstance(unpacked, int):
            raise ValueError("no header of a page")  # noqa: TRY004 - of a file, not of a caller
        about = found.get(_OF_KIND.get(kind, 0), {})
        values = about.get(_VALUES, 0) if isinstance(about, dict) else 0
        if not isinstance(values, int) or min(packed, unpacked, values) < 0:
            raise ValueError("a length below 0")
        page = _PageHeader(values, kind == _DICTIONARY, kind in (_DATA, _DATA_V2), packed, unpacked)
        return page, self._file.tell()

    def _struct(self, depth: int) -> dict[int, object]:
        """Read a struct; of its fields only whole numbers and structs are kept."""
        if not depth:
            raise ValueError("nested too deeply")
        fields: dict[int, object] = {}
        number = 0
        while head := self._byte():
            delta, kind = head >> 4, head & 0x0F
            number = number + delta if delta else self._whole()
            fields[number] = self._value(kind, depth - 1)
        return fields

    def _value(self, kind: int, depth: int) -> object:
        if kind in (_TRUE, _FALSE):
            return None
        if kind in _WHOLE:
            return self._whole()
        if kind == _STRUCT:
            return self._struct(depth)
        if kind in _FIXED:
            self._skip(_FIXED[kind])
        elif kind == _BINARY:
            self._skip(self._varint())
        elif kind in (_LIST, _SET) and depth:
            head = self._byte()
            count = self._varint() if head >> 4 == _LONG_LIST else head >> 4
            self._items((head & 0x0F,), count, depth)
        elif kind == _MAP and depth:
            count = self._varint()
            kinds = self._byte() if count else 0
            self._items((kinds >> 4, kinds & 0x0F), count, depth)
        else:
            raise ValueError("no value of a header")
        return None

    def _items(self, kinds: tuple[int, ...], count: int, depth: int) -> None:
        for _ in range(count):
            for kind in kinds:
                if kind in (_TRUE, _FALSE):
                    self._byte()
                else:
                    self._value(kind, depth - 1)

    def _whole(self) -> int:
        folded = self._varint()
        return -(folded + 1 >> 1) if folded & 1 else folded >> 1

    def _varint(self) -> int:
        found = shift = 0
        while (byte := self._byte()) & 0x80:
            found |= (byte & 0x7F) << shift
            shift += 7
            if shift > _MOST_VARINT_BITS:
                raise ValueError("a number of more than 64 bits")
        return found | byte << shift

    def _byte(self) -> int:
        data = self._file.read(1)
        self._left -= 1
        if not data or self._left < 0:
            raise ValueError("it ends too early, or has too many headers")
        return data[0]

    def _skip(self, count: int) -> None:
        # As much as if it were read: a list may claim any number of items, of which each is skipped.
        self._left -= count
        if self._left < 0:
            raise ValueError("it has too many headers")
        self._file.seek(count, os.SEEK_CUR)
