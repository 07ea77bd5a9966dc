"""The newcomer's program does what the README says, as it stands there."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tests.readme.readme import blocks

if TYPE_CHECKING:
    from pathlib import Path

LINES = 20


def test_the_program_runs_as_it_stands(tmp_path: Path) -> None:
    (program,) = blocks("python")
    assert len([line for line in program.splitlines() if line.strip()]) <= LINES
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "CLEAR NOT_ADVERSE"
    assert done.stdout.splitlines()[1].split() == ["NO_LIVE_RECORD"]
