"""Charts of margin rate against notional with few emphasised lines: SVG as text.

Emphasised lines have a colour, a dash and their name at the end. The others are grey, and
are named when the pointer or the keyboard reaches them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from harmonize.text import numbers
from harmonize.text.sanitize import plain, short
from reports.charts.label_layout import spread_labels
from reports.charts.scale import Scale, nice_below, with_ends
from reports.charts.svg import (
    Frame,
    Svg,
    line_css,
    other_line,
    path_data,
    rounded,
    svg_drawing,
    svg_text,
)

_WIDTH, _HEIGHT = 520.0, 300.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 350.0, 12.0, 268.0
_LEADER, _KEY, _LABEL = 360.0, 376.0, 380.0
_LINE = 15.0
_LONGEST = 21
_LONGEST_REFERENCE = 32
_BOLD_LETTER = 7.2  # approximate width of a letter of a reference
_LOG_FROM = 5.0
_TOLERANCE = 0.4  # in pixels

Point = tuple[float, float]
"""Notional in USD and margin as a share of it."""


@dataclass(frozen=True, slots=True)
class CurveLine:
    """Margin rate of one venue or reference by notional.

    ``style`` is the number of the venue, None for a reference. At ``bound`` the rate is a lower bound.
    ``is_open``: the line ends because margins above were not observed, not at a capacity. An ``is_aside``
    line is excluded from comparisons. ``mark`` is the sign of how the margin is known.
    """

    name: str
    points: tuple[Point, ...]
    style: int | None
    is_emphasised: bool
    bound: tuple[Point, ...] = ()
    is_open: bool = False
    is_aside: bool = False
    mark: str = ""

    @property
    def all_points(self) -> tuple[Point, ...]:
        """Points of the whole line, those of lower bounds last."""
        return (*self.points, *self.bound)

    @property
    def css(self) -> str:
        """Classes of colour, dash and weight."""
        own = "ref" if self.style is None else line_css(self.style)
        return f"{own} aside" if self.is_aside else own

    @property
    def label(self) -> str:
        """Name after the signs of the margin; ``≥`` if the line ends as a lower bound."""
        signs = f"{'≥' if self.bound else ''}{self.mark}"
        return f"{signs} {self.name}" if signs else self.name


def curve_lines(frame: Frame, lines: Sequence[CurveLine], ends: Point) -> Svg:
    """Draws the lines over notionals from `ends[0]` to `ends[1]`; without lines, axes only."""
    drawn = [line for line in lines if line.all_points]
    x_scale = Scale(*ends, _LEFT, _RIGHT, logarithmic=True)
    y_scale = _rate_scale([rate for line in drawn for _, rate in line.all_points])
    grey = [line for line in drawn if not line.is_emphasised]
    emphasised = [line for line in drawn if line.is_emphasised]
    elements = [
        *_axes(x_scale, y_scale),
        *(_grey_line(line, x_scale, y_scale) for line in grey),
        *_named_lines(emphasised, x_scale, y_scale),
    ]
    return svg_drawing(frame, (_WIDTH, _HEIGHT), elements, is_grouped=bool(grey))


def _rate_scale(rates: Sequence[float]) -> Scale:
    low, high = min(rates, default=0.0), max(rates, default=1.0)
    if low > 0.0 and high / low >= _LOG_FROM:
        ends = nice_below(low), -nice_below(-high)
        return Scale(*ends, _BOTTOM - 6.0, _TOP, logarithmic=True)
    highest = -nice_below(-high) if high > 0.0 else 1.0
    return Scale(0.0, highest, _BOTTOM, _TOP, logarithmic=False)


def _axes(x_scale: Scale, y_scale: Scale) -> list[str]:
    elements, grid, marks = [], "", ""
    for rate in with_ends(y_scale):
        y = y_scale.place(rate)
        grid += f"M{rounded(_LEFT)} {rounded(y)}H{rounded(_RIGHT)}"
        elements.append(svg_text("rate", _LEFT - 6.0, y + 4.0, numbers.axis_rate(rate)))
    for notional in with_ends(x_scale):
        x = x_scale.place(notional)
        marks += f"M{rounded(x)} {rounded(_BOTTOM)}v4"
        elements.append(svg_text("notional", x, _BOTTOM + 17.0, numbers.usd(notional)))
    axis = f"M{rounded(_LEFT)} {rounded(_BOTTOM)}H{rounded(_RIGHT)}{marks}"
    return [f'<path class="grid" d="{grid}"/><path class="axis" d="{axis}"/>', *elements]


def _path(points: Sequence[Point], x_scale: Scale, y_scale: Scale) -> str:
    places = [(x_scale.place(n), y_scale.place(max(rate, 0.0))) for n, rate in points]
    return _stair_data(_simplified(places)) if places else ""


def _stair_data(places: Sequence[Point]) -> str:
    """Returns lines from place to place, level and vertical ones by one coordinate.

    Coordinates are whole: a chart has some hundred of them, and half a unit is thinner than its lines.
    """
    (x, y), *others = [(f"{x:.0f}", f"{y:.0f}") for x, y in places]
    d = f"M{x} {y}"
    for next_x, next_y in others:
        if next_y == y:
            d += f"H{next_x}" if next_x != x else ""
        elif next_x == x:
            d += f"V{next_y}"
        else:
            d += f"L{next_x} {next_y}"
        x, y = next_x, next_y
    return d


def _simplified(places: Sequence[Point]) -> list[Point]:
    """Drops points that lie within `_TOLERANCE` of the straight line between those kept.

    Source: Douglas and Peucker, Algorithms for the reduction of the number of points (1973).
    """
    if len(places) < 3:  # noqa: PLR2004 - a straight line
        return list(places)
    (x0, y0), (x1, y1) = places[0], places[-1]
    length = math.hypot(x1 - x0, y1 - y0) or 1.0
    distances = [abs((x1 - x0) * (y0 - y) - (x0 - x) * (y1 - y0)) / length for x, y in places[1:-1]]
    farthest = max(range(len(distances)), key=distances.__getitem__)
    if distances[farthest] <= _TOLERANCE:
        return [places[0], places[-1]]
    middle = farthest + 1
    return [*_simplified(places[: middle + 1])[:-1], *_simplified(places[middle:])]


def _grey_line(line: CurveLine, x_scale: Scale, y_scale: Scale) -> str:
    notional, rate = line.all_points[-1]
    end = (x_scale.place(notional), y_scale.place(rate))
    known, bound = (_path(points, x_scale, y_scale) for points in (line.points, line.bound))
    faint = f'<path class="rest bound" d="{bound}"/>' if bound else ""
    return other_line(line.label, known, end, _RIGHT, faint)


def _named_lines(lines: Sequence[CurveLine], x_scale: Scale, y_scale: Scale) -> list[str]:
    """Draws lines with leaders from their ends to their names on the right."""
    ends = sorted(
        (y_scale.place(line.all_points[-1][1]), number) for number, line in enumerate(lines)
    )
    heights = spread_labels([y for y, _ in ends], _LINE, _TOP + 2.0, _BOTTOM - 2.0)
    elements = []
    for (y, number), height in zip(ends, heights, strict=True):
        line = lines[number]
        css = line.css
        x = x_scale.place(line.all_points[-1][0])
        leader = path_data([(x, y), (_RIGHT, y), (_LEADER, height)])
        key = f"M{rounded(_LEADER)} {rounded(height)}H{rounded(_KEY)}"
        d = _path(line.points, x_scale, y_scale)
        faint = _path(line.bound, x_scale, y_scale)
        bound = f'<path class="bound {css}" d="{faint}"/>' if faint else ""
        mark = "unobserved" if line.is_open else "ends"
        end = f'<path class="{mark}" d="M{rounded(x)} {rounded(y)}h0"/>' if x < _RIGHT - 1.0 else ""
        elements.append(
            f'<g><title>{escape(plain(line.label))}</title><path class="lead {css}" d="{leader}"/>'
            f'<path class="line {css}" d="{d}{key}"/>{bound}{end}</g>'
        )
        elements.append(_name_text(line, height + 4.0))
    return elements


def _name_text(line: CurveLine, y: float) -> str:
    """Returns the name of a line; that of a reference is condensed before it is cut."""
    if line.style is not None:
        return svg_text(f"name {line.css}", _LABEL, y, short(line.label, _LONGEST))
    name = short(line.label, _LONGEST_REFERENCE)
    room = _WIDTH - _LABEL
    length = room if len(name) * _BOLD_LETTER > room else None
    return svg_text(f"name {line.css}", _LABEL, y, name, length)
