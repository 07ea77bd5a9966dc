"""An audit of 300,000 leaves on a Dask cluster of two workers against the same on one; processes of this machine.

Only the offline part is timed, after the fetch. The process that replays takes a processor of its own beside the
workers: on two processors no more is gained than it leaves them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from distributed import LocalCluster

from benchmarks import prepare, world
from benchmarks.audited import FetchedAudit
from benchmarks.table import Row
from client_sdk._helper_process import processors
from client_sdk.dask_executor import dask_executor

if TYPE_CHECKING:
    from pathlib import Path

LEAVES = 300_000
# Reports of a lender that are prepared at a time; more would only fill memory.
EACH = 15_000
WORKERS = 2
GOAL = 1.6
_LOCAL = "127.0.0.1"


def measure() -> Row:
    """Return leaves a second with two workers over those with one."""
    with world.registry() as running:
        lenders = [world.lender(running, institution) for institution in world.LENDERS]
        for _ in range(LEAVES // (EACH * len(lenders))):
            world.stream(running, prepare.submissions(lenders, EACH))
        fetched = FetchedAudit(running)
        one, two = (_rate(fetched, workers, running.folder) for workers in (1, WORKERS))
    note = f"on {processors()} processors under a load of {os.getloadavg()[0]:.0f}"
    return Row("audit-dask", two, one, "leaves/s", two / one, GOAL, note=note)


def _rate(fetched: FetchedAudit, workers: int, folder: Path) -> float:
    """Return leaves a second with so many workers."""
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host=_LOCAL,
            dashboard_address=f"{_LOCAL}:0",
            local_directory=str(folder),
            memory_limit=0,
        ) as cluster,
        dask_executor(cluster.scheduler_address) as executor,
    ):
        # Each has loaded the program before the clock runs.
        for future in [executor.submit(processors) for _ in range(workers * 4)]:
            future.result()
        return fetched.rate(executor)
