"""Blocks: the pieces in which the map's tree is stored (docs/adr/0063).

A block holds the subtree under a prefix whose length is a multiple of 6 bits. Its place is that prefix with a 1 before
it, read as a number: 1 is the top. With up to 32 entries it is a leaf block, with more a fork of 64 blocks, those that
have no entry left out. So the blocks are a pure function of the entries, as the root is.

    leaf block    1, number of entries (4 bytes), key || value of each, ascending, then the hash of each page
    fork          2, which of the 64 have entries (8 bytes, the first the highest bit), then of each its hash and its
                  number of entries (6 bytes)

The hashes of pages are kept so that a change, and a proof, compute those alone that lie on the path of their key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.prefix_tree import KEY_BITS
from registry_server.sequencing.map_nodes import (
    ENTRY_BYTES,
    PAGE_ENTRIES,
    Node,
    Stub,
    Unchecked,
    branch,
    built,
    fork_of,
    pieces,
    split_at,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = [
    "BLOCK_BITS",
    "DEEPEST",
    "MAX_ENTRIES",
    "TOP",
    "Blocks",
    "build",
    "depth_of",
    "encode",
    "entries_of",
    "fork",
    "is_fork",
    "parse",
    "patched",
    "prefixes",
    "stubs_of",
]

BLOCK_BITS = 6
MAX_ENTRIES = 32
TOP = 1
# The deepest block: a place has 63 bits in a database. Nobody finds 33 keys that share so many bits.
DEEPEST = 60
_FAN_OUT = 1 << BLOCK_BITS
_LEAF, _FORK = b"\x01", b"\x02"
_NUMBER_BYTES, _BITMAP_BYTES, _COUNT_BYTES = 4, 8, 6
_LEAF_HEAD, _FORK_HEAD = 1 + _NUMBER_BYTES, 1 + _BITMAP_BYTES
_STUB_BYTES = HASH_BYTES + _COUNT_BYTES


class Blocks(Protocol):
    """Where the blocks of one tree are read from."""

    def fetch(self, stubs: Sequence[Stub]) -> dict[int, Node]:
        """Return the content of these blocks by their place.

        Raises:
            InconsistentError: one is not there, or has another hash.
        """


def depth_of(place: int) -> int:
    """Return how many bits of a key lead to the block at a place."""
    return place.bit_length() - 1


def is_fork(place: int, count: int) -> bool:
    """Whether the block at a place is a fork, with so many entries."""
    return count > MAX_ENTRIES and depth_of(place) < DEEPEST


def entries_of(node: Node) -> Iterator[bytes]:
    """Yield key || value of the entries of a leaf block, ascending."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        if len(node) == 3:  # noqa: PLR2004 - a branch
            waiting += (node[2], node[1])
        elif len(node) == 2:  # noqa: PLR2004 - a page
            yield from pieces(node[1])


