"""An audit of 300,000 leaves on a Dask cluster of two workers against the same on one; processes of this machine.

Only the offline part is timed, after the fetch. The process that replays, which is the scheduler's too, takes a
processor of its own beside the workers: on two processors no more is gained than it leaves them.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

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
        one, two = (_audited(fetched, workers, running.folder) for workers in (1, WORKERS))
    # What the machine does beside it falls on neither of these.
    alone = one.shared / max(one.replaying, one.shared / WORKERS)
    note = (
        f"on {processors()} processors under a load of {os.getloadavg()[0]:.0f}; processor time a leaf: "
        f"{one.replaying * 1e6:.0f} us replaying, {one.shared * 1e6:.0f} us shared, by which it is {alone:.2f} where "
        "each process has a processor of its own"
    )
    return Row("audit-dask", two.rate, one.rate, "leaves/s", two.rate / one.rate, GOAL, note=note)


class _Audited(NamedTuple):
    """Leaves a second; seconds of processor time a leaf, of this process and of the worker that was asked."""

    rate: float
    replaying: float
    shared: float


def _audited(fetched: FetchedAudit, workers: int, folder: Path) -> _Audited:
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
        here, there = time.process_time(), executor.submit(time.process_time).result()
        rate = fetched.rate(executor)
        here, there = time.process_time() - here, executor.submit(time.process_time).result() - there
        return _Audited(rate, here / fetched.size, there / fetched.size)
