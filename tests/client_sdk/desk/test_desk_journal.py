"""The journal: chained, durable before the act, mended after a crash; every change of a byte is found."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from client_sdk.desk.journal import JOURNAL_FILE, DeskAct, Journal, JournalLine, read_journal, verify_journal
from client_sdk.desk.rights import DeskRole
from client_sdk.desk.users import UserFile
from client_sdk.errors import ConfigError, ConflictError, UnavailableError
from tests.client_sdk.desk.desk_forms import PASSWORD, person_at
from tests.support.command import Command
from tests.support.desk import RunningDesk

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.testing import TestRegistry


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A journal of three acts, the second of which has failed."""
    path = tmp_path / JOURNAL_FILE
    journal = Journal(path)
    journal.note(DeskAct.STARTED)
    with pytest.raises(UnavailableError), journal.act("anna", DeskAct.ASK, reason="LOAN_APPROVAL"):
        raise UnavailableError("a text that may hold anything")
    with journal.act("anna", DeskAct.ASK) as entry:
        # What begins is on the disk before anything is done.
        assert verify_journal(path).lines == 4
        entry.about.append("ab" * 16)
    journal.close()
    return path


def lines(path: Path) -> list[JournalLine]:
    return [line for line, _ in read_journal(path)]


def test_each_act_has_its_beginning_and_its_end(file: Path) -> None:
    assert [(line.act, line.result, line.reason, line.to) for line in lines(file)] == [
        ("STARTED", "DONE", "", 0),
        ("ASK", "BEGUN", "LOAN_APPROVAL", 0),
        ("ASK", "FAILED", "UnavailableError", 2),
        ("ASK", "BEGUN", "", 0),
        ("ASK", "DONE", "", 4),
    ]
    assert lines(file)[-1].about == ("ab" * 16,)
    assert b"anything" not in file.read_bytes()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_act_ends_in_another_thread_than_it_began_in(tmp_path: Path) -> None:
    path = tmp_path / JOURNAL_FILE
    journal = Journal(path)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
        done, failed = (one.submit(journal.begin, "anna", DeskAct.ASK).result() for _ in range(2))
        done.about.append("ab" * 16)
        other.submit(journal.end, failed, UnavailableError("away")).result()
        other.submit(journal.end, done).result()
    journal.close()
    assert [(line.result, line.reason, line.to, line.about) for line in lines(path)] == [
        ("BEGUN", "", 0, ()),
        ("BEGUN", "", 0, ()),
        ("FAILED", "UnavailableError", 2, ()),
        ("DONE", "", 1, ("ab" * 16,)),
    ]


def test_a_further_run_goes_on_where_the_last_one_ended(file: Path) -> None:
    journal = Journal(file)
    journal.note(DeskAct.STARTED)
    journal.close()
    assert verify_journal(file).lines == 6


def test_every_change_of_a_byte_is_found(file: Path) -> None:
    whole = file.read_bytes()
    last_line = len(whole) - len(whole.splitlines(keepends=True)[-1])
    state = verify_journal(file)
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        if place < last_line:
            with pytest.raises(ConfigError):
                verify_journal(file)
        else:
            # A last line that was changed is another one, or torn: its digest says so.
            try:
                assert verify_journal(file).last != state.last
            except ConfigError:
                continue


@pytest.mark.parametrize("taken", [0, 1, 2, 3])
def test_a_line_that_is_left_out_put_in_or_twice_is_found(file: Path, taken: int) -> None:
    every = file.read_bytes().splitlines(keepends=True)
    for changed in ([*every[:taken], *every[taken + 1 :]], [*every[: taken + 1], *every[taken:]]):
        file.write_bytes(b"".join(changed))
        with pytest.raises(ConfigError, match="line"):
            verify_journal(file)
        with pytest.raises(ConfigError, match="line"):
            Journal(file)


def test_a_torn_last_line_is_cut_off_and_told(file: Path) -> None:
    whole = file.read_bytes()
    for torn in (b"{", b'{"about":[],"act":"ASK","at":"20', b"\xff" * 100):
        file.write_bytes(whole + torn)
        assert verify_journal(file).torn == torn
        journal = Journal(file)
        assert journal.mended == len(torn)
        journal.close()
        mended = lines(file)[-1]
        assert (mended.act, mended.about) == ("MENDED", (hashlib.sha256(torn).hexdigest(),))
        assert file.read_bytes().startswith(whole)


def test_nothing_is_done_without_the_journal(file: Path) -> None:
    journal = Journal(file)
    done = False
    journal.close()
    with pytest.raises(ConfigError, match="descriptor"), journal.act("anna", DeskAct.ASK):
        done = True
    assert not done


