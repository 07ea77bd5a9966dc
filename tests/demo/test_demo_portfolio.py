"""Loading a portfolio as ``make portfolio`` does: counted, and a second time without any effect."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.demo.uci_file import ALWAYS, CURED_IN_JUNE, NEVER, OPEN_SINCE_JULY, TWO_EPISODES, file, line

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 900
SHAPES = (NEVER, OPEN_SINCE_JULY, CURED_IN_JUNE, TWO_EPISODES, ALWAYS)
BORROWERS = 40


def load(data: Path, folder: Path, module: str = "demo.portfolio") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, "--data", str(data), "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)


def last_line(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert done.returncode == 0, done.stderr[-4000:]
    content: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return content


def test_a_second_run_changes_nothing_also_without_the_outboxes(tmp_path: Path) -> None:
    data, folder = tmp_path / "portfolio.csv", tmp_path / "portfolio"
    shapes = {number: SHAPES[number % len(SHAPES)] for number in range(1, BORROWERS + 1)}
    # Whoever is late at the end does not pay the next month either.
    data.write_bytes(file(line(number, late, defaulted=late[-1] > 0) for number, late in shapes.items()))
    first = last_line(load(data, folder))
    assert list(first) == [
        *("borrowers", "borrowers_with_records", "records", "versions", "open", "ended"),
        *("accepted", "repeated", "rejected", "seconds"),
    ]
    assert (first["borrowers"], first["borrowers_with_records"]) == (BORROWERS, 32)
    assert first["open"] + first["ended"] == first["records"]
    assert (first["accepted"], first["repeated"], first["rejected"]) == (first["versions"], 0, 0)
    for outbox in folder.glob("lender-*/outbox.sqlite*"):
        outbox.unlink()
    second = last_line(load(data, folder))
    assert (second["accepted"], second["repeated"], second["rejected"]) == (0, first["versions"], 0)
    told = last_line(load(data, folder, "demo.lift"))
    assert (told["borrowers"], told["listed"]) == (BORROWERS, 32)
    # Own books tell nothing here, and the registry all.
    assert told["with_registry"] == {"auc": 1.0, "lift": round(BORROWERS / told["defaulted"], 3)}


def test_a_damaged_file_is_refused_before_anything_starts(tmp_path: Path) -> None:
    data, folder = tmp_path / "portfolio.csv", tmp_path / "portfolio"
    data.write_bytes(file([line(2, NEVER)]))
    done = load(data, folder)
    assert done.returncode == 1
    assert "line 2: want client 1" in done.stderr
    assert not (folder / "registry").exists()
