"""Lapses that are due are logged some at a time, until none is left: what members say meanwhile waits for a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_server.sequencing.errors import MapDamagedError
from registry_server.sequencing.items import ItemOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from registry_server.sequencing.items import LapseItem, Result
    from registry_server.sequencing.ledger import Ledger

__all__ = ["MAX_DUE", "MAX_LAPSES", "log_lapses"]

# Of one commit: a member's report that comes meanwhile waits for it, and it takes little longer than the report's own.
MAX_LAPSES = 32
# Read at once: a search before each commit would compete with the commit of a report for the processor.
MAX_DUE = 256


def log_lapses(ledger: Ledger, due: Callable[[], Sequence[LapseItem]]) -> Iterator[Sequence[Result]]:
    """Log lapses until none is due, or none of those that are due is accepted; yield the results of each commit.

    Args:
        ledger: the log.
        due: returns at most some ``MAX_DUE`` of each kind that are due now; asked again once these are logged.

    Raises:
        MapDamagedError: some need what is damaged of the map; the others that are due are logged.
        StorageError: the database failed.
        ClockError: what time it is is not known.
    """
    damaged: list[MapDamagedError] = []
    accepted = True
    while accepted and (items := due()):
        accepted = False
        for first in range(0, len(items), MAX_LAPSES):
            for results in _logged(ledger, items[first : first + MAX_LAPSES], damaged):
                accepted |= any(result.outcome is ItemOutcome.ACCEPTED for result in results)
                yield results
    if damaged:
        raise damaged[0]


def _logged(ledger: Ledger, items: Sequence[LapseItem], damaged: list[MapDamagedError]) -> Iterator[Sequence[Result]]:
    """Log some in one commit, or where what one of them needs is damaged, each in its own."""
    try:
        results = ledger.append(items).result().results
    except MapDamagedError as error:
        if len(items) == 1:
            damaged.append(error)
            return
        for item in items:
            yield from _logged(ledger, (item,), damaged)
    else:
        yield results
