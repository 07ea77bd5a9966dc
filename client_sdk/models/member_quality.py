"""Quality of what members reported, by month: what the registry counted, and the score that follows from it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain
from client_sdk.kernel.ledger.quality import WEIGHTS, QualityEvent
from client_sdk.models.bar_plot import bar_plot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from client_sdk.kernel.ledger.quality import QualityRow

__all__ = ["PLOT_TITLE", "MemberQuality", "QualityMonth", "member_quality_of"]

PLOT_TITLE = "Weight of what was wrong, by month"


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityMonth(Plain):
    """One member in one month.

    Attributes:
        month: YYYY-MM.
        member: institution id.
        score: hundredths of a percent, 10,000 for nothing wrong; it follows from the counts (proto/README.md 12).
        counts: of each event that happened.
        refused: by the rule that was broken, the most frequent first; empty for an auditor, who sees the number alone.
    """

    month: str
    member: str
    score: int
    counts: Mapping[QualityEvent, int]
    refused: Mapping[str, int]

    @property
    def weights(self) -> Mapping[QualityEvent, int]:
        """What each of its events takes from the score, in tenths of a statement; 0 for what is no fault."""
        return {event: WEIGHTS.get(event, 0) for event in self.counts}


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberQuality(Plain):
    """Quality of what the caller reported, or for an auditor, of what each member reported.

    Attributes:
        size: of the log that it is of.
        before: month of its HEAD, YYYY-MM; all months are earlier ones.
        months: with any event, ascending by month and member.
    """

    size: int
    before: str
    months: tuple[QualityMonth, ...]

    def of(self, member: str) -> MemberQuality:
        """Return the months of one member."""
        return replace(self, months=tuple(item for item in self.months if item.member == member))

    def to_svg(self, say: Callable[[str], str] = str) -> str:
        """Return a plot: a bar for each month and member, as high as the weights of all that was wrong.

        Args:
            say: says its title and the names of faults in a language.
        """
        faults = sorted(WEIGHTS)
        several = len({item.member for item in self.months}) > 1
        bars = {}
        for item in self.months:
            parts = tuple(WEIGHTS[fault] * item.counts.get(fault, 0) for fault in faults)
            bars[f"{item.month} {item.member}" if several else item.month] = (sum(parts), parts)
        return bar_plot(say(PLOT_TITLE), [say(fault.name) for fault in faults], bars)


def member_quality_of(size: int, before: str, rows: Iterable[QualityRow]) -> MemberQuality:
    """Return what verified rows say."""
    return MemberQuality(size=size, before=before, months=tuple(map(_month, rows)))


def _month(row: QualityRow) -> QualityMonth:
    refused = Counter({rule: count for event, rule, count in row.counts if event is QualityEvent.REFUSED and rule})
    ordered = dict(sorted(refused.items(), key=lambda item: (-item[1], item[0])))
    counts = dict(sorted(row.by_event.items()))
    return QualityMonth(month=row.month, member=row.member, score=row.score, counts=counts, refused=ordered)
