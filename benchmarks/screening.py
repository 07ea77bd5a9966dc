"""A lender that screens customers; a process of its own.

    python -m benchmarks.screening HOME COUNT

Prints JSON: the seconds that it took, and the peak of the process's memory in MB.
"""

from __future__ import annotations

import json
import resource
import sys
import time

from benchmarks.prepare import CONSENT, identity
from client_sdk import Client, Customer, Purpose


def main() -> None:
    """Screen and print."""
    home, count = sys.argv[1], int(sys.argv[2])
    customers = [Customer(identity(number), CONSENT) for number in range(count)]
    with Client.from_home(home) as client:
        client.status()
        started = time.perf_counter()
        report = client.screen(customers, purpose=Purpose.POST_LOAN_REVIEW, officer="staff-17")
        seconds = time.perf_counter() - started
    if len(report.findings) != count:
        raise RuntimeError(f"{len(report.findings)} of {count} findings")
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "megabytes": megabytes, "pages": report.pages}))


if __name__ == "__main__":
    main()
