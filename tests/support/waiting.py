"""Waiting for something to be so, as long as it takes and not for ever."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import text

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.storage.unit_of_work import Database

__all__ = ["awaited", "wait_until", "waits_for_a_lock"]

T = TypeVar("T")

# Far more than anything takes on a slow machine: a longer wait is a fault.
MOST_SECONDS = 120.0
PAUSE_SECONDS = 0.01
# Between two questions that another program answers.
_ASKING_SECONDS = 0.05


def wait_until(is_so: Callable[[], bool], told: Callable[[], str] = str) -> None:
    """Ask again and again until it is so.

    Args:
        is_so: asks; raises where it can never be so any more.
        told: what to say where it never was.

    Raises:
        AssertionError: it was not in time.
    """
    deadline = time.monotonic() + MOST_SECONDS
    while not is_so():
        assert time.monotonic() < deadline, told()
        time.sleep(PAUSE_SECONDS)


def awaited(ask: Callable[[], T], is_so: Callable[[T], bool], told: Callable[[T], object] = str) -> T:
    """Ask again and again until the answer is so, and return it.

    Args:
        ask: asks; raises where it can never be so any more.
        is_so: whether the answer is as it must become.
        told: what to say of the last answer where it never was.

    Raises:
        AssertionError: it was not in time.
    """
    deadline = time.monotonic() + MOST_SECONDS
    while not is_so(answer := ask()):
        assert time.monotonic() < deadline, told(answer)
        time.sleep(_ASKING_SECONDS)
    return answer


def waits_for_a_lock(database: Database) -> bool:
    """Whether a transaction on this PostgreSQL database waits for another one."""
    with database.snapshot() as work:
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return bool(work.connection.execute(text(waiting)).scalar_one())
