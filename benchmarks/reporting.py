"""A lender that reports a portfolio from identity numbers; a process of its own.

    python -m benchmarks.reporting HOME FIRST COUNT

Waits for a line on standard input, reports one default each of COUNT persons, and prints the seconds that it took.
"""

from __future__ import annotations

import sys
import time

from benchmarks.prepare import facts_of, identity
from client_sdk import Client, DefaultReport, Standing


def main() -> None:
    """Report and print."""
    home, first, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    reports = [
        DefaultReport(
            identity=identity(number),
            reference=f"LN{number:012d}",
            standing=Standing.OPEN,
            facts=facts_of(f"LN{number:012d}"),
        )
        for number in range(first, first + count)
    ]
    with Client.from_home(home) as client:
        client.status()
        print("ready", flush=True)
        sys.stdin.readline()
        started = time.perf_counter()
        done = client.report_many(reports)
        seconds = time.perf_counter() - started
    if done.accepted != count:
        raise RuntimeError(f"{done.accepted} of {count} accepted")
    print(seconds)


if __name__ == "__main__":
    main()
