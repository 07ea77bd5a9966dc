"""Nightly batch: report a portfolio, and write down what was not taken.

    python examples/nightly_batch.py --home lender-1 --portfolio portfolio.csv --rejected rejected-2026-03-01.jsonl

It may be interrupted at any point and run again with the same file: nothing is reported twice. It ends with 0 where the
registry now holds every row, with 1 where rows were rejected, with 2 where something has to be put in order first, and
with 3 where it has to be run again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from client_sdk import (
    BatchReport,
    Client,
    CreditRegistryError,
    KeyServiceError,
    Progress,
    TransportError,
    read_portfolio,
)


def show(progress: Progress) -> None:
    """Show how far it is, on one line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r{progress.phase} {progress.done} of {progress.total or '?'}", end="", file=sys.stderr)


def report(home: Path, portfolio: Path) -> BatchReport:
    """Report every row of a file; rows that break a rule are rejected, and the others are sent."""
    with Client.from_home(home) as client:
        return client.report_many(read_portfolio(portfolio), show)


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--portfolio", type=Path, required=True)
    parser.add_argument("--rejected", type=Path, required=True, help="a new file, one JSON document a line")
    given = parser.parse_args()
    try:
        # Taken before anything is sent: a report is not lost because its file cannot be written.
        rejected = given.rejected.open("x", encoding="utf-8")
    except OSError as error:
        print(f"{given.rejected}: {error.strerror}", file=sys.stderr)
        return 2
    whole = False
    try:
        with rejected:
            done = report(given.home, given.portfolio)
            for violation in (*done.rejected, *done.notes):
                rejected.write(json.dumps(violation.to_dict(), ensure_ascii=False) + "\n")
        whole = True
    except (TransportError, KeyServiceError) as error:
        print(f"run it again: {error}", file=sys.stderr)
        return 3
    except CreditRegistryError as error:
        print(f"nothing or not all was reported: {error}", file=sys.stderr)
        return 2
    finally:
        if not whole:
            # The same command is given again, and takes the name again.
            given.rejected.unlink()
    print(f"{done.rows} rows: {done.accepted} accepted, {done.repeated} known, {done.rejected_rows} rejected")
    for warning in done.warnings:
        print(warning)
    return 0 if done.complete else 1


if __name__ == "__main__":
    sys.exit(main())
