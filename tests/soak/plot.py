"""A plot of samples over time as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["plot"]

_WIDTH, _HEIGHT, _LEFT, _TOP, _GAP = 720, 140, 70, 30, 40
_INK = ("#1f5fa8", "#b5521b", "#3d7f3a", "#7a3d8f")


def plot(title: str, panels: Mapping[str, Mapping[str, Sequence[tuple[float, float]]]]) -> str:
    """Return panels one below the other, each with its lines of (minutes, value).

    Args:
        title: above them.
        panels: for each name with its unit the lines by name; each line has a point.
    """
    last = max(minutes for lines in panels.values() for line in lines.values() for minutes, _ in line) or 1.0
    height = _TOP + len(panels) * (_HEIGHT + _GAP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _WIDTH + 20}" height="{height}">',
        f'<g font-family="sans-serif" font-size="12"><title>{escape(title)}</title>',
        f'<text x="{_LEFT}" y="18" font-size="14">{escape(title)}</text>',
    ]
    for place, (name, lines) in enumerate(panels.items()):
        parts += _panel(name, lines, _TOP + place * (_HEIGHT + _GAP), last)
    return "\n".join((*parts, "</g></svg>", ""))


def _panel(name: str, lines: Mapping[str, Sequence[tuple[float, float]]], top: int, last: float) -> list[str]:
    most = max((value for line in lines.values() for _, value in line), default=1.0) * 1.1 or 1.0
    bottom = top + _HEIGHT
    parts = [
        f'<rect x="{_LEFT}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" fill="none" stroke="#999"/>',
        f'<text x="{_LEFT + 6}" y="{top + 16}">{escape(name)}</text>',
        f'<text x="{_LEFT - 6}" y="{top + 10}" text-anchor="end">{most:.0f}</text>',
        f'<text x="{_LEFT - 6}" y="{bottom}" text-anchor="end">0</text>',
        f'<text x="{_LEFT + _WIDTH}" y="{bottom + 16}" text-anchor="end">{last:.0f} min</text>',
    ]
    for number, (line, points) in enumerate(lines.items()):
        ink = _INK[number % len(_INK)]
        path = " ".join(
            f"{_LEFT + _WIDTH * at / last:.1f},{bottom - _HEIGHT * value / most:.1f}" for at, value in points
        )
        parts.append(f'<polyline fill="none" stroke="{ink}" stroke-width="1.5" points="{path}"/>')
        place = f'x="{_LEFT + _WIDTH - 8}" y="{top + 16 + 15 * number}"'
        parts.append(f'<text {place} text-anchor="end" fill="{ink}">{escape(line)}</text>')
    return parts
