"""Jobs of the desk: one after another of a kind, bounded, stopped between two steps, for their owner alone."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from client_sdk import errors
from client_sdk.desk import jobs as module
from client_sdk.desk.jobs import DeskJob, JobKind, Jobs, JobsFullError, JobState

if TYPE_CHECKING:
    from pathlib import Path

LIMIT = 30.0


def unforeseen(error: BaseException) -> None:
    raise AssertionError(error)


class Work:
    """Work that begins when it is let, tells its steps, and returns a text."""

    def __init__(self, *, go_on: bool = True) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        if go_on:
            self.go_on.set()

    def __call__(self, job: DeskJob) -> str:
        self.begun.set()
        assert self.go_on.wait(LIMIT)
        job.tell("SENDING", 1, 2)
        return "found"


def ended(jobs: Jobs, job: DeskJob) -> JobState:
    """How a job has ended; a further one of its kind runs behind it."""
    behind = Work()
    jobs.start("behind", job.kind, behind)
    assert behind.begun.wait(LIMIT)
    return job.state


def test_a_job_tells_how_far_it_is_and_keeps_what_it_found() -> None:
    jobs = Jobs(unforeseen)
    job = jobs.start("anna", JobKind.SCREEN, Work())
    assert ended(jobs, job) is JobState.DONE
    assert (job.phase, job.done, job.total, job.is_live) == ("SENDING", 1, 2, False)
    assert job.result(str) == "found"
    assert job.result(bytes) is None
    assert "found" not in repr(job)
    assert jobs.close(LIMIT)


def test_jobs_of_a_kind_go_one_after_another_and_kinds_beside_each_other() -> None:
    jobs = Jobs(unforeseen)
    first, second, other = Work(go_on=False), Work(), Work()
    jobs.start("anna", JobKind.REPORT_FILE, first)
    waiting = jobs.start("berta", JobKind.REPORT_FILE, second)
    assert first.begun.wait(LIMIT)
    beside = jobs.start("anna", JobKind.SCREEN, other)
    assert ended(jobs, beside) is JobState.DONE
    assert waiting.state is JobState.WAITING
    assert not second.begun.is_set()
    first.go_on.set()
    assert second.begun.wait(LIMIT)
    assert jobs.close(LIMIT)


def test_a_job_is_stopped_before_its_next_step_and_before_it_begins() -> None:
    jobs = Jobs(unforeseen)
    running, never = Work(go_on=False), Work()
    first, second = jobs.start("anna", JobKind.SCREEN, running), jobs.start("anna", JobKind.SCREEN, never)
    assert running.begun.wait(LIMIT)
    first.stop()
    second.stop()
    assert first.is_stopping
    running.go_on.set()
    assert ended(jobs, second) is JobState.STOPPED
    assert first.state is JobState.STOPPED
    assert first.result(str) is None
    assert not never.begun.is_set()
    assert jobs.close(LIMIT)


def test_a_job_is_for_its_owner_alone() -> None:
    jobs = Jobs(unforeseen)
    job = jobs.start("anna", JobKind.SCREEN, Work())
    assert jobs.find("anna", job.key) is job
    assert jobs.find("berta", job.key) is None
    assert jobs.find("anna", "another") is None
    newer = jobs.start("anna", JobKind.SCREEN, Work())
    assert jobs.of("anna") == [newer, job]
    assert jobs.of("berta") == []
    assert jobs.close(LIMIT)


def test_an_error_of_the_sdk_is_kept_and_a_mistake_is_told() -> None:
    told: list[BaseException] = []
    jobs = Jobs(told.append)
    refused = errors.ConfigError("no such file")

    def fails(_: DeskJob) -> None:
        raise refused

    def breaks(_: DeskJob) -> None:
        raise ZeroDivisionError

    failed, broken = jobs.start("anna", JobKind.SCREEN, fails), jobs.start("anna", JobKind.SCREEN, breaks)
    assert ended(jobs, broken) is JobState.FAILED
    assert (failed.state, failed.error) == (JobState.FAILED, refused)
    assert broken.error is None
    assert jobs.close(LIMIT)
    assert [type(error) for error in told] == [ZeroDivisionError]


def test_too_many_jobs_are_refused_of_one_and_in_all() -> None:
    jobs = Jobs(unforeseen)
    holding = Work(go_on=False)
    for person in ("anna", "berta", "clara", "dora"):
        for _ in range(2):
            jobs.start(person, JobKind.SCREEN, holding)
        with pytest.raises(JobsFullError):
            jobs.start(person, JobKind.SCREEN, holding)
    with pytest.raises(JobsFullError):
        jobs.start("emma", JobKind.SCREEN, holding)
    holding.go_on.set()
    assert jobs.close(LIMIT)


def test_what_has_ended_makes_room_and_is_forgotten_in_time() -> None:
    now = [0.0]
    jobs = Jobs(unforeseen, lambda: now[0])
    half = module._MOST_BYTES // 2
    first = jobs.start("anna", JobKind.SCREEN, Work(), held=half)
    assert ended(jobs, first) is JobState.DONE
    others = jobs.start("berta", JobKind.SCREEN, Work(), held=half)
    assert ended(jobs, others) is JobState.DONE
    newer = jobs.start("berta", JobKind.SCREEN, Work(), held=half)
    assert ended(jobs, newer) is JobState.DONE
    assert jobs.of("berta") == [newer], "the oldest of one's own went first"
    assert jobs.of("anna") == [first]
    with pytest.raises(JobsFullError):
        jobs.start("clara", JobKind.SCREEN, Work(), held=2 * half + 2)
    now[0] = module.KEPT_SECONDS
    assert jobs.find("berta", newer.key) is None
    assert jobs.close(LIMIT)


def test_what_has_ended_can_be_forgotten_at_once_and_what_runs_cannot() -> None:
    jobs = Jobs(unforeseen)
    holding = Work(go_on=False)
    job = jobs.start("anna", JobKind.SCREEN, holding)
    jobs.forget(job)
    assert jobs.of("anna") == [job]
    holding.go_on.set()
    assert ended(jobs, job) is JobState.DONE
    jobs.forget(job)
    assert jobs.of("anna") == []
    assert jobs.close(LIMIT)


def test_a_desk_that_ends_stops_its_jobs_and_takes_no_more() -> None:
    jobs = Jobs(unforeseen)
    holding = Work(go_on=False)
    job = jobs.start("anna", JobKind.SCREEN, holding)
    assert holding.begun.wait(LIMIT)
    assert not jobs.close(0.0)
    with pytest.raises(JobsFullError):
        jobs.start("anna", JobKind.SCREEN, Work())
    holding.go_on.set()
    assert jobs.close(LIMIT)
    assert job.state is JobState.STOPPED


STUCK = """
import sys, threading
from client_sdk.desk.jobs import JobKind, Jobs

begun = threading.Event()

def work(job):
    begun.set()
    # A pipe to which nobody writes.
    return open(sys.argv[1], "rb").read()

jobs = Jobs(print)
jobs.start("anna", JobKind.SCREEN, work)
begun.wait()
print("all have ended" if jobs.close(0.1) else "one has not ended", flush=True)
"""


def test_a_job_that_never_ends_ends_with_the_program(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = subprocess.run(
        [sys.executable, "-c", STUCK, pipe], capture_output=True, text=True, check=True, timeout=LIMIT
    )
    assert done.stdout == "one has not ended\n"


def test_what_jobs_wait_for_is_ended_once_they_are_told_to_stop() -> None:
    jobs, begun, go_on = Jobs(unforeseen), threading.Event(), threading.Event()

    def waits(_: DeskJob) -> None:
        begun.set()
        assert go_on.wait(LIMIT)
        raise errors.ConfigError("what it waited for was ended")

    job = jobs.start("anna", JobKind.SCREEN, waits)
    assert begun.wait(LIMIT)
    assert jobs.close(LIMIT, go_on.set)
    assert (job.state, job.error) == (JobState.STOPPED, None)
