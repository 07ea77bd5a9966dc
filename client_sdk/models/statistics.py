"""Statistics of what all lenders reported: counts that are about nobody."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.errors import FormatError
from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.ledger.statistics import COLUMNS, Breakdown
from client_sdk.models.bar_plot import bar_plot

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["Breakdown", "RecordCount", "Statistics", "StatisticsRow"]

_ENDS = ("WITHDRAWN", "SET_ASIDE")


class RecordCount(NamedTuple):
    """Records of one kind, in months that are over.

    Attributes:
        kind: its name.
        opened: how many were.
        ended: how many were withdrawn or set aside.
        withheld: whether small counts are left out.
    """

    kind: str
    opened: int
    ended: int
    withheld: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsRow(Plain):
    """One month under one breakdown.

    Attributes:
        month: YYYY-MM.
        breakdown: by what the total is divided.
        total: sum of all counts; None where it is withheld, and every count with it.
        counts: by column, in order; None for one that is withheld.
    """

    month: str
    breakdown: Breakdown
    total: int | None
    counts: Mapping[str, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics(Plain):
    """Counts of statements by month, of months that are over.

    Attributes:
        size: of the log that they are of.
        before: the first month that was not over, YYYY-MM.
        rows: ascending by month, then in the order of ``Breakdown``; a month without statements has none.
    """

    size: int
    before: str
    rows: tuple[StatisticsRow, ...]

    def of(self, breakdown: Breakdown | str) -> tuple[StatisticsRow, ...]:
        """Return the rows under one breakdown, ascending by month."""
        return tuple(row for row in self.rows if row.breakdown == breakdown)

    def records(self) -> tuple[RecordCount, ...]:
        """Return how many records lenders have opened and ended, by kind."""
        counted: dict[str, list[int]] = {}
        withheld: set[str] = set()
        for row in self.of(Breakdown.EVENT):
            for column, count in row.counts.items():
                kind, _, event = column.partition(" ")
                side = 0 if event == "OPENED" else 1 if event in _ENDS else None
                if side is None:
                    continue
                counted.setdefault(kind, [0, 0])[side] += count or 0
                if count is None:
                    withheld.add(kind)
        return tuple(RecordCount(kind, opened, ended, kind in withheld) for kind, (opened, ended) in counted.items())

    def to_csv(self) -> str:
        """Return one line a count: month, breakdown, column, count; what is withheld has none. TOTAL is the sum."""
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(("month", "breakdown", "column", "count"))
        lines.writerows(self.counts())
        return text.getvalue()

    def counts(self) -> Iterator[tuple[str, str, str, int | None]]:
        """Yield month, breakdown, column and count of each count; None where it is withheld. TOTAL is the sum."""
        for row in self.rows:
            for column, count in {**row.counts, "TOTAL": row.total}.items():
                yield row.month, str(row.breakdown), column, count

    def to_svg(self, breakdown: Breakdown | str) -> str:
        """Return a plot of one breakdown: a stacked bar a month; what is withheld is the grey part of a bar.

        Raises:
            FormatError: there is no such breakdown.
        """
        if breakdown not in set(Breakdown):
            raise FormatError(
                "statistics", "statistics.word", got="another word", want=f"one of {', '.join(Breakdown)}"
            )
        kind = Breakdown(breakdown)
        bars = {
            row.month: None if row.total is None else (row.total, tuple(row.counts.values())) for row in self.of(kind)
        }
        return bar_plot(f"{kind.replace('_', ' ').capitalize()}, statements a month", COLUMNS[kind], bars)
