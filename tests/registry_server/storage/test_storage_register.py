"""The checkpoint register by itself, in a file and in a table: it moves by compare-and-swap, and says what is wrong."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from contextlib import ExitStack, closing, suppress
from typing import TYPE_CHECKING, Literal, get_args

import pytest
from filelock import FileLock
from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.pool import NullPool

from client_sdk.kernel.formats.checkpoint import Checkpoint
from registry_server.storage.errors import RegisterError, RegisterFault, StorageFault
from registry_server.storage.register import DatabaseRegister, FileRegister, open_register
from tests.conftest import postgres_database
from tests.support.registers import ORIGIN
from tests.support.stalling import stall
from tests.support.troubles import FULL_DEVICE
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

    from registry_server.storage.register import Register

Kind = Literal["file", "sqlite", "postgresql"]


def at(size: int, root: int = 0) -> Checkpoint:
    return Checkpoint(ORIGIN, size, bytes((size % 256, root)) + bytes(30))


@pytest.fixture(params=get_args(Kind))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Path and URL of a register that is not there yet."""
    path = tmp_path / "elsewhere" / "checkpoint"
    if request.param == "file":
        yield path, ""
    elif request.param == "sqlite":
        yield path, f"sqlite:///{path}"
    else:
        with postgres_database(request.getfixturevalue("postgres_url")) as url:
            yield path, url


@pytest.fixture
def register(place: tuple[Path, str]) -> Iterator[Register]:
    opened = open_register(*place, ORIGIN)
    yield opened
    opened.close()


def test_there_is_none_until_it_is_created_and_then_it_is_created_once(register: Register) -> None:
    assert register.read() is None
    assert register.create(at(2)) == at(2)
    assert register.create(at(2, root=1)) == at(2)
    assert register.read() == at(2)


def test_a_register_in_a_file_of_sqlite_is_moved_durably(tmp_path: Path) -> None:
    register = open_register(tmp_path / "unused", f"sqlite:///{tmp_path / 'register.sqlite'}", ORIGIN)
    register.create(at(2))
    levels: list[int] = []

    def look(connection: Connection) -> None:
        levels.append(connection.exec_driver_sql("PRAGMA synchronous").scalar_one())

    event.listen(Engine, "begin", look)
    try:
        assert register.move(at(2), at(5)) == at(5)
    finally:
        event.remove(Engine, "begin", look)
        register.close()
    # EXTRA: the folder is written too, once the journal is removed.
    assert set(levels) == {3}


def test_it_moves_only_from_what_it_holds(register: Register, place: tuple[Path, str]) -> None:
    register.create(at(2))
    another = open_register(*place, ORIGIN)
    assert register.move(at(2), at(5)) == at(5)
    assert another.move(at(2), at(4, root=1)) == at(5)
    assert another.move(at(5, root=1), at(9)) == at(5)
    assert another.move(at(5), at(6)) == at(6)
    assert register.read() == at(6)
    another.close()


def test_an_operation_ends_in_one_time_with_what_tries_the_connection(postgres_url: str) -> None:
    """Else trying the kept connection, connecting anew and asking had one time each."""
    with postgres_database(postgres_url) as url, stall(url) as between:
        register = DatabaseRegister(between.url, ORIGIN)
        register.create(at(2))
        between.stall()
        taken = between.taken
        with pytest.raises(RegisterError) as failed:
            register.move(at(2), at(5))
        assert failed.value.fault is StorageFault.GONE
        assert between.taken == taken
        between.go_on()
        register.close()


def test_it_is_reset_whatever_it_held(register: Register) -> None:
    register.reset(at(7))
    register.reset(at(3, root=1))
    assert register.read() == at(3, root=1)


def test_of_many_processes_one_moves_it_at_a_time(register: Register, place: tuple[Path, str]) -> None:
    register.create(at(1))
    program = """
import os, sys
from pathlib import Path
from client_sdk.kernel.formats.checkpoint import Checkpoint
from registry_server.storage.register import open_register
register = open_register(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
moved, held = 0, register.read()
while moved < 20:
    after = Checkpoint(held.origin, held.size + 1, os.urandom(32))
    held = register.move(held, after)
    moved += held == after
"""
    words = [sys.executable, "-c", program, str(place[0]), place[1], ORIGIN]
    running = [subprocess.Popen(words) for _ in range(3)]
    assert [process.wait(300) for process in running] == [0, 0, 0]
    held = register.read()
    assert held is not None
    # Not one move was lost: each of 60 added one.
    assert held.size == 61


