"""Writing by turns: together what waits together, in its order, each with its own result; an error ends one turn."""

from __future__ import annotations

import operator
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

import pytest

from client_sdk.desk.shared_writing import SharedWriting
from tests.support.waiting import awaited

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

THREADS = 5


class Disk:
    """Takes numbers, and gives back their squares; the first time it waits until it is let go."""

    def __init__(self) -> None:
        self.taken: list[list[int]] = []
        self.begun, self.let_go = threading.Event(), threading.Event()
        #: Turns that end with an error, from 1.
        self.fails: list[int] = []

    def write(self, items: Sequence[int]) -> list[int]:
        self.taken.append(list(items))
        if len(self.taken) == 1:
            self.begun.set()
            assert self.let_go.wait(60)
        if len(self.taken) in self.fails:
            raise ValueError("a mistake of what writes")
        return [item * item for item in items]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(THREADS) as pool:
        yield pool


def waiting(disk: Disk, threads: ThreadPoolExecutor) -> tuple[SharedWriting[int, int], list[Future[int]]]:
    """Return what writes, and what is put into it: the first is being written, the others wait in their order."""
    writing: SharedWriting[int, int] = SharedWriting(disk.write)
    put = [threads.submit(writing.put, 0)]
    assert disk.begun.wait(60)
    for item in range(1, THREADS):
        put.append(threads.submit(writing.put, item))
        awaited(partial(_count, writing), partial(operator.eq, item))
    return writing, put


def _count(writing: SharedWriting[int, int]) -> int:
    return len(writing._waiting)


def test_what_waits_at_the_same_time_is_written_together_and_in_order(threads: ThreadPoolExecutor) -> None:
    disk = Disk()
    writing, put = waiting(disk, threads)
    disk.let_go.set()
    assert [one.result(60) for one in put] == [0, 1, 4, 9, 16]
    assert disk.taken == [[0], [1, 2, 3, 4]]
    assert writing.put(5) == 25
    assert disk.taken[2:] == [[5]]


def test_an_error_ends_the_turn_in_which_it_was_raised_and_no_other(threads: ThreadPoolExecutor) -> None:
    disk = Disk()
    writing, put = waiting(disk, threads)
    disk.fails = [2]
    disk.let_go.set()
    assert put[0].result(60) == 0
    with pytest.raises(ValueError, match="a mistake"):
        put[1].result(60)
    # Nothing counts as written that another thread has failed to write.
    for one in put[2:]:
        with pytest.raises(RuntimeError, match="has failed"):
            one.result(60)
    assert writing.put(6) == 36


def test_those_that_come_after_an_error_are_written(threads: ThreadPoolExecutor) -> None:
    disk = Disk()
    _, put = waiting(disk, threads)
    disk.fails = [1]
    disk.let_go.set()
    with pytest.raises(ValueError, match="a mistake"):
        put[0].result(60)
    assert [one.result(60) for one in put[1:]] == [1, 4, 9, 16]
