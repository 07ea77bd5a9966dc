"""The portfolio of a screening: reading its customers, progress, and files and lines of what was found."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import STANDARD_INPUT
from client_sdk.cli.ui.input_file import check_file
from client_sdk.models.batch import RejectedRow
from client_sdk.models.screening import ScreenPhase
from client_sdk.tables.writing import table_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from client_sdk.cli.ui.output import Json
    from client_sdk.cli.ui.portfolio_input import PortfolioReading
    from client_sdk.cli.ui.session import Run
    from client_sdk.lending.columns import CustomerRow
    from client_sdk.models.screening import Customer, ScreenProgress, ScreenProgressCallback, WatchReport
    from client_sdk.models.violation import Violation

__all__ = [
    "RESULT_COLUMNS",
    "ScreenedPortfolio",
    "change_contents",
    "line_contents",
    "progress_of",
    "read_screened",
    "results_file",
]

RESULT_COLUMNS = ("row", "reference", "finding", "outcome", "rule")
_HINT = "give a portfolio with id_type, id_number, consent_form, consent_date and consent_digest; see `screen --help`."
_PHASES = {
    ScreenPhase.NAMING: ("asking the key services", "customers"),
    ScreenPhase.READING: ("reading the map", "pages"),
    ScreenPhase.DONE: ("done", "customers"),
}


class ScreenedPortfolio(NamedTuple):
    """The rows of a portfolio.

    Attributes:
        rows: that can be screened, in order.
        rejected: what is wrong with the others.
    """

    rows: list[CustomerRow]
    rejected: list[Violation]

    @property
    def customers(self) -> list[Customer]:
        """The customers of the rows, in order."""
        return [row.customer for row in self.rows]

    @property
    def rejected_rows(self) -> int:
        """Number of rows that cannot be screened."""
        return len({item.row for item in self.rejected})

    def without(self, broken: Iterable[Violation]) -> ScreenedPortfolio:
        """Return the portfolio without rows that break a rule.

        Args:
            broken: whose ``row`` is a place among the rows, counted from 1.
        """
        found = {item.row - 1: item for item in broken}
        found_again = [replace(item, row=self.rows[place].row) for place, item in found.items()]
        rows = [row for place, row in enumerate(self.rows) if place not in found]
        return ScreenedPortfolio(rows, sorted([*self.rejected, *found_again], key=lambda item: item.row))


def change_contents(rows: Sequence[CustomerRow], report: WatchReport) -> list[dict[str, Json]]:
    """Return row, reference and change of each change."""
    return [
        {
            "row": rows[change.place].row,
            "reference": rows[change.place].reference,
            "change": change.kind.name,
        }
        for change in report.changes
    ]


def read_screened(file: Path, reading: PortfolioReading) -> ScreenedPortfolio:
    """Read the customers of a portfolio; a bad row is one rejection and holds up no other.

    Args:
        file: the portfolio; ``-`` for standard input.
        reading: how it is read.

    Raises:
        UsageError: there is no such file, or it holds no row.
        CreditRegistryError: it cannot be read.
    """
    if str(file) != STANDARD_INPUT:
        check_file(file, _HINT, pipe=True)
    rows: list[CustomerRow] = []
    rejected: list[Violation] = []
    for item in reading.customers(file):
        if isinstance(item, RejectedRow):
            rejected.extend(item.violations)
        else:
            rows.append(item)
    if not rows and not rejected:
        raise UsageError("that portfolio holds no row", "nothing was asked; look at where it comes from.")
    return ScreenedPortfolio(rows, rejected)


def results_file(path: Path, lines: Sequence[Sequence[object]]) -> bytes:
    """Return a file of results, in the form that its name says: CSV, JSON Lines, Excel, Parquet or Arrow.

    Args:
        path: of the file.
        lines: values of RESULT_COLUMNS.
    """
    columns = [(name, int if name == "row" else str) for name in RESULT_COLUMNS]
    rows = ([value if isinstance(value, int) else str(value) for value in line] for line in lines)
    return table_bytes(path, columns, rows)


def line_contents(lines: Sequence[Sequence[object]]) -> Iterator[dict[str, Json]]:
    """Yield results as JSON objects, without what is empty."""
    for line in lines:
        yield {
            name: value if isinstance(value, int) else str(value)
            for name, value in zip(RESULT_COLUMNS, line, strict=True)
            if value != ""
        }


@contextmanager
def progress_of(session: Run) -> Iterator[ScreenProgressCallback | None]:
    """Show progress, if standard error is a terminal."""
    if session.output.as_json or not session.output.err.is_terminal:
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[unit]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=session.output.err, transient=True) as bar:
        description, unit = _PHASES[ScreenPhase.NAMING]
        task = bar.add_task(description, total=None, unit=unit)

        def report_progress(step: ScreenProgress) -> None:
            description, unit = _PHASES[step.phase]
            bar.update(task, description=description, unit=unit, completed=step.done, total=step.total or None)

        yield report_progress
