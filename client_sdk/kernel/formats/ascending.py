"""Lists that ascend without repetition (proto/README.md 5)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_ascending"]


def check_ascending(values: Sequence[str | bytes | int], part: str, field: str) -> None:
    """Check a list for order.

    Raises:
        FormatError: it is not strictly ascending.
    """
    if any(later <= earlier for earlier, later in pairwise(values)):  # type: ignore[operator]  # one type a list
        raise FormatError(part, f"{field}.order", want="ascending, without repetition")
