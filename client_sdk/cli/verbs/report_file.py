"""Reporting a portfolio from a file: plan, question, progress, and a file of what was not accepted."""

from __future__ import annotations

import csv
import io
import itertools
import os
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import violation_content
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.output import pairs, table
from client_sdk.cli.ui.target import Target
from client_sdk.lending.files import read_portfolio
from client_sdk.models.batch import Phase, RejectedRow
from client_sdk.new_file import check_new

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from client_sdk.cli.ui.output import Json
    from client_sdk.cli.ui.session import Session
    from client_sdk.models.batch import BatchReport, ProgressCallback
    from client_sdk.models.batch import Progress as Step
    from client_sdk.models.report import Report
    from client_sdk.models.violation import Violation

__all__ = ["report_file"]

_PHASES = {
    Phase.CHECKING: "checking the rules",
    Phase.RESUMING: "sending what was signed before",
    Phase.SENDING: "signing and sending",
    Phase.DONE: "done",
}
_SHOWN = 10
REJECTED_COLUMNS = ("row", "reason", "field", "rule", "got", "want")


def report_file(session: Session, file: Path, rejected: Path | None, *, dry_run: bool, yes: bool) -> ExitCode:
    """Report a portfolio.

    Args:
        session: of the verb.
        file: the portfolio.
        rejected: new file for rows that were not accepted; None for one beside the portfolio.
        dry_run: end after the plan, and write nothing.
        yes: do not ask.

    Returns:
        OK where the registry now holds every row, FOUND otherwise.

    Raises:
        UsageError: there is no such file, it is no regular file, or nobody is there to agree.
        ConfigError: the file for rejected rows exists already, or cannot be written; nothing was sent.
        CreditRegistryError: as ``Client.report_many``.
    """
    check_file(file, "give a portfolio; an identity number never goes on the command line, see `report --help`.")
    path = rejected or _free_name(file)
    check_new(path)
    with session.client() as client:
        reports = list(read_portfolio(file))
        broken = client.preflight(reports)
        if dry_run:
            _show_plan(session, reports, broken)
            return ExitCode.FOUND if broken else ExitCode.OK
        if not yes:
            session.output.tell(*_plan_lines(reports, broken))
        session.confirm("Sign and send this?", yes=yes)
        with Target(path) as target:
            with _progress(session) as told:
                done = client.report_many(reports, told)
            left = sorted((*done.rejected, *done.notes), key=lambda item: item.row)
            if left:
                target.write(session.output, _rejected_csv(left))
    _show_result(session, done, left, target.written)
    return max(target.code, ExitCode.OK if done.complete else ExitCode.FOUND)


def _free_name(file: Path) -> Path:
    """Return where rejected rows of a portfolio go: beside it, under a name that no earlier run has taken."""
    names = itertools.chain(["rejected"], (f"rejected-{place}" for place in itertools.count(2)))
    paths = (file.with_name(f"{file.name}.{name}.csv") for name in names)
    return next(path for path in paths if not os.path.lexists(path))


def _show_plan(session: Session, reports: Sequence[Report | RejectedRow], broken: Sequence[Violation]) -> None:
    violations: list[Json] = [violation_content(item) for item in broken]
    session.output.result(
        {
            "dry_run": True,
            "rows": len(reports),
            "rejected_rows": len({item.row for item in broken}),
            "rejected": violations,
            "rejected_file": None,
        },
        *_plan_lines(reports, broken),
        *_rejected_lines(broken, None),
        "Nothing was signed or sent.",
    )


def _plan_lines(reports: Sequence[Report | RejectedRow], broken: Sequence[Violation]) -> Iterator[str]:
    """Yield the plan: how many rows of which kind and standing, how many people, how many rows break a rule."""
    readable = [report for report in reports if not isinstance(report, RejectedRow)]
    people = len({report.identity for report in readable})
    yield f"Plan: {len(reports)} rows about {people} {'person' if people == 1 else 'persons'}"
    counts = Counter((report.kind, report.standing) for report in readable)
    for (kind, standing), count in sorted(counts.items()):
        yield f"  {count:>9,}  {kind.name} {standing.name}"
    if bad := len({item.row for item in broken}):
        yield f"  {bad:>9,}  rows break a rule and are not sent"


def _rejected_lines(broken: Sequence[Violation], written: str | None) -> Iterator[RenderableType]:
    if not broken:
        return
    yield table(
        ("  row", "reason", "field", "rule", "got", "want"),
        [(f"  {item.row}", item.reason, item.field, item.rule, item.got, item.want) for item in broken[:_SHOWN]],
    )
    more = len(broken) - _SHOWN
    if more > 0:
        yield f"  and {more} more" + ("" if written else "; --json shows all of them")
    where = f", which {written} lists," if written else ""
    yield f"  Correct these rows{where} and report the file again."


def _show_result(session: Session, done: BatchReport, left: Sequence[Violation], written: str | None) -> None:
    rejected: list[Json] = [violation_content(item) for item in done.rejected]
    notes: list[Json] = [violation_content(item) for item in done.notes]
    session.output.result(
        {
            "rows": done.rows,
            "records": done.records,
            "accepted": done.accepted,
            "repeated": done.repeated,
            "ended": done.ended,
            "erased": done.erased,
            "rejected_rows": done.rejected_rows,
            "rejected": rejected,
            "notes": notes,
            "rejected_file": written,
            "seconds": round(done.seconds, 3),
        },
        f"{done.rows} rows of {done.records} records in {done.seconds:.1f} s",
        pairs(
            (f"  {name}", f"{count:>9,}  {meaning}")
            for name, count, meaning in (
                ("accepted", done.accepted, "logged now"),
                ("repeated", done.repeated, "the registry had them already"),
                ("ended", done.ended, "of records that are closed; not sent"),
                ("erased", done.erased, "of records that were erased; not sent"),
                ("rejected", done.rejected_rows, "break a rule"),
            )
            if count or name in {"accepted", "repeated"}
        ),
        *_rejected_lines(left, written),
    )


def _rejected_csv(left: Sequence[Violation]) -> bytes:
    """Return the file of what was not accepted."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(REJECTED_COLUMNS)
    rows.writerows((item.row, item.reason, item.field, item.rule, item.got, item.want) for item in left)
    return text.getvalue().encode()


@contextmanager
def _progress(session: Session) -> Iterator[ProgressCallback | None]:
    """Show progress, if standard error is a terminal."""
    if session.output.as_json or not session.output.err.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("rows"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=session.output.err, transient=True) as bar:
        task = bar.add_task(_PHASES[Phase.CHECKING], total=None)

        def told(step: Step) -> None:
            bar.update(task, description=_PHASES[step.phase], completed=step.done, total=step.total or None)

        yield told
