"""The map in memory: the prefix tree of proto/README.md 6, kept so that one change touches one path.

A tree is a value: ``changed`` returns a new one that shares all but the touched paths with the old one. A reader that
answers from an older HEAD keeps its tree and needs no lock, and a commit that fails leaves nothing to undo.

    node = None                            nothing
         | (hash, entries)                 a page: up to 6 entries, key || value each, ascending, in one string
         | (hash, left, right)             a branch over more entries than a page holds

Where pages end is of no meaning: the root is that of ``formats.prefix_tree.root_of`` over the same entries.
"""

from __future__ import annotations

from bisect import bisect_left
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING, Self, TypeAlias

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.map_page import MAX_PAGE_ENTRIES, MapPage
from client_sdk.kernel.formats.map_proof import MAX_DEPTH, MapProof, ordered_keys
from client_sdk.kernel.formats.prefix_tree import EMPTY, KEY_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

__all__ = ["MapTree"]

Page: TypeAlias = tuple[bytes, bytes]
Branch: TypeAlias = "tuple[bytes, Node, Node]"
Node: TypeAlias = "Page | Branch | None"
Change: TypeAlias = tuple[int, bytes, "bytes | None"]

# A larger page makes a change dearer, a smaller one the tree: 4 to 8 entries are right.
_PAGE_ENTRIES = 6
_ENTRY_BYTES = 2 * HASH_BYTES
_PAGE_BYTES = _PAGE_ENTRIES * _ENTRY_BYTES
# A tree is built from subtrees under this many first bits of the keys at most.
_BASE_BYTES = 4
_MAX_BASE_DEPTH = 24
_LEAF_PREFIX = b"\x02"
_PARENT_PREFIX = b"\x03"
_TOP_BIT = KEY_BITS - 1
_RIGHT_HALF = b"\x80"
# Sets of keys of which a tree remembers the proofs.
_MAX_REMEMBERED = 256


