"""The confirmation of the clock by an operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_server.sequencing.clock import MAX_STEP_MS, SystemClocks
from registry_server.sequencing.errors import LogAheadError, NoGenesisError
from registry_server.storage import head
from registry_server.storage.unit_of_work import Database

if TYPE_CHECKING:
    from registry_server.sequencing.clock import Clocks
    from registry_server.settings import Settings

__all__ = ["confirm_clock"]


def confirm_clock(settings: Settings, clocks: Clocks | None = None) -> int:
    """Store an operator's confirmation of the clock; return the time confirmed, ms. A server may be running.

    Raises:
        LogAheadError: the newest leaf lies in the future, which confirming the clock does not mend; it is confirmed.
        NoGenesisError: there is no genesis yet.
        StorageError: the database failed.
    """
    now = (clocks or SystemClocks()).wall()
    with Database(settings.database, serving=False) as database, database.append() as work:
        row = head.lock(work)
        if row is None:
            raise NoGenesisError
        head.confirm_clock(work, now)
        work.commit()
    if row.logged_at - now > MAX_STEP_MS:
        raise LogAheadError(row.logged_at - now)
    return now
