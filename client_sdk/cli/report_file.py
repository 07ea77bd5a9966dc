"""Reporting a portfolio from a file: plan, question, progress, and a file of what was not accepted."""

from __future__ import annotations

import csv
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from client_sdk.cli.exit_codes import ExitCode
from client_sdk.cli.failures import violation_content
from client_sdk.cli.input_file import check_file
from client_sdk.cli.output import pairs, table
from client_sdk.lending.files import read_portfolio
from client_sdk.models.batch import Phase, RejectedRow

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.console import RenderableType

    from client_sdk.cli.output import Json
    from client_sdk.cli.session import Session
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
        rejected: where rows that were not accepted go; None for a file beside the portfolio.
        dry_run: end after the plan.
        yes: do not ask.

    Returns:
        OK where the registry now holds every row, FOUND otherwise.

    Raises:
        UsageError: there is no such file, it is no regular file, or nobody is there to agree.
        CreditRegistryError: as ``Client.report_many``.
    """
    check_file(file, "give a portfolio; an identity number never goes on the command line, see `report --help`.")
    target = rejected or file.with_name(f"{file.name}.rejected.csv")
    with session.client() as client:
        reports = list(read_portfolio(file))
        broken = client.preflight(reports)
        if dry_run:
            _show_plan(session, reports, broken, target)
            return ExitCode.FOUND if broken else ExitCode.OK
        if not yes:
            session.output.tell(*_plan_lines(reports, broken))
        session.confirm("Sign and send this?", yes=yes)
        with _progress(session) as told:
            done = client.report_many(reports, told)
    _show_result(session, done, target)
    return ExitCode.OK if done.complete else ExitCode.FOUND


def _show_plan(
    session: Session, reports: Sequence[Report | RejectedRow], broken: Sequence[Violation], target: Path
) -> None:
    _write_rejected(target, broken)
    violations: list[Json] = [violation_content(item) for item in broken]
    session.output.result(
        {
            "dry_run": True,
            "rows": len(reports),
            "rejected_rows": len({item.row for item in broken}),
            "rejected": violations,
            "rejected_file": str(target) if broken else None,
        },
        *_plan_lines(reports, broken),
        *_rejected_lines(target, broken),
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


def _rejected_lines(target: Path, broken: Sequence[Violation]) -> Iterator[RenderableType]:
    if not broken:
        return
    yield table(
        ("  row", "reason", "field", "rule", "got", "want"),
        [(f"  {item.row}", item.reason, item.field, item.rule, item.got, item.want) for item in broken[:_SHOWN]],
    )
    more = len(broken) - _SHOWN
    shown = f"and {more} more, all" if more > 0 else "all"
    yield f"  {shown} of them in {target}: correct them and report the file again"


def _show_result(session: Session, done: BatchReport, target: Path) -> None:
    left = sorted((*done.rejected, *done.notes), key=lambda item: item.row)
    _write_rejected(target, left)
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
            "rejected_file": str(target) if left else None,
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
        *_rejected_lines(target, left),
    )


def _write_rejected(target: Path, left: Sequence[Violation]) -> None:
    """Write what was not accepted; a file of an earlier run that names nothing any more goes away."""
    if not left:
        target.unlink(missing_ok=True)
        return
    with target.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(REJECTED_COLUMNS)
        rows.writerows((item.row, item.reason, item.field, item.rule, item.got, item.want) for item in left)


@contextmanager
def _progress(session: Session) -> Iterator[ProgressCallback | None]:
    """Show how far it is, where somebody looks on."""
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
