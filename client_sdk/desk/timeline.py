"""The time line of a chain as SVG: one lane a stage, made here so that no script draws it.

Colours are classes of the style sheet. What the picture shows stands in words beside it, in the list of events; the
picture names that list as its description.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.desk.chain import STAGES, DebtChain, Event, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from client_sdk.desk.texts import Say

__all__ = ["Drawing", "Label", "draw"]

# Pixels.
WIDTH = 760
_LEFT, _RIGHT, _TOP, _BOTTOM = 118, 24, 14, 30
_LANE, _ROW = 34, 17
# Room of a label: a date with its text.
_LABEL = 176
_MOST_YEARS = 8


@dataclass(frozen=True, slots=True)
class Label:
    """A text at a place."""

    x: float
    y: float
    text: str
    anchor: str = "start"


@dataclass(frozen=True, slots=True)
class Drawing:
    """What the template draws.

    Attributes:
        width: of the picture.
        height: of the picture.
        lanes: name, upper edge and height of each stage.
        bars: left edge, upper edge, width, and class of each span.
        dots: places of events, with the number of the stage.
        labels: of the events.
        years: lines of the first of January, with the year.
    """

    width: int
    height: int
    lanes: tuple[tuple[str, float, float], ...]
    bars: tuple[tuple[float, float, float, str], ...]
    dots: tuple[tuple[float, float, int], ...]
    labels: tuple[Label, ...]
    years: tuple[Label, ...]


def draw(chain: DebtChain, say: Say) -> Drawing:
    """Return the drawing of a chain, in one language."""
    days = [event.on for event in chain.events] + [day for span in chain.spans for day in (span.first, span.last)]
    scale = _Scale(min(days), max(days))
    tops: dict[Stage, float] = {}
    lanes: list[tuple[str, float, float]] = []
    dots: list[tuple[float, float, int]] = []
    labels: list[Label] = []
    top = float(_TOP)
    for stage in Stage:
        tops[stage] = top
        placed = list(_placed([event for event in chain.events if event.stage is stage], scale))
        rows = max((row for _, _, row in placed), default=0) + 1
        height = _LANE + _ROW * (rows - 1)
        lanes.append((say(STAGES[stage]), top, height))
        for event, x, row in placed:
            dots.append((x, top + 10, int(stage)))
            anchor = "end" if x > WIDTH - _RIGHT - _LABEL else "start"
            labels.append(Label(x, top + 28 + _ROW * row, f"{event.on.isoformat()} {say(event.text)}", anchor))
        top += height
    bars = tuple(
        (
            scale.x(span.first),
            tops[span.stage] + 6,
            max(2.0, scale.x(span.last) - scale.x(span.first)),
            f"stage-{int(span.stage)}{'' if span.ended else ' goes-on'}",
        )
        for span in chain.spans
    )
    years = tuple(_years(scale, top))
    return Drawing(WIDTH, int(top + _BOTTOM), tuple(lanes), bars, tuple(dots), tuple(labels), years)


class _Scale:
    """Days to pixels."""

    def __init__(self, first: date, last: date) -> None:
        self.first, self.last = first, last
        self._days = max(1, (last - first).days)

    def x(self, day: date) -> float:
        share = (day - self.first).days / self._days
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)


def _placed(events: list[Event], scale: _Scale) -> Iterator[tuple[Event, float, int]]:
    """Yield events with their place and row: a label that would cover another goes into the next row."""
    ends: list[float] = []
    for event in events:
        x = scale.x(event.on)
        left = x - _LABEL if x > WIDTH - _RIGHT - _LABEL else x
        row = next((row for row, end in enumerate(ends) if end <= left), len(ends))
        ends[row : row + 1] = [left + _LABEL]
        yield event, x, row


def _years(scale: _Scale, bottom: float) -> Iterator[Label]:
    first, last = scale.first.year + 1, scale.last.year
    step = max(1, (last - first) // _MOST_YEARS + 1)
    for year in range(first, last + 1, step):
        yield Label(scale.x(scale.first.replace(year=year, month=1, day=1)), bottom + 18, str(year), "middle")
