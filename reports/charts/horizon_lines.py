"""Charts of rates against time or position size on logarithmic axes, with margins as level lines.

Against time, a margin holds up to where it meets the move.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from math import log

from harmonize.text import numbers
from harmonize.text.sanitize import plain, short
from reports.charts.key_rows import KeyEntry, key_height, key_rows
from reports.charts.label_layout import spread_labels
from reports.charts.scale import Scale, nice_below, ticks, with_ends
from reports.charts.svg import (
    Frame,
    Svg,
    other_line,
    path_data,
    rounded,
    svg_drawing,
    svg_text,
)

_WIDTH, _HEIGHT = 520.0, 330.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 344.0, 14.0, 286.0
_LEADER, _KEY, _LABEL = 352.0, 366.0, 370.0
_LINE = 15.0
_LONGEST = 23
_ROOM = 0.9
"""Factor by which the axis begins below the lowest line, so that none lies on it."""

_TIMES = (
    (60.0, "1 min"),
    (900.0, "15 min"),
    (3_600.0, "1 h"),
    (14_400.0, "4 h"),
    (86_400.0, "1 d"),
    (172_800.0, "2 d"),
    (432_000.0, "5 d"),
)

Point = tuple[float, float]
"""Time in seconds, or size in USD, and a rate."""


@dataclass(frozen=True, slots=True)
class MoveLine:
    """Rate against time or size, with its style and its interval.

    ``band`` has time, lower and upper bound where both are known. A line that is not emphasised is grey,
    and named on hover. The band is the 95 % interval unless ``band_name`` states otherwise.
    """

    name: str
    css: str
    points: tuple[Point, ...]
    band: tuple[tuple[float, float, float], ...] = ()
    is_emphasised: bool = True
    band_name: str = ""
    band_css: str = "b0"


@dataclass(frozen=True, slots=True)
class LevelLine:
    """Margin rate, the same at every time. One that is not emphasised is grey, and named on hover."""

    name: str
    css: str
    rate: float
    is_emphasised: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """Horizontal axis: its name, its ends if no line has a point, and its marks on a scale.

    ``right`` is where the drawing ends; names of lines are beside it, or below an axis ``is_keyed_below``.
    """

    name: str
    ends: Point
    marks: Callable[[Scale], list[tuple[float, str]]]
    right: float = _RIGHT
    is_keyed_below: bool = False


def _time_marks(scale: Scale) -> list[tuple[float, str]]:
    return [mark for mark in _TIMES if scale.first * 0.999 <= mark[0] <= scale.last * 1.001]


def _size_marks(scale: Scale) -> list[tuple[float, str]]:
    return [(size, numbers.usd(size)) for size in with_ends(scale)]


def _shock_marks(scale: Scale) -> list[tuple[float, str]]:
    return [(shock, numbers.axis_rate(shock)) for shock in with_ends(scale)]


_TIME = Axis("time", (900.0, 432_000.0), _time_marks)
_SIZE = Axis("position size", (1e4, 1e8), _size_marks)
_SHOCK = Axis("sudden fall", (0.01, 0.3), _shock_marks, _WIDTH - 12.0, is_keyed_below=True)
_KEY_TOP = _BOTTOM + 48.0


def with_jumps(
    points: Iterable[Point], jumps: Iterable[tuple[float, float, float]]
) -> tuple[Point, ...]:
    """Returns the points of a line in order, with both ends of every jump that lies between them.

    A jump is its place, and the value before and after it. Without its ends a line between two points
    would rise evenly where nothing changes up to the jump.
    """
    known = list(points)
    first, last = (min(x for x, _ in known), max(x for x, _ in known)) if known else (0.0, 0.0)
    ends = [(x, value) for x, *values in sorted(jumps) if first < x < last for value in values]
    return tuple(sorted([*known, *ends]))


def envelope(lines: Sequence[Sequence[Point]]) -> tuple[tuple[float, float, float], ...]:
    """Returns the least and largest value of several lines by place, on both sides of each jump.

    A line is straight between its points on logarithmic axes; a place that occurs twice is a jump.
    """
    found = []
    for x in sorted({x for line in lines for x, _ in line}):
        known = [line for line in lines if line[0][0] <= x <= line[-1][0]]
        for is_after in (False, True):
            values = [_value_at(line, x, is_after=is_after) for line in known]
            found.append((x, min(values), max(values)))
    return tuple(dict.fromkeys(found))


def _value_at(line: Sequence[Point], x: float, *, is_after: bool) -> float:
    """Returns the value of a line at a place within it, before or after a jump there."""
    here = [value for place, value in line if place == x]
    if here:
        return here[-1 if is_after else 0]
    (x0, y0), (x1, y1) = next(pair for pair in pairwise(line) if pair[0][0] < x < pair[1][0])
    return float(y0 * (y1 / y0) ** (log(x / x0) / log(x1 / x0)))


def horizon_lines(frame: Frame, moves: Sequence[MoveLine], levels: Sequence[LevelLine]) -> Svg:
    """Draws moves and margins against time; without any move, axes only."""
    return _rate_lines(frame, moves, levels, _TIME)


def size_lines(frame: Frame, lines: Sequence[MoveLine]) -> Svg:
    """Draws rates against position size; without any line, axes only."""
    return _rate_lines(frame, lines, (), _SIZE)


def shock_lines(frame: Frame, lines: Sequence[MoveLine]) -> Svg:
    """Draws moves against shocks, both as fractions, with their names below; or axes only."""
    return _rate_lines(frame, lines, (), _SHOCK)


def _rate_lines(
    frame: Frame, moves: Sequence[MoveLine], levels: Sequence[LevelLine], axis: Axis
) -> Svg:
    x_scale, y_scale = _scales(moves, levels, axis)
    grey = [level for level in levels if not level.is_emphasised]
    others = [move for move in moves if not move.is_emphasised and move.points]
    named = [move for move in moves if move.is_emphasised]
    entries = list(_key_entries(named)) if axis.is_keyed_below else []
    elements = [
        *_axes(x_scale, y_scale, axis),
        *(band for move in named for band in _band(move, x_scale, y_scale)),
        *(_grey_line(level, y_scale) for level in grey),
        *(_grey_move(move, x_scale, y_scale) for move in others),
        *(
            [_plain_line(move, x_scale, y_scale) for move in named if move.points]
            if axis.is_keyed_below
            else _named_lines(
                named, [level for level in levels if level.is_emphasised], x_scale, y_scale
            )
        ),
        *key_rows(entries, (_LEFT, _KEY_TOP), _WIDTH - _LEFT, 1),
    ]
    height = _KEY_TOP + key_height(len(entries), 1) + 4.0 if entries else _HEIGHT
    return svg_drawing(frame, (_WIDTH, height), elements, is_grouped=bool(grey or others))


def _key_entries(moves: Sequence[MoveLine]) -> Iterator[KeyEntry]:
    """Yields the lines, then the bands, with their names."""
    yield from (KeyEntry(move.name, f"line {move.css}") for move in moves if move.points)
    for move in moves:
        if _known_band(move):
            yield KeyEntry(_band_name(move), f"{move.band_css} paler", is_area=True)


def _plain_line(move: MoveLine, x_scale: Scale, y_scale: Scale) -> str:
    places = [(x_scale.place(place), y_scale.place(rate)) for place, rate in move.points]
    return (
        f'<g><title>{escape(plain(move.name))}</title><path class="line {move.css}"'
        f' d="{path_data(places)}"/></g>'
    )


def _scales(
    moves: Sequence[MoveLine], levels: Sequence[LevelLine], axis: Axis
) -> tuple[Scale, Scale]:
    times = [time for move in moves for time, _ in move.points] or list(axis.ends)
    rates = [rate for move in moves for _, rate in move.points]
    rates += [bound for move in moves for _, *bounds in move.band for bound in bounds]
    rates += [level.rate for level in levels]
    usable = [rate for rate in rates if rate > 0] or [0.01, 0.1]
    first, last = min(times), max(times)
    if first == last:
        first, last = first / 4, last * 4
    low, high = nice_below(min(usable) * _ROOM), -nice_below(-max(usable))
    return (
        Scale(first, last, _LEFT, axis.right, logarithmic=True),
        Scale(low, high, _BOTTOM, _TOP, logarithmic=True),
    )


def _axes(x_scale: Scale, y_scale: Scale, axis: Axis) -> Iterator[str]:
    grid = marks = ""
    for rate in ticks(y_scale):
        y = y_scale.place(rate)
        grid += f"M{rounded(_LEFT)} {rounded(y)}H{rounded(axis.right)}"
        yield svg_text("rate", _LEFT - 6.0, y + 4.0, numbers.axis_rate(rate))
    for time, label in axis.marks(x_scale):
        x = x_scale.place(time)
        marks += f"M{rounded(x)} {rounded(_BOTTOM)}v4"
        yield svg_text("notional", x, _BOTTOM + 18.0, label)
    yield svg_text("notional", (_LEFT + axis.right) / 2, _BOTTOM + 38.0, axis.name)
    line = f"M{rounded(_LEFT)} {rounded(_BOTTOM)}H{rounded(axis.right)}{marks}"
    yield f'<path class="grid" d="{grid}"/><path class="axis" d="{line}"/>'


def _band(move: MoveLine, x_scale: Scale, y_scale: Scale) -> Iterator[str]:
    known = _known_band(move)
    if not known:
        return
    upper = [(x_scale.place(time), y_scale.place(high)) for time, _, high in known]
    lower = [(x_scale.place(time), y_scale.place(low)) for time, low, _ in reversed(known)]
    note = escape(plain(_band_name(move)))
    data = f"{path_data([*upper, *lower])}Z"
    yield f'<path class="area {move.band_css} paler" d="{data}"><title>{note}</title></path>'


def _known_band(move: MoveLine) -> list[tuple[float, float, float]]:
    """Returns the part of a band that an axis can show; nothing without a width."""
    known = [row for row in move.band if row[1] > 0]
    return known if len(known) > 1 else []


def _band_name(move: MoveLine) -> str:
    return move.band_name or f"95 % interval of {move.name}"


def _grey_line(level: LevelLine, y_scale: Scale) -> str:
    y = y_scale.place(level.rate)
    data = path_data([(_LEFT, y), (_RIGHT, y)])
    return other_line(level.name, data, (_RIGHT, y), _RIGHT)


def _grey_move(move: MoveLine, x_scale: Scale, y_scale: Scale) -> str:
    places = [(x_scale.place(time), y_scale.place(rate)) for time, rate in move.points]
    return other_line(move.name, path_data(places), places[-1], _RIGHT)


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
