"""Which time a leaf carries, and when the clock is not believed (formats 5)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from registry_server.sequencing.errors import ClockJumpedError
from registry_server.storage import head

if TYPE_CHECKING:
    from registry_server.storage.head import HeadRow
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["MAX_STEP_AHEAD_MS", "MAX_STEP_BACK_MS", "logged_at", "system_clock"]

MAX_STEP_BACK_MS = 5_000
MAX_STEP_AHEAD_MS = 24 * 3_600_000
# So long after an operator has confirmed the clock, a step ahead is still the one that was confirmed.
CONFIRMED_FOR_MS = 3_600_000


def system_clock() -> int:
    """Return milliseconds since 1970 UTC."""
    return time.time_ns() // 1_000_000


def logged_at(work: UnitOfWork, row: HeadRow, now: int) -> int:
    """Return the time of the next leaf: the clock, or the newest leaf's where that is later.

    Args:
        work: the transaction that holds the head row.
        row: the head row.
        now: what the clock shows, ms.

    Raises:
        ClockJumpedError: it stepped back 5 s or ahead 24 h, and no operator has confirmed it.
    """
    confirmed = row.clock_confirmed_at
    if -MAX_STEP_BACK_MS < now - row.logged_at < MAX_STEP_AHEAD_MS:
        if confirmed is not None:
            head.confirm_clock(work, None)
        return max(now, row.logged_at)
    # A clock that was set back stays confirmed until it has caught up, one that was set ahead for an hour.
    back = now < row.logged_at
    believed = confirmed is not None and confirmed - MAX_STEP_BACK_MS < now
    if not believed or not (back or (confirmed is not None and now < confirmed + CONFIRMED_FOR_MS)):
        raise ClockJumpedError(now, row.logged_at)
    return max(now, row.logged_at)
