"""A rollout as a picture: requests a minute on both fleets, the new fleet's errors, and when alarms fired.

Inline SVG in the page's own colours. It draws what the report holds and must never smooth or invent a point.
"""

from collections.abc import Sequence
from typing import Any

WIDTH, TOP, LEFT, RIGHT = 720, 22, 44, 44
TRAFFIC, ERRORS, BELOW = 110, 48, 22
GAP = 26
HEIGHT = TOP + TRAFFIC + GAP + ERRORS + BELOW

_KEYS = ('<tspan class="old">■</tspan>', '<tspan class="new">■</tspan>')

Minutes = Sequence[dict[str, float | None]]


def rollout_picture(minutes: Minutes, moments: Sequence[dict[str, Any]]) -> str:
    """The SVG of one rollout."""
    body = [*_traffic(minutes), *_errors(minutes), *_alarms(minutes, moments), *_axis(minutes)]
    label = "Requests a minute by fleet, and the new fleet's error rate, over the minutes of the rollout"
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">{"".join(body)}</svg>'


def _step(minutes: Minutes) -> float:
    return (WIDTH - LEFT - RIGHT) / max(len(minutes), 1)


def _traffic(minutes: Minutes) -> list[str]:
    """A bar a minute: the old fleet's requests, and the new fleet's on top of them."""
    most = max((row["requests"] or 0) for row in minutes) or 1
    step, base, parts = _step(minutes), TOP + TRAFFIC, []
    for i, row in enumerate(minutes):
        total, green = row["requests"] or 0, row["green"] or 0
        x, wide = LEFT + i * step + 1, max(step - 2, 1)
        old, new = (total - green) / most * TRAFFIC, green / most * TRAFFIC
        parts.append(_bar("old", x, base - old, wide, old, f"{total - green:.0f} to the old fleet"))
        parts.append(_bar("new", x, base - old - new, wide, new, f"{green:.0f} to the new fleet"))
    parts.append(_text(LEFT - 6, TOP + 9, f"{most:.0f}", "end"))
    parts.append(_text(LEFT - 6, base, "0", "end"))
    parts.append(_text(LEFT, TOP - 8, "requests a minute: {} old fleet {} new fleet".format(*_KEYS), "start"))
    return parts


def _errors(minutes: Minutes) -> list[str]:
    """A bar a minute: the share of the new fleet's requests that failed."""
    step, base, parts = _step(minutes), TOP + TRAFFIC + GAP + ERRORS, []
    most = max(*((row["error_rate"] or 0) for row in minutes), 0.1)
    for i, row in enumerate(minutes):
        if row["error_rate"] is not None:
            high = row["error_rate"] / most * ERRORS
            note = f"{row['error_rate']:.1%} of the new fleet's requests failed"
            parts.append(_bar("failed", LEFT + i * step + 1, base - high, max(step - 2, 1), high, note))
    parts.append(f'<line class="rule" x1="{LEFT}" y1="{base}" x2="{WIDTH - RIGHT}" y2="{base}"/>')
    parts.append(_text(LEFT - 6, base - ERRORS + 9, f"{most:.0%}", "end"))
    parts.append(_text(LEFT - 6, base, "0", "end"))
    failed = any(row["error_rate"] for row in minutes)
    label = "share of the new fleet's requests that failed" + ("" if failed else ": none")
    parts.append(_text(LEFT, base - ERRORS - 7, label, "start"))
    return parts


def _alarms(minutes: Minutes, moments: Sequence[dict[str, Any]]) -> list[str]:
    """A line where an alarm first fired."""
    for moment in moments:
        fired = sorted(name for name, state in moment["alarms"].items() if state == "ALARM")
        if fired:
            x = min(LEFT + moment["minute"] * _step(minutes), WIDTH - RIGHT)
            line = f'<line class="alarm" x1="{x:.1f}" y1="{TOP - 6}" x2="{x:.1f}" y2="{HEIGHT - BELOW}"/>'
            return [line, _text(x, TOP - 9, f"alarm fires: {', '.join(fired)}", "end" if x > WIDTH / 2 else "start")]
    return []


def _axis(minutes: Minutes) -> list[str]:
    step = _step(minutes)
    every = max(1, len(minutes) // 10)
    marks = [_text(LEFT + (i + 0.5) * step, HEIGHT - 6, str(i), "middle") for i in range(0, len(minutes), every)]
    return [*marks, _text(WIDTH - RIGHT + 6, HEIGHT - 6, "min", "start")]


def _bar(kind: str, x: float, y: float, wide: float, high: float, note: str) -> str:
    if high <= 0:
        return ""
    place = f'x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
    return f'<rect class="{kind}" {place}><title>{note}</title></rect>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'
