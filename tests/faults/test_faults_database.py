"""Whatever happens to the database while the log is written, what was acknowledged is there, and the log goes on."""

from __future__ import annotations

import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from registry_server.sequencing.ledger import Ledger
from registry_server.storage import head, migrations
from registry_server.storage.errors import StorageError, StorageFault
from registry_server.storage.unit_of_work import Database
from tests.conftest import execute, sqlite_url
from tests.support.registers import register_of
from tests.support.registry_world import World, accept, submit
from tests.support.reverification import reverify
from tests.support.troubles import full_disk, gone, locked, unwritable

if TYPE_CHECKING:
    from creditregistry.v1 import submission_pb2 as pb

    from tests.conftest import DatabaseKind

# So many sessions may have been opened while nobody could write: each is given up when it is first written to.
MOST_SESSIONS = 3


@pytest.fixture
def world() -> World:
    return World()


def failure(ledger: Ledger, *reports: pb.Submission) -> StorageError:
    with pytest.raises(StorageError) as failed:
        submit(ledger, *reports)
    return failed.value


def accept_again(ledger: Ledger, report: pb.Submission) -> None:
    """Send the same report again as a client does, until the last session from before is given up."""
    for _ in range(MOST_SESSIONS):
        with suppress(StorageError):
            accept(ledger, report)
            return
    accept(ledger, report)


def check_served(ledger: Ledger) -> None:
    with ledger.view() as view:
        assert view.checkpoint.startswith(f"registry.example/log/1\n{view.size}\n".encode())


def test_a_full_disk_loses_nothing(local_database_url: str, world: World) -> None:
    with world.ledger(local_database_url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        reports = [world.report("lender-1", f"loan {n}") for n in range(200)]
        with full_disk(ledger.database, local_database_url):
            assert failure(ledger, *reports).fault is StorageFault.FULL
            check_served(ledger)
            reverify(local_database_url)
        accept(ledger, *reports)
    reverify(local_database_url)


def test_a_locked_database_is_reported_as_busy(database_url: str, world: World) -> None:
    with world.ledger(database_url):
        pass
    with (
        Database(database_url, patience_ms=200) as database,
        Ledger.open(database, register_of(database_url), world.log_signer, world.clock) as ledger,
    ):
        report = world.report("lender-1", "loan")
        with locked(database_url):
            assert failure(ledger, report).fault is StorageFault.BUSY
        accept(ledger, report)
    reverify(database_url)


def test_a_database_that_cannot_be_written_is_read_and_loses_nothing(
    database_url: str, database_kind: DatabaseKind, world: World
) -> None:
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        report = world.report("lender-1", "while")
        with unwritable(database_url):
            # The first one finds that its session has ended, the second that no session may write.
            failures = [failure(ledger, report) for _ in range(2)]
            assert [failed.fault for failed in failures] == [StorageFault.GONE] * 2
            assert failures[1].what == ("OperationalError" if database_kind == "sqlite" else "ReadOnlySqlTransaction")
            check_served(ledger)
            reverify(database_url)
        accept_again(ledger, report)
    reverify(database_url)


def test_a_database_that_is_gone_loses_nothing(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        report = world.report("lender-1", "while")
        with gone(database_url):
            assert failure(ledger, report).fault is StorageFault.GONE
            with pytest.raises(StorageError) as failed, ledger.view():
                pass
            assert failed.value.fault is StorageFault.GONE
        accept(ledger, report)
        check_served(ledger)
    reverify(database_url)


def test_connections_that_are_cut_are_replaced(postgres_url: str, database_url: str, world: World) -> None:
    name = make_url(database_url).database
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        if name is not None and database_url.startswith("postgresql"):
            execute(
                make_url(postgres_url),
                f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'",  # noqa: S608 - our own name
            )
            report = world.report("lender-1", "while")
            assert failure(ledger, report).fault is StorageFault.GONE
            accept(ledger, report)
        check_served(ledger)
    reverify(database_url)


def test_a_database_that_is_not_there_is_gone(tmp_path: Path, database_kind: DatabaseKind) -> None:
    missing = tmp_path / "nowhere"
    url = f"sqlite:///{missing}/r.sqlite" if database_kind == "sqlite" else f"postgresql+psycopg://a@/b?host={missing}"
    with pytest.raises(StorageError) as failed, Database(url, serving=False) as database:
        Ledger.open(database, register_of(url), World().log_signer)
    assert failed.value.fault is StorageFault.GONE


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "registry.sqlite")
    for attempt in (Database, partial(Database, serving=False), migrations.check):
        with pytest.raises(StorageError) as failed:
            attempt(url)
        assert failed.value.fault is StorageFault.GONE
    assert migrations.current(url) == ""
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def path(tmp_path: Path, sqlite_template: Path) -> Path:
    """An SQLite file, in a folder whose name has a meaning in SQLite's own addresses."""
    folder = tmp_path / "a&b#c d"
    folder.mkdir()
    return Path(shutil.copyfile(sqlite_template, folder / "registry.sqlite"))


def test_another_file_in_the_place_of_the_database_is_left_alone(
    path: Path, sqlite_template: Path, world: World
) -> None:
    url = sqlite_url(path)
    with world.ledger(url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        report = world.report("lender-1", "while")
        away = path.rename(path.with_name("away.sqlite"))
        other = Path(shutil.copyfile(sqlite_template, path))
        assert failure(ledger, report).fault is StorageFault.GONE
        with pytest.raises(StorageError), ledger.view():
            pass
        with pytest.raises(StorageError):
            ledger.database.purge([])
        assert other.read_bytes() == sqlite_template.read_bytes()
        away.rename(path)
        accept(ledger, report)
    reverify(url)


def test_a_commit_to_a_file_that_is_taken_away_is_not_acknowledged(path: Path, world: World) -> None:
    url = sqlite_url(path)
    with world.ledger(url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
    with Database(url) as database:
        with database.append() as work:
            head.confirm_clock(work, 1)
            away = path.rename(path.with_name("away.sqlite"))
            with pytest.raises(StorageError) as failed:
                work.commit()
        assert failed.value.fault is StorageFault.GONE
        assert not work.committed
        away.rename(path)
    with world.ledger(url) as ledger:
        accept(ledger, world.report("lender-1", "after"))
    reverify(url)
