"""Drawings of margins over time: lines that step, over windows of stress."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harmonize.document.history import SeriesPoint, StressWindow
from harmonize.text import numbers
from harmonize.text.sanitize import short
from reports.charts.dates import moment
from reports.charts.label_layout import spread_labels
from reports.charts.margin_curves import Svg
from reports.charts.scale import Scale, nice_below, ticks
from reports.charts.svg import Frame, drawing, path, tenth, text
from reports.charts.time_axis import FLOOR, WIDTH, bands, floor, head, level, over

RIGHT = 344.0
LONGEST = 16
"""The letters of a name that are drawn."""

_LEADER_END, _KEY_END, _LABEL = 353.0, 366.0, 370.0
_LABEL_LINE = 15.0
_TALL = 214.0
_LOG_FROM = 5.0
_RISE = 4.0  # steps of a linear axis, about
_WHOLE = 1e-9  # so that 0.15 is three steps of 0.05

Stretch = tuple[float, float, float]
"""From when, until when, at what rate."""


@dataclass(frozen=True, slots=True)
class Line:
    """A margin over time as it is drawn: the name at its end, its style, and until when it is known."""

    name: str
    css: str
    marks: tuple[SeriesPoint, ...]
    until: str

    @property
    def runs(self) -> list[list[Stretch]]:
        """Stretches in order of time, parted where nothing was known."""
        ends = [*(moment(one.observed_at) for one in self.marks[1:]), moment(self.until)]
        runs: list[list[Stretch]] = [[]]
        for one, end in zip(self.marks, ends, strict=True):
            if one.rate is None:
                runs.append([])
            else:
                runs[-1].append((moment(one.observed_at), end, one.rate))
        return [run for run in runs if run]


def steps(frame: Frame, lines: Sequence[Line], stress: Sequence[StressWindow]) -> Svg:
    """Draw margins over time: each holds until the next, and ends where it was last observed.

    Where a margin was not known its line has a gap; what was observed once is a dot.
    """
    drawn = [one for one in lines if one.runs]
    if not drawn:
        return drawing(frame, (WIDTH, 40.0), [])
    across = over(
        min(moment(one.marks[0].observed_at) for one in drawn),
        max(moment(one.until) for one in drawn),
        RIGHT,
    )
    top = head(across, stress)
    bottom = top + max(_TALL, len(drawn) * _LABEL_LINE)
    up = _rates([rate for one in drawn for run in one.runs for _, _, rate in run], bottom, top)
    parts = [*bands(across, stress, (top, bottom))]
    for rate in ticks(up):
        parts += level(up.place(rate), numbers.axis_rate(rate), RIGHT)
    parts += [*floor(across, bottom), *_named_lines(drawn, across, up, (top, bottom))]
    return drawing(frame, (WIDTH, bottom + FLOOR), parts)


def _rates(rates: Sequence[float], bottom: float, top: float) -> Scale:
    low, high = min(rates), max(rates)
    if low > 0.0 and high / low >= _LOG_FROM:
        ends = nice_below(low), -nice_below(-high)
        return Scale(*ends, bottom - 4.0, top, logarithmic=True)
    step = -nice_below(-high / _RISE) if high > 0.0 else 1.0
    highest = step * max(1, math.ceil(high / step - _WHOLE))
    return Scale(0.0, highest, bottom, top, logarithmic=False)


def _named_lines(
    lines: Sequence[Line], across: Scale, up: Scale, bounds: tuple[float, float]
) -> Iterator[str]:
    """Draw the lines, and lead from their ends to their names at the right, moved apart."""
    ends = sorted((*_end(one, across, up), number) for number, one in enumerate(lines))
    heights = spread_labels([y for y, _, _ in ends], _LABEL_LINE, bounds[0] + 4.0, bounds[1] - 4.0)
    dots = ""
    for (y, x, number), height in zip(ends, heights, strict=True):
        one = lines[number]
        lead = path([(x, y), (RIGHT, y), (_LEADER_END, height)])
        yield f'<path class="lead {one.css}" d="{lead}"/>'
        stairs = "".join(_stairs(run, across, up) for run in one.runs)
        key = f"M{tenth(_LEADER_END)} {tenth(height)}H{tenth(_KEY_END)}"
        yield f'<path class="line {one.css}" d="{stairs}{key}"/>'
        yield from (_dot(run, one.css, across, up) for run in one.runs if _brief(run, across))
        yield text(f"name {one.css}", _LABEL, height + 4.0, short(one.name, LONGEST))
        if x < RIGHT - 1.0 and not _brief(one.runs[-1], across):
            dots += f"M{tenth(x)} {tenth(y)}h0"
    if dots:
        yield f'<path class="ends" d="{dots}"/>'


def _end(line: Line, across: Scale, up: Scale) -> tuple[float, float]:
    """Where a line ends, its height first."""
    _, until, rate = line.runs[-1][-1]
    return up.place(rate), across.place(until)


def _stairs(run: Sequence[Stretch], across: Scale, up: Scale) -> str:
    begun, _, before = run[0]
    d = f"M{tenth(across.place(begun))} {tenth(up.place(before))}"
    for _, end, rate in run:
        if rate != before:
            d += f"V{tenth(up.place(rate))}"
        d += f"H{tenth(across.place(end))}"
        before = rate
    return d


def _brief(run: Sequence[Stretch], across: Scale) -> bool:
    """Whether a run is too short to be seen as a line."""
    return across.place(run[-1][1]) - across.place(run[0][0]) < 1.0


def _dot(run: Sequence[Stretch], css: str, across: Scale, up: Scale) -> str:
    at = f"M{tenth(across.place(run[0][0]))} {tenth(up.place(run[-1][2]))}h0"
    return f'<path class="dot {css}" d="{at}"/>'
