"""Shared parts of charts over time: date axis, level lines, and bands of market stress."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harmonize.document.history import StressWindow
from harmonize.text import numbers
from harmonize.text.sanitize import short
from reports.charts.dates import date_ticks, day_number
from reports.charts.scale import Scale
from reports.charts.svg import rectangle, rounded, svg_text

WIDTH, LEFT = 480.0, 44.0
FLOOR = 36.0
"""Height of the date labels below a chart."""

_LETTER = 6.4  # approximate width of a letter in a flag
_FLAG = 14.0  # height of a row of flags
_LONGEST = 16
_THINNEST = 2.0
_HALF_WEEK = 3.5


@dataclass(frozen=True, slots=True)
class _StressBand:
    """Window of stress in chart coordinates, with the row and the words of its flag."""

    window: StressWindow
    x: float
    width: float
    row: int
    words: str


def time_scale(first: float, last: float, right: float) -> Scale:
    """Returns the scale between two day numbers; a single day gets the week around it."""
    if first == last:
        first, last = first - _HALF_WEEK, last + _HALF_WEEK
    return Scale(first, last, LEFT, right, logarithmic=False)


def date_axis(x_scale: Scale, bottom: float) -> Iterator[str]:
    """Draws the axis with its dates."""
    tick_marks = ""
    for tick in date_ticks(x_scale.first, x_scale.last):
        x = x_scale.place(tick.at)
        tick_marks += f"M{rounded(x)} {rounded(bottom)}v4"
        yield svg_text("notional", x, bottom + 17.0, tick.label)
        if tick.year:
            yield svg_text("notional", x, bottom + 31.0, tick.year)
    line = f"M{rounded(x_scale.start)} {rounded(bottom)}H{rounded(x_scale.end)}"
    yield f'<path class="axis" d="{line}{tick_marks}"/>'


def level_line(y: float, label: str, right: float) -> Iterator[str]:
    """Draws a horizontal grid line with its label on the left."""
    yield f'<path class="grid" d="M{rounded(LEFT)} {rounded(y)}H{rounded(right)}"/>'
    yield svg_text("rate", LEFT - 6.0, y + 4.0, label)


def flag_height(x_scale: Scale, stress: Sequence[StressWindow]) -> float:
    """Returns the height that flags need above a chart."""
    rows = [band.row for band in _place_bands(x_scale, stress)]
    return 10.0 + _FLAG * (1 + max(rows, default=-1))


def stress_bands(
    x_scale: Scale, stress: Sequence[StressWindow], bounds: tuple[float, float]
) -> Iterator[str]:
    """Draws windows of stress from top to bottom, each below a flag with its name."""
    top, bottom = bounds
    for band in _place_bands(x_scale, stress):
        window = band.window
        note = f"{window.name}, {numbers.date_range(window.first, window.last)}"
        yield rectangle("stress", (band.x, top, band.width, bottom - top), note)
        flag_y = top - 5.0 - _FLAG * band.row
        yield f'<path class="pole" d="M{rounded(band.x)} {rounded(top)}V{rounded(flag_y - 8.0)}"/>'
        yield svg_text("flag", band.x + 3.0, flag_y, band.words)


def _place_bands(x_scale: Scale, stress: Sequence[StressWindow]) -> list[_StressBand]:
    """Places the windows within the axis, the latest first: its flag is lowest.

    A flag extends to the right of its pole, so it lies above the flags of all poles it crosses. Every
    window has one, however many rows that takes.
    """
    bands: list[_StressBand] = []
    for window in sorted(stress, key=lambda window: window.first, reverse=True):
        first, last = day_number(window.first), day_number(window.last) + 1.0
        if last <= x_scale.first or first >= x_scale.last:
            continue
        x, end = x_scale.place(max(first, x_scale.first)), x_scale.place(min(last, x_scale.last))
        words = short(window.name, min(_LONGEST, int((WIDTH - x - 7.0) / _LETTER)))
        reach = x + 7.0 + _LETTER * len(words)
        row = 1 + max((band.row for band in bands if band.x < reach), default=-1)
        bands.append(_StressBand(window, x, max(_THINNEST, end - x), row, words))
    return bands
