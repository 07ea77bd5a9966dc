"""Pages of a map: all entries whose keys begin with some bits, proved complete by one root (proto/README.md 6).

A page is named by its depth, a number of bits, and its prefix, these bits read as a number. It shows the subtree under
the prefix, or, where fewer bits already lead to a place with one entry or none, that place:

    root = the subtree's root over its entries, folded with the siblings, deepest first

A map has one page for a prefix. What is left out, added or moved gives another root.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.errors import FormatError, ProofError
from client_sdk.kernel.formats.prefix_tree import EMPTY, KEY_BITS, parent, root_of

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "ENTRY_BYTES",
    "MAX_PAGE_DEPTH",
    "MAX_PAGE_ENTRIES",
    "MapPage",
    "page_depth",
    "prefix_of",
    "prove_page",
    "value_on",
    "verify_page",
]

ENTRY_BYTES = 2 * HASH_BYTES
# Deep enough for pages of a map of eight billion subjects.
MAX_PAGE_DEPTH = 24
# Half a MiB. A page of the depth that ``page_depth`` gives has a tenth of that, but for keys that were sought out.
MAX_PAGE_ENTRIES = 8_192
_MEAN_ENTRIES = 1_024
_PART = "map page"


@dataclass(frozen=True, slots=True)
class MapPage:
    """All entries of a map whose keys begin with a prefix, with their proof.

    Attributes:
        depth: how many bits of the prefix lead to the subtree that is shown.
        entries: of that subtree: key || value, 64 bytes each, ascending by key, joined.
        siblings: hashes of the subtrees beside it, 32 bytes each, deepest first, joined.
    """

    depth: int
    entries: bytes
    siblings: bytes


def page_depth(entries: int) -> int:
    """Return the depth at which pages of a map of so many entries hold about a thousand each, at least 1.

    All subjects share the first bit of their keys, so depth 1 is one page with all of them.
    """
    return min(1 + max(0, (entries - 1) // _MEAN_ENTRIES).bit_length(), MAX_PAGE_DEPTH)


def prefix_of(key: bytes, depth: int) -> int:
    """Return the first bits of a key as a number."""
    return int.from_bytes(key) >> (KEY_BITS - depth)


def verify_page(root: bytes, prefix: int, depth: int, page: MapPage) -> dict[bytes, bytes]:
    """Return key and value of all entries under a prefix, once they are proved to be all.

    Args:
        root: of the map, 32 bytes.
        prefix: the first bits of the keys.
        depth: how many bits these are.
        page: that should show them.

    Raises:
        ProofError: the map with this root has another page there.
    """
    count, rest = divmod(len(page.entries), ENTRY_BYTES)
    if rest or count > MAX_PAGE_ENTRIES:
        want = f"at most {MAX_PAGE_ENTRIES} entries of {ENTRY_BYTES} bytes"
        raise ProofError(_PART, "map-page.entries", got=f"{len(page.entries)} bytes", want=want)
    if not 0 <= page.depth <= depth or (page.depth < depth and count > 1):
        got, want = f"{count} entries at depth {page.depth}", f"depth {depth}, or less for one entry at most"
        raise ProofError(_PART, "map-page.depth", got=got, want=want)
    if len(page.siblings) != page.depth * HASH_BYTES:
        want = f"{page.depth} hashes"
        raise ProofError(_PART, "map-page.siblings", got=f"{len(page.siblings)} bytes", want=want)
    # A subtree of one entry or none is no deeper than its place.
    if page.depth and count <= 1 and page.siblings.startswith(EMPTY):
        raise ProofError(_PART, "map-page.canonical", want="two entries at least under every branch")
    entries = [
        (page.entries[at : at + HASH_BYTES], page.entries[at + HASH_BYTES : at + ENTRY_BYTES])
        for at in range(0, len(page.entries), ENTRY_BYTES)
    ]
    number = prefix >> (depth - page.depth)
    if any(prefix_of(key, page.depth) != number for key, _ in entries):
        raise ProofError(_PART, "map-page.prefix", want="keys that begin with the prefix")
    if not hmac.compare_digest(root, _folded(entries, page, number)):
        raise ProofError(_PART, "map-page.root", want="the root of the map")
    return {key: value for key, value in entries if prefix_of(key, depth) == prefix}


def value_on(page: MapPage, key: bytes) -> bytes | None:
    """Return the value under a key on a page that was verified; None where the map has none.

    Args:
        page: verified, so that its keys ascend.
        key: that begins with the prefix of the page.
    """
    first, end = 0, len(page.entries) // ENTRY_BYTES
    while first < end:
        middle = (first + end) // 2
        at = middle * ENTRY_BYTES
        found = page.entries[at : at + HASH_BYTES]
        if found == key:
            return page.entries[at + HASH_BYTES : at + ENTRY_BYTES]
        if found < key:
            first = middle + 1
        else:
            end = middle
    return None


def _folded(entries: list[tuple[bytes, bytes]], page: MapPage, number: int) -> bytes:
    """Return the root to which a page leads.

    Args:
        entries: of the page.
        page: with the siblings.
        number: the bits that lead to its subtree.

    Raises:
        ProofError: its keys do not ascend.
    """
    try:
        node = root_of(entries, page.depth)
    except FormatError as error:
        raise ProofError(_PART, "map-page.order", got=error.got, want=error.want) from error
    for at in range(0, len(page.siblings), HASH_BYTES):
        sibling = page.siblings[at : at + HASH_BYTES]
        node = parent(sibling, node) if number & 1 else parent(node, sibling)
        number >>= 1
    return node


def prove_page(entries: Iterable[tuple[bytes, bytes]], prefix: int, depth: int) -> MapPage:
    """Return the page of a prefix, computed from nothing; a reference, not for serving.

    Args:
        entries: (key, value) of the whole map, 32 bytes each, strictly ascending by key.
        prefix: the first bits of the keys.
        depth: how many bits these are.
    """
    inside, at, siblings = list(entries), 0, list[bytes]()
    while at < depth and len(inside) > 1:
        at += 1
        wanted = prefix >> (depth - at)
        beside = [entry for entry in inside if prefix_of(entry[0], at) != wanted]
        inside = [entry for entry in inside if prefix_of(entry[0], at) == wanted]
        siblings.append(root_of(beside, at))
    return MapPage(at, b"".join(key + value for key, value in inside), b"".join(reversed(siblings)))
