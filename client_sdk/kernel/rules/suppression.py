"""Statistical disclosure control: which counts of a row are withheld, so that none of them can be recomputed.

A small count is withheld (primary suppression), and with it the next larger ones (complementary suppression), until

- they add up to the threshold or more, so that subtracting the published counts from the total tells of no small group;
- they are not all equal, so that the total does not give each of them.

What is withheld depends on the counts alone and never on their order: exchanging two withheld counts publishes
the same row. Each withheld count may therefore be any other of them, and nobody can recompute it, even by this rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["THRESHOLD", "withhold"]

# Smaller counts are not published; 0 is, as it is about nobody.
THRESHOLD = 10


def withhold(counts: Sequence[int], threshold: int = THRESHOLD) -> tuple[int | None, ...] | None:
    """Return a row of counts as it may be published beside its total.

    Args:
        counts: of one row, each 0 or more.
        threshold: the smallest count, and the smallest total, that is published.

    Returns:
        The counts in order, None for each that is withheld. None for the whole row where not even the total may be
        published: it is small, or the counts cannot be hidden behind it.
    """
    total = sum(counts)
    if 0 < total < threshold:
        return None
    small = [count for count in counts if 0 < count < threshold]
    if not small:
        return tuple(counts)
    # Up to the largest small one, then more and more; at last also those that are 0.
    for most in (*sorted({count for count in counts if count >= max(small)}), None):
        hidden = [count for count in counts if most is None or 0 < count <= most]
        if sum(hidden) >= threshold and len(set(hidden)) > 1:
            return tuple(None if most is None or 0 < count <= most else count for count in counts)
    return None
