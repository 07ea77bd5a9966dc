"""Old data is refused: whatever becomes of database, register and process, no two histories are signed (P6)."""

from __future__ import annotations

import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from client_sdk import Client
from client_sdk.errors import UnavailableError
from client_sdk.kernel.formats.act import RulebookBody
from client_sdk.kernel.formats.checkpoint import parse_body
from client_sdk.kernel.formats.note import parse
from client_sdk.testing import TestRegistry
from client_sdk.testing.programs import Programs
from registry_server.sequencing.append import append
from registry_server.sequencing.errors import RegisterMismatch, RegisterMismatchError
from registry_server.sequencing.ledger import Ledger
from registry_server.storage import head
from registry_server.storage.errors import RegisterError, RegisterFault, StorageFault
from registry_server.storage.register import DatabaseRegister, FileRegister
from registry_server.storage.unit_of_work import Database
from registry_server.usecases.failures import complaint_of
from registry_server.usecases.fsck.check import fsck
from tests.client_sdk.sdk_samples import default_report
from tests.conftest import execute, postgres_database, sqlite_url
from tests.faults.test_faults_append import acknowledged, check_nothing_lost, crashing
from tests.support.registers import ORIGIN, register_of, register_path
from tests.support.registry_world import World, accept
from tests.support.reverification import reverify
from tests.support.served import serving
from tests.support.stalling import stall
from tests.support.troubles import FULL_DEVICE
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry_server.sequencing.items import ActItem
    from registry_server.storage.register import Register


@pytest.fixture
def world() -> World:
    return World()


@contextmanager
def served(url: str, register: Register, world: World) -> Iterator[Ledger]:
    with Database(url) as database, Ledger.open(database, register, world.log_signer, world.clock) as ledger:
        yield ledger


