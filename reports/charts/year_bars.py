"""Charts of breaches per calendar year: a bar per position size, over market stress and table changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harmonize.document.history import StressWindow
from harmonize.text import numbers
from reports.charts.dates import day_number
from reports.charts.label_layout import spread_labels
from reports.charts.scale import Scale, nice_below, ticks
from reports.charts.svg import COLOURS, Frame, Svg, rectangle, rounded, svg_drawing, svg_text
from reports.charts.time_axis import (
    FLOOR,
    LEFT,
    WIDTH,
    date_axis,
    flag_height,
    level_line,
    stress_bands,
)

_RIGHT = 372.0
_KEY, _NAMES = _RIGHT + 8.0, _RIGHT + 22.0
_TALL = 170.0
_LANES_SPACE = 10.0
_LANE, _MARK = 16.0, 9.0
_LINE = 15.0
_MARGIN = 0.08
"""Share of a year's width on each side of its bars."""


@dataclass(frozen=True, slots=True)
class YearBar:
    """Share of moves above the margin in one year, for the size with the number ``size``, and its tooltip."""

    year: int
    size: int
    share: float
    note: str


@dataclass(frozen=True, slots=True)
class DayMarks:
    """Lane of days below the bars: its name and the days, in ISO 8601."""

    name: str
    days: tuple[str, ...]


def year_bars(
    frame: Frame,
    sizes: Sequence[str],
    bars: Sequence[YearBar],
    stress: Sequence[StressWindow],
    lanes: Sequence[DayMarks],
) -> Svg:
    """Draws the bars of each year beside each other, in the order of ``sizes``; without bars, nothing."""
    if not bars:
        return svg_drawing(frame, (WIDTH, 40.0), [])
    first, last = min(bar.year for bar in bars), max(bar.year for bar in bars)
    x_scale = Scale(_new_year(first), _new_year(last + 1), LEFT, _RIGHT, logarithmic=False)
    top = flag_height(x_scale, stress)
    zero = top + _TALL
    shown = [lane for lane in lanes if _places(lane, x_scale)]
    bottom = zero + (_LANES_SPACE + _LANE * len(shown) if shown else 0.0)
    highest = max(bar.share for bar in bars)
    y_scale = Scale(0.0, -nice_below(-highest) if highest else 0.01, zero, top, logarithmic=False)
    elements = [*stress_bands(x_scale, stress, (top, bottom))]
    for share in ticks(y_scale):
        elements += level_line(y_scale.place(share), numbers.axis_rate(share), _RIGHT)
    elements += [_bar(bar, len(sizes), x_scale, y_scale) for bar in bars]
    elements.append(f'<path class="axis" d="M{rounded(LEFT)} {rounded(zero)}H{rounded(_RIGHT)}"/>')
    elements += _size_labels(sizes, (top, zero))
    for index, lane in enumerate(shown):
        elements += _lane(lane, x_scale, zero + _LANES_SPACE + _LANE * index)
    elements += date_axis(x_scale, bottom)
    return svg_drawing(frame, (WIDTH, bottom + FLOOR), elements)


def _new_year(year: int) -> float:
    return day_number(f"{year:04}-01-01")


def _bar(bar: YearBar, sizes: int, x_scale: Scale, y_scale: Scale) -> str:
    start, end = x_scale.place(_new_year(bar.year)), x_scale.place(_new_year(bar.year + 1))
    width = (end - start) * (1.0 - 2.0 * _MARGIN) / sizes
    x = start + (end - start) * _MARGIN + width * bar.size
    y = y_scale.place(bar.share)
    return rectangle(f"b{bar.size % COLOURS}", (x, y, width, y_scale.start - y), bar.note)


def _size_labels(sizes: Sequence[str], bounds: tuple[float, float]) -> Iterator[str]:
    """Names the sizes on the right, from the top, each beside the colour of its bars."""
    preferred = [bounds[0] + 8.0 + _LINE * index for index in range(len(sizes))]
    places = spread_labels(preferred, _LINE, bounds[0] + 8.0, bounds[1])
    for index, (name, y) in enumerate(zip(sizes, places, strict=True)):
        yield rectangle(f"b{index % COLOURS}", (_KEY, y - 5.0, 9.0, 9.0), name)
        yield svg_text("side", _NAMES, y + 4.0, name)


def _places(lane: DayMarks, x_scale: Scale) -> list[float]:
    days = {day_number(day) for day in lane.days}
    return [x_scale.place(day) for day in sorted(days) if x_scale.first <= day <= x_scale.last]


def _lane(lane: DayMarks, x_scale: Scale, y: float) -> Iterator[str]:
    data = "".join(f"M{rounded(x)} {rounded(y)}v{rounded(_MARK)}" for x in _places(lane, x_scale))
    yield f'<path class="axis" d="{data}"/>'
    yield svg_text("side", _NAMES, y + _MARK, lane.name)
