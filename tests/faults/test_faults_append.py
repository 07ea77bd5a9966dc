"""Whatever happens to the process or its database at any step of append and publish, what was acknowledged is there."""

from __future__ import annotations

import signal
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from client_sdk.kernel.formats.words import Standing
from client_sdk.testing.programs import Programs
from registry_server.sequencing.errors import InconsistentError, LedgerClosedError, RolledBackError
from registry_server.sequencing.items import ItemOutcome
from registry_server.sequencing.ledger import Ledger
from registry_server.storage import head
from registry_server.storage.errors import DatabaseInUseError, StorageError
from registry_server.storage.unit_of_work import Database
from tests.support.faulty_database import FailingStatement, Fault, FaultyDatabase
from tests.support.registers import register_of
from tests.support.registry_world import World, accept, submit
from tests.support.reverification import reverify
from tests.support.served import module, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from creditregistry.v1 import submission_pb2 as pb

    from registry_server.sequencing.items import InquiryItem

# Each submission commits once, and so does each inquiry.
STEPS = 6
# Statements of a report, an inquiry and a heartbeat.
FEWEST_STATEMENTS, MOST_STATEMENTS = 30, 200


@pytest.fixture
def world() -> World:
    return World()


def crashing(url: str, fault: str, at: int) -> list[str]:
    return module("tests.support.crashing_server", url, fault, str(at))


def acknowledged(output: str) -> dict[str, int]:
    lines = [line.split() for line in output.splitlines() if line.count(" ") == 1]
    return {name: int(index) for name, index in lines}


def check_nothing_lost(url: str, world: World, told: dict[str, int]) -> None:
    """Check that every acknowledged record is where it was said to be, once, and that the log goes on."""
    chains = reverify(url).chains
    for name, index in told.items():
        assert chains[world.key("lender-1", name)].index == index
    with world.ledger(url) as ledger:
        reports = [world.report("lender-1", name) for name in sorted(told, key=int)]
        for start_ in range(0, len(reports), 200):
            records = submit(ledger, *reports[start_ : start_ + 200]).results
            assert all(record.outcome is ItemOutcome.REPEATED for record in records)
        accept(ledger, world.report("lender-1", "afterwards"))
        with ledger.view() as view:
            assert view.checkpoint.startswith(f"registry.example/log/1\n{view.size}\n".encode())
    reverify(url)


@pytest.mark.parametrize("step", range(1, STEPS + 1))
@pytest.mark.parametrize("fault", [Fault.KILLED_BEFORE, Fault.KILLED_AFTER])
def test_killed_at_every_commit(database_url: str, world: World, tmp_path: Path, fault: Fault, step: int) -> None:
    with world.ledger(database_url):
        pass
    # Opening the ledger commits nothing: its newest checkpoint is stored already.
    done = Programs(tmp_path).complete(crashing(database_url, fault.value, step + 1))
    assert done.returncode == -signal.SIGKILL
    check_nothing_lost(database_url, world, acknowledged(done.stdout))


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_killed_at_any_moment(database_url: str, world: World, tmp_path: Path, lines: int) -> None:
    with world.ledger(database_url):
        pass
    with serving(tmp_path, crashing(database_url, "none", 0)) as process:
        process.wait_for("^.+$", lines)
    check_nothing_lost(database_url, world, acknowledged(process.said))


@contextmanager
def faulty_ledger(url: str, fault: Fault, world: World) -> Iterator[tuple[FaultyDatabase, Ledger]]:
    with (
        FaultyDatabase(url, fault) as database,
        Ledger.open(database, register_of(url), world.log_signer, world.clock) as ledger,
    ):
        yield database, ledger


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.STORED])
def test_a_commit_that_fails_may_be_sent_again(database_url: str, world: World, fault: Fault) -> None:
    with world.ledger(database_url):
        pass
    with faulty_ledger(database_url, fault, world) as (database, ledger):
        first = world.report("lender-1", "loan")
        database.arm(1)
        with pytest.raises(StorageError):
            submit(ledger, first)
        with ledger.view() as view:
            # Whoever reads meanwhile gets a signed checkpoint of what is stored.
            assert view.checkpoint.startswith(f"registry.example/log/1\n{view.size}\n".encode())
        (record,) = submit(ledger, first).results
        assert record.outcome is (ItemOutcome.REPEATED if fault is Fault.STORED else ItemOutcome.ACCEPTED)
        accept(ledger, world.report("lender-1", "loan", Standing.CURED))
    chain = reverify(database_url).chains[world.key("lender-1", "loan")]
    assert chain.version == 2


@pytest.mark.parametrize("executed", [False, True], ids=["lost", "executed and reported failed"])
def test_whichever_statement_fails_the_same_calls_may_be_made_again(
    database_url: str, world: World, *, executed: bool
) -> None:
    with world.ledger(database_url) as ledger:
        for at in range(1, MOST_STATEMENTS):
            world.clock.now += 60_000
            report, inquiry = world.report("lender-1", f"loan {at}"), world.inquiry("lender-1", f"asked {at}")

            def call(report: pb.Submission = report, inquiry: InquiryItem = inquiry) -> list[ItemOutcome]:
                """A report, an inquiry, and a HEAD that sequences it."""
                outcomes = [record.outcome for record in submit(ledger, report).results]
                assert ledger.record_inquiries([inquiry]).result()[0].kept
                ledger.heartbeat(at_once=True).result()
                return outcomes

            with FailingStatement(ledger.database, at, executed=executed) as failing, suppress(StorageError):
                assert call() == [ItemOutcome.ACCEPTED]
            if not failing.failed:
                break
            assert call()[0] in {ItemOutcome.ACCEPTED, ItemOutcome.REPEATED}
            chains = reverify(database_url).chains
            assert chains[world.key("lender-1", f"loan {at}")].version == 1
            with ledger.view() as view:
                assert view.head.inquiry_count == at
        # Those of three transactions.
        assert FEWEST_STATEMENTS < at < MOST_STATEMENTS - 1


