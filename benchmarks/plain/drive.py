"""Runs the HTTP generator as one child process, as the other side's generator is one."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.generator import answers, output_of, write_messages
from benchmarks.plain.load import rate

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["drive"]


def drive(port: int, tls: Path, requests: Sequence[bytes], in_flight: int) -> float:
    """Send all requests, so many at once, from another process; return requests a second.

    Args:
        port: of the plain alternative.
        tls: folder with the client's certificate.
        requests: whole HTTP requests.
        in_flight: connections, each with one request under way.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "requests"
        write_messages(path, requests)
        return float(output_of("benchmarks.plain.drive", str(port), str(tls), str(path), str(in_flight)))


if __name__ == "__main__":
    print(rate(int(sys.argv[1]), Path(sys.argv[2]), list(answers(Path(sys.argv[3]))), int(sys.argv[4])))
