"""Pictures of an audit as SVG: growth of the log, a time line, bars, and a fork; each stands in words beside it.

Places are computed here, and colours are classes of the style sheet, so that no script and no inline style draws them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from client_sdk.desk.rendering import clock_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from client_sdk.auditing.tally import HeadPoint
    from client_sdk.checkpoints import Contradiction

__all__ = [
    "BarsDrawing",
    "ForkDrawing",
    "GrowthDrawing",
    "Lane",
    "TimesDrawing",
    "draw_bars",
    "draw_fork",
    "draw_growth",
    "draw_times",
]

# Pixels.
WIDTH = 760
_LEFT, _RIGHT, _TOP = 150, 24, 16
_GROWTH_HEIGHT, _AXIS = 180, 26
_LANE = 34
_BAR = 28
_ROOT_DIGITS = 16


class Lane(NamedTuple):
    """A row of a time line: its name, and the times of what happened."""

    name: str
    at: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class GrowthDrawing:
    """How a log grew: a line over time.

    Attributes:
        width: of the picture.
        height: of the picture.
        points: of the line, as SVG reads them.
        base: of the picture's ground line.
        left: where the line begins.
        most: greatest size.
        first: time on the left.
        last: time on the right.
    """

    width: int
    height: int
    points: str
    base: float
    left: float
    most: str
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class TimesDrawing:
    """Times of several kinds under one axis.

    Attributes:
        width: of the picture.
        height: of the picture.
        left: where the axis begins.
        lanes: name, height of the row, and places of its dots.
        first: time on the left.
        last: time on the right.
    """

    width: int
    height: int
    left: float
    lanes: tuple[tuple[str, float, tuple[float, ...]], ...]
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class BarsDrawing:
    """Counts side by side: name, upper edge, width and count of each bar."""

    width: int
    height: int
    left: float
    bars: tuple[tuple[str, float, float, str], ...]


@dataclass(frozen=True, slots=True)
class ForkDrawing:
    """A log that has two histories: a stem that both may share, and a branch for each.

    Attributes:
        width: of the picture.
        height: of the picture.
        split: where the branches part.
        ends: where each branch ends, with its size and the beginning of its root.
    """

    width: int
    height: int
    split: tuple[float, float]
    ends: tuple[tuple[float, float, str, str], ...]


def draw_growth(heads: Sequence[HeadPoint]) -> GrowthDrawing:
    """Return how a log grew, from at least one HEAD."""
    scale = _TimeScale([head.logged_at for head in heads])
    most = max(head.size for head in heads)
    base = float(_TOP + _GROWTH_HEIGHT)
    points = " ".join(
        f"{scale.x(head.logged_at)},{round(base - head.size / most * _GROWTH_HEIGHT, 1)}" for head in heads
    )
    return GrowthDrawing(
        WIDTH, int(base) + _AXIS, points, base, float(_LEFT), f"{most:,}", scale.first_text, scale.last_text
    )


def draw_times(lanes: Sequence[Lane]) -> TimesDrawing:
    """Return times of several kinds under one axis; there is at least one time."""
    scale = _TimeScale([at for lane in lanes for at in lane.at])
    drawn = tuple(
        (lane.name, float(_TOP + _LANE * place + _LANE // 2), tuple(scale.x(at) for at in lane.at))
        for place, lane in enumerate(lanes)
    )
    return TimesDrawing(
        WIDTH, _TOP + _LANE * len(lanes) + _AXIS, float(_LEFT), drawn, scale.first_text, scale.last_text
    )


def draw_bars(counts: Sequence[tuple[str, int]]) -> BarsDrawing:
    """Return counts as bars, of which the greatest has the whole width."""
    most = max((count for _, count in counts), default=0) or 1
    room = WIDTH - _LEFT - 60 - _RIGHT
    bars = tuple(
        (name, float(_TOP + _BAR * place), max(2.0, round(count / most * room, 1)), f"{count:,}")
        for place, (name, count) in enumerate(counts)
    )
    return BarsDrawing(WIDTH, _TOP + _BAR * len(counts) + 4, float(_LEFT + 60), bars)


def draw_fork(proof: Contradiction) -> ForkDrawing:
    """Return the two histories that a proof of misbehaviour shows; the longer branch is the larger tree."""
    first, second = proof.first.checkpoint, proof.second.checkpoint
    split = (200.0, 110.0)
    most = max(first.size, second.size) or 1
    room = 220.0
    ends = tuple(
        (round(split[0] + 60 + room * checkpoint.size / most, 1), y, f"{checkpoint.size:,}", _short(checkpoint.root))
        for checkpoint, y in ((first, 60.0), (second, 160.0))
    )
    return ForkDrawing(WIDTH, 210, split, ends)


def _short(root: bytes) -> str:
    return f"{root.hex()[:_ROOT_DIGITS]}…"


class _TimeScale:
    """Times to pixels."""

    def __init__(self, times: Sequence[datetime]) -> None:
        self._first, self._last = min(times), max(times)
        self._seconds = (self._last - self._first).total_seconds() or 1.0
        self.first_text, self.last_text = clock_text(self._first), clock_text(self._last)

    def x(self, at: datetime) -> float:
        share = (at - self._first).total_seconds() / self._seconds
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)
