"""The map in parts by the first bits of its keys: each is computed by itself, anywhere, and their roots make the map's.

    parts = map_parts(bound, directory.map_entries())
    whole = whole_of([map_subtree(part) for part in parts])           whole.root, whole.size: of the map

A part holds the records of its subjects, with what opens their commitments; what comes back is two numbers and a hash,
and the leaves whose binding does not open what the issuer signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.map_entry import subject_key
from client_sdk.kernel.formats.map_page import prefix_of
from client_sdk.kernel.formats.prefix_tree import parent, root_of
from client_sdk.kernel.ledger.live_set import Bound, binding_opens, subject_entries

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

__all__ = ["BoundLeaf", "MapPart", "MapSubtree", "map_parts", "map_subtree", "whole_of"]

# Records of a part, about: half a MiB, and some hundredths of a second of work.
MEAN_RECORDS = 2_048


class BoundLeaf(NamedTuple):
    """A live record with its binding.

    Attributes:
        commitment: to the subject, as its issuer signed it.
        bound: what the registry says opens it.
        shown: whether the map has it; what is hidden is bound and not shown.
    """

    commitment: bytes
    bound: Bound
    shown: bool

    def __repr__(self) -> str:
        return f"BoundLeaf({self.bound!r})"


class MapPart(NamedTuple):
    """What stands under one prefix.

    Attributes:
        depth: number of bits of the prefix.
        leaves: whose subjects' keys begin with it.
        entries: other entries whose keys begin with it, key and value.
    """

    depth: int
    leaves: list[BoundLeaf]
    entries: list[tuple[bytes, bytes]]

    def __repr__(self) -> str:
        return f"MapPart({len(self.leaves)} records)"


class MapSubtree(NamedTuple):
    """What a part comes to.

    Attributes:
        size: number of entries under the prefix.
        root: over them, 32 bytes.
        wrong: indexes of the leaves whose binding does not open their commitment, ascending.
    """

    size: int
    root: bytes
    wrong: list[int]


def map_parts(
    leaves: Collection[BoundLeaf], entries: Mapping[bytes, bytes], mean_records: int = MEAN_RECORDS
) -> list[MapPart]:
    """Return the parts of a map, ascending by prefix.

    Args:
        leaves: live records with their bindings; pseudonyms and openings are 32 bytes long.
        entries: of everything in the map that is no subject.
        mean_records: how many records a part has, about.
    """
    # All subjects share the first bit of their keys.
    depth = 1 + max(0, (len(leaves) - 1) // mean_records).bit_length()
    parts = [MapPart(depth, [], []) for _ in range(1 << depth)]
    for leaf in leaves:
        parts[prefix_of(subject_key(leaf.bound.subject), depth)].leaves.append(leaf)
    for entry in entries.items():
        parts[prefix_of(entry[0], depth)].entries.append(entry)
    return parts


def map_subtree(part: MapPart) -> MapSubtree:
    """Return what a part comes to; runs in any process."""
    wrong = [
        bound.record.leaf_index
        for commitment, bound, _ in part.leaves
        if not binding_opens(commitment, bound.subject, bound.record.opening)
    ]
    shown = subject_entries(bound for _, bound, is_shown in part.leaves if is_shown)
    entries = sorted([*shown.items(), *part.entries])
    return MapSubtree(len(entries), root_of(entries, part.depth), sorted(wrong))


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
