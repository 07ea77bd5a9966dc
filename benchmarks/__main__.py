"""Run the benchmarks: ``python -m benchmarks [--row NAME …]``.

Prints one line a row, writes ``.bench/results.json``, and ends with status 0 only if each row reaches 0.85 of its goal.
A row that fails is printed with its error, and the others are measured all the same.
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
    "processes-batches": "processes_batches",
    "processes-singles": "processes_singles",
    "witnessed": "witnessed",
    "batch-litigation": "batch_litigation",
    "report-many": "report_many",
    "report-single": "report_single",
    "check-single": "check_single",
    "check-many": "check_many",
    "check-sdk": "check_sdk",
    "desk-check": "desk_check",
    "screen": "screen",
    "audit": "audit",
    "follow-behind": "follow_behind",
    "audit-dask": "audit_dask",
    "map": "map_change",
    "retention": "retention",
    "retention-latency": "retention_latency",
    "growth": "growth",
    "growth-large": "growth_large",
    "check-large": "check_large",
    "start": "start",
    "start-cli": "start_cli",
    "start-testing": "start_testing",
    "files-excel": "files_excel",
    "size-clear": "size_clear",
    "size-listed": "size_listed",
}
RESULTS = Path(".bench/results.json")


def run(names: Sequence[str]) -> tuple[list[Row], list[str]]:
    """Measure the rows one after the other, printing each as it is done; return them, and the names of those broken."""
    rows: list[Row] = []
    broken: list[str] = []
    for name in names:
        started = time.perf_counter()
        try:
            row: Row = importlib.import_module(f"benchmarks.rows.{ROWS[name]}").measure()
        except Exception as error:  # noqa: BLE001 - whatever it is, the other rows are measured
            broken.append(name)
            told = f"{name:<22} BROKEN: {type(error).__name__}: {error}"
        else:
            rows.append(row)
            told = render(row)
        print(told, f"({time.perf_counter() - started:.0f} s)", flush=True)
    return rows, broken


def main() -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure ratios; see the README.")
    parser.add_argument("--row", action="append", choices=sorted(ROWS), help="measure this row alone; may be repeated")
    rows, broken = run(parser.parse_args().row or list(ROWS))
    write(rows, RESULTS)
    missed = [row for row in rows if not row.met]
    for row in missed:
        print(f"goal missed: {row.name}: {row.ratio:.2f}, goal {row.goal:g}")
    if broken:
        print(f"not measured: {', '.join(broken)}")
    print(f"{len(rows) - len(missed)} of {len(rows) + len(broken)} goals met; written to {RESULTS}")
    return 0 if passes(rows) and not broken else 1


if __name__ == "__main__":
    sys.exit(main())
