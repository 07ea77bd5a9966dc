"""Run the benchmarks: ``python -m benchmarks [--row NAME …]``.

Prints one line a row, writes ``.bench/results.json``, and ends with status 0 only if each row reaches 0.7 of its goal.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.table import Row, passes, render, write

if TYPE_CHECKING:
    from collections.abc import Sequence

# Row name -> module below benchmarks.rows; its function ``measure`` returns the rows of these names.
ROWS = {
    "streamed-sqlite": "streamed_sqlite",
    "streamed-postgresql": "streamed_postgresql",
    "report-many": "report_many",
    "report-single": "report_single",
    "check-single": "check_single",
    "check-many": "check_many",
    "check-sdk": "check_sdk",
    "audit": "audit",
    "map": "map_change",
    "growth": "growth",
    "size-clear": "size_clear",
    "size-listed": "size_listed",
}
RESULTS = Path(".bench/results.json")


def run(names: Sequence[str]) -> list[Row]:
    """Measure the rows one after the other, printing each as it is done."""
    rows: list[Row] = []
    for name in names:
        started = time.perf_counter()
        module = importlib.import_module(f"benchmarks.rows.{ROWS[name]}")
        row: Row = module.measure()
        rows.append(row)
        print(render(row), f"({time.perf_counter() - started:.0f} s)", flush=True)
    return rows


def main() -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure ratios; see the README.")
    parser.add_argument("--row", action="append", choices=sorted(ROWS), help="measure this row alone; may be repeated")
    rows = run(parser.parse_args().row or list(ROWS))
    write(rows, RESULTS)
    missed = [row for row in rows if not row.met]
    for row in missed:
        print(f"goal missed: {row.name}: {row.ratio:.2f}, goal {row.goal:g}")
    print(f"{len(rows) - len(missed)} of {len(rows)} goals met; written to {RESULTS}")
    return 0 if passes(rows) else 1


if __name__ == "__main__":
    sys.exit(main())
