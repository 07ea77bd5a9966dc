"""Nodes of the map's tree, as they are while they are in memory (proto/README.md 6, docs/adr/0063).

    node = None                            nothing
         | (hash, entries)                 a page: up to 6 entries, key || value each, ascending, in one string
         | (hash, left, right)             a branch
         | (hash, count, place, None)      a stub: what is in the block at that place, which has so many entries

The entries of a page that was read are ``Unchecked``, until a change holds them against its hash; what this process has
made is right as it is. Nodes are values: a change makes new ones, which share all but the touched paths with the old
ones. Where pages end is of no meaning: the root is that of ``formats.prefix_tree.root_of`` over the same entries.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TypeAlias

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.prefix_tree import EMPTY, KEY_BITS
from registry_server.sequencing.errors import MapDamagedError

__all__ = [
    "ENTRY_BYTES",
    "PAGE_ENTRIES",
    "TOP_BIT",
    "UNKNOWN",
    "Branch",
    "Change",
    "Node",
    "Page",
    "Stub",
    "Unchecked",
    "bit_of",
    "built",
    "changed",
    "fork_of",
    "page_root",
    "pieces",
]

Page: TypeAlias = tuple[bytes, bytes]
Branch: TypeAlias = "tuple[bytes, Node, Node]"
Stub: TypeAlias = tuple[bytes, int, int, None]
Node: TypeAlias = "Page | Branch | Stub | None"
# A key as a number and as bytes, its new value, and the one before; None where it is taken out, or was not there.
Change: TypeAlias = tuple[int, bytes, "bytes | None", "bytes | None"]
# Of a change: nothing but the map itself tells which value was there before.
UNKNOWN = b""

ENTRY_BYTES = 2 * HASH_BYTES
# A larger page makes a change dearer, a smaller one the tree: 4 to 8 entries are right.
PAGE_ENTRIES = 6
_PAGE_BYTES = PAGE_ENTRIES * ENTRY_BYTES
_LEAF_PREFIX = b"\x02"
_PARENT_PREFIX = b"\x03"
TOP_BIT = KEY_BITS - 1


class Unchecked(bytes):
    """Entries of a page as they were stored: nothing has held them against the hash of their page yet."""

    __slots__ = ()


def pieces(page: bytes) -> list[bytes]:
    """Return the entries of a page, key || value each."""
    return [page[start : start + ENTRY_BYTES] for start in range(0, len(page), ENTRY_BYTES)]


def bit_of(entry: bytes, depth: int) -> int:
    """Return the bit of an entry's key that decides at a depth."""
    return entry[depth >> 3] >> (7 - (depth & 7)) & 1


def page_root(entries: list[bytes], depth: int) -> bytes:
    """Return the root over the entries of one page, at least one, which share their first ``depth`` bits."""
    if len(entries) == 1:
        return sha256(_LEAF_PREFIX + entries[0]).digest()
    place, bit = depth >> 3, 128 >> (depth & 7)
    depth += 1
    if entries[0][place] & bit:
        return sha256(_PARENT_PREFIX + EMPTY + page_root(entries, depth)).digest()
    if not entries[-1][place] & bit:
        return sha256(_PARENT_PREFIX + page_root(entries, depth) + EMPTY).digest()
    split = 1
    while not entries[split][place] & bit:
        split += 1
    return sha256(_PARENT_PREFIX + page_root(entries[:split], depth) + page_root(entries[split:], depth)).digest()


def split_at(entries: list[bytes], depth: int) -> int:
    """Return the place of the first of ascending entries whose bit is set; they share all bits before it."""
    place, shift = depth >> 3, 7 - (depth & 7)
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if entries[middle][place] >> shift & 1:
            high = middle
        else:
            low = middle + 1
    return low


def built(entries: list[bytes], depth: int) -> Node:
    """Return the node over ascending entries that share their first ``depth`` bits."""
    if len(entries) <= PAGE_ENTRIES:
        return (page_root(entries, depth), b"".join(entries)) if entries else None
    split = split_at(entries, depth)
    return branch(built(entries[:split], depth + 1), built(entries[split:], depth + 1))


def branch(left: Node, right: Node) -> Branch:
    """Return the branch over two halves."""
    left_hash = EMPTY if left is None else left[0]
    right_hash = EMPTY if right is None else right[0]
    return (sha256(_PARENT_PREFIX + left_hash + right_hash).digest(), left, right)


def fork_of(left: Node, right: Node) -> Node:
    """Return the node over two halves of a fork: a stub of one entry stands as high as it can."""
    if left is not None and right is not None:
        return (sha256(_PARENT_PREFIX + left[0] + right[0]).digest(), left, right)
    if left is None and (right is None or (len(right) == 4 and right[1] == 1)):  # noqa: PLR2004 - a stub
        return right
    if right is None and left is not None and len(left) == 4 and left[1] == 1:  # noqa: PLR2004 - likewise
        return left
    return branch(left, right)


def _joined(left: Node, right: Node) -> Node:
    """Return the node over two halves of a leaf block, as a page where one holds them both."""
    if (left is None or len(left) == 2) and (right is None or len(right) == 2):  # noqa: PLR2004 - pages
        merged = (b"" if left is None else left[1]) + (b"" if right is None else right[1])
        if len(merged) <= ENTRY_BYTES:
            # One entry stands as high as it can, and so does nothing.
            return left if right is None else right
        if len(merged) <= _PAGE_BYTES:
            unchecked = any(half is not None and isinstance(half[1], Unchecked) for half in (left, right))
            return (branch(left, right)[0], Unchecked(merged) if unchecked else merged)
    return branch(left, right)


def changed(node: Node, changes: list[Change], depth: int, balance: list[int]) -> Node:
    """Return the node of a leaf block after changes that are ascending, all inside it, and at least one.

    Args:
        node: of pages and branches alone.
        changes: keys, and what becomes of them.
        depth: how many bits lead to it.
        balance: the number in it is raised by how many entries there are more.

    Raises:
        MapDamagedError: a page that is changed has not the entries of its hash, or not the value that was before.
    """
    if node is None or len(node) == 2:  # noqa: PLR2004 - a page
        return _changed_page(node, changes, depth, balance)
    if len(node) == 4:  # noqa: PLR2004 - a stub
        raise ValueError("a leaf block holds no stub")
    _, left, right = node
    split = changes_at(changes, depth)
    if split:
        left = changed(left, changes[:split], depth + 1, balance)
    if split < len(changes):
        right = changed(right, changes[split:], depth + 1, balance)
    return _joined(left, right)


def changes_at(changes: list[Change], depth: int) -> int:
    """Return the place of the first of ascending changes whose bit is set."""
    shift, split = TOP_BIT - depth, 0
    for number, _, _, _ in changes:
        if number >> shift & 1:
            break
        split += 1
    return split


def _changed_page(page: Page | None, changes: list[Change], depth: int, balance: list[int]) -> Node:
    held = [] if page is None else pieces(page[1])
    # What is damaged on the disk would be under the next HEAD's root otherwise, and pass for what the log says.
    if page is not None and isinstance(page[1], Unchecked) and page_root(held, depth) != page[0]:
        raise MapDamagedError(got="entries that are not those of their hash")
    entries = {entry[:HASH_BYTES]: entry for entry in held}
    before = len(entries)
    for _, key, value, former in changes:
        if former != UNKNOWN and entries.get(key) != (None if former is None else key + former):
            raise MapDamagedError(got="other records of a person than the rows of live records")
        if value is None:
            entries.pop(key, None)
        else:
            entries[key] = key + value
    balance[0] += len(entries) - before
    return built(sorted(entries.values()), depth)