@contextmanager
def copied(url: str) -> Iterator[str]:
    """A copy of a database that nobody uses meanwhile."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        with postgres_database(url, template=str(parsed.database)) as copy:
            yield copy
        return
    path = Path(str(parsed.database))
    copy_path = path.with_name("copy.sqlite")
    for suffix in ("", "-wal"):
        if Path(f"{path}{suffix}").exists():
            shutil.copyfile(f"{path}{suffix}", f"{copy_path}{suffix}")
    yield sqlite_url(copy_path)


def rulebook_act(ledger: Ledger, world: World) -> ActItem:
    """What may be logged by whoever knows the newest act."""
    return world.act(ledger, RulebookBody(replace(world.rulebook, notice_hours=1)))


def signed_size(url: str) -> tuple[int, int]:
    """Size of the log, and size of the checkpoint that is stored."""
    with Database(url, serving=False) as database, database.snapshot() as work:
        row = head.read(work)
    assert row is not None
    if row.checkpoint:
        assert parse_body(parse(row.checkpoint).text).checkpoint.size == row.checkpoint_size
    return row.size, row.checkpoint_size


def findings(url: str, register: Register) -> list[tuple[str, str]]:
    with Database(url, serving=False) as database:
        return [(finding.reason, finding.rule) for finding in fsck(database, register).findings]


@pytest.mark.parametrize("move", [1, 2])
@pytest.mark.parametrize("fault", ["register", "registered"])
def test_killed_around_the_register_the_next_start_repairs_by_itself(
    database_url: str, world: World, tmp_path: Path, fault: str, move: int
) -> None:
    with world.ledger(database_url):
        pass
    done = Programs(tmp_path).complete(crashing(database_url, fault, move))
    assert done.returncode == -signal.SIGKILL
    size, stored = signed_size(database_url)
    held = register_of(database_url).read()
    assert held is not None
    # Committed and not signed; registered only where the process died after the move.
    assert stored < size
    assert (held.size == size) is (fault == "registered")
    assert findings(database_url, register_of(database_url)) == []
    check_nothing_lost(database_url, world, acknowledged(done.stdout))
    assert findings(database_url, register_of(database_url)) == []


def test_a_write_ahead_log_that_is_deleted_under_a_running_server_is_missed(
    tmp_path: Path, sqlite_template: Path, world: World
) -> None:
    path = tmp_path / "registry.sqlite"
    url = sqlite_url(shutil.copyfile(sqlite_template, path))
    with world.ledger(url):
        pass
    before, _ = signed_size(url)
    with serving(tmp_path, crashing(url, "none", 0)) as process:
        assert acknowledged("\n".join(process.wait_for("^.+$", 8)))
        path.with_name("registry.sqlite-wal").unlink()
    # All that was acknowledged is gone, and what is left fits together.
    assert signed_size(url)[0] == before
    with pytest.raises(RegisterMismatchError, match="-wal") as refused, world.ledger(url):
        pass
    assert refused.value.mismatch is RegisterMismatch.AHEAD
    assert findings(url, register_of(url)) == [("REGISTER", "register.below")]


def test_yesterdays_copy_is_refused_and_fsck_says_so(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "yesterday"))
    with copied(database_url) as copy:
        with world.ledger(database_url) as ledger:
            accept(ledger, world.report("lender-1", "today"))
        before = signed_size(copy)
        with (
            pytest.raises(RegisterMismatchError, match="older than what the registry has signed") as refused,
            served(copy, register_of(database_url), world),
        ):
            pass
        assert refused.value.mismatch is RegisterMismatch.AHEAD
        assert signed_size(copy) == before
        assert findings(copy, register_of(database_url)) == [("REGISTER", "register.below")]
    # The newest one is served as before.
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "tomorrow"))
    reverify(database_url)


def test_of_two_copies_on_one_register_the_second_to_move_is_refused(database_url: str, world: World) -> None:
    with world.ledger(database_url):
        pass
    register = register_of(database_url)
    with copied(database_url) as copy, served(copy, register_of(database_url), world) as second:
        with served(database_url, register, world) as first:
            accept(first, world.report("lender-1", "told to the first"))
            with pytest.raises(RegisterMismatchError) as refused:
                accept(second, world.report("lender-2", "told to the second"))
            assert refused.value.mismatch is RegisterMismatch.AHEAD
            # Neither written nor answered from: it has lost.
            with pytest.raises(RegisterMismatchError), second.view():
                pass
            with pytest.raises(RegisterMismatchError):
                second.record_inquiries([world.inquiry("lender-1", "one")]).result()
            accept(first, world.report("lender-1", "the first goes on"))
        assert signed_size(copy)[0] < signed_size(database_url)[0]
    reverify(database_url)


def test_a_copy_that_commits_at_the_same_moment_signs_nothing(database_url: str, world: World) -> None:
    """Both have looked at the register and then commit: the compare-and-swap decides."""
    with world.ledger(database_url):
        pass
    with (
        copied(database_url) as copy,
        served(copy, register_of(database_url), world) as second,
        served(database_url, register_of(database_url), world) as first,
    ):
        append(second.database, second._committed, second._timekeeper, lambda: [rulebook_act(second, world)])
        accept(first, world.report("lender-1", "one"))
        with pytest.raises(RegisterMismatchError) as refused, second.view():
            pass
        assert refused.value.mismatch is RegisterMismatch.FORK
        with pytest.raises(RegisterMismatchError):
            second.check_register()
        size, stored = signed_size(copy)
        assert stored < size
        assert findings(copy, register_of(database_url)) == [("REGISTER", "register.fork")]
        accept(first, world.report("lender-1", "two"))
    reverify(database_url)


def test_without_its_register_a_log_is_not_served(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "loan"))
        report = world.report("lender-1", "another")
        path = register_path(database_url)
        away = path.rename(path.with_name("away"))
        with pytest.raises(RegisterMismatchError) as refused:
            accept(ledger, report)
        assert refused.value.mismatch is RegisterMismatch.MISSING
        with pytest.raises(RegisterMismatchError), ledger.view():
            pass
        assert not path.exists()
        away.rename(path)
        # It is back: a server that runs goes on by itself.
        accept(ledger, report)
        with ledger.view():
            pass
    path.unlink()
    with pytest.raises(RegisterMismatchError), world.ledger(database_url):
        pass
    assert findings(database_url, register_of(database_url)) == [("REGISTER", "register.present")]


def test_a_full_register_acknowledges_nothing_and_recovers(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        path = register_path(database_url)
        held = path.read_bytes()
        draft = path.with_name("checkpoint.new")
        draft.symlink_to(FULL_DEVICE)
        report = world.report("lender-1", "while")
        for _ in range(3):
            with pytest.raises(RegisterError) as failed:
                accept(ledger, report)
            assert (failed.value.register_fault, failed.value.fault) == (RegisterFault.UNAVAILABLE, StorageFault.FULL)
        size, stored = signed_size(database_url)
        # One commit waits for its signature; nothing is committed on top of it.
        assert path.read_bytes() == held
        assert stored < size
        with pytest.raises(RegisterError), ledger.view():
            pass
        draft.unlink()
        with ledger.view() as view:
            assert view.checkpoint.startswith(f"{ORIGIN}\n{size}\n".encode())
        ledger.append([]).result()
        accept(ledger, world.report("lender-1", "after"))
    reverify(database_url)
    assert findings(database_url, register_of(database_url)) == []


@pytest.mark.parametrize("content", [b"", b"garbage"], ids=["empty", "garbage"])
def test_a_damaged_register_is_refused_and_left_as_it_is(database_url: str, world: World, content: bytes) -> None:
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "before"))
        path = register_path(database_url)
        held = path.read_bytes()
        path.write_bytes(content)
        with pytest.raises(RegisterError, match="register reset") as failed:
            accept(ledger, world.report("lender-1", "while"))
        assert failed.value.register_fault is RegisterFault.DAMAGED
        assert path.read_bytes() == content
        assert findings(database_url, register_of(database_url)) == [("REGISTER", "register.form")]
        path.write_bytes(held)
        accept(ledger, world.report("lender-1", "after"))
    reverify(database_url)


def test_a_register_that_was_restored_from_an_old_copy_is_moved_forward(database_url: str, world: World) -> None:
    with world.ledger(database_url) as ledger:
        accept(ledger, world.report("lender-1", "one"))
        old = register_path(database_url).read_bytes()
        accept(ledger, world.report("lender-1", "two"))
    register_path(database_url).write_bytes(old)
    with world.ledger(database_url):
        pass
    held = register_of(database_url).read()
    assert held is not None
    assert held.size == signed_size(database_url)[0]


def test_processes_that_take_turns_share_one_register_in_a_second_database(
    database_url: str, postgres_url: str, world: World
) -> None:
    with postgres_database(postgres_url) as second_database:
        registers = [DatabaseRegister(second_database, ORIGIN) for _ in range(2)]
        with Database(database_url) as database:
            world.found(database, registers[0])
        with (
            served(database_url, registers[0], world) as one,
            Database(database_url, serving=False) as database,
            Ledger.open(database, registers[1], world.log_signer, world.clock) as two,
        ):
            world.enrol(one)
            for number in range(4):
                accept(one, world.report("lender-1", f"loan {number}"))
                accept(two, world.report("lender-2", f"loan {number}", person=f"other {number}"))
                with one.view() as first, two.view() as second:
                    assert first.checkpoint == second.checkpoint
            # A commit that another process has signed further meanwhile is still signed: it is of the same history.
            append(one.database, one._committed, one._timekeeper, lambda: [rulebook_act(one, world)])
            accept(two, world.report("lender-2", "on top of it"))
            one.check_register()
            accept(one, world.report("lender-1", "and so on"))
        assert findings(database_url, registers[0]) == []
        # Only what takes the register away stops them.
        execute(make_url(second_database), "DROP TABLE checkpoint_register")
        fresh = DatabaseRegister(second_database, ORIGIN)
        with pytest.raises(RegisterMismatchError), served(database_url, fresh, world):
            pass
        for register in (*registers, fresh):
            register.close()
    reverify(database_url)


@pytest.mark.parametrize("passed", [False, True], ids=["lost", "stored and reported failed"])
@pytest.mark.parametrize("word", [b"SELECT", b"UPDATE", b"COMMIT\x00"], ids=["looked at", "moved", "committed"])
def test_a_register_that_keeps_its_connections_and_answers_nothing_holds_nobody_up(
    database_url: str, postgres_url: str, world: World, word: bytes, *, passed: bool
) -> None:
    with postgres_database(postgres_url) as second_database, stall(second_database) as between:
        register = DatabaseRegister(between.url, ORIGIN, answer_seconds=2.5)
        with Database(database_url) as database:
            world.found(database, register)
        with served(database_url, register, world) as ledger:
            world.enrol(ledger)
            accept(ledger, world.report("lender-1", "before"))
            reports = [world.report("lender-1", f"while {number}", person=f"{number}") for number in range(3)]
            before, _ = signed_size(database_url)
            between.stall_at(word, passed=passed)
            with ThreadPoolExecutor(len(reports)) as lenders:
                waiting = [lenders.submit(accept, ledger, report) for report in reports]
            for each in waiting:
                with pytest.raises(RegisterError) as failed:
                    each.result()
                assert complaint_of(failed.value).reason == "REGISTER_UNAVAILABLE"
            # At most one commit waits for its signature: nothing is committed on top of it, and nobody is shown it.
            size, _ = signed_size(database_url)
            assert (before < size) is (word != b"SELECT")
            between.go_on()
            wait_until(lambda: is_usable(ledger))
            for report in (*reports, world.report("lender-1", "after", person="after")):
                accept(ledger, report)
            with ledger.view() as view:
                assert view.checkpoint.startswith(f"{ORIGIN}\n{ledger.size}\n".encode())
        assert findings(database_url, register) == []
        register.close()
    reverify(database_url)


def is_usable(ledger: Ledger) -> bool:
    """Whether the register can be used, as housekeeping looks at it."""
    try:
        ledger.check_register()
    except RegisterError:
        return False
    return True


def test_a_register_of_another_registry_is_none_of_this_one(tmp_path: Path, database_url: str, world: World) -> None:
    other = FileRegister(tmp_path / "other", "another.example/log/1")
    with world.ledger(database_url):
        pass
    shutil.copyfile(register_path(database_url), tmp_path / "other")
    with pytest.raises(RegisterError), served(database_url, other, world):
        pass


def test_lenders_are_told_to_try_again_while_the_register_hangs(postgres_url: str, tmp_path: Path) -> None:
    with postgres_database(postgres_url) as second_database, stall(second_database) as between:
        environment = {"REGISTRY_REGISTER_URL": between.url}
        with (
            TestRegistry(folder=tmp_path / "site", environment=environment) as registry,
            Client(registry.config("lender-1")) as lender,
        ):
            first = lender.report(default_report(1))
            between.stall()
            with pytest.raises(UnavailableError) as refused:
                lender.report(default_report(2))
            assert (refused.value.reason, refused.value.retryable) == ("REGISTER_UNAVAILABLE", True)
            # What is signed is read as before.
            assert [view.record_id for view in lender.records()] == [first.record_id]
            between.go_on()
            # As a lender does that was told to try again.
            wait_until(lambda: is_accepted(lender))
            assert len(list(lender.records())) == 2


def is_accepted(lender: Client) -> bool:
    """Whether the registry takes what it refused before."""
    try:
        lender.report(default_report(2))
    except UnavailableError:
        return False
    return True
