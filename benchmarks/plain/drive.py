"""Runs the HTTP generator as one child process, as the other side's generator is one."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.generator import answers, write_messages
from benchmarks.plain.load import rate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["drive"]


def drive(port: int, requests: Sequence[bytes], in_flight: int) -> float:
    """Send all requests, so many at once, from another process; return requests a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests"
        write_messages(path, requests)
        command = [sys.executable, "-m", "benchmarks.plain.drive", str(port), str(path), str(in_flight)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


if __name__ == "__main__":
    print(rate(int(sys.argv[1]), list(answers(Path(sys.argv[2]))), int(sys.argv[3])))
