"""Statistics of what was reported: published rows, of months that are over."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.act import Act, ClockBody
from client_sdk.kernel.formats.leaf import ActLeaf, parse_leaf
from client_sdk.kernel.formats.words import Role
from client_sdk.kernel.ledger.quality import rows_of
from client_sdk.kernel.ledger.statistics import MAX_MONTHS, month_of, months_reopened, publish
from client_sdk.kernel.rules.dates import is_month, month_before
from registry_server.errors import RefusalReason, RegistryError

if TYPE_CHECKING:
    from client_sdk.kernel.ledger.quality import QualityCount, QualityRow
    from client_sdk.kernel.ledger.statistics import MonthRow
    from registry_server.sequencing.ledger import Ledger
    from registry_server.sequencing.view import View

__all__ = ["ReportedCounts", "StatisticsAnswer"]

# Acts that are read at a time.
_ACTS = 256


class StatisticsAnswer(NamedTuple):
    """Rows ascending by month, and the commit that they are of.

    Attributes:
        size: of the log.
        before: month of its HEAD, the first that is not over: YYYY-MM.
        rows: of each month that is over.
        quality: of the reader, or for an auditor of all members; of months that are over.
    """

    size: int
    before: str
    rows: tuple[MonthRow, ...]
    quality: tuple[QualityRow, ...] = ()


class _Quality(NamedTuple):
    """Counts for the quality of what is reported, of one member or of all, in the months that were asked for."""

    counts: dict[QualityCount, int]
    of_all: bool


class ReportedCounts:
    """The use case; thread-safe.

    Args:
        ledger: whose counts are published.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        # Months that are over change no more, unless an act corrects the log's time: what was made last, and of when.
        self._made: tuple[tuple[str, int], tuple[MonthRow, ...]] = (("", 0), ())

    def rows(self, first: str, last: str, reader: str = "") -> StatisticsAnswer:
        """Return the rows of a range of months; of more than 240 the newest.

        Args:
            first: YYYY-MM; empty for the oldest there are.
            last: YYYY-MM; empty for the newest that is over.
            reader: institution id of who asks also for the quality of what is reported; empty where nobody does.

        Raises:
            RegistryError: RANGE_INVALID; one is no month, or they are in the wrong order.
        """
        for field, month in (("first_month", first), ("last_month", last)):
            if month and not is_month(month):
                want = "a month as YYYY-MM, or none"
                raise RegistryError(RefusalReason.RANGE_INVALID, field, "statistics.month", got=month[:16], want=want)
        if first and last and first > last:
            got, want = f"{first} to {last}", "a first month that is not after the last"
            raise RegistryError(RefusalReason.RANGE_INVALID, "last_month", "statistics.range", got=got, want=want)
        size, before, rows, quality = self._all(reader, first, last)
        rows = tuple(row for row in rows if first <= row.month and (not last or row.month <= last))
        newest = set(sorted({row.month for row in rows})[-MAX_MONTHS:])
        return StatisticsAnswer(
            size,
            before,
            tuple(row for row in rows if row.month in newest),
            rows_of(quality.counts, rules=not quality.of_all),
        )

    def _all(self, reader: str, first: str, last: str) -> tuple[int, str, tuple[MonthRow, ...], _Quality]:
        quality = _Quality({}, of_all=False)
        with self._ledger.view() as view:
            before = month_of(view.logged_at, view.rulebook.time_zone)
            size, commit = view.size, (before, view.head.newest_act)
            made, rows = self._made
            counts, facts = ({}, {}) if made == commit else view.counts()
            reopened = set() if made == commit else _reopened(view)
            if reader:
                of_all = Role.AUDITOR in view.directory.institution(reader).roles
                newest = min(last or before, month_before(before))
                quality = _Quality(view.quality("" if of_all else reader, first, newest), of_all)
        if made != commit:
            rows = publish(counts, facts, before, reopened)
            # Two that make it at the same time make the same; a pair is replaced as one.
            self._made = (commit, rows)
        return size, before, rows, quality


def _reopened(view: View) -> set[str]:
    """Return the months that acts have begun again by setting the log's time back."""
    found: set[str] = set()
    number = 0
    while acts := view.acts(number, _ACTS):
        number += len(acts)
        for act in acts:
            leaf = parse_leaf(act.leaf)
            if isinstance(leaf, ActLeaf) and isinstance(Act.parse(leaf.payload).body, ClockBody):
                before = parse_leaf(view.leaves_at([act.leaf_index - 1])[act.leaf_index - 1])
                found |= months_reopened(before.logged_at, leaf.logged_at, view.rulebook.time_zone)
    return found
