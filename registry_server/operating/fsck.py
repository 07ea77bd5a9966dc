"""Recomputation of everything that is stored, from the leaves alone."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from registry_server.operating.register import register_of
from registry_server.operating.replay_state import replay_state
from registry_server.storage import migrations
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.fsck.check import FsckReport, fsck

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from registry_server.settings import Settings

__all__ = ["FsckReport", "run_fsck"]


def run_fsck(settings: Settings, executor: Executor | None = None) -> FsckReport:
    """Recompute everything that is stored from the leaves alone; a server may be running.

    Args:
        settings: of the registry.
        executor: verifies signatures and computes the map; None for this process.

    Raises:
        StorageError: the database failed.
        ConfigError: the registry's folder takes no file, or its disk is full.
        ExecutorError: the executor did not do a part.
    """
    migrations.check(settings.database)
    with (
        Database(settings.database, serving=False) as database,
        closing(register_of(settings)) as register,
        replay_state(settings) as store,
    ):
        return fsck(database, register, executor, store)
