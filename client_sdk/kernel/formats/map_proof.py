"""Proof of what a map holds under several keys, by one root (proto/README.md 6).

A key's place is where its path ends: at an entry, its own or another one, or at nothing. A proof gives the depth of
each place, the entries that sit in the places of absent keys, and the hashes of the subtrees beside all these places,
each once; a subtree in which one of the keys has its place is computed instead. A map has one proof of a set of keys:

    walk(keys that share the first d bits) = the place's node, where their depth is d
                                           = SHA-256(0x03 || walk(bit d = 0) || walk(bit d = 1))

with the next sibling, once the other half has been walked, for a half in which there is no key. For one key these are
its siblings, deepest first.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.prefix_tree import EMPTY, KEY_BITS, leaf_node, parent, root_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

__all__ = ["MAX_DEPTH", "MapProof", "narrow_keys", "ordered_keys", "prove_keys", "verify_keys"]

# Two keys that part in their last bit only would lie one deeper.
MAX_DEPTH = KEY_BITS - 1

_PART = "map proof"
_ENTRY_BYTES = 2 * HASH_BYTES
_PARENT_PREFIX = b"\x03"
# A subtree that is not walked may hold any number of entries; one that is has none, one, or more.
_MANY = 2


@dataclass(frozen=True, slots=True)
class MapProof:
    """Proof of presence or absence of some keys.

    Attributes:
        depths: of the keys' places, one byte each, ascending by key.
        others: entries in the places of absent keys, ascending: key || value each, 64 bytes, joined.
        siblings: hashes of the subtrees beside the places, 32 bytes each, joined, in the order of the walk.
    """

    depths: bytes
    others: bytes
    siblings: bytes


def verify_keys(root: bytes, asked: Mapping[bytes, bytes | None], proof: MapProof) -> None:
    """Accept that the map with this root holds exactly these values under these keys.

    Args:
        root: 32 bytes.
        asked: keys and values, 32 bytes each; None for a key under which there is nothing.
        proof: of these keys, and of no others.

    Raises:
        ProofError: it does not, or the proof is not the one that a map yields.
    """
    walk = _Walk(asked, proof)
    if not hmac.compare_digest(root, walk.root()):
        raise ProofError(_PART, "map-proof.root", want="the root of the map")


def narrow_keys(asked: Mapping[bytes, bytes | None], proof: MapProof, kept: Collection[bytes]) -> MapProof:
    """Return the proof of some of the keys, as the map itself would yield it.

    Args:
        asked: as it was verified.
        proof: that was verified for it.
        kept: some of the keys.

    Raises:
        ProofError: the proof is not one of these keys.
    """
    fewer = _Kept(kept)
    _Walk(asked, proof, fewer).root()
    return fewer.proof()


def prove_keys(entries: Iterable[tuple[bytes, bytes]], keys: Iterable[bytes]) -> MapProof:
    """Return the proof of keys, present or absent, computed from nothing; a reference, not for serving.

    Args:
        entries: (key, value), 32 bytes each, strictly ascending by key.
        keys: 32 bytes each, at least one.

    Raises:
        FormatError: a key or an entry has the wrong length, or the entries do not ascend.
    """
    depths, others, siblings = bytearray(), bytearray(), bytearray()

    def walk(inside: Sequence[tuple[bytes, bytes]], asked: Sequence[bytes], depth: int) -> None:
        if len(inside) <= 1:
            if depth > MAX_DEPTH:
                raise FormatError("map", "map.depth", got=f"depth {depth}", want=f"at most {MAX_DEPTH}")
            depths.extend([depth] * len(asked))
            for key, value in inside:
                if key not in asked:
                    others.extend(key + value)
            return
        halves = [
            (
                [entry for entry in inside if _bit(entry[0], depth) == bit],
                [key for key in asked if _bit(key, depth) == bit],
            )
            for bit in (0, 1)
        ]
        for entries_there, keys_there in halves:
            if keys_there:
                walk(entries_there, keys_there, depth + 1)
        for entries_there, keys_there in halves:
            if not keys_there:
                siblings.extend(root_of(entries_there, depth + 1))

    held = list(entries)
    # Lengths and order of the entries are checked there.
    root_of(held)
    walk(held, ordered_keys(keys), 0)
    return MapProof(bytes(depths), bytes(others), bytes(siblings))


def ordered_keys(keys: Iterable[bytes]) -> list[bytes]:
    """Return keys to prove, ascending, each once.

    Raises:
        FormatError: there is none, or one has the wrong length.
    """
    ordered = sorted(set(keys))
    if not ordered or any(len(key) != HASH_BYTES for key in ordered):
        raise FormatError("map", "map.key", want=f"one key or more, of {HASH_BYTES} bytes each")
    return ordered


def _bit(key: bytes, depth: int) -> int:
    return key[depth >> 3] >> (7 - (depth & 7)) & 1


class _Walk:
    """One walk over a proof. Computes the root, and with ``kept`` the proof of those keys alone."""

    __slots__ = ("_depths", "_kept", "_keys", "_numbers", "_other_at", "_others", "_sibling_at", "_siblings", "_values")

    def __init__(self, asked: Mapping[bytes, bytes | None], proof: MapProof, kept: _Kept | None = None) -> None:
        self._keys = sorted(asked)
        self._numbers = [int.from_bytes(key) for key in self._keys]
        self._values = [asked[key] for key in self._keys]
        self._depths, self._others, self._siblings = proof.depths, proof.others, proof.siblings
        self._other_at = self._sibling_at = 0
        self._kept = kept
        for value in (*self._keys, *self._values):
            if value is not None and len(value) != HASH_BYTES:
                raise ProofError(_PART, "map-proof.hash-length", got=f"{len(value)} bytes", want=f"{HASH_BYTES} bytes")

    def root(self) -> bytes:
        """Return the root to which the whole proof leads.

        Raises:
            ProofError: no map yields it, or something of it is left over.
        """
        count = len(self._keys)
        if not count or len(self._depths) != count:
            raise ProofError(_PART, "map-proof.depths", got=f"{len(self._depths)} depths", want=f"{count} for the keys")
        return self.subtree(0)[0]

    def subtree(self, depth: int) -> tuple[bytes, int]:
        """Return hash and least number of entries of the subtree to which the whole proof leads.

        Args:
            depth: number of leading bits that all keys share.

        Raises:
            ProofError: no map yields it, or something of it is left over.
        """
        node = self._node(0, len(self._keys), depth)
        if self._other_at != len(self._others):
            raise ProofError(_PART, "map-proof.other-place", want="other entries in the places of absent keys only")
        if self._sibling_at != len(self._siblings):
            raise ProofError(_PART, "map-proof.length", want=f"{self._sibling_at} bytes of siblings")
        return node

    def _node(self, start: int, end: int, depth: int) -> tuple[bytes, int]:
        """Return hash and least number of entries of the subtree of these keys, which share their first bits."""
        if self._depths[start] <= depth:
            return self._place(start, end, depth)
        if end - start == 1:
            return self._lone(start, depth)
        shift = KEY_BITS - 1 - depth
        middle = start
        while middle < end and not self._numbers[middle] >> shift & 1:
            middle += 1
        left = self._node(start, middle, depth + 1) if middle > start else None
        if not depth and start < middle < end and self._kept is None:
            right: tuple[bytes, int] | None = self._last_half(middle)
        else:
            right = self._node(middle, end, depth + 1) if middle < end else None
        left, right = left or self._sibling(), right or self._sibling()
        # A subtree of one entry or none is no deeper than its place.
        if left[1] + right[1] < _MANY:
            raise ProofError(_PART, "map-proof.canonical", want="two entries at least under every branch")
        if self._kept is not None:
            self._kept.beside(self._keys[start:middle], left[0], self._keys[middle:end], right[0])
        return parent(left[0], right[0]), _MANY

    def _last_half(self, middle: int) -> tuple[bytes, int]:
        """Return the right half of the map, to which all belongs that the left half has not taken."""
        entries = tuple(zip(self._keys[middle:], self._values[middle:], strict=True))
        others, siblings = self._others[self._other_at :], self._siblings[self._sibling_at :]
        self._other_at, self._sibling_at = len(self._others), len(self._siblings)
        return _right_half(entries, MapProof(self._depths[middle:], others, siblings))

    def _lone(self, at: int, depth: int) -> tuple[bytes, int]:
        """Return the subtree of a single key whose place lies deeper: what most paths are below their first levels."""
        deepest = self._depths[at]
        node, _ = self._place(at, at + 1, deepest)
        start, end = self._sibling_at, self._sibling_at + (deepest - depth) * HASH_BYTES
        siblings = self._siblings
        if end > len(siblings):
            raise ProofError(_PART, "map-proof.length", got=f"{len(siblings)} bytes", want="more siblings")
        if siblings.startswith(EMPTY, start):
            raise ProofError(_PART, "map-proof.canonical", want="two entries at least under every branch")
        # The deepest bit that decides becomes bit 0.
        number = self._numbers[at] >> (KEY_BITS - deepest)
        for place in range(start, end, HASH_BYTES):
            sibling = siblings[place : place + HASH_BYTES]
            node = sha256(_PARENT_PREFIX + (sibling + node if number & 1 else node + sibling)).digest()
            number >>= 1
        self._sibling_at = end
        if self._kept is not None:
            self._kept.below(self._keys[at], siblings[start:end])
        return node, _MANY

    def _place(self, start: int, end: int, depth: int) -> tuple[bytes, int]:
        """Return the node in the one place in which all these keys end."""
        if any(self._depths[at] != depth for at in range(start, end)):
            raise ProofError(_PART, "map-proof.depths", want="one depth for keys of one place, and none above a branch")
        entry = b""
        for key, value in zip(self._keys[start:end], self._values[start:end], strict=True):
            if value is not None:
                if entry:
                    raise ProofError(_PART, "map-proof.place", want="one entry in a place")
                entry = key + value
        if not entry:
            entry = self._other(start, end, depth)
        if self._kept is not None:
            self._kept.place(self._keys[start:end], depth, entry)
        return (leaf_node(entry[:HASH_BYTES], entry[HASH_BYTES:]), 1) if entry else (EMPTY, 0)

    def _other(self, start: int, end: int, depth: int) -> bytes:
        """Return the other entry that sits in the place of absent keys; empty where none does."""
        other = self._others[self._other_at : self._other_at + _ENTRY_BYTES]
        # The shift leaves the bits down to the place.
        if not other or (int.from_bytes(other[:HASH_BYTES]) ^ self._numbers[start]) >> (KEY_BITS - depth):
            return b""
        if len(other) != _ENTRY_BYTES:
            raise ProofError(_PART, "map-proof.hash-length", want=f"{_ENTRY_BYTES} bytes for another entry")
        if other[:HASH_BYTES] in self._keys[start:end]:
            raise ProofError(_PART, "map-proof.other-key", want="a key that differs from those asked for")
        self._other_at += _ENTRY_BYTES
        return other

    def _sibling(self) -> tuple[bytes, int]:
        sibling = self._siblings[self._sibling_at : self._sibling_at + HASH_BYTES]
        if len(sibling) != HASH_BYTES:
            raise ProofError(_PART, "map-proof.length", got=f"{len(self._siblings)} bytes", want="more siblings")
        self._sibling_at += HASH_BYTES
        return sibling, 0 if sibling == EMPTY else _MANY


# The half of the directory: the same few keys and hashes in most answers under one HEAD.
@lru_cache(maxsize=256)
def _right_half(entries: tuple[tuple[bytes, bytes | None], ...], proof: MapProof) -> tuple[bytes, int]:
    return _Walk(dict(entries), proof).subtree(1)


class _Kept:
    """The proof of some of the keys, put together on the walk over a larger one."""

    def __init__(self, keys: Collection[bytes]) -> None:
        self._keys = frozenset(keys)
        self._depths, self._others, self._siblings = bytearray(), bytearray(), bytearray()

    def place(self, keys: Sequence[bytes], depth: int, entry: bytes) -> None:
        """Take a place: the entry in it, empty for none, is shown as another one where its own key is not kept."""
        kept = [key for key in keys if key in self._keys]
        self._depths.extend([depth] * len(kept))
        if kept and entry[:HASH_BYTES] not in kept:
            self._others += entry

    def below(self, key: bytes, siblings: bytes) -> None:
        """Take the siblings of a single key."""
        if key in self._keys:
            self._siblings += siblings

    def beside(self, keys: Sequence[bytes], left: bytes, other_keys: Sequence[bytes], right: bytes) -> None:
        """Take a branch: where keys of one half are kept, the hash of the other half is their sibling."""
        here, there = self._keys.isdisjoint(keys), self._keys.isdisjoint(other_keys)
        if here is not there:
            self._siblings += left if here else right

    def proof(self) -> MapProof:
        """Return what has been put together."""
        return MapProof(bytes(self._depths), bytes(self._others), bytes(self._siblings))
