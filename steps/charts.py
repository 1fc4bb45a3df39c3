"""Charts as inline SVG, coloured by the page's style (classes `challenger`, `champion`, `late`, `punctual`).

Strings out, nothing else: no script, no font and no picture from elsewhere, so that the report stays one file.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 520, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 14, 46
TICKS = 5

Point = tuple[float, float]


@dataclass(frozen=True)
class Series:
    """Points in data units, drawn as a line; with `dots` each point is marked as well."""

    name: str
    style: str
    points: Sequence[Point]
    dots: bool = False


@dataclass(frozen=True)
class Axes:
    """Both axes run from 0: to `x_most` and `y_most`."""

    x_label: str
    y_label: str
    x_most: float = 1.0
    y_most: float = 1.0

    def x(self, value: float) -> float:
        """Pixels from the left."""
        return LEFT + value / self.x_most * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        return HEIGHT - BOTTOM - value / self.y_most * (HEIGHT - TOP - BOTTOM)


def line_chart(title: str, axes: Axes, lines: Sequence[Series], *, diagonal: bool = False) -> str:
    """Lines on a grid; the diagonal is what chance (ROC) or perfection (calibration) looks like."""
    parts = [_frame(axes)]
    if diagonal:
        parts.append(_polyline("diagonal", [(axes.x(0), axes.y(0)), (axes.x(axes.x_most), axes.y(axes.y_most))]))
    for line in lines:
        points = [(axes.x(x), axes.y(y)) for x, y in line.points]
        parts.append(_polyline(f"line {line.style}", points))
        if line.dots:
            parts += [f'<circle class="dot {line.style}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in points]
    return _svg(title, parts)


def histogram(title: str, axes: Axes, bars: Sequence[Series], marker: float, marker_label: str) -> str:
    """Overlaid bars of equal width over x from 0 to `x_most`: each series' points are (bin's left edge, height)."""
    parts = [_frame(axes)]
    for series in bars:
        width = (WIDTH - LEFT - RIGHT) / len(series.points)
        parts += [
            f'<rect class="bar {series.style}" x="{axes.x(x) + 0.5:.1f}" y="{axes.y(y):.1f}" '
            f'width="{width - 1:.1f}" height="{axes.y(0) - axes.y(y):.1f}"/>'
            for x, y in series.points
        ]
    x = axes.x(marker)
    anchor, shift = ("end", -6) if marker > axes.x_most / 2 else ("start", 6)
    parts.append(f'<line class="marker" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{axes.y(0):.1f}"/>')
    parts.append(
        f'<text class="tick" text-anchor="{anchor}" x="{x + shift:.1f}" y="{TOP + 12}">{escape(marker_label)}</text>'
    )
    return _svg(title, parts)


def legend(series: Sequence[Series]) -> str:
    """The names of the series, each beside its colour."""
    entries = "".join(f'<li><i class="key {line.style}"></i>{escape(line.name)}</li>' for line in series)
    return f'<ul class="legend">{entries}</ul>'


def _svg(title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"{''.join(parts)}</svg>"
    )


def _polyline(style: str, points: Sequence[Point]) -> str:
    return f'<polyline class="{style}" points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in points)}"/>'


def _frame(axes: Axes) -> str:
    parts = []
    for tick in range(TICKS + 1):
        x_value, y_value = axes.x_most * tick / TICKS, axes.y_most * tick / TICKS
        x, y = axes.x(x_value), axes.y(y_value)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{TOP}" x2="{x:.1f}" y2="{axes.y(0):.1f}"/>')
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>')
        parts.append(_text("tick", "middle", x, axes.y(0) + 17, f"{x_value:.3g}"))
        parts.append(_text("tick", "end", LEFT - 7, y + 4, f"{y_value:.3g}"))
    parts.append(_text("axis", "middle", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, axes.x_label))
    middle = (TOP + HEIGHT - BOTTOM) / 2
    parts.append(
        f'<text class="axis" text-anchor="middle" transform="translate(14 {middle:.1f}) rotate(-90)">'
        f"{escape(axes.y_label)}</text>"
    )
    return "".join(parts)


def _text(style: str, anchor: str, x: float, y: float, text: str) -> str:
    return f'<text class="{style}" text-anchor="{anchor}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
