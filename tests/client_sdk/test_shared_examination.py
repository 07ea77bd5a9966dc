"""An audit that shares its work with a cluster finds the same as one alone, also where a worker is killed meanwhile."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pytest

from client_sdk._shared_examination import PART_BYTES, PART_SIGNATURES, SharedExamination
from client_sdk._shared_work import ExecutorError, SharedWork, _SharedPart
from client_sdk.auditing.audit import audit
from client_sdk.auditing.home import AuditHome
from client_sdk.auditing.source import RegistrySource
from client_sdk.dask_executor import dask_executor
from client_sdk.kernel.ledger.examination import Unverified
from client_sdk.kernel.ledger.findings import FindingId, Findings
from tests.support.dask_cluster import dask_cluster
from tests.support.lies import Forger, honest_log
from tests.support.transparency_server import HandmadeRegistry, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from client_sdk.auditing.report import AuditReport
    from tests.support.dask_cluster import DaskCluster

P = ParamSpec("P")
R = TypeVar("R")
# Enough for several parts of signatures and of the map.
STATEMENTS = 3_000
FORGED = range(7, STATEMENTS, 601)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


@pytest.fixture(scope="module")
def registry() -> HandmadeRegistry:
    """A registry with forged signatures and two bindings that open nothing."""
    log = honest_log()
    for place in range(STATEMENTS):
        log.say("lender-1", f"many {place}", by=Forger("lender-1 REPORT") if place in FORGED else None)
    log.head()
    lying = HandmadeRegistry(log)
    bindings = list(log.bindings())
    for place in (11, 2_011):
        index, subject, _ = bindings[place]
        bindings[place] = (index, subject, bytes(32))
    lying.bindings = bindings
    return lying


def audited(
    registry: HandmadeRegistry,
    folder: Path,
    executor: Executor | None,
    progress: Callable[[int, int], None] | None = None,
) -> AuditReport:
    log = registry.log
    with serve(registry) as channel:
        return audit(
            RegistrySource(channel),
            AuditHome(folder),
            log.trust_root,
            executor=executor,
            progress=progress,
            now_ms=log.logged_at,
        )


@pytest.fixture(scope="module")
def alone(registry: HandmadeRegistry, tmp_path_factory: pytest.TempPathFactory) -> AuditReport:
    return audited(registry, tmp_path_factory.mktemp("alone"), None)


def test_a_cluster_finds_the_same_in_the_same_order(
    registry: HandmadeRegistry, alone: AuditReport, cluster: DaskCluster, tmp_path: Path
) -> None:
    assert alone.counts == {FindingId.SIGNATURE: len(FORGED), FindingId.BINDING_WRONG: 2, FindingId.MAP_ROOT: 1}
    with dask_executor(cluster.address) as workers:
        shared = audited(registry, tmp_path, workers)
    assert shared.findings == alone.findings
    assert (shared.counts, shared.signatures, shared.root) == (alone.counts, alone.signatures, alone.root)


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(
    registry: HandmadeRegistry, alone: AuditReport, cluster: DaskCluster, tmp_path: Path
) -> None:
    killed: list[int] = []

    def kill(done: int, _of: int) -> None:
        # Parts are under way from the first 1,024 leaves on.
        if done > PART_SIGNATURES and not killed:
            killed.append(worker)
            os.kill(worker, signal.SIGKILL)

    with dask_executor(cluster.address) as workers:
        worker = workers.submit(os.getpid).result(60)
        shared = audited(registry, tmp_path, workers, kill)
    assert killed
    assert shared.findings == alone.findings
    assert (shared.counts, shared.signatures, shared.root) == (alone.counts, alone.signatures, alone.root)


def test_an_executor_that_ends_in_the_middle_leaves_the_audit_where_it_was(
    registry: HandmadeRegistry, alone: AuditReport, tmp_path: Path
) -> None:
    threads = ThreadPoolExecutor(1)
    with pytest.raises(ExecutorError, match=r"signatures of leaves \d+ to \d+: the executor failed \(RuntimeError\)"):
        audited(registry, tmp_path, threads, lambda done, _of: threads.shutdown() if done > PART_SIGNATURES else None)
    again = audited(registry, tmp_path, None)
    assert (again.previous_size, again.findings) == (0, alone.findings)


class Counted(ThreadPoolExecutor):
    """Notes how large the parts are that it is given."""

    def __init__(self) -> None:
        super().__init__(1)
        self.parts: list[int] = []

    def submit(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Take a part."""
        (part,) = args
        assert isinstance(part, _SharedPart)
        self.parts.append(sum(len(item.payload) + len(item.signature) for item in part.part))
        return super().submit(work, *args, **kwargs)


def test_parts_are_bounded_by_number_and_by_bytes() -> None:
    small, large = Unverified(0, "x", bytes(10), bytes(32), bytes(64)), bytes(PART_BYTES // 4)
    findings = Findings()
    with Counted() as threads, SharedWork(threads) as work:
        shared = SharedExamination(work, findings)
        shared.verify(small for _ in range(PART_SIGNATURES + 1))
        shared.verify((small._replace(payload=large) for _ in range(9)), of="inquiries")
        shared.flush()
        assert shared.count == PART_SIGNATURES + 10
    assert max(threads.parts) < PART_BYTES + PART_BYTES // 4 + 64
    assert len(threads.parts) == 5
    assert findings.counts.total() > 0