class MapTree:
    """The map with some set of entries; never changed. ``MapTree()`` is the empty one.

    Args:
        top: the topmost node; ``of`` makes it from entries.
        count: number of entries under it.
    """

    __slots__ = ("_right_proofs", "_top", "count")

    def __init__(self, top: Node = None, count: int = 0) -> None:
        self._top = top
        self._right_proofs: dict[tuple[bytes, ...], MapProof] = {}
        self.count = count

    @classmethod
    def of(cls, entries: Iterable[tuple[bytes, bytes]]) -> Self:
        """Return the tree of entries, 32 bytes each of key and value, in any order.

        Raises:
            FormatError: a length is wrong, or a key is there twice.
        """
        ordered = sorted(key + value for key, value in entries)
        return cls.of_ascending(ordered, len(ordered))

    @classmethod
    def of_ascending(cls, entries: Iterable[bytes], expected: int) -> Self:
        """Return the tree of entries in one pass over them, a few at a time.

        Args:
            entries: key || value each, 64 bytes, ascending.
            expected: about how many there are; a wrong number costs time and changes nothing.

        Raises:
            FormatError: a length is wrong, or keys do not ascend.
        """
        # The subtrees under the first bits of the keys, each over some entries.
        depth = max(0, min((expected // _PAGE_ENTRIES).bit_length() - 1, _MAX_BASE_DEPTH))
        nodes: list[Node] = [None] * (1 << depth)
        shift = 8 * _BASE_BYTES - depth
        some: list[bytes] = []
        count, place, last = 0, 0, b""
        for entry in entries:
            key = entry[:HASH_BYTES]
            if len(entry) != _ENTRY_BYTES:
                raise FormatError("map", "map.entry", want="32 bytes each")
            if key <= last:
                raise FormatError("map", "map.order", want="keys that ascend, each once")
            at = int.from_bytes(entry[:_BASE_BYTES]) >> shift
            if at != place:
                nodes[place] = _built(some, depth)
                count += len(some)
                place, some = at, []
            some.append(entry)
            last = key
        nodes[place] = _built(some, depth)
        while len(nodes) > 1:
            nodes = [_joined(nodes[left], nodes[left + 1]) for left in range(0, len(nodes), 2)]
        return cls(nodes[0], count + len(some))

    @property
    def root(self) -> bytes:
        """Root over all entries, 32 bytes."""
        return EMPTY if self._top is None else self._top[0]

    def changed(self, changes: Mapping[bytes, bytes | None]) -> MapTree:
        """Return the tree with these values put in place, and the keys with None taken out.

        Args:
            changes: 32-byte keys with 32-byte values; a key that is not there may be taken out.

        Raises:
            FormatError: a length is wrong.
        """
        if not changes:
            return self
        for key, value in changes.items():
            if len(key) != HASH_BYTES or (value is not None and len(value) != HASH_BYTES):
                raise FormatError("map", "map.entry", want="32 bytes each")
        ordered = [(int.from_bytes(key), key, changes[key]) for key in sorted(changes)]
        balance = [0]
        return MapTree(_changed(self._top, ordered, 0, balance), self.count + balance[0])

    def get(self, key: bytes) -> bytes | None:
        """Return the value under a key; None where there is none."""
        node, number, bit = self._top, int.from_bytes(key), _TOP_BIT
        while node is not None and len(node) == 3:  # noqa: PLR2004 - a branch
            node = node[2] if number >> bit & 1 else node[1]
            bit -= 1
        return None if node is None else dict(_entries(node[1])).get(key)

    def prove(self, keys: Iterable[bytes]) -> MapProof:
        """Return what shows whether keys are there, and with which values.

        Args:
            keys: 32 bytes each, at least one.

        Raises:
            FormatError: there is none, or one has the wrong length.
        """
        ordered, top = ordered_keys(keys), self._top
        middle = bisect_left(ordered, _RIGHT_HALF)
        if not 0 < middle < len(ordered) or top is None or len(top) == 2:  # noqa: PLR2004 - a page
            return _prove(top, ordered, 0)
        # Each half of the map adds its own part.
        left, right = _prove(top[1], ordered[:middle], 1), self._prove_right(top[2], tuple(ordered[middle:]))
        return MapProof(left.depths + right.depths, left.others + right.others, left.siblings + right.siblings)

    def _prove_right(self, node: Node, keys: tuple[bytes, ...]) -> MapProof:
        """Return the part of the directory, remembered: most answers under one HEAD show the same few of its keys."""
        proof = self._right_proofs.get(keys)
        if proof is None:
            proof = _prove(node, keys, 1)
            if len(self._right_proofs) >= _MAX_REMEMBERED:
                self._right_proofs.clear()
            self._right_proofs[keys] = proof
        return proof

    def page(self, prefix: int, depth: int) -> MapPage:
        """Return all entries whose keys begin with a prefix, with their proof.

        Args:
            prefix: the first bits of the keys, as a number.
            depth: how many bits these are, at most MAX_PAGE_DEPTH.

        Raises:
            FormatError: there are more than MAX_PAGE_ENTRIES.
        """
        node, at, siblings = self._top, 0, list[bytes]()
        while at < depth and node is not None and len(node) == 3:  # noqa: PLR2004 - a branch
            at += 1
            node, beside = (node[2], node[1]) if prefix >> (depth - at) & 1 else (node[1], node[2])
            siblings.append(EMPTY if beside is None else beside[0])
        inside = [key + value for key, value in islice(_under(node), MAX_PAGE_ENTRIES + 1)]
        if len(inside) > MAX_PAGE_ENTRIES:
            want = f"at most {MAX_PAGE_ENTRIES} entries; ask for deeper pages"
            raise FormatError("prefix", "screening.page-entries", got=f"more at depth {depth}", want=want)
        while at < depth and len(inside) > 1:
            at += 1
            halves: tuple[list[bytes], list[bytes]] = ([], [])
            for entry in inside:
                halves[_bit(entry, at - 1)].append(entry)
            bit = prefix >> (depth - at) & 1
            inside, others = halves[bit], halves[1 - bit]
            siblings.append(_root(others, at) if others else EMPTY)
        return MapPage(at, b"".join(inside), b"".join(reversed(siblings)))

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield key and value of every entry, ascending by key."""
        return _under(self._top)


def _under(top: Node) -> Iterator[tuple[bytes, bytes]]:
    """Yield key and value of every entry under a node, ascending by key."""
    waiting = [top]
    while waiting:
        node = waiting.pop()
        if node is None:
            continue
        if len(node) == 3:  # noqa: PLR2004 - a branch
            waiting += (node[2], node[1])
        else:
            yield from _entries(node[1])


def _prove(node: Node, keys: Sequence[bytes], depth: int) -> MapProof:
    """Return the proof of ascending keys in a subtree; all of them lead to it."""
    prover = _Prover(keys)
    prover.walk(node, depth)
    return MapProof(bytes(prover.depths), bytes(prover.others), b"".join(prover.siblings))


class _Prover:
    """One walk over a tree, along the paths of some keys (``client_sdk.kernel.formats.map_proof``).

    Args:
        keys: ascending, each once.
    """

    __slots__ = ("_keys", "_numbers", "depths", "others", "siblings")

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = keys
        self._numbers = [int.from_bytes(key) for key in keys]
        self.depths = bytearray()
        self.others = bytearray()
        self.siblings: list[bytes] = []

    def walk(self, node: Node, depth: int) -> None:
        """Walk a subtree, above which so many bits are decided."""
        self._node(node, 0, len(self._keys), depth)

    def _node(self, node: Node, start: int, end: int, depth: int) -> None:
        """Walk a node with the keys from start to before end, which lead to it."""
        if end - start == 1:
            self._lone(node, start, depth)
        elif node is None or len(node) == 2:  # noqa: PLR2004 - a page
            self._page([] if node is None else _pieces(node[1]), start, end, depth)
        else:
            _, left, right = node
            middle = self._middle(start, end, depth)
            if middle > start:
                self._node(left, start, middle, depth + 1)
            if middle < end:
                self._node(right, middle, end, depth + 1)
            if middle == start:
                self.siblings.append(EMPTY if left is None else left[0])
            elif middle == end:
                self.siblings.append(EMPTY if right is None else right[0])

    def _lone(self, node: Node, at: int, depth: int) -> None:
        """Walk a node with a single key, which is what most paths have below the first levels."""
        number = self._numbers[at]
        above: list[bytes] = []
        while node is not None and len(node) == 3:  # noqa: PLR2004 - a branch
            _, left, right = node
            node, beside = (right, left) if number >> (_TOP_BIT - depth) & 1 else (left, right)
            above.append(EMPTY if beside is None else beside[0])
            depth += 1
        self._page([] if node is None else _pieces(node[1]), at, at + 1, depth)
        self.siblings.extend(reversed(above))

    def _page(self, entries: list[bytes], start: int, end: int, depth: int) -> None:
        """Walk the entries of one page."""
        if len(entries) <= 1:
            if depth > MAX_DEPTH:
                raise FormatError("map", "map.depth", got=f"depth {depth}", want=f"at most {MAX_DEPTH}")
            self.depths.extend([depth] * (end - start))
            if entries and entries[0][:HASH_BYTES] not in self._keys[start:end]:
                self.others += entries[0]
            return
        ones = [entry for entry in entries if _bit(entry, depth)]
        zeros = entries[: len(entries) - len(ones)]
        middle = self._middle(start, end, depth)
        depth += 1
        if middle > start:
            self._page(zeros, start, middle, depth)
        if middle < end:
            self._page(ones, middle, end, depth)
        if middle == start:
            self.siblings.append(_root(zeros, depth) if zeros else EMPTY)
        elif middle == end:
            self.siblings.append(_root(ones, depth) if ones else EMPTY)

    def _middle(self, start: int, end: int, depth: int) -> int:
        """Return the place of the first key whose bit is set."""
        shift, middle = _TOP_BIT - depth, start
        while middle < end and not self._numbers[middle] >> shift & 1:
            middle += 1
        return middle


def _pieces(page: bytes) -> list[bytes]:
    return [page[start : start + _ENTRY_BYTES] for start in range(0, len(page), _ENTRY_BYTES)]


def _entries(page: bytes) -> Iterator[tuple[bytes, bytes]]:
    return ((entry[:HASH_BYTES], entry[HASH_BYTES:]) for entry in _pieces(page))


def _bit(entry: bytes, depth: int) -> int:
    return entry[depth >> 3] >> (7 - (depth & 7)) & 1


def _root(entries: list[bytes], depth: int) -> bytes:
    """Return the root over the entries of one page, at least one, which share their first ``depth`` bits."""
    if len(entries) == 1:
        return sha256(_LEAF_PREFIX + entries[0]).digest()
    place, shift = depth >> 3, 7 - (depth & 7)
    split = 0
    for entry in entries:
        if entry[place] >> shift & 1:
            break
        split += 1
    depth += 1
    left = _root(entries[:split], depth) if split else EMPTY
    right = _root(entries[split:], depth) if split < len(entries) else EMPTY
    return sha256(_PARENT_PREFIX + left + right).digest()


def _built(entries: list[bytes], depth: int) -> Node:
    """Return the node over ascending entries that share their first ``depth`` bits."""
    if len(entries) <= _PAGE_ENTRIES:
        return (_root(entries, depth), b"".join(entries)) if entries else None
    place, shift = depth >> 3, 7 - (depth & 7)
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if entries[middle][place] >> shift & 1:
            high = middle
        else:
            low = middle + 1
    left, right = _built(entries[:low], depth + 1), _built(entries[low:], depth + 1)
    left_hash, right_hash = EMPTY if left is None else left[0], EMPTY if right is None else right[0]
    return (sha256(_PARENT_PREFIX + left_hash + right_hash).digest(), left, right)


def _joined(left: Node, right: Node) -> Node:
    """Return the node over two halves, as a page where one holds them both."""
    left_hash = EMPTY if left is None else left[0]
    right_hash = EMPTY if right is None else right[0]
    if (left is None or len(left) == 2) and (right is None or len(right) == 2):  # noqa: PLR2004 - pages
        merged = (b"" if left is None else left[1]) + (b"" if right is None else right[1])
        if len(merged) <= _ENTRY_BYTES:
            # One entry stands as high as it can, and so does nothing.
            return left if right is None else right
        if len(merged) <= _PAGE_BYTES:
            return (sha256(_PARENT_PREFIX + left_hash + right_hash).digest(), merged)
    return (sha256(_PARENT_PREFIX + left_hash + right_hash).digest(), left, right)


def _changed(node: Node, changes: list[Change], depth: int, balance: list[int]) -> Node:
    """Return the node after changes that are ascending, all inside it, and at least one."""
    if node is None or len(node) == 2:  # noqa: PLR2004 - a page
        return _changed_page(node, changes, depth, balance)
    if len(changes) == 1:
        return _changed_once(node, changes, depth, balance)
    _, left, right = node
    shift = _TOP_BIT - depth
    split = 0
    for number, _, _ in changes:
        if number >> shift & 1:
            break
        split += 1
    if split:
        left = _changed(left, changes[:split], depth + 1, balance)
    if split < len(changes):
        right = _changed(right, changes[split:], depth + 1, balance)
    return _joined(left, right)


def _changed_once(node: Node, changes: list[Change], depth: int, balance: list[int]) -> Node:
    """Return the node after one change, which is what most paths have below the first levels."""
    number = changes[0][0]
    path: list[tuple[Node, Node]] = []
    while node is not None and len(node) == 3:  # noqa: PLR2004 - a branch
        _, left, right = node
        if number >> (_TOP_BIT - depth) & 1:
            path.append((left, None))
            node = right
        else:
            path.append((None, right))
            node = left
        depth += 1
    node = _changed_page(node, changes, depth, balance)
    for level in range(len(path) - 1, -1, -1):
        left, right = path[level]
        if number >> (_TOP_BIT - depth + len(path) - level) & 1:
            right = node
        else:
            left = node
        if left is not None and right is not None and (len(left) == 3 or len(right) == 3):  # noqa: PLR2004 - a branch
            node = (sha256(_PARENT_PREFIX + left[0] + right[0]).digest(), left, right)
        else:
            node = _joined(left, right)
    return node


def _changed_page(page: Page | None, changes: list[Change], depth: int, balance: list[int]) -> Node:
    entries = {} if page is None else {entry[:HASH_BYTES]: entry for entry in _pieces(page[1])}
    before = len(entries)
    for _, key, value in changes:
        if value is None:
            entries.pop(key, None)
        else:
            entries[key] = key + value
    balance[0] += len(entries) - before
    ordered = sorted(entries.values())
    return _built(ordered, depth)
