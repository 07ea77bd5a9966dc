"""Reporting a portfolio from a file: plan, question, progress, and a file of what was not accepted."""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError, violation_content
from client_sdk.cli.ui.identity_input import STANDARD_INPUT
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.output import counted, pairs
from client_sdk.cli.ui.portfolio_input import PortfolioReading
from client_sdk.cli.ui.progress import progress_bar
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.verbs.report_plan import (
    PortfolioCheck,
    plan_lines,
    rejected_lines,
    show_plan,
    warning_content,
    warning_lines,
)
from client_sdk.lending.rejections import rejected_table
from client_sdk.models.batch import Phase
from client_sdk.new_file import check_new
from client_sdk.tables.writing import TableKind
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from client_sdk.cli.ui.output import Json
    from client_sdk.cli.ui.session import Run
    from client_sdk.models.batch import BatchReport, ProgressCallback
    from client_sdk.models.violation import Violation

__all__ = ["FileOptions", "report_file"]

_PHASES = {
    Phase.CHECKING: N_("checking the rules"),
    Phase.RESUMING: N_("sending what was signed before"),
    Phase.SENDING: N_("signing and sending"),
    Phase.DONE: N_("done"),
}
_HINT = N_("give a portfolio; an identity number never goes on the command line, see `report --help`.")


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How a portfolio is read and signed.

    Attributes:
        rejected: new file for rows that were not accepted; None for one beside the portfolio.
        reading: how it is read.
        one_signature: whether one signature stands for many rows.
    """

    rejected: Path | None = None
    reading: PortfolioReading = field(default_factory=PortfolioReading)
    one_signature: bool = False


def report_file(session: Run, file: Path, options: FileOptions, *, dry_run: bool, yes: bool) -> ExitCode:
    """Report a portfolio.

    Args:
        session: of the verb.
        file: the portfolio; ``-`` for standard input.
        options: how it is read and signed.
        dry_run: end after the plan, and write nothing.
        yes: do not ask.

    Returns:
        OK where the registry now holds every row, FOUND otherwise.

    Raises:
        UsageError: there is no such file or it holds no row, there is no terminal to confirm on, or
            rejected rows of a pipe have no file to go to.
        ConfigError: the file for rejected rows exists already, or cannot be written; nothing was sent.
        CreditRegistryError: as ``Client.report_many``.
    """
    path = _rejected_path(file, options.rejected, dry_run=dry_run)
    if path is not None:
        check_new(path)
    if str(file) == STANDARD_INPUT and not (dry_run or yes):
        raise UsageError(
            say("nobody can be asked while the portfolio comes from standard input"), say("say --yes or --dry-run.")
        )
    portfolio = options.reading.portfolio(file)
    reports = list(portfolio)
    if not reports:
        raise UsageError(say("that portfolio holds no row"), say("nothing was reported; look at where it comes from."))
    with session.client() as client:
        plan = PortfolioCheck(portfolio, reports, client.preflight(reports), options.one_signature)
        if dry_run:
            show_plan(session, plan)
            return ExitCode.FOUND if plan.found.violations else ExitCode.OK
        if not yes:
            session.output.tell(*plan_lines(plan))
        session.confirm(say("Sign and send this?"), yes=yes)
        with OutputFile(path) as target:
            with _progress(session) as report_progress:
                done = client.report_many(reports, report_progress, one_signature=options.one_signature)
            left = sorted((*done.rejected, *done.notes), key=lambda item: item.row)
            if left:
                target.write(session.output, rejected_table(path or file, left))
    _show_result(session, done, left, target.written)
    return max(target.code, ExitCode.OK if done.complete else ExitCode.FOUND)


def _rejected_path(file: Path, rejected: Path | None, *, dry_run: bool) -> Path | None:
    """Return where rejected rows go; None where there is no such place and none is needed.

    Raises:
        UsageError: the portfolio is no file, and no place is named.
    """
    is_pipe = str(file) == STANDARD_INPUT
    if not is_pipe:
        is_pipe = check_file(file, _HINT, pipe=True)
    if rejected is not None or not is_pipe:
        return rejected or _free_name(file)
    if not dry_run:
        raise UsageError(
            say("a pipe has no name for the file of rejected rows"), say("name a new one: --rejected FILE.csv")
        )
    return None


def _free_name(file: Path) -> Path:
    """Return where rejected rows of a portfolio go: beside it, under a name that no earlier run has taken."""
    ending = ".xlsx" if TableKind.of(file) is TableKind.EXCEL else ".csv"
    names = itertools.chain(["rejected"], (f"rejected-{place}" for place in itertools.count(2)))
    paths = (file.with_name(f"{file.name}.{name}{ending}") for name in names)
    return next(path for path in paths if not os.path.lexists(path))


def _show_result(session: Run, done: BatchReport, left: Sequence[Violation], written: str | None) -> None:
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
            "warnings": [warning_content(item) for item in done.warnings],
            "signatures": done.signatures,
            "rejected_file": written,
            "seconds": round(done.seconds, 3),
        },
        say(
            "{rows} of {records} in {seconds:.1f} s, {signatures} made",
            rows=counted(done.rows, "row"),
            records=counted(done.records, "record"),
            seconds=done.seconds,
            signatures=counted(done.signatures, "signature"),
        ),
        pairs(
            (f"  {name}", f"{count:>9,}  {meaning}")
            for name, count, meaning in (
                ("accepted", done.accepted, say("logged now")),
                (
                    "repeated",
                    done.repeated,
                    say("the registry had that version, or a later one of the record, or an earlier row says the same"),
                ),
                ("ended", done.ended, say("of records that are closed; not sent")),
                ("erased", done.erased, say("of records that were erased; not sent")),
                ("rejected", done.rejected_rows, say("break a rule")),
            )
            if count or name in {"accepted", "repeated"}
        ),
        *rejected_lines(left, written),
        *warning_lines(done.warnings),
    )


@contextmanager
def _progress(session: Run) -> Iterator[ProgressCallback | None]:
    """Show progress, if standard error is a terminal."""
    with progress_bar(session, say(_PHASES[Phase.CHECKING]), say("rows")) as show:
        if show is None:
            yield None
        else:
            yield lambda step: show(step.done, step.total or None, say(_PHASES[step.phase]))
