"""Databases whose commits or statements fail, or whose process dies at one: the faults that a test cannot wait for."""

from __future__ import annotations

import os
import signal
from contextlib import contextmanager
from enum import Enum
from typing import TYPE_CHECKING, Self

from sqlalchemy import event

from registry_server.storage.errors import StorageError, StorageFault
from registry_server.storage.unit_of_work import Database, UnitOfWork

if TYPE_CHECKING:
    from collections.abc import Iterator


class Fault(Enum):
    """What happens at a commit."""

    # Nothing is stored, and it is reported.
    LOST = "lost"
    # All is stored, and a failure is reported.
    STORED = "stored but reported failed"
    # The process is killed before it commits.
    KILLED_BEFORE = "killed before"
    # The process is killed after it has committed.
    KILLED_AFTER = "killed after"


class FaultyDatabase(Database):
    """A database with one fault at one commit.

    Args:
        url: of the database.
        fault: what happens.
        at: at which commit, counted from 1; 0 for none yet (see ``arm``).
    """

    def __init__(self, url: str, fault: Fault, at: int = 0) -> None:
        super().__init__(url)
        self._fault = fault
        self._at = at
        self.commits = 0

    def arm(self, ahead: int) -> None:
        """Let the fault come at that commit from now on: 1 for the next."""
        self._at = self.commits + ahead

    @contextmanager
    def append(self) -> Iterator[UnitOfWork]:
        with super().append() as work:
            yield _FaultyWork(work, self)

    def committing(self, work: UnitOfWork) -> None:
        """Commit, with the fault where it is due."""
        self.commits += 1
        if self.commits != self._at:
            work.commit()
            return
        if self._fault is Fault.LOST:
            raise StorageError(StorageFault.OTHER, "lost")
        if self._fault is Fault.KILLED_BEFORE:
            os.kill(os.getpid(), signal.SIGKILL)
        work.commit()
        if self._fault is Fault.KILLED_AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        raise StorageError(StorageFault.OTHER, "reported as failed")


class _FaultyWork(UnitOfWork):
    def __init__(self, work: UnitOfWork, database: FaultyDatabase) -> None:
        super().__init__(work.connection)
        self._work = work
        self._database = database

    def commit(self) -> None:
        self._database.committing(self._work)


class FailingStatement:
    """One statement of a database fails while a block lasts.

    Args:
        database: that fails.
        at: at which statement, counted from 1.
        executed: fail after it was executed, not before.

    Attributes:
        failed: whether so many were asked for.
    """

    def __init__(self, database: Database, at: int, *, executed: bool) -> None:
        self._engine = database.engine
        self._left = at
        self._moment = "after_cursor_execute" if executed else "before_cursor_execute"
        self.failed = False

    def __enter__(self) -> Self:
        event.listen(self._engine, self._moment, self._statement)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, self._moment, self._statement)

    def _statement(self, *_: object) -> None:
        self._left -= 1
        if self._left == 0:
            self.failed = True
            raise StorageError(StorageFault.OTHER, "lost")
