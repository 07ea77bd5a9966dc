"""How long nothing was acknowledged."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["longest_gap"]


def longest_gap(times: Sequence[float], since: float) -> float:
    """Return the longest time between two answers, of which the second came after ``since``, in seconds.

    Args:
        times: of the answers, rising.
        since: when the event began.
    """
    return max((later - earlier for earlier, later in pairwise(times) if later > since), default=0.0)