def stubs_of(node: Node) -> Iterator[Stub]:
    """Yield the stubs under a node of a fork, ascending by place."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        if len(node) == 3:  # noqa: PLR2004 - a branch
            waiting += (node[2], node[1])
        elif len(node) == 4:  # noqa: PLR2004 - a stub
            yield node


def prefixes(entries: list[bytes], depth: int) -> Iterator[tuple[int, list[bytes]]]:
    """Yield the entries of each block under a fork at a depth, with which of the 64 it is; those without left out."""
    start = 0
    shift = KEY_BITS - depth - BLOCK_BITS
    while start < len(entries):
        slot = int.from_bytes(entries[start][:HASH_BYTES]) >> shift & (_FAN_OUT - 1)
        low, high = start + 1, len(entries)
        while low < high:
            middle = (low + high) // 2
            if int.from_bytes(entries[middle][:HASH_BYTES]) >> shift & (_FAN_OUT - 1) == slot:
                low = middle + 1
            else:
                high = middle
        yield slot, entries[start:low]
        start = low


def build(place: int, entries: list[bytes], made: Callable[[int, Node, int], None]) -> Stub:
    """Make the block at a place and all blocks below it; return its stub.

    Args:
        place: where it is.
        entries: key || value of each, ascending; at least one, and all of its prefix.
        made: takes place, content and number of entries of each block, those below one before it.
    """
    depth, count = depth_of(place), len(entries)
    if is_fork(place, count):
        stubs: list[Node] = [None] * _FAN_OUT
        for slot, some in prefixes(entries, depth):
            stubs[slot] = build(place << BLOCK_BITS | slot, some, made)
        node = fork(stubs)
    else:
        node = built(entries, depth)
    if node is None:
        raise ValueError("a block has entries")
    made(place, node, count)
    return (node[0], count, place, None)


def fork(stubs: list[Node]) -> Node:
    """Return the content of a fork of 64 stubs, None where there is nothing."""
    while len(stubs) > 1:
        stubs = [fork_of(stubs[left], stubs[left + 1]) for left in range(0, len(stubs), 2)]
    return stubs[0]


def encode(place: int, node: Node, count: int) -> bytes:
    """Return the bytes of a block with so many entries."""
    if is_fork(place, count):
        bitmap, parts = 0, list[bytes]()
        for hash_, below, at, _ in stubs_of(node):
            bitmap |= 1 << (_FAN_OUT - 1 - (at & (_FAN_OUT - 1)))
            parts.append(hash_ + below.to_bytes(_COUNT_BYTES))
        return b"".join((_FORK, bitmap.to_bytes(_BITMAP_BYTES), *parts))
    return _encode_leaf(node, count)


def patched(former: bytes, stubs: Sequence[Stub]) -> bytes:
    """Return the bytes of a fork in which some blocks below it are others now, or new.

    Args:
        former: bytes of the fork before.
        stubs: what has changed below it; nothing of it has lost its last entry.
    """
    bitmap, data = int.from_bytes(former[1:_FORK_HEAD]), bytearray(former)
    for hash_, below, place, _ in stubs:
        bit = 1 << (_FAN_OUT - 1 - (place & (_FAN_OUT - 1)))
        start = _FORK_HEAD + (bitmap & -(bit << 1)).bit_count() * _STUB_BYTES
        end = start + _STUB_BYTES if bitmap & bit else start
        data[start:end] = hash_ + below.to_bytes(_COUNT_BYTES)
        bitmap |= bit
    data[1:_FORK_HEAD] = bitmap.to_bytes(_BITMAP_BYTES)
    return bytes(data)


def _encode_leaf(node: Node, count: int) -> bytes:
    entries, hashes, waiting = list[bytes](), list[bytes](), [node]
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        if len(node) == 3:  # noqa: PLR2004 - a branch
            waiting += (node[2], node[1])
        elif len(node) == 2:  # noqa: PLR2004 - a page
            hashes.append(node[0])
            entries.append(node[1])
    return b"".join((_LEAF, count.to_bytes(_NUMBER_BYTES), *entries, *hashes))


def parse(place: int, data: bytes) -> tuple[Node, int]:
    """Return content and number of entries of the block at a place.

    Whether its hash is the one that the block above has, is the caller's to check; of a leaf block that says nothing
    of the entries of each page, which any proof of them shows.

    Raises:
        FormatError: no block of that place has these bytes.
    """
    if data.startswith(_LEAF):
        return _parse_leaf(place, data)
    if data.startswith(_FORK):
        return _parse_fork(place, data)
    raise _malformed("a leaf block or a fork")


def _parse_leaf(place: int, data: bytes) -> tuple[Node, int]:
    count, depth = int.from_bytes(data[1:_LEAF_HEAD]), depth_of(place)
    end = _LEAF_HEAD + count * ENTRY_BYTES
    if not count or is_fork(place, count) or len(data) < end:
        raise _malformed("1 to 32 entries")
    entries = [data[at : at + ENTRY_BYTES] for at in range(_LEAF_HEAD, end, ENTRY_BYTES)]
    before, prefix, shift = b"", place - (1 << depth), KEY_BITS - depth
    for entry in entries:
        key = entry[:HASH_BYTES]
        if key <= before or int.from_bytes(key) >> shift != prefix:
            raise _malformed("ascending keys of its prefix")
        before = key
    hashes = [data[at : at + HASH_BYTES] for at in range(end, len(data), HASH_BYTES)]
    if hashes and len(hashes[-1]) != HASH_BYTES:
        raise _malformed("whole hashes")
    # The last one first: pages are taken from the end of the list.
    hashes.reverse()
    node = _with_hashes(entries, hashes, depth)
    if hashes:
        raise _malformed("one hash a page")
    return node, count


def _with_hashes(entries: list[bytes], hashes: list[bytes], depth: int) -> Node:
    """Return the node over ascending entries, with hashes of its pages that are taken from the end of a list."""
    if len(entries) <= PAGE_ENTRIES:
        if not entries:
            return None
        if not hashes:
            raise _malformed("one hash a page")
        return (hashes.pop(), Unchecked(b"".join(entries)))
    split = split_at(entries, depth)
    left = _with_hashes(entries[:split], hashes, depth + 1)
    return branch(left, _with_hashes(entries[split:], hashes, depth + 1))


def _parse_fork(place: int, data: bytes) -> tuple[Node, int]:
    bitmap = int.from_bytes(data[1:_FORK_HEAD])
    stubs: list[Node] = [None] * _FAN_OUT
    total, at, first = 0, _FORK_HEAD, place << BLOCK_BITS
    if len(data) != _FORK_HEAD + bitmap.bit_count() * _STUB_BYTES:
        raise _malformed("a hash and a number for each block that has entries")
    for slot in range(_FAN_OUT):
        if bitmap >> (_FAN_OUT - 1 - slot) & 1:
            count = int.from_bytes(data[at + HASH_BYTES : at + _STUB_BYTES])
            if not count:
                raise _malformed("entries in every block")
            stubs[slot] = (data[at : at + HASH_BYTES], count, first | slot, None)
            total += count
            at += _STUB_BYTES
    if not is_fork(place, total):
        raise _malformed("more than 32 entries under a fork")
    return fork(stubs), total


def _malformed(want: str) -> FormatError:
    return FormatError("map block", "map-block.form", want=want)
