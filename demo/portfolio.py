"""``python -m demo.portfolio --data FILE [--limit N]``: a real portfolio through the real path, in ``.portfolio``.

The first run founds a registry with two key services, four lenders and an auditor; further runs start what is there.
The last line on standard output is JSON; everything else goes to standard error.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from client_sdk.errors import ConfigError
from client_sdk.invented.parties import AUDITOR, LENDERS
from client_sdk.testing.folder import empty, reserved
from client_sdk.testing.interrupting import interruptible
from client_sdk.testing.ports import listens
from client_sdk.testing.programs import Programs
from client_sdk.testing.site import REGISTRY, Site
from demo.ceremony import enrol, found, install_key_services, make_keys, make_site
from demo.console import Narrator
from demo.crew import CrewError, Order, read_clients, report_at_once
from demo.recipe import Tally, tally
from demo.shell import Shell
from demo.uci import PortfolioError

if TYPE_CHECKING:
    from client_sdk.models import BatchReport
    from client_sdk.models import Progress as Step

__all__ = ["FOLDER", "main", "open_registry"]

FOLDER = Path(".portfolio")
# Made last, once the registry is founded and everybody enrolled.
_READY = "ready"
_INTERRUPTED = 130
# The unpacked file of the data set, and what it comes to for four lenders.
_WHOLE_SHA256 = "a6fb37edbf4bdc6ceaafadd7b102c03a69d5b367d9adbb4223cca9272a6fea5b"
_WHOLE = Tally(
    borrowers=30_000, borrowers_with_records=10_069, records=12_307, versions=32_331, open=7_524, ended=4_783
)


def main() -> int:
    """Load the portfolio; return 0 only if the registry then holds every version of it."""
    options = _options()
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        folder = options.folder.resolve()
        with interruptible(), reserved(folder, Site.FILE), Programs(folder) as programs:
            return _load(options, console, programs)
    except KeyboardInterrupt:
        console.print("Interrupted; run it again to go on.")
        return _INTERRUPTED
    except (PortfolioError, CrewError, ConfigError, OSError) as error:
        console.print(f"[bold red]{escape(str(error))}[/]")
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m demo.portfolio", description="Load a real portfolio.")
    parser.add_argument("--data", type=Path, required=True, help="the CSV file, as it is or compressed by gzip")
    parser.add_argument("--limit", type=_positive, help="take only the first so many clients")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="of registry, key services and lenders")
    return parser.parse_args()


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("want 1 or more")
    return number


def _load(options: argparse.Namespace, console: Console, programs: Programs) -> int:
    order = Order(programs.folder, options.data.resolve(), options.limit)
    data, clients = read_clients(order)
    expected = tally(clients, len(LENDERS))
    if order.limit is None and hashlib.sha256(data).hexdigest() == _WHOLE_SHA256 and expected != _WHOLE:
        raise PortfolioError(f"the whole file came to {expected}, want {_WHOLE}")
    console.print(
        f"{expected.borrowers:,} borrowers, {expected.borrowers_with_records:,} of them ever overdue: "
        f"{expected.records:,} records in {expected.versions:,} versions"
    )
    open_registry(console, programs)
    began = time.monotonic()
    reports = _report(order, console)
    seconds = round(time.monotonic() - began, 1)
    programs.check()
    _explain(reports, console)
    print(json.dumps(_line(expected, reports, seconds)))  # noqa: T201 - the result is for programs
    return 0 if all(report.complete for report in reports) else 1


def open_registry(console: Console, programs: Programs) -> None:
    """Start what the folder holds, or found it anew."""
    folder = programs.folder
    if (folder / _READY).exists():
        site = Site.load(folder)
        console.print(f"starting what does not run yet of {folder}")
        waiting = [party for party in site.ports if not listens(site.ports[party])]
        programs.start(*map(site.server, waiting))
        return
    console.print(f"founding a registry in {folder}")
    empty(folder)
    site = make_site(folder)
    shell = Shell(programs, Narrator(Console(quiet=True)))
    make_keys(site, shell)
    fingerprint = found(site, shell)
    programs.start(site.server(REGISTRY))
    enrol(site, shell, (*LENDERS, AUDITOR), fingerprint)
    install_key_services(site, shell)
    programs.start(*map(site.server, site.key_services))
    (folder / _READY).write_text(fingerprint + "\n")


def _report(order: Order, console: Console) -> list[BatchReport]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        tasks = [bars.add_task(lender.name, total=None) for lender in LENDERS]

        def told(place: int, step: Step) -> None:
            bars.update(tasks[place], completed=step.done, total=step.total or None)

        return report_at_once(order, told)


def _explain(reports: list[BatchReport], console: Console) -> None:
    """Name the first rows that were not taken, lender by lender."""
    for lender, report in zip(LENDERS, reports, strict=True):
        for violation in (*report.rejected, *report.notes)[:5]:
            console.print(f"{lender.name}: {violation}", markup=False)


def _line(expected: Tally, reports: list[BatchReport], seconds: float) -> dict[str, object]:
    return {
        **asdict(expected),
        "accepted": sum(report.accepted for report in reports),
        "repeated": sum(report.repeated for report in reports),
        "rejected": sum(report.rejected_rows + report.ended + report.erased for report in reports),
        "seconds": seconds,
    }


if __name__ == "__main__":
    sys.exit(main())
