"""The plan of a portfolio, shown before anything is sent: how it was read, how many rows of what, and what is wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.cli.ui.failures import violation_content
from client_sdk.cli.ui.output import counted, table
from client_sdk.models.batch import RejectedRow
from client_sdk.texts import recognised, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from client_sdk.cli.ui.output import Json
    from client_sdk.cli.ui.session import Run
    from client_sdk.lending.files import Portfolio
    from client_sdk.models.batch import PreflightReport
    from client_sdk.models.report import Report
    from client_sdk.models.row_warning import RowWarning
    from client_sdk.models.violation import Violation

__all__ = ["PortfolioCheck", "plan_lines", "rejected_lines", "show_plan", "warning_content", "warning_lines"]

_SHOWN = 10
_REPEATED = "row.repeated"


class PortfolioCheck(NamedTuple):
    """A portfolio that was held against the rules.

    Attributes:
        portfolio: how it was read.
        reports: its rows.
        found: what is wrong or odd in it.
        one_signature: whether one signature stands for many rows.
    """

    portfolio: Portfolio
    reports: Sequence[Report | RejectedRow]
    found: PreflightReport
    one_signature: bool = False


def show_plan(session: Run, plan: PortfolioCheck) -> None:
    """Show the plan of a dry run, with everything that was found."""
    found = plan.found
    session.output.result(
        {
            "dry_run": True,
            "form": plan.portfolio.form,
            "encoding": plan.portfolio.encoding,
            "separator": plan.portfolio.separator or None,
            "sheet": plan.portfolio.sheet or None,
            "rows": found.rows,
            "passed": found.passed,
            "repeated": found.repeated,
            "rejected_rows": found.rejected_rows,
            "rejected": [violation_content(item) for item in found.violations],
            "warnings": [warning_content(item) for item in found.warnings],
            "rejected_file": None,
            "one_signature": plan.one_signature,
        },
        *plan_lines(plan),
        *rejected_lines(found.violations, None),
        say("Nothing was signed or sent, nor compared with the registry: what it holds may make it refuse more rows."),
    )


def plan_lines(plan: PortfolioCheck) -> Iterator[RenderableType]:
    """Yield the plan; each row of the portfolio is counted in one line."""
    found = plan.found
    left = {item.row for item in found.violations} | {item.row for item in found.warnings if item.rule == _REPEATED}
    rows = [
        report
        for place, report in enumerate(plan.reports, start=1)
        if not isinstance(report, RejectedRow) and (report.row or place) not in left
    ]
    people = len({report.identity for report in rows})
    yield say(
        "Plan: {rows} about {people}, {form}",
        rows=counted(found.rows, "row"),
        people=counted(people, "person"),
        form=_form(plan.portfolio),
    )
    counts = Counter((report.kind, report.standing) for report in rows)
    for (kind, standing), count in sorted(counts.items()):
        yield f"  {count:>9,}  {kind.name} {standing.name}"
    if found.repeated:
        yield say("  {repeated:>9,}  repeated: the same as an earlier row, sent once", repeated=found.repeated)
    if found.rejected_rows:
        yield say("  {rejected_rows:>9,}  rejected: a rule is broken, not sent", rejected_rows=found.rejected_rows)
    if plan.one_signature:
        yield say(
            "  Signed together: one signature for up to 10,000 rows; each row is proved, corrected and erased alone"
        )
    yield from warning_lines(found.warnings)


def _form(portfolio: Portfolio) -> str:
    return say("read as {form}", form=recognised(portfolio.form))


def warning_lines(warnings: Sequence[RowWarning]) -> Iterator[RenderableType]:
    """Yield the warnings: values that are allowed and probably a mistake."""
    if not warnings:
        return
    yield say("  Warnings, which keep no row back: {count:,}", count=len(warnings))
    rows = [(f"  {item.row}", item.column, item.rule, recognised(item.text)) for item in warnings[:_SHOWN]]
    yield table(("  row", "column", "rule", "look at it"), rows)
    if len(warnings) > _SHOWN:
        yield say("  and {count} more; --json shows all of them", count=len(warnings) - _SHOWN)


def warning_content(item: RowWarning) -> Json:
    """Return a warning as JSON."""
    return {"row": item.row, "column": item.column, "rule": item.rule, "text": item.text}


def rejected_lines(broken: Sequence[Violation], written: str | None, again: str = "report") -> Iterator[RenderableType]:
    """Yield the first rows that break a rule, and where all of them are listed.

    Args:
        broken: rules, by row.
        written: file that lists all of them; None for none.
        again: verb with which the corrected file is given once more.
    """
    if not broken:
        return
    rows = [
        (f"  {item.row}", item.reason, item.field, item.rule, recognised(item.got), recognised(item.want))
        for item in broken[:_SHOWN]
    ]
    yield table(("  row", "reason", "field", "rule", "got", "want"), rows)
    more = len(broken) - _SHOWN
    if more > 0:
        yield say("  and {more} more", more=more) + ("" if written else say("; --json shows all of them"))
    where = say(", which {written} lists,", written=written) if written else ""
    yield say("  Correct these rows{where} and {again} the file again.", where=where, again=again)
