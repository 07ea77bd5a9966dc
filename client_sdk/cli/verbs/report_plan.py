"""The plan of a portfolio, shown before anything is sent: how it was read, how many rows of what, and what is wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.cli.ui.failures import violation_content
from client_sdk.cli.ui.output import table
from client_sdk.models.batch import RejectedRow

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
        "Nothing was signed or sent, nor compared with the registry: what it holds may make it refuse more rows.",
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
    yield f"Plan: {found.rows} rows about {people} {'person' if people == 1 else 'persons'}, {_form(plan.portfolio)}"
    counts = Counter((report.kind, report.standing) for report in rows)
    for (kind, standing), count in sorted(counts.items()):
        yield f"  {count:>9,}  {kind.name} {standing.name}"
    if found.repeated:
        yield f"  {found.repeated:>9,}  rows say the same as an earlier row and are sent once"
    if found.rejected_rows:
        yield f"  {found.rejected_rows:>9,}  rows break a rule and are not sent"
    if plan.one_signature:
        yield "  Signed together: one signature for up to 10,000 rows; each row is proved, corrected and erased alone"
    yield from warning_lines(found.warnings)


def _form(portfolio: Portfolio) -> str:
    return f"read as {portfolio.form}"


def warning_lines(warnings: Sequence[RowWarning]) -> Iterator[RenderableType]:
    """Yield the warnings: values that are allowed and probably a mistake."""
    if not warnings:
        return
    yield f"  Warnings, which keep no row back: {len(warnings):,}"
    rows = [(f"  {item.row}", item.column, item.rule, item.text) for item in warnings[:_SHOWN]]
    yield table(("  row", "column", "rule", "look at it"), rows)
    if len(warnings) > _SHOWN:
        yield f"  and {len(warnings) - _SHOWN} more; --json shows all of them"


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
    yield table(
        ("  row", "reason", "field", "rule", "got", "want"),
        [(f"  {item.row}", item.reason, item.field, item.rule, item.got, item.want) for item in broken[:_SHOWN]],
    )
    more = len(broken) - _SHOWN
    if more > 0:
        yield f"  and {more} more" + ("" if written else "; --json shows all of them")
    where = f", which {written} lists," if written else ""
    yield f"  Correct these rows{where} and {again} the file again."
