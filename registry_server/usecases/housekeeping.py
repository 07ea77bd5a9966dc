"""Periodic tasks: heartbeats, lapses, and deletion after retention.

With many processes on one database each may do all of it: under the lock of the head row one does, and the others find
nothing left to do.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from client_sdk.kernel.formats.moment import DAY_MS
from client_sdk.kernel.formats.words import LapseKind
from client_sdk.kernel.rules.dates import day_of
from registry_server.sequencing.errors import ClockError, MapDamagedError
from registry_server.sequencing.items import ItemOutcome, LapseItem
from registry_server.serving.periodic import PeriodicTask
from registry_server.storage import alerts, blocked, inquiries, months, notices, proposals, quotas, schema, shown
from registry_server.storage.errors import StorageError, StorageFault
from registry_server.usecases.failures import reason_of
from registry_server.usecases.lapsing import MAX_DUE, log_lapses

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View
    from registry_server.storage.records import StoredRecord
    from registry_server.storage.unit_of_work import UnitOfWork

__all__ = ["Housekeeping"]

# How often it is looked whether a HEAD is due, and, unless a setting says otherwise, whether anything else is.
BEAT_SECONDS = 5.0
TIDY_SECONDS = 60.0
RETENTION_ENDED = "retention-ended"
FURNISHER_SILENT = "furnisher-silent"
OVERLAY_ENDED = "overlay-ended"
# An alert that its member has not stored by then comes too late for the person.
ALERTS_KEPT_DAYS = 90
_log = structlog.get_logger("registry.housekeeping")


class Housekeeping:
    """A thread that looks after the log until it is stopped.

    Args:
        ledger: the log.
        tidy_seconds: how often it is looked for what is due besides a HEAD.
    """

    def __init__(self, ledger: Ledger, tidy_seconds: float = TIDY_SECONDS) -> None:
        self._ledger = ledger
        # Lenders whose records an act ended, and of which none is left.
        self._emptied: set[str] = set()
        # Whether the database's files may still hold what was deleted: at a start that of a process that was killed.
        self._freed = True
        # The first heartbeat at once: after a pause the newest HEAD is too old for clients.
        self._tasks = (
            _task("heartbeat", self.beat, BEAT_SECONDS, delay=0.0),
            _task("housekeeping", self.tidy, tidy_seconds),
        )

    def start(self) -> None:
        """Begin."""
        for task in self._tasks:
            task.start()

    def stop(self) -> None:
        """End, once what is under way is done."""
        for task in self._tasks:
            task.stop()
        try:
            self._store_refusals()
        except Exception as error:  # noqa: BLE001 - the registry stops in any case
            _log.error("refusals not counted", reason=reason_of(error))

    def beat(self) -> None:
        """Log a HEAD if one is due; it gives waiting inquiries their places.

        Raises:
            StorageError: the database failed.
            ClockError: what time it is is not known.
        """
        self._ledger.heartbeat().result()

    def tidy(self) -> None:
        """Log lapses that are due, and delete what has had its time.

        Raises:
            MapDamagedError: some lapses need what is damaged of the map; all else is done.
            StorageError: the database failed.
            ClockError: what time it is is not known.
        """
        try:
            self._lapse()
        finally:
            # What cannot lapse keeps nothing else from being forgotten.
            self._forget()
            self._store_refusals()

    def _lapse(self) -> None:
        """Log every lapse that is due."""
        for results in log_lapses(self._ledger, self._due):
            self._freed |= any(result.outcome is ItemOutcome.ACCEPTED for result in results)

    def _due(self) -> list[LapseItem]:
        now = self._ledger.clock()
        with self._ledger.view(reserved=True) as view:
            rulebook = view.rulebook
            today = day_of(now, rulebook.time_zone)
            ended = view.overdue(today.isoformat(), MAX_DUE)
            ended += self._left_behind(view, today.isoformat(), MAX_DUE - len(ended))
            silent = view.unanswered(today.isoformat(), MAX_DUE)
            shown_again = view.disclosed_again(today, MAX_DUE)
        return [
            *(LapseItem(record.chain.key, LapseKind.ERASED, RETENTION_ENDED) for record in ended),
            *(LapseItem(record.chain.key, LapseKind.RESTRICTED, FURNISHER_SILENT) for record in silent),
            *(LapseItem(record.chain.key, LapseKind.SHOWN, OVERLAY_ENDED) for record in shown_again),
        ]

    def _left_behind(self, view: View, day: str, limit: int) -> list[StoredRecord]:
        """Return live records of lenders whose records an act ended so long ago that none may be kept any more."""
        for issuer in view.directory.institutions.values():
            if issuer.ending is None or issuer.ending.retain_until > day or issuer.id in self._emptied:
                continue
            found = view.live_of_issuer(issuer.id, limit)
            if found or not limit:
                return found
            # Nobody reports for it any more, so that none comes again.
            self._emptied.add(issuer.id)
        return []

    def _forget(self) -> None:
        now = self._ledger.clock()
        rulebook = self._ledger.directory.rulebook
        today = day_of(now, rulebook.time_zone)
        over = now - rulebook.retention_years * 366 * DAY_MS
        forgotten = self._change_months(lambda work: months.drop_before(work, over))
        self._change_months(lambda work: months.make_ahead(work, now))
        with self._ledger.database.append() as work:
            proposals.forget_lapsed(work, now)
            quotas.forget_before(work, (today - timedelta(days=1)).isoformat())
            forgotten += inquiries.forget_openings(work, over)
            forgotten += shown.forget_before(work, over)
            forgotten += notices.forget_before(work, over)
            forgotten += alerts.forget_before(work, today.isoformat(), now - ALERTS_KEPT_DAYS * DAY_MS)
            forgotten += blocked.forget_before(work, over)
            work.commit()
        # Where a reader is in the way, the next time tries again.
        self._freed |= forgotten > 0
        if self._ledger.deleted.is_set():
            self._ledger.deleted.clear()
            self._freed = True
        if self._freed:
            self._freed = not self._ledger.database.purge(schema.FORGOTTEN_FROM)

    def _change_months(self, change: Callable[[UnitOfWork], int]) -> int:
        """Make or drop months of inquiries; where something that takes long reads them, the next time tries again."""
        try:
            with self._ledger.database.append() as work:
                count = change(work)
                work.commit()
        except StorageError as error:
            if error.fault is not StorageFault.BUSY:
                raise
            return 0
        return count

    def _store_refusals(self) -> None:
        if self._ledger.refusals.waiting:
            with self._ledger.database.append() as work:
                self._ledger.refusals.store(work)


def _task(name: str, task: Callable[[], None], seconds: float, delay: float | None = None) -> PeriodicTask:
    def report(reason: str, error: Exception) -> None:
        hint = str(error) if isinstance(error, ClockError | MapDamagedError) else ""
        _log.error("housekeeping failed", task=task.__name__, reason=reason, hint=hint)

    return PeriodicTask(name, task, seconds, fault_of=reason_of, report=report, delay=delay)
