"""Parts of a work on executors of every kind: all of them in order, or an error that names one; bounded; no secrets."""

from __future__ import annotations

import multiprocessing
import operator
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import pytest

from client_sdk._shared_work import MAX_UNDER_WAY, ExecutorError, SharedWork, _do, _SharedPart
from client_sdk.dask_executor import dask_executor
from tests.support.dask_cluster import dask_cluster
from tests.support.shared_parts import die, die_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.dask_cluster import DaskCluster

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
SECRET = "110105194912310029"
PARTS = 100


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask")) as running:
        yield running


class Reversed(Executor):
    """Does what waits in the reverse order, as soon as as much waits as may."""

    def __init__(self) -> None:
        self._waiting: list[Callable[[], None]] = []
        self.most = 0

    def submit(self, work: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Take something to do."""
        future: Future[R] = Future()
        self._waiting.append(lambda: future.set_result(work(*args, **kwargs)))
        self.most = max(self.most, len(self._waiting))
        if len(self._waiting) == MAX_UNDER_WAY:
            while self._waiting:
                self._waiting.pop()()
        return future


def fail(secret: str) -> None:
    raise ValueError(secret)


def wait(release: threading.Event) -> None:
    release.wait(60)


def negated(executor: Executor | None, parts: int = PARTS) -> list[int]:
    found: list[int] = []
    with SharedWork(executor) as work:
        for place in range(parts):
            work.put(f"part {place}", operator.neg, place, found.append)
    return found


def do_one(executor: Executor, work: Callable[[T], object], part: T, seconds: float = 60) -> None:
    with SharedWork(executor, seconds=seconds) as shared:
        shared.put("part 1", work, part, print)


def test_results_come_in_the_order_of_the_parts_wherever_they_are_done(cluster: DaskCluster) -> None:
    want = [-place for place in range(PARTS)]
    assert negated(None) == want
    with ThreadPoolExecutor(3) as threads:
        assert negated(threads) == want
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as processes:
        assert negated(processes) == want
    with dask_executor(cluster.address) as workers:
        assert negated(workers) == want


def test_no_more_parts_are_under_way_than_may_be_and_any_order_will_do() -> None:
    executor = Reversed()
    assert negated(executor, MAX_UNDER_WAY * 5) == [-place for place in range(MAX_UNDER_WAY * 5)]
    assert executor.most == MAX_UNDER_WAY


def do_three(executor: Executor, found: list[object]) -> None:
    with SharedWork(executor) as work:
        work.put("part 1", operator.neg, 1, found.append)
        work.put("part 2", fail, SECRET, found.append)
        work.put("part 3", operator.neg, 3, found.append)


def test_a_part_that_fails_is_named_and_nothing_after_it_is_taken() -> None:
    found: list[object] = []
    with ThreadPoolExecutor(2) as threads, pytest.raises(ExecutorError) as caught:
        do_three(threads, found)
    assert (caught.value.part, found) == ("part 2", [-1])
    assert str(caught.value) == "part 2: the executor failed (ValueError)"


def break_off(executor: Executor, release: threading.Event, done: list[object]) -> None:
    with SharedWork(executor) as work:
        work.put("part 1", wait, release, print)
        work.put("part 2", done.append, "done", print)
        raise KeyError


def test_parts_under_way_are_cancelled_where_the_work_fails() -> None:
    release, done = threading.Event(), list[object]()
    with ThreadPoolExecutor(1) as threads:
        with pytest.raises(KeyError):
            break_off(threads, release, done)
        release.set()
    assert done == []


def test_a_part_that_nobody_does_in_time_is_named() -> None:
    release = threading.Event()
    with ThreadPoolExecutor(1) as threads:
        with pytest.raises(ExecutorError, match=r"part 1: no worker has done it within 0\.05 seconds"):
            do_one(threads, wait, release, seconds=0.05)
        release.set()


def test_an_executor_that_was_shut_down_is_told(cluster: DaskCluster) -> None:
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    with dask_executor(cluster.address) as workers:
        pass
    for executor in (threads, workers):
        with pytest.raises(ExecutorError, match=r"part 0: the executor failed \((RuntimeError|ClosedClientError)\)"):
            negated(executor)


def test_a_worker_of_another_version_does_nothing() -> None:
    done = _do(_SharedPart("part 1", "0.0.1", fail, SECRET))
    assert done.result is None
    assert _do(_SharedPart("part 1", done.version, str.upper, "done")).result == ("DONE",)


def test_a_worker_without_the_module_is_told_by_its_name(cluster: DaskCluster) -> None:
    with (
        dask_executor(cluster.address) as workers,
        pytest.raises(ExecutorError, match=rf"ModuleNotFoundError \({__name__}\)"),
    ):
        do_one(workers, fail, SECRET)


def test_a_process_that_is_killed_ends_the_work_by_its_part(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(2, mp_context=spawn) as processes,
        pytest.raises(ExecutorError, match=r"part 1: the executor failed \(BrokenProcessPool\)"),
    ):
        do_one(processes, die_once, str(tmp_path / "died"))
    assert (tmp_path / "died").exists()


def test_what_a_killed_worker_of_a_cluster_did_is_done_again(cluster: DaskCluster, tmp_path: Path) -> None:
    found: list[object] = []
    with dask_executor(cluster.address) as workers, SharedWork(workers) as work:
        for place in range(20):
            work.put(f"part {place}", operator.neg, place, found.append)
        work.put("dies", die_once, str(tmp_path / "died"), found.append)
        for place in range(20, 40):
            work.put(f"part {place}", operator.neg, place, found.append)
    assert (tmp_path / "died").exists()
    assert found == [*range(0, -20, -1), "done", *range(-20, -40, -1)]


def test_a_part_that_kills_every_worker_is_named_and_the_cluster_goes_on(cluster: DaskCluster) -> None:
    with dask_executor(cluster.address) as workers:
        with pytest.raises(ExecutorError, match=r"part 1: the executor failed \(KilledWorker\)"):
            do_one(workers, die, None)
        assert negated(workers, 3) == [0, -1, -2]


def test_a_cluster_that_is_gone_in_the_middle_ends_the_work_by_its_part(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def lose(_: int) -> None:
        running.kill()

    def negate_many() -> None:
        # What is given to a scheduler that is gone already is done by nobody, and fails nowhere: the wait for it ends.
        with SharedWork(workers, seconds=5) as work:
            work.put("part 0", operator.neg, 0, lose)
            for place in range(1, PARTS):
                work.put(f"part {place}", operator.neg, place, lambda _: None)

    with (
        dask_cluster(tmp_path) as running,
        dask_executor(running.address) as workers,
        pytest.raises(ExecutorError, match=r"part \d+: (the executor failed|no worker has done it)"),
    ):
        negate_many()
    assert "Traceback" not in capfd.readouterr().err


def test_a_cluster_tells_nobody_what_a_part_holds(cluster: DaskCluster) -> None:
    with (
        dask_executor(cluster.address) as workers,
        pytest.raises(ExecutorError, match=r"part 1: the executor failed \(ValueError\)") as caught,
    ):
        do_one(workers, int, f"{SECRET}X")
    assert SECRET not in str(caught.value)
    assert SECRET not in repr(_SharedPart("part 1", "0.1.0", fail, SECRET))
    assert "Compute Failed" in cluster.log.read_text()
