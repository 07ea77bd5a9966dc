"""Rows of the table: a ratio, its goal, and whether it is met."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["Row", "passes", "render", "write"]

# A row below this part of its goal fails the run.
FLOOR = 0.85


@dataclass(frozen=True, slots=True)
class Row:
    """One measured ratio.

    Attributes:
        name: by which the row is run alone.
        ours: our side.
        reference: the other side, measured in the same run.
        unit: of both sides.
        ratio: ours over reference, or a size in bytes where there is nothing to divide by.
        goal: what the ratio should reach.
        at_most: whether the goal is a ceiling.
        note: what else the row tells.
    """

    name: str
    ours: float
    reference: float
    unit: str
    ratio: float
    goal: float
    at_most: bool = False
    note: str = ""

    @property
    def reached(self) -> float:
        """How much of the goal is reached: 1 or more where it is met."""
        return self.goal / self.ratio if self.at_most else self.ratio / self.goal

    @property
    def met(self) -> bool:
        """Whether the goal is met."""
        return self.reached >= 1


def passes(rows: Iterable[Row]) -> bool:
    """Whether every row reaches the floor."""
    return all(row.reached >= FLOOR for row in rows)


def render(row: Row) -> str:
    """Return one line for people."""
    sign = "<=" if row.at_most else ">="
    verdict = "met" if row.met else f"MISSED, {row.reached:.0%} of the goal"
    sides = f"{row.ours:,.1f} / {row.reference:,.1f} {row.unit}"
    told = f"{row.name:<22} {sides:<46} {row.ratio:>10,.2f}  {sign} {row.goal:<7g} {verdict}"
    return f"{told}; {row.note}" if row.note else told


def write(rows: Iterable[Row], path: Path) -> None:
    """Write the rows as JSON."""
    path.parent.mkdir(exist_ok=True)
    fields = ("name", "ours", "reference", "unit", "ratio", "goal", "note")
    content = [{**{name: asdict(row)[name] for name in fields}, "met": row.met} for row in rows]
    path.write_text(json.dumps(content, indent=2) + "\n")
