"""Charts of schedule changes per week: tighter upwards, looser downwards, over market stress."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from harmonize.document.history import ObservationGap, StressWindow, Week
from harmonize.text import numbers
from reports.charts.dates import day_number
from reports.charts.label_layout import spread_labels
from reports.charts.scale import Scale, ticks
from reports.charts.svg import Frame, Svg, rectangle, rounded, svg_drawing, svg_text
from reports.charts.time_axis import (
    FLOOR,
    LEFT,
    WIDTH,
    date_axis,
    flag_height,
    level_line,
    stress_bands,
    time_scale,
)

RIGHT = 396.0
_TALL = 170.0
_LANES_SPACE = 10.0
_LANE, _MARK = 16.0, 9.0
_WEEK = 7.0
_EPOCH_WEEKDAY = 3  # 1 January 1970 was a Thursday; Monday is 0
_BAR_SPACE = 0.6  # space between the bars of adjacent weeks, if there is room
_ROOM, _THINNEST = 3.0, 1.2
_KEY, _NAMES = RIGHT + 8.0, RIGHT + 22.0
_LINE = 15.0

_LANES: tuple[tuple[str, Callable[[Week], int]], ...] = (
    ("other", lambda week: week.other),
    ("listed", lambda week: week.listed),
    ("delisted", lambda week: week.delisted),
)

WeekBar = tuple[str, float, float]
"""Week, top and height of a bar."""


def weekly_bars(
    frame: Frame,
    weeks: Sequence[Week],
    stress: Sequence[StressWindow],
    gaps: Sequence[ObservationGap] = (),
) -> Svg:
    """Draws the number of schedules that changed per week: tighter upwards, looser downwards.

    A mixed change, tighter at some notionals and looser at others, appears pale on both sides.
    Other changes, listings and delistings are marks below, at most one per week. Weeks without an
    observation are bands, and named in a lane of their own.
    """
    if not weeks:
        return svg_drawing(frame, (WIDTH, 40.0), [])
    starts = [day_number(week.week) for week in weeks]
    x_scale = time_scale(min(starts), max(starts) + _WEEK, RIGHT)
    top = flag_height(x_scale, stress)
    largest = [
        max(week.tighter + week.mixed for week in weeks),
        max(week.looser + week.mixed for week in weeks),
    ]
    bars_height = _TALL if any(largest) else 0.0
    lanes = [(name, count_of) for name, count_of in _LANES if any(count_of(week) for week in weeks)]
    quiet = [
        (max(x_scale.first, first), min(x_scale.last, last))
        for first, last in quiet_spans(gaps)
        if first < x_scale.last and last > x_scale.first
    ]
    bottom = top + bars_height + _LANES_SPACE + _LANE * (len(lanes) + bool(quiet))
    elements = [
        *_quiet_bands(quiet, x_scale, (top, bottom)),
        *stress_bands(x_scale, stress, (top, bottom)),
    ]
    if bars_height:
        count_scale = Scale(0.0, float(sum(largest)), 0.0, bars_height, logarithmic=False)
        zero = top + count_scale.place(largest[0])
        elements += [
            *_count_levels(largest, count_scale, zero),
            *_bars(weeks, x_scale, count_scale, zero),
        ]
        elements += _side_labels(weeks, top, zero)
    for lane, (name, count_of) in enumerate(lanes):
        y = top + bars_height + _LANES_SPACE + _LANE * lane
        elements.append(
            _bars_path("mark", x_scale, [(week.week, y, _MARK) for week in weeks if count_of(week)])
        )
        elements.append(svg_text("side", _NAMES, y + _MARK, name))
    if quiet:
        elements.append(svg_text("side", _NAMES, bottom - _LANE + _MARK, "not observed"))
    elements += date_axis(x_scale, bottom)
    return svg_drawing(frame, (WIDTH, bottom + FLOOR), elements)


def quiet_spans(gaps: Iterable[ObservationGap]) -> list[tuple[float, float]]:
    """Returns the whole weeks, Monday to Sunday, in gaps: first day and the day after the last."""
    spans = []
    for gap in gaps:
        before, after = math.floor(day_number(gap.first)), math.floor(day_number(gap.last))
        first, last = _monday(before) + _WEEK, _monday(after)
        if first < last:
            spans.append((first, last))
    return spans


def _monday(day: int) -> float:
    return float(day - (day + _EPOCH_WEEKDAY) % 7)


def _quiet_bands(
    quiet: Sequence[tuple[float, float]], x_scale: Scale, bounds: tuple[float, float]
) -> Iterator[str]:
    """Draws the weeks without an observation from top to bottom, and a mark for each in their lane."""
    top, bottom = bounds
    for first, last in quiet:
        x, width = x_scale.place(first), x_scale.place(last) - x_scale.place(first)
        note = f"not observed, {numbers.count_text(round((last - first) / _WEEK), 'week')}"
        yield rectangle("quiet", (x, top, width, bottom - top), note)
        middle = bottom - _LANE + _MARK / 2.0
        yield f'<path class="axis" d="M{rounded(x)} {rounded(middle)}H{rounded(x + width)}"/>'


def _count_levels(largest: Sequence[int], count_scale: Scale, zero: float) -> Iterator[str]:
    """Draws integer levels on both sides of 0, as many as fit."""
    counts = ticks(Scale(0.0, float(max(*largest, 1)), 0.0, 1.0, logarithmic=False))
    integers = [count for count in counts if count == round(count) and count > 0.0]
    stride = math.ceil(_LINE / count_scale.place(integers[0]))
    for sign, side_largest in ((-1.0, largest[0]), (1.0, largest[1])):
        for count in integers[stride - 1 :: stride]:
            if count <= side_largest:
                yield from level_line(
                    zero + sign * count_scale.place(count), numbers.count(round(count)), RIGHT
                )
    yield f'<path class="axis" d="M{rounded(LEFT)} {rounded(zero)}H{rounded(RIGHT)}"/>'
    yield svg_text("rate", LEFT - 6.0, zero + 4.0, "0")


def _bars(weeks: Sequence[Week], x_scale: Scale, count_scale: Scale, zero: float) -> Iterator[str]:
    tighter, looser, above, below = [], [], [], []
    for week in weeks:
        up, down, mixed = (count_scale.place(n) for n in (week.tighter, week.looser, week.mixed))
        tighter.append((week.week, zero - up, up))
        looser.append((week.week, zero, down))
        above.append((week.week, zero - up - mixed, mixed))
        below.append((week.week, zero + down, mixed))
    for css, bars in (("mixed", [*above, *below]), ("tighter", tighter), ("looser", looser)):
        yield _bars_path(css, x_scale, bars)


def _bars_path(css: str, x_scale: Scale, bars: Iterable[WeekBar]) -> str:
    """Returns the rectangles of one kind as one path."""
    d = ""
    week_width = x_scale.place(x_scale.first + _WEEK) - x_scale.start
    bar_width = week_width - _BAR_SPACE if week_width > _ROOM else max(week_width, _THINNEST)
    for week, y, height in bars:
        if height:
            x, width, bar_height = (
                x_scale.place(day_number(week)),
                rounded(bar_width),
                rounded(max(height, 1.0)),
            )
            d += f"M{rounded(x)} {rounded(y)}h{width}v{bar_height}h-{width}z"
    return f'<path class="area {css}" d="{d}"/>' if d else ""


def _side_labels(weeks: Sequence[Week], top: float, zero: float) -> Iterator[str]:
    """Labels the kinds of change on the right, centred on 0; lanes begin below."""
    mixed = ["mixed"] * any(week.mixed for week in weeks)
    names = [*mixed, "tighter", "looser", *mixed]
    preferred = [zero + _LINE * (index - (len(names) - 1) / 2.0) for index in range(len(names))]
    for name, y in zip(names, spread_labels(preferred, _LINE, top, top + _TALL), strict=True):
        yield rectangle(name, (_KEY, y - 5.0, 9.0, 9.0), name)
        yield svg_text("side", _NAMES, y + 4.0, name)
