"""The outbox survives whatever happens to its process, and belongs to one member."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from client_sdk.errors import OutboxError
from client_sdk.lending.outbox import Outbox, Pending, Stored

if TYPE_CHECKING:
    from pathlib import Path

RECORD = bytes(6) + b"\x80\x00\x80" + bytes(7)
PENDING = [Pending("lender-1", RECORD, version, b"submission %d" % version) for version in (1, 2, 3)]


def opened(path: Path, institution: str = "lender-1") -> Outbox:
    return Outbox(path / "outbox.sqlite", "example", institution)


def stored(version: int) -> Stored:
    return Stored("lender-1", RECORD, version, 40 + version, 1_000, b"payload", bytes(32), bytes(64), bytes(64))


def test_what_is_pending_stays_until_its_receipt_is_stored(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.add(PENDING)
    with opened(tmp_path) as outbox:
        assert outbox.pending() == PENDING
        assert outbox.pending_version("lender-1", RECORD, 2) == PENDING[1]
        outbox.settle(b"note", 50, [stored(1)], [("lender-1", RECORD, 3)])
        assert outbox.pending() == [PENDING[1]]
        receipt = outbox.receipt("lender-1", RECORD, 1)
        assert receipt is not None
        assert (receipt.index, receipt.size, receipt.checkpoint, receipt.path) == (41, 50, b"note", (bytes(32),) * 2)
        assert outbox.receipt("lender-1", RECORD, 2) is None


def test_nobody_else_reads_it(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.add(PENDING)
        for file in tmp_path.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


def test_it_belongs_to_one_member(tmp_path: Path) -> None:
    opened(tmp_path).close()
    with pytest.raises(OutboxError, match="lender-1"):
        opened(tmp_path, "lender-2")


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outbox.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(OutboxError, match="cannot be opened"):
        opened(tmp_path)


def test_one_call_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox, opened(tmp_path) as other:
        with outbox.alone(), pytest.raises(OutboxError, match="another process"), other.alone():
            pytest.fail("two calls hold one outbox")
        with other.alone():
            assert other.pending() == []


def test_a_failed_transaction_leaves_everything_as_it_was(tmp_path: Path) -> None:
    with opened(tmp_path) as outbox:
        outbox.add(PENDING)

        def broken() -> object:
            yield stored(1)
            raise sqlite3.OperationalError("database or disk is full")

        with pytest.raises((OutboxError, sqlite3.Error)):
            outbox.settle(b"note", 50, broken())  # type: ignore[arg-type]  # fails half way
        assert outbox.pending() == PENDING
        assert outbox.receipt("lender-1", RECORD, 1) is None


def test_what_was_added_survives_a_kill(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from client_sdk.lending.outbox import Outbox, Pending\n"
        "outbox = Outbox(Path(sys.argv[1]) / 'outbox.sqlite', 'example', 'lender-1')\n"
        "record = bytes.fromhex(sys.argv[2])\n"
        "outbox.add([Pending('lender-1', record, v, b'submission %d' % v) for v in (1, 2, 3)])\n"
        "outbox._database.execute('BEGIN IMMEDIATE'); outbox._database.execute('DELETE FROM pending')\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    ended = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), RECORD.hex()], check=False, env=environment, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL
    with opened(tmp_path) as outbox:
        assert outbox.pending() == PENDING


def test_the_newest_version_of_a_record_is_kept_for_a_registry_that_loses_it_until_no_backup_lacks_it(
    tmp_path: Path,
) -> None:
    with opened(tmp_path) as outbox:
        outbox.add(PENDING[:2])
        outbox.settle(b"note", 50, [stored(1)])
        assert outbox.kept(0, 10) == ([PENDING[0]], 1)
        outbox.settle(b"note", 50, [stored(2)])
        assert outbox.pending() == []
        kept, place = outbox.kept(0, 10)
        assert kept == [PENDING[1]], "openings and facts of the version before are gone"
        assert outbox.kept(place, 10) == ([], place)
        # Given back and refused: it may be given back again.
        outbox.settle(b"", 0, [], [("lender-1", RECORD, 2)])
        assert outbox.kept(0, 10)[0] == kept
        outbox._database.execute("UPDATE pending SET until = 1")
        outbox.settle(b"", 0, [])
        assert outbox.kept(0, 10) == ([], 0)


def test_what_another_part_of_the_process_opens_and_closes_costs_no_report(tmp_path: Path) -> None:
    """A desk has the outbox open, counts what waits by itself, and a command of the same home comes and goes."""
    program = (
        "import sys, pathlib\nfrom client_sdk.lending.outbox import Outbox\n"
        "with Outbox(pathlib.Path(sys.argv[1]), 'example', 'lender-1') as outbox:\n    print(len(outbox.pending()))\n"
    )

    def seen_by_another_process() -> str:
        command = [sys.executable, "-c", program, str(tmp_path / "outbox.sqlite")]
        return subprocess.run(command, check=True, timeout=60, capture_output=True, text=True).stdout.strip()

    with opened(tmp_path) as kept:
        kept.add(PENDING[:1])
        with opened(tmp_path) as counting:
            assert counting.pending() == PENDING[:1]
        # Were it the last to have the file open, by the locks that it sees, it would delete the write-ahead log.
        assert seen_by_another_process() == "1"
        kept.add(PENDING[1:])
        assert seen_by_another_process() == "3"
    with opened(tmp_path) as again:
        assert again.pending() == PENDING
