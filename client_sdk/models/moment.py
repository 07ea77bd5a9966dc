"""Moments: the formats count milliseconds since 1970 UTC, people read dates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["moment"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The last millisecond that a datetime can hold; a later one is shown as this.
_LAST_MS = 253_402_300_799_999


def moment(milliseconds: int) -> datetime:
    """Return the UTC time of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=min(milliseconds, _LAST_MS))
