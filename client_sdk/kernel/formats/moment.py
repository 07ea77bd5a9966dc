"""Times: the formats count milliseconds since 1970 UTC, values for programs hold aware datetimes, people read text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

__all__ = ["DAY_MS", "HOUR_MS", "LAST_MS", "milliseconds", "moment", "moment_text", "span"]

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
_UNITS = (("d", DAY_MS), ("h", HOUR_MS), ("min", 60_000), ("s", 1_000))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# The last millisecond that a datetime can hold; a later one is shown as this.
LAST_MS = 253_402_300_799_999


def moment(count: int) -> datetime:
    """Return the UTC time of so many milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=min(count, LAST_MS))


def milliseconds(when: datetime) -> int:
    """Return the milliseconds since 1970 UTC of an aware time; a part of one is dropped."""
    return (when - _EPOCH) // _MILLISECOND


def moment_text(when: datetime) -> str:
    """Return an aware time as people read it, UTC to the second."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def span(ms: int) -> str:
    """Return how long a time is, without its sign, in its two largest units: ``2 d 3 h``, ``4 min``, ``850 ms``."""
    left, parts = abs(ms), list[str]()
    for unit, size in _UNITS:
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or f"{left} ms"
