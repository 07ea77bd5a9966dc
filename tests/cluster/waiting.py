"""Waiting for a condition, with an end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["wait_for"]

_LOOK = 0.25


def wait_for(is_so: Callable[[], bool], otherwise: str, seconds: float) -> None:
    """Ask again and again until it is so.

    Raises:
        TimeoutError: it was not in time; with the text ``otherwise``.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds:.0f} s: {otherwise}")
        time.sleep(_LOOK)
