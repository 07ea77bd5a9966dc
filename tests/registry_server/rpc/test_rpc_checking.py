"""Submissions checked in processes of their own: the same findings as in a thread, and nothing lost or left behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from creditregistry.v1 import submission_pb2 as pb

from client_sdk.kernel.formats.complaint import Complaint
from registry_server.rpc.checking import CheckingProcesses
from registry_server.rpc.pace import FIRST_INTERVAL, MEASURED, SETTLING, Pace
from registry_server.rpc.preparing import Preparation
from registry_server.sequencing.items import StatementItem
from registry_server.usecases.submit import Submitting
from tests.support.handmade_log import seed, signer
from tests.support.registry import running_registry
from tests.support.registry_world import World
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Pieces of work of one period of the choice between thread and processes.
PERIOD = SETTLING + MEASURED


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copyfile(sqlite_template, tmp_path / 'registry.sqlite')}"


@pytest.fixture
def processes() -> Iterator[CheckingProcesses]:
    with CheckingProcesses(2) as started:
        started.start()
        wait_until(lambda: len(started._idle) == 2)
        yield started


def reports(world: World, count: int, name: str = "loan") -> list[pb.Submission]:
    return [world.report("lender-1", f"{name} {number}") for number in range(count)]


def troubled(world: World) -> list[pb.Submission]:
    """Good submissions and one of each kind of bad ones."""
    made = reports(world, 20)
    made[1].facts.opening = seed("another opening")
    made[2].statement.signature = bytes(64)
    made[3].statement.key_id = seed("a key that no act gave")
    made[4].statement.key_id = signer("lender-1 INQUIRE").public_key.key_id
    made[5].statement.payload += b"\x00"
    made[6].statement.payload = bytes(3_000)
    made[7].ClearField("facts")
    made[8].ClearField("binding")
    made[9].disclosure += b"\x00"
    made[10].facts.facts = b"\xff\xfe"
    made[11].CopyFrom(world.report("lender-2", "of another lender"))
    made[12].Clear()
    made[13].aliases.add(subject_key_version=2, subject=bytes(31), debt_ref=bytes(32))
    return made


def test_they_find_what_a_thread_finds(sqlite_url: str, processes: CheckingProcesses) -> None:
    world = World()
    with world.ledger(sqlite_url) as ledger:
        preparation = Preparation(Submitting(ledger), processes)
        chunk = pb.BatchChunk(submissions=troubled(world))
        there, here = preparation._elsewhere("lender-1", chunk), preparation._here("lender-1", chunk)
        assert there == here
        refused = [item.reason for item in here.checked if isinstance(item, Complaint)]
        assert (len(refused), len(here.checked)) == (13, 20)
        assert "KEY_UNKNOWN" in refused
        assert "INTERNAL" not in refused


def test_they_learn_of_every_new_directory(sqlite_url: str, processes: CheckingProcesses) -> None:
    world = World()
    with world.ledger(sqlite_url) as ledger:
        submitting = Submitting(ledger)
        chunk = pb.BatchChunk(submissions=reports(world, 16))
        at_first, arrival = ledger.directory, submitting.arrival()
        institutions = {name: state for name, state in at_first.institutions.items() if name != "lender-1"}
        owners = {key: owner for key, owner in at_first.owners.items() if owner != "lender-1"}
        before = replace(at_first, institutions=institutions, owners=owners)
        for directory, kind in ((before, Complaint), (at_first, StatementItem), (before, Complaint)) * 2:
            checked = processes.check("lender-1", arrival.now, directory, chunk.SerializeToString())
            assert checked is not None
            assert {type(item) for item in checked} == {kind}


def test_one_that_dies_loses_nothing_and_is_replaced(sqlite_url: str, processes: CheckingProcesses) -> None:
    world = World()
    with world.ledger(sqlite_url) as ledger:
        preparation = Preparation(Submitting(ledger), processes)
        chunk = pb.BatchChunk(submissions=reports(world, 16))
        before = [process._popen.pid for process in processes._idle]
        for process in processes._idle:
            process._popen.kill()
        for _ in range(3 * PERIOD):
            prepared = preparation.prepare("lender-1", chunk)
            assert {type(item) for item in prepared.checked} == {StatementItem}
        wait_until(lambda: bool(preparation.prepare("lender-1", chunk)) and len(processes._idle) == 2)
        assert not {process._popen.pid for process in processes._idle} & set(before)
        assert preparation._elsewhere("lender-1", chunk) == preparation._here("lender-1", chunk)


def test_one_that_does_not_answer_is_ended(sqlite_url: str, processes: CheckingProcesses) -> None:
    world = World()
    with world.ledger(sqlite_url) as ledger:
        arrival = Submitting(ledger).arrival()
        chunk = pb.BatchChunk(submissions=reports(world, 16)).SerializeToString()
        stopped = processes._idle[-1]
        stopped._popen.send_signal(signal.SIGSTOP)
        stopped._end.settimeout(0.2)
        assert processes.check("lender-1", arrival.now, arrival.directory, chunk) is None
        assert stopped._popen.returncode == -signal.SIGKILL
        assert processes.check("lender-1", arrival.now, arrival.directory, chunk) is not None


def test_bytes_that_are_no_chunk_are_answered_with_nothing(sqlite_url: str, processes: CheckingProcesses) -> None:
    world = World()
    with world.ledger(sqlite_url) as ledger:
        arrival = Submitting(ledger).arrival()
        assert processes.check("lender-1", arrival.now, arrival.directory, b"\xff\xff\xff") is None
        good = pb.BatchChunk(submissions=reports(world, 16)).SerializeToString()
        checked = processes.check("lender-1", arrival.now, arrival.directory, good)
        assert checked is not None
        assert len(processes._idle) == 2


def test_closing_ends_them_also_while_they_start() -> None:
    started = CheckingProcesses(2)
    started.start()
    started.close()
    assert started._idle == []
    started.start()
    assert not started.ready
    assert not started._starting


def test_none_outlives_a_server_that_is_killed() -> None:
    program = (
        "import sys, time\n"
        "from registry_server.rpc.checking import CheckingProcesses\n"
        "processes = CheckingProcesses(2)\n"
        "processes.start()\n"
        "while len(processes._idle) < 2: time.sleep(0.01)\n"
        "print('ready', flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"ready\n"
        server.kill()
        # Its standard error is theirs too: it ends when the last of them has.
        _, told = server.communicate(timeout=60)
    assert told == b""


def test_an_interrupt_at_the_terminal_leaves_them_to_the_server(sqlite_url: str, processes: CheckingProcesses) -> None:
    world = World()
    with world.ledger(sqlite_url) as ledger:
        arrival = Submitting(ledger).arrival()
        chunk = pb.BatchChunk(submissions=reports(world, 16)).SerializeToString()
        for process in processes._idle:
            process._popen.send_signal(signal.SIGINT)
        for _ in range(4):
            assert processes.check("lender-1", arrival.now, arrival.directory, chunk) is not None


def test_a_stream_through_processes_is_logged_in_order(tmp_path: Path, sqlite_url: str) -> None:
    with running_registry(tmp_path, sqlite_url, checking_processes=2) as registry:
        checking = registry.app.preparation._processes
        checking.start()
        wait_until(lambda: len(checking._idle) == 2)
        chunks = 2 * PERIOD + 5
        made = reports(registry.world, 16 * chunks)
        for bad in range(7, len(made), 50):
            made[bad].facts.opening = seed("another opening")
        requests = [pb.SubmitBatchRequest(header=pb.BatchHeader(count=len(made)))]
        requests += [
            pb.SubmitBatchRequest(chunk=pb.BatchChunk(submissions=made[start : start + 16]))
            for start in range(0, len(made), 16)
        ]
        answers = list(registry.records("lender-1").SubmitBatch(iter(requests)))
        results = [result for answer in answers for result in answer.results]
        assert [result.position for result in results] == list(range(len(made)))
        refused = [result.position for result in results if result.outcome == pb.OUTCOME_REFUSED]
        assert refused == list(range(7, len(made), 50))
        indexes = [result.inclusion.index for result in results if result.outcome == pb.OUTCOME_ACCEPTED]
        assert indexes == sorted(indexes)
        assert len(indexes) == len(made) - len(refused)
        registry.verify_log()
    assert not checking.ready


class _Time:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def _work(pace: Pace, time: _Time, seconds: dict[bool, float], pieces: int) -> list[bool]:
    """Do pieces of work one after the other, each taking so long in its way; return the ways."""
    ways = []
    for _ in range(pieces):
        way = pace.begin()
        ways.append(way)
        time.now += seconds[way]
        pace.end(way, 256)
    return ways


@pytest.mark.parametrize("faster", [True, False])
def test_the_faster_way_is_taken_and_the_other_tried_ever_more_rarely(*, faster: bool) -> None:
    time = _Time()
    pace = Pace(time)
    ways = _work(pace, time, {faster: 0.1, not faster: 0.15}, 400 * PERIOD)
    assert ways[:PERIOD] == [False] * PERIOD
    assert ways[PERIOD : 2 * PERIOD] == [True] * PERIOD
    assert ways.count(not faster) / len(ways) < 0.05


def test_the_choice_turns_when_the_machine_does() -> None:
    time = _Time()
    pace = Pace(time)
    _work(pace, time, {False: 0.15, True: 0.1}, 20 * PERIOD)
    assert pace.begin()
    pace.end(True, 256)
    ways = _work(pace, time, {False: 0.15, True: 0.3}, 3 * FIRST_INTERVAL * PERIOD)
    assert ways[-1] is False


def test_a_pause_is_not_measured() -> None:
    time = _Time()
    pace = Pace(time)
    ways = []
    for _ in range(4):
        ways += _work(pace, time, {False: 0.1, True: 0.1}, PERIOD - 1)
        time.now += 60
    assert set(ways) == {False}
