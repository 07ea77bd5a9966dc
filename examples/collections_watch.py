"""Collections system: watch the customers under collection, and make a task of each that others have begun to report.

    30 5 * * *  python examples/collections_watch.py --home lender-1 --cases cases.csv --officer collections \
                    --state collections.watch --tasks /var/spool/collections/tasks.jsonl

`cases.csv` has the columns id_type, id_number, reference, consent_form, consent_date and consent_digest. The registry
learns how many customers are watched and not who: a look fetches whole pages of its map. A task is one line,
`{"case": "LOAN-4711", "change": "LISTED", "as_of": "…"}`, and is on disk before the look counts: after a crash it may
be there twice, and is never lost. It ends with 0, with 1 where rows of the cases could not be read, with 2 where
something has to be put in order first, and with 3 where it has to be run again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from client_sdk import (
    Client,
    CreditRegistryError,
    CustomerRow,
    KeyServiceError,
    Purpose,
    RejectedRow,
    TransportError,
    WatchReport,
    read_customers,
)


def add_tasks(tasks: Path, report: WatchReport, cases: list[CustomerRow]) -> None:
    """Add a line for each change, and wait until the disk has them."""
    as_of = report.screening.as_of.isoformat()
    with tasks.open("a", encoding="utf-8") as file:
        for change in report.changes:
            line = {"case": cases[change.place].reference, "change": change.kind, "as_of": as_of}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        file.flush()
        os.fsync(file.fileno())


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--officer", required=True)
    parser.add_argument("--state", type=Path, required=True, help="keeps the last look; made by the first")
    parser.add_argument("--tasks", type=Path, required=True, help="lines are added to it")
    given = parser.parse_args()
    try:
        rows = list(read_customers(given.cases))
        cases = [row for row in rows if isinstance(row, CustomerRow)]
        with Client.from_home(given.home) as client:
            report = client.watch(
                [case.customer for case in cases],
                purpose=Purpose.COLLECTION,
                officer=given.officer,
                state=given.state,
                take=lambda report: add_tasks(given.tasks, report, cases),
            )
    except (TransportError, KeyServiceError) as error:
        print(f"run it again: {error}", file=sys.stderr)
        return 3
    except (CreditRegistryError, OSError) as error:
        print(f"not watched: {error}", file=sys.stderr)
        return 2
    unread = [row for row in rows if isinstance(row, RejectedRow)]
    for row in unread:
        print(*row.violations, sep="\n", file=sys.stderr)
    print(f"{len(cases)} customers, {len(report.changes)} changed since {report.since or 'the beginning'}")
    return 1 if unread else 0


if __name__ == "__main__":
    sys.exit(main())
