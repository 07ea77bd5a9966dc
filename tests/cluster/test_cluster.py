"""The parts of `make cluster` that need no cluster; the whole is run by hand, as it takes minutes and root."""

from __future__ import annotations

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
