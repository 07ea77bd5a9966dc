"""Lapses that are due are logged some at a time, until none is left: what members say meanwhile waits for a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry_server.sequencing.items import ItemOutcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from registry_server.sequencing.items import LapseItem, Result
    from registry_server.sequencing.ledger import Ledger

__all__ = ["MAX_LAPSES", "log_lapses"]

# Of one commit. Half as many cost a third of the rate, and a member waits no less.
MAX_LAPSES = 64


def log_lapses(ledger: Ledger, due: Callable[[], Sequence[LapseItem]]) -> Iterator[Sequence[Result]]:
    """Log lapses until none is due, or none of those that are due is accepted; yield the results of each commit.

    Args:
        ledger: the log.
        due: returns at most some ``MAX_LAPSES`` of each kind that are due now; asked again after each commit.

    Raises:
        StorageError: the database failed.
        ClockError: what time it is is not known.
    """
    while items := due():
        results = ledger.append(items).result().results
        yield results
        if not any(result.outcome is ItemOutcome.ACCEPTED for result in results):
            return
