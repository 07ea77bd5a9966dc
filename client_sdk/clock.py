"""This machine's clock, as formats, SDK and both servers count it."""

from __future__ import annotations

import time

__all__ = ["clock_ms"]


def clock_ms() -> int:
    """Return milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000
