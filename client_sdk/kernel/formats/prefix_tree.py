"""The map's tree: a Merkle prefix tree over 256-bit keys, a pure function of its entries (proto/README.md 6).

    root(E, d) = 32 zero bytes                                                          E is empty
               = SHA-256(0x02 || key || value)                                          E has one entry, whatever d is
               = SHA-256(0x03 || root(E with bit d = 0, d+1) || root(E with bit d = 1, d+1))

Bit d counts from the most significant bit of byte 0. A key leads to one place only, and at that place there is a leaf,
nothing or more tree: one root never proves both that a key is there and that it is not, however the root was made.
"""

from __future__ import annotations

import hmac
from bisect import bisect_left
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice
from operator import itemgetter
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError, ProofError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "EMPTY",
    "KEY_BITS",
    "MapProof",
    "leaf_node",
    "parent",
    "prove",
    "root_of",
    "verify_absence",
    "verify_presence",
]

KEY_BITS = 256
EMPTY = bytes(HASH_BYTES)

_LEAF_PREFIX = b"\x02"
_PARENT_PREFIX = b"\x03"
_LAST_BIT = KEY_BITS - 1
_PRESENCE = "map presence proof"
_ABSENCE = "map absence proof"


@dataclass(frozen=True, slots=True)
class MapProof:
    """Proof of presence or absence of one key.

    Attributes:
        siblings: deepest first, 32 bytes each.
        other: key and value of the entry that sits in the key's place; None if that is the key's own or nothing.
    """

    siblings: tuple[bytes, ...]
    other: tuple[bytes, bytes] | None = None


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


def prove(entries: Sequence[tuple[bytes, bytes]], key: bytes) -> MapProof:
    """Return the proof of a key, present or absent, computed from nothing; a reference, not for serving.

    Args:
        entries: (key, value), 32 bytes each, strictly ascending by key.
        key: 32 bytes.

    Raises:
        FormatError: the key or an entry has the wrong length, or the keys do not ascend.
    """
    if len(key) != HASH_BYTES:
        raise FormatError("map", "map.key", got=f"{len(key)} bytes", want=f"{HASH_BYTES} bytes")
    number = _number(key)
    siblings: list[bytes] = []
    inside = list(entries)
    while len(inside) > 1:
        depth = len(siblings)
        bit = 1 << (_LAST_BIT - depth)
        # The first key of this subtree whose bit is set: the key's own leading bits, then a one, then zeros.
        first_right = (number >> (KEY_BITS - depth) << (KEY_BITS - depth)) | bit
        middle = bisect_left(inside, first_right.to_bytes(HASH_BYTES, "big"), key=itemgetter(0))
        left, right = inside[:middle], inside[middle:]
        inside, beside = (right, left) if number & bit else (left, right)
        siblings.append(root_of(beside, depth + 1))
    found = inside[0] if inside else None
    other = found if found is not None and found[0] != key else None
    return MapProof(tuple(reversed(siblings)), other)


def verify_presence(root: bytes, key: bytes, value: bytes, siblings: Sequence[bytes]) -> None:
    """Accept that the map with this root holds this value under this key.

    Args:
        root: 32 bytes.
        key: 32 bytes.
        value: 32 bytes.
        siblings: deepest first, 32 bytes each.

    Raises:
        ProofError: it does not, or the proof is one that no map yields.
    """
    _require_hashes(_PRESENCE, root, key, value, *siblings)
    if len(siblings) > KEY_BITS:
        raise ProofError(_PRESENCE, "map-proof.length", got=f"{len(siblings)} siblings", want=f"<= {KEY_BITS}")
    _require_company(_PRESENCE, siblings)
    _require_root(_PRESENCE, root, _fold(key, leaf_node(key, value), siblings))


def verify_absence(root: bytes, key: bytes, siblings: Sequence[bytes], other: tuple[bytes, bytes] | None) -> None:
    """Accept that the map with this root holds nothing under this key.

    Args:
        root: 32 bytes.
        key: 32 bytes.
        siblings: deepest first, 32 bytes each.
        other: key and value of the entry that sits in the key's place, None if nothing does.

    Raises:
        ProofError: it may hold something, or the proof is one that no map yields.
    """
    _require_hashes(_ABSENCE, root, key, *(other or ()), *siblings)
    # At depth 256 there is room for the key itself and for nothing else.
    if len(siblings) >= KEY_BITS:
        raise ProofError(_ABSENCE, "map-proof.length", got=f"{len(siblings)} siblings", want=f"< {KEY_BITS}")
    _require_company(_ABSENCE, siblings)
    if other is None:
        node = EMPTY
    else:
        _require_neighbour(key, other[0], len(siblings))
        node = leaf_node(*other)
    _require_root(_ABSENCE, root, _fold(key, node, siblings))


def _require_neighbour(key: bytes, other_key: bytes, depth: int) -> None:
    """Reject a neighbour with the key itself, or with a key that does not share the prefix."""
    differing = _number(key) ^ _number(other_key)
    if not differing:
        raise ProofError(_ABSENCE, "map-proof.other-key", want="a key that differs from the one asked for")
    if differing.bit_length() > KEY_BITS - depth:
        raise ProofError(_ABSENCE, "map-proof.other-place", want=f"a key that shares the first {depth} bits")


def _require_company(part: str, siblings: Sequence[bytes]) -> None:
    """Reject proofs whose deepest sibling is empty: they are not minimal."""
    if siblings and siblings[0] == EMPTY:
        raise ProofError(part, "map-proof.canonical", want="a deepest sibling that is not empty")


def _fold(key: bytes, node: bytes, siblings: Sequence[bytes]) -> bytes:
    """Return the root that a node in the key's place leads to."""
    # The deepest bit that decides becomes bit 0.
    number = _number(key) >> (KEY_BITS - len(siblings))
    for sibling in siblings:
        left, right = (sibling, node) if number & 1 else (node, sibling)
        node = sha256(_PARENT_PREFIX + left + right).digest()
        number >>= 1
    return node


def _require_root(part: str, root: bytes, found: bytes) -> None:
    if not hmac.compare_digest(root, found):
        raise ProofError(part, "map-proof.root", want="the root of the map")


def _require_hashes(part: str, *values: bytes) -> None:
    for value in values:
        if len(value) != HASH_BYTES:
            raise ProofError(part, "map-proof.hash-length", got=f"{len(value)} bytes", want=f"{HASH_BYTES} bytes")