def stored_sizes(database: Database) -> tuple[int, int]:
    """Size of the log, and of the checkpoint that is stored."""
    with database.snapshot() as work:
        row = head.read(work)
    assert row is not None
    return row.size, row.checkpoint_size


def test_the_next_append_stores_the_checkpoint_and_else_a_heartbeat_or_a_start(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        before, stored = stored_sizes(ledger.database)
        assert stored == before
        accept(ledger, world.report("lender-1", "loan"))
        after, stored = stored_sizes(ledger.database)
        assert stored == before < after
        accept(ledger, world.report("lender-1", "another"))
        assert stored_sizes(ledger.database)[1] == after
        ledger.heartbeat().result()
        size, stored = stored_sizes(ledger.database)
        assert stored == size
        accept(ledger, world.report("lender-1", "third"))
    with Database(database_url, serving=False) as database:
        size, stored = stored_sizes(database)
        assert stored < size
    with world.ledger(database_url) as ledger:
        size, stored = stored_sizes(ledger.database)
        assert stored == size


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.STORED])
def test_a_checkpoint_whose_commit_fails_is_stored_by_the_next_heartbeat(
    database_url: str, world: World, fault: Fault
) -> None:
    with world.ledger(database_url):
        pass
    with faulty_ledger(database_url, fault, world) as (database, ledger):
        report = world.report("lender-1", "loan")
        accept(ledger, report)
        database.arm(1)
        with pytest.raises(StorageError):
            ledger.heartbeat().result()
        (record,) = submit(ledger, report).results
        assert record.outcome is ItemOutcome.REPEATED
        ledger.heartbeat().result()
        size, stored = stored_sizes(database)
        assert stored == size
    reverify(database_url)


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.STORED])
def test_an_inquiry_whose_commit_fails_counts_once(database_url: str, world: World, fault: Fault) -> None:
    with world.ledger(database_url):
        pass
    with faulty_ledger(database_url, fault, world) as (database, ledger):
        database.arm(1)
        with pytest.raises(StorageError):
            ledger.record_inquiries([world.inquiry("lender-1", "one")]).result()
        (again,) = ledger.record_inquiries([world.inquiry("lender-1", "one")]).result()
        assert again.repeated is (fault is Fault.STORED)
        world.clock.now += 60_000
        ledger.heartbeat().result()
        with ledger.view() as view:
            assert view.head.inquiry_count == 1
    reverify(database_url)


def test_a_second_server_on_the_same_file_is_refused(tmp_path: Path, sqlite_template: Path, world: World) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{path}"
    with world.ledger(url) as ledger:
        with pytest.raises(DatabaseInUseError, match="served by another process"):
            Database(url)
        accept(ledger, world.report("lender-1", "loan"))
    with serving(tmp_path, crashing(url, "none", 0)) as process:
        process.wait_for("^ready$")
        with pytest.raises(DatabaseInUseError):
            Database(url)
    # The lock goes with the process that held it.
    with world.ledger(url):
        pass
    reverify(url)


def test_a_closed_ledger_takes_nothing(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        pass
    with pytest.raises(LedgerClosedError):
        ledger.heartbeat()


def test_an_older_database_is_refused_while_it_serves(tmp_path: Path, sqlite_template: Path, world: World) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    with world.ledger(f"sqlite:///{path}") as ledger:
        with Database(f"sqlite:///{path}", serving=False) as other, other.append() as work:
            work.connection.execute(text("UPDATE head SET size = size - 1"))
            work.commit()
        with pytest.raises(RolledBackError):
            ledger.append([]).result()
        with pytest.raises(RolledBackError), ledger.view():
            pass


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        ("DELETE FROM leaves WHERE leaf_index = (SELECT max(leaf_index) FROM leaves)", "leaves"),
        ("UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE level = 0", "leaves"),
        ("DELETE FROM acts WHERE number = 2", "acts"),
        ("UPDATE head SET newest_act = newest_act - 1", "head"),
        ("UPDATE head SET map_root = zeroblob(32)", "head"),
        ("DELETE FROM map_blocks", "map"),
        ("UPDATE map_blocks SET block = zeroblob(100)", "leaves"),
        ("DELETE FROM contributions", "map"),
        ("UPDATE head SET logged_at = logged_at + 1", "head"),
    ],
)
def test_what_does_not_fit_together_is_not_served(
    tmp_path: Path, sqlite_template: Path, world: World, damage: str, part: str
) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    url = f"sqlite:///{path}"
    with world.ledger(url) as ledger:
        accept(ledger, world.report("lender-1", "loan"))
    with Database(url) as database:
        with database.append() as work:
            work.connection.execute(text(damage))
            work.commit()
        with pytest.raises(InconsistentError) as refused:
            Ledger.open(database, register_of(url), world.log_signer)
        assert refused.value.part == part
