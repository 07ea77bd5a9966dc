"""The customers of a file that is screened: its rows, what a screening or a look finds of each, and tables of that."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from client_sdk.errors import PreflightError
from client_sdk.models.batch import RejectedRow
from client_sdk.tables.writing import TableKind, no_formula, table_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from client_sdk.lending.columns import CustomerRow
    from client_sdk.models.screening import Customer, ScreenReport, WatchReport
    from client_sdk.models.violation import Violation

__all__ = [
    "CHANGE_COLUMNS",
    "RESULT_COLUMNS",
    "ScreenedPortfolio",
    "change_rows",
    "look_at",
    "result_rows",
    "screened_table",
]

R = TypeVar("R")

RESULT_COLUMNS = ("row", "reference", "finding", "outcome", "rule")
CHANGE_COLUMNS = ("row", "reference", "change")
_REJECTED = "REJECTED"


class ScreenedPortfolio(NamedTuple):
    """The rows of a portfolio.

    Attributes:
        rows: that can be screened, in order.
        rejected: what is wrong with the others.
    """

    rows: list[CustomerRow]
    rejected: list[Violation]

    @classmethod
    def of(cls, items: Iterable[CustomerRow | RejectedRow]) -> ScreenedPortfolio:
        """Take in rows; a bad one is one rejection and holds up no other."""
        portfolio = cls([], [])
        for item in items:
            if isinstance(item, RejectedRow):
                portfolio.rejected.extend(item.violations)
            else:
                portfolio.rows.append(item)
        return portfolio

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
        found = list(broken)
        found_again = [replace(item, row=self.rows[item.row - 1].row) for item in found]
        left_out = {item.row - 1 for item in found}
        rows = [row for place, row in enumerate(self.rows) if place not in left_out]
        return ScreenedPortfolio(rows, sorted([*self.rejected, *found_again], key=lambda item: item.row))


def look_at(portfolio: ScreenedPortfolio, look: Callable[[ScreenedPortfolio], R]) -> tuple[ScreenedPortfolio, R]:
    """Return the rows that were screened, and what was found; rows whose consent is not in order are left out.

    Args:
        portfolio: to be screened.
        look: screens it.

    Raises:
        PreflightError: no row is left, or purpose or officer are not in order.
        CreditRegistryError: as for ``Client.screen``.
    """
    if not portfolio.rows:
        raise PreflightError(tuple(portfolio.rejected))
    try:
        return portfolio, look(portfolio)
    except PreflightError as error:
        # Nothing was sent yet.
        if not all(item.row for item in error.violations):
            raise
        left = portfolio.without(error.violations)
    if not left.rows:
        raise PreflightError(tuple(left.rejected))
    return left, look(left)


def result_rows(
    portfolio: ScreenedPortfolio, report: ScreenReport, outcomes: Mapping[int, str]
) -> list[tuple[object, ...]]:
    """Return a row of RESULT_COLUMNS for each row of the portfolio, in its order.

    Args:
        portfolio: that was screened.
        report: of the screening.
        outcomes: of inquiries about customers, by their place.
    """
    found: list[tuple[object, ...]] = [
        (row.row, row.reference, finding.name, outcomes.get(place, ""), "")
        for place, (row, finding) in enumerate(zip(portfolio.rows, report.findings, strict=True))
    ]
    rejected = {item.row: (item.row, "", _REJECTED, "", item.rule) for item in reversed(portfolio.rejected)}
    return sorted([*found, *rejected.values()], key=lambda line: int(str(line[0])))


def change_rows(rows: Sequence[CustomerRow], report: WatchReport) -> list[tuple[int, str, str]]:
    """Return a row of CHANGE_COLUMNS for each change."""
    return [(rows[change.place].row, rows[change.place].reference, change.kind.name) for change in report.changes]


def screened_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a file of what was found, in the form that its name says: CSV, JSON Lines, Excel, Parquet or Arrow.

    Args:
        path: its name.
        columns: RESULT_COLUMNS or CHANGE_COLUMNS.
        rows: values of these.
    """
    typed = [(name, int if name == "row" else str) for name in columns]
    safe = no_formula if TableKind.of(path) is TableKind.CSV else str
    return table_bytes(
        path, typed, ([value if isinstance(value, int) else safe(str(value)) for value in row] for row in rows)
    )
