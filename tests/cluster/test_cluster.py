"""The parts of `make cluster` that need no cluster, and a small run of it: all kinds of loss take minutes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

import pytest

from tests.cluster.__main__ import kinds
from tests.cluster.databases import Health
from tests.cluster.gaps import longest_gap
from tests.cluster.supervised import Supervised
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

# However slow the machine: each step of the run has an end of its own.
SECONDS = 1_200


@pytest.mark.parametrize(
    ("since", "gap"),
    [(0.0, 5.0), (2.5, 5.0), (7.5, 4.0), (12.0, 0.0)],
    ids=["all", "the gap in which it began", "later ones alone", "nothing came after"],
)
def test_a_gap_counts_where_it_ends_after_the_event_began(since: float, gap: float) -> None:
    assert longest_gap([1.0, 2.0, 7.0, 11.0], since) == gap


@pytest.mark.parametrize(
    ("health", "whole"),
    [
        (Health("db-1", "db-2", 2), True),
        (Health("db-1", "db-2", 1), False),
        (Health("db-1", "", 2), False),
        (Health("", "db-2", 2), False),
    ],
)
def test_a_cluster_is_whole_with_a_primary_and_two_standbys_of_which_one_is_synchronous(
    health: Health, *, whole: bool
) -> None:
    assert health.whole is whole


def test_what_ends_by_itself_is_started_again_and_what_is_killed_is_not(tmp_path: Path) -> None:
    def starts() -> int:
        return (tmp_path / "one.log").read_text().count("started")

    with Supervised(tmp_path) as supervised:
        supervised.start("one", ("sh", "-c", "echo started"), {})
        wait_until(lambda: starts() >= 2)
        supervised.kill("one")
        supervised.start("two", ("sleep", "600"), {})
        killed = starts()
        begun = time.monotonic()
        supervised.kill("two")
        assert time.monotonic() - begun < 600
    assert starts() == killed


def test_an_unknown_kind_is_refused_with_those_that_there_are() -> None:
    assert kinds("node,disk") == ["node", "disk"]
    with pytest.raises(ArgumentTypeError, match="fire: want some of node, postgres, switchover"):
        kinds("node,fire")


@pytest.mark.cluster
def test_a_cluster_bears_the_loss_of_a_database_server_and_of_a_process_of_the_registry() -> None:
    losing = ("postgres", "registry")
    command = (sys.executable, "-m", "tests.cluster", "--kinds", ",".join(losing))
    # On the machine's own disk, as by hand: the other tests have theirs in memory.
    environment = {name: value for name, value in os.environ.items() if name != "TMPDIR"}
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] == dict.fromkeys(losing, 1)
    assert (told["lost"], told["doubled"], told["forks"]) == (0, 0, 0)
    assert told["acknowledged"]