@pytest.mark.parametrize(
    "content",
    [b"", b"registry.example/log/1\n", b"\x00" * 90, b"\xff\xfe", b"x" * 10_000, at(5).body()[:-1].encode()],
    ids=["empty", "cut off", "zeros", "no UTF-8", "far too long", "without its end"],
)
def test_a_file_that_is_damaged_is_refused_and_not_written_over(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint"
    register = FileRegister(path, ORIGIN)
    register.create(at(5))
    path.write_bytes(content)
    for attempt in (register.read, lambda: register.move(at(5), at(6)), lambda: register.create(at(6))):
        with pytest.raises(RegisterError, match=str(path)) as refused:
            attempt()
        assert refused.value.register_fault is RegisterFault.DAMAGED
    assert path.read_bytes() == content
    register.reset(at(6))
    assert register.read() == at(6)


@pytest.mark.parametrize("changed", [("log/1", "log/2"), ("\n5\n", "\n05\n"), ("=\n", "=\nextension\n")], ids=str)
def test_a_file_of_another_log_or_spelling_is_refused(tmp_path: Path, changed: tuple[str, str]) -> None:
    path = tmp_path / "checkpoint"
    path.write_text(at(5).body().replace(*changed))
    with pytest.raises(RegisterError) as refused:
        FileRegister(path, ORIGIN).read()
    assert refused.value.register_fault is RegisterFault.DAMAGED


def test_a_full_disk_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    register = FileRegister(path, ORIGIN)
    register.create(at(5))
    draft = tmp_path / "checkpoint.new"
    draft.symlink_to(FULL_DEVICE)
    with pytest.raises(RegisterError, match="full") as refused:
        register.move(at(5), at(6))
    assert (refused.value.register_fault, refused.value.fault) == (RegisterFault.UNAVAILABLE, StorageFault.FULL)
    assert register.read() == at(5)
    draft.unlink()
    assert register.move(at(5), at(6)) == at(6)


def test_a_register_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint"
    register = FileRegister(path, ORIGIN)
    register.create(at(5))
    # The draft's name is taken by a folder, so that no file can be written, whoever runs the test.
    (tmp_path / "checkpoint.new").mkdir()
    with pytest.raises(RegisterError) as refused:
        register.move(at(5), at(6))
    assert refused.value.register_fault is RegisterFault.UNAVAILABLE
    assert register.read() == at(5)


def test_a_database_that_is_taken_away_is_missed_and_not_made_again(tmp_path: Path) -> None:
    path = tmp_path / "register.sqlite"
    register = DatabaseRegister(f"sqlite:///{path}", ORIGIN)
    register.create(at(5))
    away = shutil.move(path, tmp_path / "away.sqlite")
    assert register.read() is None
    with pytest.raises(RegisterError):
        register.move(at(5), at(6))
    assert not path.exists()
    shutil.move(away, path)
    assert register.move(at(5), at(6)) == at(6)


def test_a_server_that_is_not_there_is_unavailable_and_its_password_is_not_told() -> None:
    register = DatabaseRegister("postgresql+psycopg://somebody:secret-word@127.0.0.1:1/register", ORIGIN)
    with pytest.raises(RegisterError) as refused:
        register.read()
    assert refused.value.register_fault is RegisterFault.UNAVAILABLE
    assert "secret-word" not in str(refused.value) + register.place


# What the driver says last: of the pool's try, of the compare-and-swap, of its end.
TRY, SWAP, END = b"\x06;\x00", b"UPDATE", b"COMMIT\x00"


@pytest.mark.parametrize(("word", "passed"), [(TRY, False), (SWAP, False), (SWAP, True), (END, False), (END, True)])
def test_a_server_that_keeps_the_connection_and_answers_nothing_is_given_up(
    postgres_url: str, word: bytes, *, passed: bool
) -> None:
    with postgres_database(postgres_url) as database, stall(database) as between:
        register = DatabaseRegister(between.url, ORIGIN)
        register.create(at(5))
        between.stall_at(word, passed=passed)
        with pytest.raises(RegisterError) as refused:
            register.move(at(5), at(6))
        assert between.stalled.is_set()
        assert (refused.value.register_fault, refused.value.fault) == (RegisterFault.UNAVAILABLE, StorageFault.GONE)
        # Those that have waited behind it are told at once.
        with pytest.raises(RegisterError, match="a moment ago"):
            register.read()
        between.go_on()
        wait_until(lambda: moved(register))
        assert register.read() == at(6)
        register.close()


def moved(register: Register) -> bool:
    """Whether a move could be made, or was made before."""
    try:
        return register.move(at(5), at(6)) == at(6)
    except RegisterError:
        return False


@pytest.mark.parametrize("kind", ["file", "sqlite"])
def test_a_register_that_another_process_holds_is_waited_for_once_and_not_by_each_in_turn(
    tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "checkpoint"
    register: Register = (
        FileRegister(path, ORIGIN, answer_seconds=2.5)
        if kind == "file"
        else DatabaseRegister(f"sqlite:///{path}", ORIGIN, answer_seconds=2.5)
    )
    register.create(at(1))
    with ExitStack() as held:
        if kind == "file":
            held.enter_context(FileLock(f"{path}.lock"))
        else:
            other = held.enter_context(closing(sqlite3.connect(path, isolation_level=None)))
            other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RegisterError, match=r"held by another process|SQLITE_BUSY"):
            register.move(at(1), at(2))
        # Those that have queued behind it are told at once.
        with pytest.raises(RegisterError, match="gave no answer a moment ago"):
            register.move(at(1), at(2))

    def is_moved() -> bool:
        with suppress(RegisterError):
            return register.move(at(1), at(2)) == at(2)
        return False

    wait_until(is_moved)
    register.close()


def test_logs_share_a_table_and_not_a_row(postgres_url: str) -> None:
    with postgres_database(postgres_url) as url:
        one, other = DatabaseRegister(url, ORIGIN), DatabaseRegister(url, "another.example/log/1")
        one.create(at(5))
        assert other.read() is None
        other.create(Checkpoint("another.example/log/1", 3, bytes(32)))
        assert one.read() == at(5)
        engine = create_engine(make_url(url), poolclass=NullPool)
        with engine.connect() as connection:
            assert connection.scalar(text("SELECT count(*) FROM checkpoint_register")) == 2
        engine.dispose()
        one.close()
        other.close()
