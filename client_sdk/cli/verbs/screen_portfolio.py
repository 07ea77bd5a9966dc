"""The portfolio of a screening: reading its customers, progress, and files and lines of what was found."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import STANDARD_INPUT
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.progress import progress_bar
from client_sdk.lending.screened import CHANGE_COLUMNS, RESULT_COLUMNS, ScreenedPortfolio, change_rows
from client_sdk.models.screening import ScreenPhase
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from client_sdk.cli.ui.output import Json
    from client_sdk.cli.ui.portfolio_input import PortfolioReading
    from client_sdk.cli.ui.session import Run
    from client_sdk.lending.columns import CustomerRow
    from client_sdk.models.screening import ScreenProgressCallback, WatchReport

__all__ = [
    "change_contents",
    "line_contents",
    "progress_of",
    "read_screened",
]

_HINT = N_(
    "give a portfolio with id_type, id_number, consent_form, consent_date and consent_digest; see `screen --help`."
)
_PHASES = {
    ScreenPhase.NAMING: (N_("asking the key services"), N_("customers")),
    ScreenPhase.READING: (N_("reading the map"), N_("pages")),
    ScreenPhase.DONE: (N_("done"), N_("customers")),
}


def change_contents(rows: Sequence[CustomerRow], report: WatchReport) -> list[dict[str, Json]]:
    """Return row, reference and change of each change."""
    return [dict(zip(CHANGE_COLUMNS, row, strict=True)) for row in change_rows(rows, report)]


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
    portfolio = ScreenedPortfolio.of(reading.customers(file))
    if not portfolio.rows and not portfolio.rejected:
        raise UsageError(say("that portfolio holds no row"), say("nothing was asked; look at where it comes from."))
    return portfolio


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
    with progress_bar(session, *map(say, _PHASES[ScreenPhase.NAMING])) as show:
        if show is None:
            yield None
        else:
            yield lambda step: show(step.done, step.total or None, *map(say, _PHASES[step.phase]))
