"""Quality of a portfolio: which rules its rows break and how often, the worst first."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.kernel.formats.plain import Plain
from client_sdk.models.bar_plot import bar_plot

if TYPE_CHECKING:
    from collections.abc import Iterable

    from client_sdk.models.row_warning import RowWarning
    from client_sdk.models.violation import Violation

__all__ = ["QualityReport", "QualityRule", "RuleTier", "quality_of"]

# Rows that are named for each rule.
_EXAMPLES = 5
# Rules of a plot.
_PLOTTED = 20
# What is wrong with a value by itself, whatever the others of its row are.
_OF_ONE_VALUE = ("column.", "field.", "date.form", "date.present", "date.range")
_REASONS_OF_ONE_VALUE = frozenset(("MALFORMED", "IDENTIFIER_INVALID"))


class RuleTier(StrEnum):
    """What breaking a rule does. A file that cannot be read at all is refused before there is a report."""

    # Keeps the row back: what it says does not go together, or does not follow what was reported.
    RECORD = "RECORD"
    # Keeps the row back: one value is missing, or cannot be what it should.
    FIELD = "FIELD"
    # Keeps nothing back: allowed, and probably a mistake.
    WARNING = "WARNING"


class QualityRule(NamedTuple):
    """One rule in one column or field, with the rows that break it.

    Attributes:
        tier: what that does.
        rule: stable id, as in docs/rules.md.
        field: column, or path of a field.
        rows: how many rows break it.
        examples: the first few of these rows, ascending: lines of the file or places in the input.
    """

    tier: RuleTier
    rule: str
    field: str
    rows: int
    examples: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityReport(Plain):
    """Quality of a portfolio. It holds no value of any row.

    Attributes:
        rows: of the portfolio.
        rejected_rows: those that break a rule.
        warned_rows: those that break none and have a warning.
        score: hundredths of a percent of the rows that break no rule, rounded down; 10,000 for no rows.
        rules: the worst first: those that keep rows back before warnings, then by number of rows.
    """

    rows: int
    rejected_rows: int
    warned_rows: int
    score: int
    rules: tuple[QualityRule, ...]

    def to_svg(self) -> str:
        """Return a plot of the 20 worst rules: a bar each, as high as the rows that break it, coloured by tier."""
        tiers = list(RuleTier)
        bars = {
            f"{rule.rule} {rule.field}": (rule.rows, tuple(rule.rows if rule.tier is tier else 0 for tier in tiers))
            for rule in self.rules[:_PLOTTED]
        }
        return bar_plot("Rows by broken rule", tiers, bars)


def quality_of(
    rows: int, rejected_rows: int, violations: Iterable[Violation], warnings: Iterable[RowWarning]
) -> QualityReport:
    """Return the quality of a portfolio that was held against the rules.

    Args:
        rows: of the portfolio.
        rejected_rows: those that break a rule.
        violations: of these.
        warnings: of all rows.
    """
    broken: dict[tuple[RuleTier, str, str], set[int]] = defaultdict(set)
    rejected: set[int] = set()
    warned: set[int] = set()
    for item in violations:
        tier = RuleTier.FIELD if _is_of_one_value(item) else RuleTier.RECORD
        broken[tier, item.rule, item.field].add(item.row)
        rejected.add(item.row)
    for warning in warnings:
        broken[RuleTier.WARNING, warning.rule, warning.column].add(warning.row)
        warned.add(warning.row)
    rules = [
        QualityRule(tier, rule, field, len(found), tuple(sorted(found)[:_EXAMPLES]))
        for (tier, rule, field), found in broken.items()
    ]
    rules.sort(key=lambda rule: (rule.tier is RuleTier.WARNING, -rule.rows, rule.rule, rule.field))
    return QualityReport(
        rows=rows,
        rejected_rows=rejected_rows,
        warned_rows=len(warned - rejected),
        score=10_000 if not rows else 10_000 * (rows - rejected_rows) // rows,
        rules=tuple(rules),
    )


def _is_of_one_value(item: Violation) -> bool:
    return item.reason in _REASONS_OF_ONE_VALUE or item.rule.startswith(_OF_ONE_VALUE)
