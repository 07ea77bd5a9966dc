"""An auditor's cron job: audit what is new in the log, and keep a page of each audit that found something more.

    0 * * * *  python examples/auditors_cron.py --home auditor --pages /var/lib/audit

It prints one line, and ends with 0 where nothing was found, now or earlier, with 1 where something was, with 2 where
something has to be put in order first, and with 3 where the registry did not answer. What was found stays found; a page
that could not be written is written by the next audit.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from client_sdk import Auditor, AuditReport, CreditRegistryError, TransportError


def page_of(report: AuditReport, folder: Path) -> Path:
    """Return where the page of a report goes: a new name as soon as more was found than before."""
    return folder / f"audit-{sum(report.counts.values()):03}-found.html"


def main() -> int:
    """Run the program; return its exit code."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--pages", type=Path, required=True, help="folder of the pages")
    given = parser.parse_args()
    try:
        report = Auditor.from_home(given.home).audit(jobs=os.cpu_count() or 1)
        page = page_of(report, given.pages)
        if report.findings and not page.exists():
            report.write_html(page)
    except TransportError as error:
        print(f"not audited: {error}", file=sys.stderr)
        return 3
    except CreditRegistryError as error:
        print(f"not audited: {error}", file=sys.stderr)
        return 2
    print(f"{report.registry}: {report.size} leaves, {report.verdict}")
    return report.exit_code


# Processes that verify signatures import this file: only the first one may start the audit.
if __name__ == "__main__":
    sys.exit(main())
