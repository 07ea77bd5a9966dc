"""Submissions that were refused, counted by member, month and rule until housekeeping stores the counts.

A refusal writes nothing by itself: a member that sends nothing but what is refused costs the database one row a rule
and minute. What was counted since the last time is lost with the process.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING

from client_sdk.kernel.ledger.quality import QualityCount, QualityEvent
from registry_server.errors import CATALOGUE
from registry_server.storage import quality

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.kernel.formats.complaint import Complaint
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Refusals"]

# Different counts that wait: members times rules.
_MOST = 10_000
# Refusals that say nothing about what was sent: the same may be sent again, or the registry closes.
_PASSING = frozenset(str(reason) for reason, entry in CATALOGUE.items() if entry.retryable) | {"REGISTRY_CLOSED"}


class Refusals:
    """Counts refusals; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[QualityCount] = Counter()

    def take(self, member: str, month: str, complaints: Iterable[Complaint]) -> None:
        """Count what was refused of what a member sent in a month, YYYY-MM."""
        with self._lock:
            for complaint in complaints:
                key = QualityCount(member, month, QualityEvent.REFUSED, complaint.rule or complaint.reason.lower())
                if complaint.reason not in _PASSING and (key in self._counts or len(self._counts) < _MOST):
                    self._counts[key] += 1

    @property
    def waiting(self) -> bool:
        """Whether anything waits to be stored."""
        return bool(self._counts)

    def store(self, work: UnitOfWork) -> None:
        """Store what was counted, and commit.

        Raises:
            StorageError: the database failed; what was counted is kept for the next time.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
        if not counts:
            return
        try:
            quality.add(work, counts)
            work.commit()
        except BaseException:
            with self._lock:
                self._counts.update(counts)
            raise
