"""A task that is run again and again."""

from __future__ import annotations

import threading

import pytest

from registry_server.serving.periodic import PeriodicTask

PATIENCE = 10


def test_a_task_goes_on_after_faults_and_reports_each_of_them_once() -> None:
    faults = iter(["away", "away", "", "away", "full", "full"])
    done = threading.Event()
    reports: list[tuple[str, str]] = []

    def run() -> None:
        fault = next(faults, None)
        if fault is None:
            done.set()
        elif fault:
            raise OSError(fault)

    task = PeriodicTask(
        "test", run, 0.001, fault_of=str, report=lambda fault, error: reports.append((fault, repr(error)))
    )
    task.start()
    assert done.wait(PATIENCE)
    task.stop()
    assert reports == [(fault, f"OSError('{fault}')") for fault in ("away", "away", "full")]


@pytest.mark.parametrize("started", [True, False])
def test_a_task_that_waits_is_stopped_at_once(started: bool) -> None:  # noqa: FBT001 - both cases
    ran = threading.Event()
    task = PeriodicTask("test", ran.set, 3_600, fault_of=str, report=lambda _fault, _error: None)
    if started:
        task.start()
    task.stop()
    assert not ran.is_set()


def test_the_first_run_may_come_at_once() -> None:
    ran = threading.Event()
    task = PeriodicTask("test", ran.set, 3_600, fault_of=str, report=lambda _fault, _error: None, delay=0.0)
    task.start()
    assert ran.wait(PATIENCE)
    task.stop()
