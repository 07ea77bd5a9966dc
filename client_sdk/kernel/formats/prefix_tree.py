"""The map's tree: a Merkle prefix tree over 256-bit keys, a pure function of its entries (proto/README.md 6).

    root(E, d) = 32 zero bytes                                                          E is empty
               = SHA-256(0x02 || key || value)                                          E has one entry, whatever d is
               = SHA-256(0x03 || root(E with bit d = 0, d+1) || root(E with bit d = 1, d+1))

Bit d counts from the most significant bit of byte 0. A key leads to one place only, and at that place there is a leaf,
nothing or more tree: one root never proves both that a key is there and that it is not, however the root was made.
"""

from __future__ import annotations

from hashlib import sha256
from itertools import chain, islice
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "EMPTY",
    "KEY_BITS",
    "leaf_node",
    "parent",
    "root_of",
]

KEY_BITS = 256
EMPTY = bytes(HASH_BYTES)

_LEAF_PREFIX = b"\x02"
_PARENT_PREFIX = b"\x03"
_LAST_BIT = KEY_BITS - 1


def leaf_node(key: bytes, value: bytes) -> bytes:
    """Return the hash of an entry, 32 bytes."""
    return sha256(_LEAF_PREFIX + key + value).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """Return the hash over two subtrees, 32 bytes."""
    return sha256(_PARENT_PREFIX + left + right).digest()


def root_of(entries: Sequence[tuple[bytes, bytes]], depth: int = 0) -> bytes:
    """Return the root over entries, computed from nothing.

    Args:
        entries: (key, value), 32 bytes each, strictly ascending by key.
        depth: number of leading bits that all keys share and that are already decided; 0 for the whole map.

    Raises:
        FormatError: an entry has the wrong length, or the keys do not ascend.
    """
    if not entries:
        return EMPTY
    # What waits to be joined on its right: the depth of the bit that decides, and the subtree to its left.
    waiting: list[tuple[int, bytes]] = []
    node, above = EMPTY, depth - 1
    number = _number(entries[0][0])
    for (key, value), following in zip(entries, chain(islice(entries, 1, None), (None,)), strict=True):
        if len(key) != HASH_BYTES or len(value) != HASH_BYTES:
            raise FormatError("map", "map.entry", got=f"{len(key)} and {len(value)} bytes", want="32 and 32 bytes")
        # The first bit in which a key differs from the next one; the last key has no next one.
        next_number = number if following is None else _number(following[0])
        branch = depth - 1 if following is None else _parting(number, next_number)
        node = sha256(_LEAF_PREFIX + key + value).digest()
        # The bit above an entry is the deeper of the two in which it parts from its neighbours.
        level = max(above, branch)
        while waiting and waiting[-1][0] > branch:
            upper, left = waiting.pop()
            if level > upper:
                node = _lifted(node, number, level, upper)
            node = sha256(_PARENT_PREFIX + left + node).digest()
            level = upper - 1
        if level > branch:
            node = _lifted(node, number, level, branch)
        waiting.append((branch, node))
        above, number = branch, next_number
    return node


def _number(key: bytes) -> int:
    return int.from_bytes(key, "big")


def _parting(number: int, following: int) -> int:
    """Return the first bit in which two keys differ that follow each other."""
    if following <= number:
        raise FormatError("map", "map.order", want="keys that ascend, none twice")
    return KEY_BITS - (number ^ following).bit_length()


def _lifted(node: bytes, number: int, level: int, target: int) -> bytes:
    """Return the subtree under bit `target` of a node under bit `level`, across levels whose sibling is empty."""
    while level > target:
        if number >> (_LAST_BIT - level) & 1:
            node = sha256(_PARENT_PREFIX + EMPTY + node).digest()
        else:
            node = sha256(_PARENT_PREFIX + node + EMPTY).digest()
        level -= 1
    return node
