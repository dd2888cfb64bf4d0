"""Charts of a move against time on logarithmic axes, with margins as level lines.

Where a margin meets a move is how long it holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from harmonize.text import numbers
from harmonize.text.sanitize import plain, short
from reports.charts.label_layout import spread_labels
from reports.charts.scale import Scale, nice_below, ticks
from reports.charts.svg import (
    Frame,
    Svg,
    other_line,
    path_data,
    rounded,
    svg_drawing,
    svg_text,
)

_WIDTH, _HEIGHT = 600.0, 330.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 52.0, 400.0, 14.0, 286.0
_LEADER, _KEY, _LABEL = 412.0, 428.0, 433.0
_LINE = 15.0
_LONGEST = 26
_ROOM = 0.9
"""Factor by which the axis begins below the lowest line, so that none lies on it."""

_TIMES = (
    (60.0, "1 min"),
    (900.0, "15 min"),
    (3_600.0, "1 h"),
    (14_400.0, "4 h"),
    (86_400.0, "1 day"),
    (172_800.0, "2 days"),
    (432_000.0, "5 days"),
)

Point = tuple[float, float]
"""Time in seconds and a rate."""


@dataclass(frozen=True, slots=True)
class MoveLine:
    """Measured move against time, with its style and its interval.

    ``band`` has time, lower and upper bound where both are known.
    """

    name: str
    css: str
    points: tuple[Point, ...]
    band: tuple[tuple[float, float, float], ...] = ()


@dataclass(frozen=True, slots=True)
class LevelLine:
    """Margin rate, the same at every time. One that is not emphasised is grey, and named on hover."""

    name: str
    css: str
    rate: float
    is_emphasised: bool = True


def horizon_lines(frame: Frame, moves: Sequence[MoveLine], levels: Sequence[LevelLine]) -> Svg:
    """Draws moves and margins; without any move, axes only."""
    x_scale, y_scale = _scales(moves, levels)
    grey = [level for level in levels if not level.is_emphasised]
    elements = [
        *_axes(x_scale, y_scale),
        *(band for move in moves for band in _band(move, x_scale, y_scale)),
        *(_grey_line(level, y_scale) for level in grey),
        *_named_lines(moves, [level for level in levels if level.is_emphasised], x_scale, y_scale),
    ]
    return svg_drawing(frame, (_WIDTH, _HEIGHT), elements, is_grouped=bool(grey))


def _scales(moves: Sequence[MoveLine], levels: Sequence[LevelLine]) -> tuple[Scale, Scale]:
    times = [time for move in moves for time, _ in move.points] or [900.0, 432_000.0]
    rates = [rate for move in moves for _, rate in move.points]
    rates += [bound for move in moves for _, *bounds in move.band for bound in bounds]
    rates += [level.rate for level in levels]
    usable = [rate for rate in rates if rate > 0] or [0.01, 0.1]
    first, last = min(times), max(times)
    if first == last:
        first, last = first / 4, last * 4
    low, high = nice_below(min(usable) * _ROOM), -nice_below(-max(usable))
    return (
        Scale(first, last, _LEFT, _RIGHT, logarithmic=True),
        Scale(low, high, _BOTTOM, _TOP, logarithmic=True),
    )


def _axes(x_scale: Scale, y_scale: Scale) -> Iterator[str]:
    grid = marks = ""
    for rate in ticks(y_scale):
        y = y_scale.place(rate)
        grid += f"M{rounded(_LEFT)} {rounded(y)}H{rounded(_RIGHT)}"
        yield svg_text("rate", _LEFT - 6.0, y + 4.0, numbers.axis_rate(rate))
    shown = [tick for tick in _TIMES if x_scale.first * 0.999 <= tick[0] <= x_scale.last * 1.001]
    for time, label in shown:
        x = x_scale.place(time)
        marks += f"M{rounded(x)} {rounded(_BOTTOM)}v4"
        yield svg_text("notional", x, _BOTTOM + 18.0, label)
    yield svg_text("notional", (_LEFT + _RIGHT) / 2, _BOTTOM + 38.0, "time")
    axis = f"M{rounded(_LEFT)} {rounded(_BOTTOM)}H{rounded(_RIGHT)}{marks}"
    yield f'<path class="grid" d="{grid}"/><path class="axis" d="{axis}"/>'


def _band(move: MoveLine, x_scale: Scale, y_scale: Scale) -> Iterator[str]:
    known = [row for row in move.band if row[1] > 0]
    if len(known) < 2:  # noqa: PLR2004 - an area needs a width
        return
    upper = [(x_scale.place(time), y_scale.place(high)) for time, _, high in known]
    lower = [(x_scale.place(time), y_scale.place(low)) for time, low, _ in reversed(known)]
    note = escape(plain(f"95 % interval of {move.name}"))
    data = f"{path_data([*upper, *lower])}Z"
    yield f'<path class="area b0 paler" d="{data}"><title>{note}</title></path>'


def _grey_line(level: LevelLine, y_scale: Scale) -> str:
    y = y_scale.place(level.rate)
    data = path_data([(_LEFT, y), (_RIGHT, y)])
    return other_line(level.name, data, (_RIGHT, y), _RIGHT)


def _named_lines(
    moves: Sequence[MoveLine], levels: Sequence[LevelLine], x_scale: Scale, y_scale: Scale
) -> Iterator[str]:
    """Draws the lines, and leaders from their ends to their names on the right."""
    lines = [
        (move.name, move.css, [(x_scale.place(t), y_scale.place(rate)) for t, rate in move.points])
        for move in moves
        if move.points
    ]
    for level in levels:
        y = y_scale.place(level.rate)
        lines.append((level.name, level.css, [(_LEFT, y), (_RIGHT, y)]))
    ordered = sorted(lines, key=lambda line: line[2][-1][1])
    heights = spread_labels(
        [points[-1][1] for _, _, points in ordered], _LINE, _TOP + 2.0, _BOTTOM - 2.0
    )
    for (name, css, points), height in zip(ordered, heights, strict=True):
        leader = path_data([points[-1], (_RIGHT, points[-1][1]), (_LEADER, height)])
        key = f"M{rounded(_LEADER)} {rounded(height)}H{rounded(_KEY)}"
        yield (
            f'<g><title>{escape(plain(name))}</title><path class="lead {css}" d="{leader}"/>'
            f'<path class="line {css}" d="{path_data(points)}{key}"/></g>'
        )
        yield svg_text(f"name {css}", _LABEL, height + 4.0, short(name, _LONGEST))
