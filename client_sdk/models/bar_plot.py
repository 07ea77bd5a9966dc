"""A plot of stacked bars as SVG: plain text, without scripts, fonts or anything from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["bar_plot"]

# Told apart also in grey and by people who see red and green alike (palette of Okabe and Ito), then lighter once more.
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#000000")
_WITHHELD = "#bbbbbb"
_HEIGHT = 240
_LEFT, _TOP, _BAR, _GAP, _LINE = 70, 40, 26, 10, 18
_TICKS = 4
_FONT = 'font-family="sans-serif" font-size="12" role="img"'


def bar_plot(title: str, columns: Sequence[str], bars: Mapping[str, tuple[int, tuple[int | None, ...]] | None]) -> str:
    """Return the document.

    Args:
        title: above the plot.
        columns: names of the parts of a bar, in order.
        bars: by name, from left to right: the height of a bar and its parts, None for one that is withheld; a part of
            the height that no part accounts for is grey. None for a bar that is withheld as a whole.
    """
    hidden = any(bar is None or bar[0] > sum(count or 0 for count in bar[1]) for bar in bars.values())
    used = [place for place in range(len(columns)) if any(bar is not None and bar[1][place] for bar in bars.values())]
    most = max((bar[0] for bar in bars.values() if bar is not None), default=0) or 1
    width = _LEFT + max(len(bars) * (_BAR + _GAP), 420)
    below = _TOP + _HEIGHT + 2 * _LINE + 46
    height = below + (len(used) + 1) * _LINE
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {_FONT}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<text x="{_LEFT}" y="22" font-size="15">{escape(title)}</text>',
        *_scale(most, width),
    ]
    for place, (name, bar) in enumerate(bars.items()):
        lines += _bar(_LEFT + _GAP + place * (_BAR + _GAP), name, bar, most)
    names = [(columns[place], _colour(place)) for place in used]
    for place, (name, colour) in enumerate([*names, ("withheld", _WITHHELD)] if hidden else names):
        at = below + place * _LINE
        lines.append(f'<rect x="{_LEFT}" y="{at - 10}" width="12" height="12" fill="{colour}"/>')
        lines.append(f'<text x="{_LEFT + 20}" y="{at}">{escape(name)}</text>')
    return "\n".join([*lines, "</svg>", ""])


def _colour(place: int) -> str:
    return _COLOURS[place % len(_COLOURS)]


def _scale(most: int, width: int) -> list[str]:
    lines = []
    for value in sorted({most * tick // _TICKS for tick in range(_TICKS + 1)}):
        at = _TOP + _HEIGHT - round(_HEIGHT * value / most)
        lines.append(f'<line x1="{_LEFT}" y1="{at}" x2="{width}" y2="{at}" stroke="#dddddd"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{at + 4}" text-anchor="end">{value:,}</text>')
    return lines


def _bar(left: int, name: str, bar: tuple[int, tuple[int | None, ...]] | None, most: int) -> list[str]:
    base = _TOP + _HEIGHT
    turned = f'transform="rotate(-60 {left + _BAR // 2} {base + 16})"'
    label = f'<text x="{left + _BAR // 2}" y="{base + 16}" text-anchor="end" {turned}>{escape(name)}</text>'
    if bar is None:
        mark = f'<text x="{left + _BAR // 2}" y="{base - 6}" text-anchor="middle" fill="#888888">–</text>'
        return [label, mark]
    total, parts = bar
    lines, below = [label], 0
    shown = [(count, _colour(place), place) for place, count in enumerate(parts) if count]
    rest = total - sum(count for count, *_ in shown)
    for count, colour, place in [*shown, (rest, _WITHHELD, -1)]:
        if count <= 0:
            continue
        top, bottom = (round(_HEIGHT * value / most) for value in (below + count, below))
        # Columns past the palette are told apart by their place and a lighter tone.
        tone = ' fill-opacity="0.5"' if place >= len(_COLOURS) else ""
        lines.append(
            f'<rect x="{left}" y="{base - top}" width="{_BAR}" height="{top - bottom}" fill="{colour}"{tone}/>'
        )
        below += count
    return lines
