"""Stale records: running ones that their furnisher has left alone for too long.

A pure function of standing, log time and rulebook: the log, and the evidence of an answer, give the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.kernel.rules.lifecycle import is_running

if TYPE_CHECKING:
    from client_sdk.kernel.formats.words import Standing

__all__ = ["is_stale", "stale_before"]


def is_stale(standing: Standing, logged_at: int, as_of: int, days: int) -> bool:
    """Whether a running record has had no further version for more than so many days.

    Args:
        standing: of its newest version; one that has ended is never stale.
        logged_at: of the leaf of that version, ms.
        as_of: for when it is asked: time of the HEAD, or of the call, ms.
        days: the rulebook's ``stale_days``.
    """
    return is_running(standing) and logged_at < stale_before(as_of, days)


def stale_before(as_of: int, days: int) -> int:
    """Return before which moment the newest version of a running record was logged that is stale, ms.

    Args:
        as_of: for when it is asked, ms.
        days: the rulebook's ``stale_days``.
    """
    return as_of - days * DAY_MS
