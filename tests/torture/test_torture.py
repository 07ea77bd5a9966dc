"""A small torture: programs are killed at random, and nothing that was acknowledged is lost, doubled or forked."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import ConfigError
from client_sdk.kernel.formats.checkpoint import Checkpoint
from client_sdk.kernel.formats.encoding import leaf_hash
from client_sdk.kernel.formats.merkle import MemoryTree
from client_sdk.testing import TestRegistry
from tests.support.waiting import wait_until
from tests.torture.__main__ import torture
from tests.torture.journal import Journal, Told
from tests.torture.lender import first_of, report_of
from tests.torture.site import TorturedSite
from tests.torture.verdict import forks_of

if TYPE_CHECKING:
    from pathlib import Path

KILLS = 10


@pytest.mark.parametrize(("database", "seed"), [("sqlite", 1), ("postgresql", 3)])
def test_what_was_acknowledged_outlives_every_kill(tmp_path: Path, database: str, seed: int) -> None:
    found = torture(tmp_path / "all", KILLS, database, seed)
    assert found.fine, found
    assert found.acknowledged >= KILLS


@pytest.mark.parametrize("name", ["key-service-b", "witness-1", "lender-2"])
def test_a_program_that_ends_by_itself_is_found(tmp_path: Path, name: str) -> None:
    with TorturedSite(tmp_path / "all", "sqlite") as site:
        site.check()
        programs = site.registry._programs if name == "key-service-b" else site._programs
        os.kill(programs.pid(name), signal.SIGTERM)
        wait_until(lambda: has_ended(site, name))


def has_ended(site: TorturedSite, name: str) -> bool:
    """Whether it is found that a program has ended."""
    try:
        site.check()
    except ConfigError as error:
        return name in str(error)
    return False


def test_lenders_never_come_to_each_others_debts_however_long_it_lasts(tmp_path: Path) -> None:
    with TestRegistry(folder=tmp_path / "site") as registry:
        for lender in ("lender-1", "lender-2"):
            first = first_of(lender)
            # Ten thousand are sent in the time of a thousand kills.
            numbers = [first, first + 9_000, first + 36_000, first + 900_000]
            done = registry.client(lender).report_many(report_of(number) for number in numbers)
            assert (done.accepted, done.rejected) == (len(numbers), ())


def test_a_witness_that_has_cosigned_another_log_is_a_fork() -> None:
    hashes = [leaf_hash(bytes([number])) for number in range(9)]
    tree = MemoryTree(hashes)
    same = [Checkpoint("log", size, tree.root(size)) for size in (3, 9)]
    assert forks_of(same, hashes) == 0
    assert forks_of([*same, Checkpoint("log", 3, bytes(32))], hashes) == 1
    assert forks_of(same, hashes[:8]) == 1


def test_a_journal_outlives_a_kill_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    journal = Journal.reopen(path)
    journal.note_sent([1, 2])
    journal.note_acknowledged([1], receipt=Told(7, "ab"), repeated=1)
    with path.open("ab") as file:
        file.write(b'{"acknowledged": [2]')
    again = Journal.reopen(path)
    again.complain("something")
    for read in (again, Journal(path)):
        assert (read.uncertain, read.acknowledged, read.receipts) == ([2], {1}, {Told(7, "ab")})
        assert (read.ambiguous, len(read.times), read.wrong) == (1, 1, ["something"])


def test_a_journal_takes_in_what_another_process_adds(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    read, written = Journal(path), Journal.reopen(path)
    written.note_sent([1])
    read.refresh()
    assert read.uncertain == [1]
    with path.open("ab") as file:
        file.write(b'{"sent": [2]')
    read.refresh()
    assert read.uncertain == [1]
    with path.open("ab") as file:
        file.write(b"}\n")
    read.refresh()
    read.refresh()
    assert read.uncertain == [1, 2]
