"""Charts of daily rates over time, with level lines and with marks of single days."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from harmonize.text import numbers
from harmonize.text.sanitize import plain, short
from reports.charts.horizon_lines import LevelLine
from reports.charts.label_layout import spread_labels
from reports.charts.scale import Scale, nice_below, ticks
from reports.charts.svg import Frame, Svg, path_data, rounded, svg_drawing, svg_text
from reports.charts.time_axis import FLOOR, LEFT, WIDTH, date_axis, level_line, time_scale

RIGHT = 318.0
LONGEST = 21
"""Largest number of letters of a name in a chart."""

_LEADER_END, _KEY_END, _LABEL = 326.0, 339.0, 343.0
_LABEL_LINE = 15.0
_TOP, _BOTTOM = 12.0, 232.0
_STEPS = 4.0  # approximate number of steps of the axis of rates
_HALF, _HIGH = 3.6, 6.6  # half the width and the height of a mark

Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class DayLine:
    """Rate per day from ``first``, in days since 1970; None where a day has none."""

    name: str
    css: str
    first: float
    rates: tuple[float | None, ...]

    @property
    def runs(self) -> list[list[tuple[float, float]]]:
        """Days with their rates, split where a day has none."""
        runs: list[list[tuple[float, float]]] = [[]]
        for place, rate in enumerate(self.rates):
            if rate is None:
                runs.append([])
            else:
                runs[-1].append((self.first + place, rate))
        return [run for run in runs if run]


@dataclass(frozen=True, slots=True)
class DayMark:
    """Rate of one day, a triangle that points up or down. ``name`` is read aloud and shown on hover."""

    day: float
    rate: float
    name: str
    is_upward: bool


@dataclass(frozen=True, slots=True)
class MarkKind:
    """Meaning of the marks that point one way."""

    name: str
    is_upward: bool


def day_lines(
    frame: Frame,
    lines: Sequence[DayLine],
    levels: Sequence[LevelLine],
    marks: Sequence[DayMark],
    kinds: Sequence[MarkKind] = (),
) -> Svg:
    """Draws daily rates, level lines from end to end, and marks; without any rate, nothing.

    A line is interrupted on days without a rate. ``kinds`` are explained if there is a mark.
    """
    visible = [line for line in lines if line.runs]
    if not visible:
        return svg_drawing(frame, (WIDTH, 40.0), [])
    days = [day for line in visible for run in line.runs for day, _ in run]
    rates = [rate for line in visible for run in line.runs for _, rate in run]
    rates += [level.rate for level in levels] + [mark.rate for mark in marks]
    x_scale = time_scale(min(days), max(days), RIGHT)
    y_scale = _rate_scale(max(rates))
    elements: list[str] = []
    for rate in ticks(y_scale):
        elements += level_line(y_scale.place(rate), numbers.axis_rate(rate), RIGHT)
    elements += [
        *date_axis(x_scale, _BOTTOM),
        *_drawn(visible, levels, x_scale, y_scale, is_marked=bool(marks)),
        *(_mark(mark, x_scale, y_scale) for mark in marks),
        *(_legend(kinds) if marks else ()),
    ]
    return svg_drawing(frame, (WIDTH, _BOTTOM + FLOOR), elements, is_grouped=bool(marks))


def _rate_scale(high: float) -> Scale:
    step = -nice_below(-high / _STEPS) if high > 0.0 else 1.0
    steps = 1
    while step * steps < high:
        steps += 1
    return Scale(0.0, step * steps, _BOTTOM, _TOP, logarithmic=False)


def _drawn(
    lines: Sequence[DayLine],
    levels: Sequence[LevelLine],
    x_scale: Scale,
    y_scale: Scale,
    *,
    is_marked: bool,
) -> Iterator[str]:
    """Draws the lines, and leaders from their ends to their names on the right."""
    parts = [(level.name, level.css, _level_places(level, y_scale)) for level in levels]
    parts += [(line.name, line.css, _places(line, x_scale, y_scale)) for line in lines]
    ordered = sorted(parts, key=lambda part: part[2][-1][-1][1])
    lowest = _BOTTOM - 4.0 - (2 * _LABEL_LINE + 6.0 if is_marked else 0.0)
    heights = spread_labels(
        [runs[-1][-1][1] for _, _, runs in ordered], _LABEL_LINE, _TOP + 4.0, lowest
    )
    for (name, css, runs), height in zip(ordered, heights, strict=True):
        end = runs[-1][-1]
        leader = path_data([end, (RIGHT, end[1]), (_LEADER_END, height)])
        key = f"M{rounded(_LEADER_END)} {rounded(height)}H{rounded(_KEY_END)}"
        data = "".join(path_data(run) for run in runs if len(run) > 1)
        yield (
            f'<g><title>{escape(plain(name))}</title><path class="lead {css}" d="{leader}"/>'
            f'<path class="line {css}" d="{data}{key}"/></g>'
        )
        dots = "".join(f"M{rounded(x)} {rounded(y)}h0" for [(x, y), *more] in runs if not more)
        if dots:
            yield f'<path class="dot {css}" d="{dots}"/>'
        yield svg_text(f"name {css}", _LABEL, height + 4.0, short(name, LONGEST))


def _places(line: DayLine, x_scale: Scale, y_scale: Scale) -> list[list[Place]]:
    return [[(x_scale.place(day), y_scale.place(rate)) for day, rate in run] for run in line.runs]


def _level_places(level: LevelLine, y_scale: Scale) -> list[list[Place]]:
    y = y_scale.place(level.rate)
    return [[(LEFT, y), (RIGHT, y)]]


def _mark(mark: DayMark, x_scale: Scale, y_scale: Scale) -> str:
    label = escape(plain(mark.name))
    place = (x_scale.place(mark.day), y_scale.place(mark.rate))
    return (
        f'<g role="img" aria-label="{label}"><title>{label}</title>'
        f"{_triangle(place, is_upward=mark.is_upward)}</g>"
    )


def _triangle(place: Place, *, is_upward: bool) -> str:
    x, y = place
    high = _HIGH if is_upward else -_HIGH
    corners = [(x - _HALF, y + high / 2), (x + _HALF, y + high / 2), (x, y - high / 2)]
    return f'<path class="b4" d="{path_data(corners)}Z"/>'


def _legend(kinds: Sequence[MarkKind]) -> Iterator[str]:
    y = _BOTTOM - _LABEL_LINE * (len(kinds) - 1)
    for kind in kinds:
        middle = (_LEADER_END + _KEY_END) / 2
        yield _triangle((middle, y - 4.0), is_upward=kind.is_upward)
        yield svg_text("name", _LABEL, y, short(kind.name, LONGEST))
        y += _LABEL_LINE
