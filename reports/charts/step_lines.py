"""Charts of margins over time: step lines over windows of market stress."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harmonize.document.history import ObservationGap, SeriesPoint, StressWindow
from harmonize.text import numbers
from harmonize.text.sanitize import short
from reports.charts.dates import day_number
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
from reports.charts.time_axis import (
    FLOOR,
    WIDTH,
    date_axis,
    flag_height,
    level_line,
    stress_bands,
    time_scale,
)

RIGHT = 318.0
LONGEST = 21
"""Largest number of letters of a name in a chart."""

_LEADER_END, _KEY_END, _LABEL = 326.0, 339.0, 343.0
_LABEL_LINE = 15.0
_TALL = 214.0
_LOG_FROM = 5.0
_STEPS = 4.0  # approximate number of steps of a linear axis
_WHOLE = 1e-9  # tolerance: 0.15 is three steps of 0.05

RateSpan = tuple[float, float, float]
"""Start day, end day and the rate in between."""


@dataclass(frozen=True, slots=True)
class StepLine:
    """Margin series as a chart line: name at its end, style, and time of the last observation.

    A line that is not emphasised is grey, and named on hover and on focus only. In ``gaps`` the margin
    was not observed.
    """

    name: str
    css: str
    points: tuple[SeriesPoint, ...]
    until: str
    is_emphasised: bool = True
    gaps: tuple[ObservationGap, ...] = ()

    @property
    def quiet_days(self) -> list[tuple[float, float]]:
        """First and last day of each gap, in order."""
        return [(day_number(gap.first), day_number(gap.last)) for gap in self.gaps]

    @property
    def runs(self) -> list[list[RateSpan]]:
        """Rate spans in order of time, split where the rate is unknown."""
        ends = [
            *(day_number(point.observed_at) for point in self.points[1:]),
            day_number(self.until),
        ]
        runs: list[list[RateSpan]] = [[]]
        for point, end in zip(self.points, ends, strict=True):
            if point.rate is None:
                runs.append([])
            else:
                runs[-1].append((day_number(point.observed_at), end, point.rate))
        return [run for run in runs if run]


def step_lines(frame: Frame, lines: Sequence[StepLine], stress: Sequence[StressWindow]) -> Svg:
    """Draws margins over time: each rate holds until the next, up to the last observation.

    A line is interrupted where its margin is unknown, and dotted where it was not observed for long; a
    single observation is a dot.
    """
    visible = [line for line in lines if line.runs]
    if not visible:
        return svg_drawing(frame, (WIDTH, 40.0), [])
    x_scale = time_scale(
        min(day_number(line.points[0].observed_at) for line in visible),
        max(day_number(line.until) for line in visible),
        RIGHT,
    )
    top = flag_height(x_scale, stress)
    named = [line for line in visible if line.is_emphasised]
    others = [line for line in visible if not line.is_emphasised]
    bottom = top + max(_TALL, len(named) * _LABEL_LINE)
    y_scale = _rate_scale(
        [rate for line in visible for run in line.runs for _, _, rate in run], bottom, top
    )
    elements = [*stress_bands(x_scale, stress, (top, bottom))]
    for rate in ticks(y_scale):
        elements += level_line(y_scale.place(rate), numbers.axis_rate(rate), RIGHT)
    elements += [
        *date_axis(x_scale, bottom),
        *(_other_line(line, x_scale, y_scale) for line in others),
        *_named_lines(named, x_scale, y_scale, (top, bottom)),
    ]
    return svg_drawing(frame, (WIDTH, bottom + FLOOR), elements, is_grouped=bool(others))


def _other_line(line: StepLine, x_scale: Scale, y_scale: Scale) -> str:
    paths = _line_paths(line, x_scale, y_scale)
    dots = "".join(_dot_data(run, x_scale, y_scale) for run in line.runs if _is_brief(run, x_scale))
    y, x = _line_end(line, x_scale, y_scale)
    drawn = other_line(line.name, paths.observed, (x, y), RIGHT, paths.quiet_elements("rest"))
    dot = f'<path class="rest dot" d="{dots}"/></g>' if dots else "</g>"
    return f"{drawn.removesuffix('</g>')}{dot}"


def _rate_scale(rates: Sequence[float], bottom: float, top: float) -> Scale:
    low, high = min(rates), max(rates)
    if low > 0.0 and high / low >= _LOG_FROM:
        ends = nice_below(low), -nice_below(-high)
        return Scale(*ends, bottom - 4.0, top, logarithmic=True)
    step = -nice_below(-high / _STEPS) if high > 0.0 else 1.0
    highest = step * max(1, math.ceil(high / step - _WHOLE))
    return Scale(0.0, highest, bottom, top, logarithmic=False)


def _named_lines(
    lines: Sequence[StepLine], x_scale: Scale, y_scale: Scale, bounds: tuple[float, float]
) -> Iterator[str]:
    """Draws the lines, and leaders from their ends to the names on the right."""
    ends = sorted((*_line_end(line, x_scale, y_scale), number) for number, line in enumerate(lines))
    heights = spread_labels([y for y, _, _ in ends], _LABEL_LINE, bounds[0] + 4.0, bounds[1] - 4.0)
    end_dots = ""
    for (y, x, number), height in zip(ends, heights, strict=True):
        line = lines[number]
        leader = path_data([(x, y), (RIGHT, y), (_LEADER_END, height)])
        yield f'<path class="lead {line.css}" d="{leader}"/>'
        paths = _line_paths(line, x_scale, y_scale)
        key = f"M{rounded(_LEADER_END)} {rounded(height)}H{rounded(_KEY_END)}"
        yield f'<path class="line {line.css}" d="{paths.observed}{key}"/>'
        yield paths.quiet_elements(line.css)
        yield from (
            _dot(run, line.css, x_scale, y_scale) for run in line.runs if _is_brief(run, x_scale)
        )
        yield svg_text(f"name {line.css}", _LABEL, height + 4.0, short(line.name, LONGEST))
        if x < RIGHT - 1.0 and not _is_brief(line.runs[-1], x_scale):
            end_dots += f"M{rounded(x)} {rounded(y)}h0"
    if end_dots:
        yield f'<path class="ends" d="{end_dots}"/>'


def _line_end(line: StepLine, x_scale: Scale, y_scale: Scale) -> tuple[float, float]:
    """Returns the end of a line: y, then x."""
    _, until, rate = line.runs[-1][-1]
    return y_scale.place(rate), x_scale.place(until)


@dataclass(frozen=True, slots=True)
class _Paths:
    """Parts of a line: as observed, in gaps, and the observations at the ends of gaps."""

    observed: str
    quiet: str
    ends: str

    def quiet_elements(self, css: str) -> str:
        """Returns what is drawn beside the line as observed; nothing without gaps."""
        if not self.quiet:
            return ""
        return (
            f'<path class="gap {css}" d="{self.quiet}"/><path class="seen {css}" d="{self.ends}"/>'
        )


def _line_paths(line: StepLine, x_scale: Scale, y_scale: Scale) -> _Paths:
    parts = [_stair_paths(run, line.quiet_days, x_scale, y_scale) for run in line.runs]
    return _Paths(*("".join(texts) for texts in zip(*parts, strict=True)))


def _stair_paths(
    run: Sequence[RateSpan],
    quiet_days: Sequence[tuple[float, float]],
    x_scale: Scale,
    y_scale: Scale,
) -> tuple[str, str, str]:
    """Returns the stairs of a run: what was observed, what lies in a gap, and the ends of gaps.

    The step at the end of a gap belongs to the gap: when the rate changed in it is not known.
    """
    paths, ends = {False: "", True: ""}, ""
    was_quiet: bool | None = None
    x = y = ""
    for start, end, rate, is_quiet in _pieces(run, quiet_days):
        previous, x, y = y, rounded(x_scale.place(start)), rounded(y_scale.place(rate))
        if was_quiet is not None and y != previous:
            paths[was_quiet] += f"V{y}"
        if was_quiet is not is_quiet:
            paths[is_quiet] += f"M{x} {y}"
        ends += f"M{x} {y}h0" if is_quiet or was_quiet else ""
        x = rounded(x_scale.place(end))
        paths[is_quiet] += f"H{x}"
        was_quiet = is_quiet
    ends += f"M{x} {y}h0" if was_quiet else ""
    return paths[False], paths[True], ends


def _pieces(
    run: Sequence[RateSpan], quiet_days: Sequence[tuple[float, float]]
) -> Iterator[tuple[float, float, float, bool]]:
    """Yields the spans of a run, cut at the ends of gaps; with whether each lies in a gap."""
    for start, end, rate in run:
        at = start
        for first, last in quiet_days:
            if first >= end or last <= at:
                continue
            if first > at:
                yield at, first, rate, False
            yield max(at, first), min(end, last), rate, True
            at = min(end, last)
        if at < end or start == end:
            yield at, end, rate, False


def _is_brief(run: Sequence[RateSpan], x_scale: Scale) -> bool:
    """Whether a run is too short to be visible as a line."""
    return x_scale.place(run[-1][1]) - x_scale.place(run[0][0]) < 1.0


def _dot(run: Sequence[RateSpan], css: str, x_scale: Scale, y_scale: Scale) -> str:
    return f'<path class="dot {css}" d="{_dot_data(run, x_scale, y_scale)}"/>'


def _dot_data(run: Sequence[RateSpan], x_scale: Scale, y_scale: Scale) -> str:
    return f"M{rounded(x_scale.place(run[0][0]))} {rounded(y_scale.place(run[-1][2]))}h0"
