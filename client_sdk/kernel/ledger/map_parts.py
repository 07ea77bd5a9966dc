"""The map in parts by the first bits of its keys: each is computed by itself, anywhere, and their roots make the map's.

    parts = map_parts(leaves, len(leaves), directory.map_entries())
    whole = whole_of([map_subtree(part) for part in parts])         whole.root, whole.size: of the map

    leaf = subject commitment (32 bytes) || shown (1 byte) || subject (32) || index (8) || leaf hash (32)
        || annotation hash (32) || opening (32)

A part holds the live records of its subjects, with what opens their commitments; what comes back is a number, a hash,
and the leaves whose binding does not open what the issuer signed. Leaves are bytes, as they are many and travel between
processes.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.commitment import OPENING_BYTES, SUBJECT_BYTES, binding_opens
from client_sdk.kernel.formats.encoding import HASH_BYTES
from client_sdk.kernel.formats.map_entry import NO_ANNOTATION, record_part, subject_key, value_of_parts
from client_sdk.kernel.formats.map_page import prefix_of
from client_sdk.kernel.formats.prefix_tree import parent, root_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from client_sdk.kernel.ledger.chain import Chain

__all__ = ["MapPart", "MapSubtree", "bound_leaf", "map_parts", "map_subtree", "place_of_bound", "whole_of"]

# Records of a part, about: 400 KB, and some hundredths of a second of work.
MEAN_RECORDS = 2_048
# Of a key of the map, as far as parts are told apart by it: enough for 3 * 10^10 records.
PLACE_BYTES = 3
_SUBJECT_AT = HASH_BYTES + 1
_RECORD_AT = _SUBJECT_AT + SUBJECT_BYTES
_INDEX_BYTES = 8
_LEAF_BYTES = _RECORD_AT + _INDEX_BYTES + 2 * HASH_BYTES + OPENING_BYTES
_SHOWN, _HIDDEN = b"\x01", b"\x00"


class MapPart(NamedTuple):
    """What stands under one prefix.

    Attributes:
        depth: number of bits of the prefix.
        leaves: of live records whose subjects' keys begin with it, joined.
        entries: other entries whose keys begin with it, key and value.
    """

    depth: int
    leaves: bytes
    entries: list[tuple[bytes, bytes]]

    def __repr__(self) -> str:
        return f"MapPart({self.records} records)"

    @property
    def records(self) -> int:
        """Number of its live records."""
        return len(self.leaves) // _LEAF_BYTES


class MapSubtree(NamedTuple):
    """What a part comes to.

    Attributes:
        size: number of entries under the prefix.
        root: over them, 32 bytes.
        wrong: indexes of the leaves whose binding does not open their commitment.
    """

    size: int
    root: bytes
    wrong: list[int]


def bound_leaf(chain: Chain, subject: bytes, opening: bytes) -> bytes:
    """Return a live record with its binding.

    Args:
        chain: of the record.
        subject: the pseudonym, 32 bytes.
        opening: 32 bytes.
    """
    annotation = NO_ANNOTATION if chain.annotation is None else chain.annotation.leaf_hash
    shown = _SHOWN if chain.mapped else _HIDDEN
    return chain.subject_commitment + shown + subject + record_part(chain.index, chain.leaf_hash, annotation, opening)


def map_parts(
    leaves: Iterable[bytes], count: int, entries: Mapping[bytes, bytes], mean_records: int = MEAN_RECORDS
) -> Iterator[MapPart]:
    """Yield the parts of a map, ascending by prefix; one at a time is held.

    Args:
        leaves: of live records, as ``bound_leaf`` makes them, ascending by ``place_of_bound``.
        count: how many they are.
        entries: of everything in the map that is no subject.
        mean_records: how many records a part has, about.
    """
    # All subjects share the first bit of their keys.
    depth = min(1 + max(0, (count - 1) // mean_records).bit_length(), 8 * PLACE_BYTES)
    others: defaultdict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
    for entry in entries.items():
        others[prefix_of(entry[0], depth)].append(entry)
    unused = 8 * PLACE_BYTES - depth
    grouped = groupby(leaves, lambda leaf: int.from_bytes(place_of_bound(leaf)[:PLACE_BYTES]) >> unused)
    prefix, found = next(grouped, (1 << depth, iter(())))
    for at in range(1 << depth):
        here = b""
        if at == prefix:
            here = b"".join(found)
            prefix, found = next(grouped, (1 << depth, iter(())))
        yield MapPart(depth, here, others[at])


def place_of_bound(leaf: bytes) -> bytes:
    """Return where a live record with its binding stands: the first bytes of its subject's key, and its index."""
    return subject_key(leaf[_SUBJECT_AT:_RECORD_AT])[:PLACE_BYTES] + leaf[_RECORD_AT : _RECORD_AT + _INDEX_BYTES]


def map_subtree(part: MapPart) -> MapSubtree:
    """Return what a part comes to; runs in any process."""
    wrong: list[int] = []
    shown: defaultdict[bytes, list[bytes]] = defaultdict(list)
    for at in range(0, len(part.leaves), _LEAF_BYTES):
        leaf = part.leaves[at : at + _LEAF_BYTES]
        subject, record = leaf[_SUBJECT_AT:_RECORD_AT], leaf[_RECORD_AT:]
        if not binding_opens(leaf[:HASH_BYTES], subject, record[-OPENING_BYTES:]):
            wrong.append(int.from_bytes(record[:_INDEX_BYTES]))
        if leaf[HASH_BYTES:_SUBJECT_AT] == _SHOWN:
            shown[subject].append(record)
    entries = [(subject_key(subject), value_of_parts(sorted(records))) for subject, records in shown.items()]
    entries = sorted([*entries, *part.entries])
    return MapSubtree(len(entries), root_of(entries, part.depth), wrong)


def whole_of(subtrees: Sequence[MapSubtree]) -> MapSubtree:
    """Return the whole over all parts, in their order."""
    level = list(subtrees)
    while len(level) > 1:
        level = [_above(*level[at : at + 2]) for at in range(0, len(level), 2)]
    return level[0]


def _above(left: MapSubtree, right: MapSubtree) -> MapSubtree:
    """Return the subtree over two; one of a single entry is that entry, whatever its depth."""
    size, wrong = left.size + right.size, [*left.wrong, *right.wrong]
    if size > 1:
        return MapSubtree(size, parent(left.root, right.root), wrong)
    return MapSubtree(size, left.root if left.size else right.root, wrong)