@pytest.mark.parametrize(
    "line", [b"[]\n", b"{}\n", b"null\n", b"\n", b"[" * 5_000 + b"\n", b'{"a":1}\n', b"x" * 20_000]
)
def test_what_is_no_line_is_refused(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / JOURNAL_FILE
    path.write_bytes(line)
    with pytest.raises(ConfigError):
        verify_journal(path)


def test_a_desk_that_is_killed_leaves_a_journal_in_order(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.enrol("lender-stopped")
    command = Command(home)
    with RunningDesk(home, tmp_path / "log") as desk:
        desk.visitor().get("/records")
        desk.stop(signal.SIGKILL)
        with (home / JOURNAL_FILE).open("ab") as journal:
            journal.write(b'{"about":[],"act":"AS')
        assert "21 bytes of a torn line" in command.said("desk", "journal", "verify").out
        desk.start()
        assert "were cut off" in desk.log()
        assert desk.stop() == 0
    shown = command.said("desk", "journal", "show").out
    assert [word for word in ("STARTED", "SIGN_IN", "LIST_RECORDS", "MENDED", "STOPPED") if word not in shown] == []
    told = command("desk", "journal", "verify").content
    assert command("desk", "journal", "verify", "--contains", told["last"]).content["contains"]
    assert "NOT FOUND" in command.said("desk", "journal", "verify", "--contains", "0" * 64, code=4).out


def test_acts_at_the_same_time_share_the_way_to_the_disk_and_keep_the_chain(tmp_path: Path) -> None:
    journal = Journal(tmp_path / JOURNAL_FILE)

    def many() -> None:
        for _ in range(25):
            with journal.act("anna", DeskAct.ASK):
                pass

    threads = [threading.Thread(target=many) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    found = lines(journal.file)
    assert len(found) == 8 * 25 * 2
    begun = {line.number for line in found if line.result == "BEGUN"}
    assert {line.to for line in found if line.result == "DONE"} == begun


def test_a_disk_that_has_failed_once_takes_no_further_act(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = Journal(file)
    done: list[int] = []

    def fails(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", fails)
        with pytest.raises(ConfigError, match="nothing is done without the journal"), journal.act("anna", DeskAct.ASK):
            done.append(1)
    with pytest.raises(ConfigError, match="did not reach the disk"), journal.act("anna", DeskAct.ASK):
        done.append(2)
    journal.close()
    assert not done
    Journal(file).close()
    # Behind the line that may not have reached the disk nothing was written.
    assert verify_journal(file).lines == 6


NUMBER = "110105180001010010"
UUID = "01234567-89ab-8def-8123-456789abcdef"


@pytest.mark.parametrize(
    ("about", "written"),
    [
        ("0" * 64, "0" * 64),
        ("12345678901234567890123456789012", "12345678901234567890123456789012"),
        (f"lender-1/{UUID}", f"lender-1/{UUID}"),
        (UUID, UUID),
        ("rows=100000", "rows=100000"),
        ("officer:anna@lender.example", "officer:anna@lender.example"),
        ("x" * 121, "?"),
        ("\0" * 5_000, "?"),
        ("<script>", "?"),
        ("", "?"),
        (NUMBER, "?"),
        (NUMBER[:15], "?"),
        (f"{NUMBER[:-1]}X/{UUID}", "?"),
        (f"officer:{NUMBER}", "?"),
        (f"{NUMBER}/{UUID}", "?"),
        (f"{NUMBER[:6]}-{NUMBER[6:14]}-{NUMBER[14:]}/{UUID}", "?"),
        ("张三", "?"),
    ],
)
def test_what_was_typed_anywhere_is_in_no_line(tmp_path: Path, about: str, written: str) -> None:
    journal = Journal(tmp_path / JOURNAL_FILE)
    with pytest.raises(ConflictError), journal.act("anna", DeskAct.ASK, about=[about]):
        raise ConflictError(about)
    journal.close()
    assert [line.about for line in lines(journal.file)] == [(written,)] * 2
    assert NUMBER not in journal.file.read_text()


def test_a_line_of_the_longest_that_it_can_name_is_read_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / JOURNAL_FILE)
    journal.note(DeskAct.ASK, "token:" + "x" * 64, about=["x" * 120] * 200, reason="X" * 64)
    journal.note(DeskAct.ASK, about=['"' * 30_000], reason='"' * 30_000)
    journal.close()
    Journal(journal.file).close()
    assert verify_journal(journal.file).lines == 2


def test_a_disk_that_is_full_says_whether_the_act_was_done(tmp_path: Path) -> None:
    journal = Journal(tmp_path / JOURNAL_FILE)
    journal.note(DeskAct.STARTED)
    full = os.open("/dev/full", os.O_WRONLY)
    ours = os.dup(journal._descriptor)
    text = "the act was done, and its end is not in the journal"
    with pytest.raises(ConfigError, match=text), journal.act("anna", DeskAct.ASK):
        os.dup2(full, journal._descriptor)
    os.dup2(ours, journal._descriptor)
    # What could not be cut off again breaks no chain: nothing is written behind it.
    with pytest.raises(ConfigError, match="nothing is done without the journal"), journal.act("anna", DeskAct.ASK):
        pytest.fail("nothing is done")
    journal.close()
    os.close(full)
    os.close(ours)
    assert [line.result for line in lines(journal.file)] == ["DONE", "BEGUN"]
    Journal(journal.file).close()


def test_nobody_makes_the_journal_unreadable_by_what_an_address_holds(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.home("admin-2")
    with RunningDesk(home, tmp_path / "log") as desk:
        visitor = desk.visitor()
        for path in ("/proposals/" + "%00" * 5_000, f"/proposals/{NUMBER}", f"/acts/{NUMBER}", f"/members/{NUMBER}"):
            assert visitor.get(path).status == 404, path
        assert visitor.get("/acts/" + "1" * 5_000).status == 404
        assert "mistake of this program" not in desk.log()
        assert desk.stop() == 0
        desk.start()
    assert NUMBER not in (home / JOURNAL_FILE).read_text()


def test_a_full_disk_keeps_nobody_signed_in(registry: TestRegistry, tmp_path: Path) -> None:
    home = registry.enrol("lender-full")
    UserFile(home).add("anna", DeskRole.OFFICER, PASSWORD)
    with RunningDesk(home, tmp_path / "log") as desk:
        anna = person_at(desk, "anna")
        before = dict(anna.cookies)
        size = (home / JOURNAL_FILE).stat().st_size
        resource.prlimit(desk.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        assert anna.get("/records").status == 500
        anna.post("/sign-out")
        anna.cookies = before
        resource.prlimit(desk.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        assert anna.get("/records").headers["location"] == "/sign-in"
        assert person_at(desk, "anna").get("/records").status == 200
    verify_journal(home / JOURNAL_FILE)
