"""Drawings of changes by week: up what asks more, down what asks less, over windows of stress."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence

from harmonize.document.history import StressWindow, Week
from harmonize.text import numbers
from reports.charts.dates import moment
from reports.charts.label_layout import spread_labels
from reports.charts.margin_curves import Svg
from reports.charts.scale import Scale, ticks
from reports.charts.svg import Frame, block, drawing, tenth, text
from reports.charts.time_axis import FLOOR, LEFT, WIDTH, bands, floor, head, level, over

RIGHT = 396.0
_TALL = 170.0
_LANES_OFF = 10.0
_LANE, _MARK = 16.0, 9.0
_WEEK = 7.0
_SLIT = 0.6  # between the bars of neighbouring weeks, where there is room
_ROOM, _THINNEST = 3.0, 1.2
_KEY, _NAMES = RIGHT + 8.0, RIGHT + 22.0
_LINE = 15.0

_LANES: tuple[tuple[str, Callable[[Week], int]], ...] = (
    ("other", lambda one: one.other),
    ("listed", lambda one: one.listed),
    ("delisted", lambda one: one.delisted),
)

Bar = tuple[str, float, float]
"""A week, and the top and the height of its bar."""


def by_week(frame: Frame, weeks: Sequence[Week], stress: Sequence[StressWindow]) -> Svg:
    """Draw how many schedules changed each week: up what asks more, down what asks less.

    What asks more on some sizes and less on others stands on both sides, pale, beyond the rest.
    Other changes and listings are marks below, one a week however many there were.
    """
    if not weeks:
        return drawing(frame, (WIDTH, 40.0), [])
    firsts = [moment(one.week) for one in weeks]
    across = over(min(firsts), max(firsts) + _WEEK, RIGHT)
    top = head(across, stress)
    most = [
        max(one.tighter + one.mixed for one in weeks),
        max(one.looser + one.mixed for one in weeks),
    ]
    tall = _TALL if any(most) else 0.0
    lanes = [(name, of) for name, of in _LANES if any(of(one) for one in weeks)]
    bottom = top + tall + _LANES_OFF + _LANE * len(lanes)
    parts = [*bands(across, stress, (top, bottom))]
    if tall:
        size = Scale(0.0, float(sum(most)), 0.0, tall, logarithmic=False)
        zero = top + size.place(most[0])
        parts += [*_levels(most, size, zero), *_bars(weeks, across, size, zero)]
        parts += _sides(weeks, top, zero)
    for number, (name, of) in enumerate(lanes):
        y = top + tall + _LANES_OFF + _LANE * number
        parts.append(_areas("mark", across, [(one.week, y, _MARK) for one in weeks if of(one)]))
        parts.append(text("side", _NAMES, y + _MARK, name))
    parts += floor(across, bottom)
    return drawing(frame, (WIDTH, bottom + FLOOR), parts)


def _levels(most: Sequence[int], size: Scale, zero: float) -> Iterator[str]:
    """Draw whole numbers on both sides of 0, as many as there is room for."""
    counts = ticks(Scale(0.0, float(max(*most, 1)), 0.0, 1.0, logarithmic=False))
    whole = [one for one in counts if one == round(one) and one > 0.0]
    every = math.ceil(_LINE / size.place(whole[0]))
    for sign, side in ((-1.0, most[0]), (1.0, most[1])):
        for one in whole[every - 1 :: every]:
            if one <= side:
                yield from level(zero + sign * size.place(one), numbers.count(round(one)), RIGHT)
    yield f'<path class="axis" d="M{tenth(LEFT)} {tenth(zero)}H{tenth(RIGHT)}"/>'
    yield text("rate", LEFT - 6.0, zero + 4.0, "0")


def _bars(weeks: Sequence[Week], across: Scale, size: Scale, zero: float) -> Iterator[str]:
    tighter, looser, above, below = [], [], [], []
    for one in weeks:
        up, down, both = (size.place(n) for n in (one.tighter, one.looser, one.mixed))
        tighter.append((one.week, zero - up, up))
        looser.append((one.week, zero, down))
        above.append((one.week, zero - up - both, both))
        below.append((one.week, zero + down, both))
    for css, bars in (("mixed", [*above, *below]), ("tighter", tighter), ("looser", looser)):
        yield _areas(css, across, bars)


def _areas(css: str, across: Scale, bars: Iterable[Bar]) -> str:
    """Write the rectangles of one kind as one path."""
    d = ""
    wide = across.place(across.first + _WEEK) - across.start
    shown = wide - _SLIT if wide > _ROOM else max(wide, _THINNEST)
    for week, y, height in bars:
        if height:
            x, across_it, down = across.place(moment(week)), tenth(shown), tenth(max(height, 1.0))
            d += f"M{tenth(x)} {tenth(y)}h{across_it}v{down}h-{across_it}z"
    return f'<path class="area {css}" d="{d}"/>' if d else ""


def _sides(weeks: Sequence[Week], top: float, zero: float) -> Iterator[str]:
    """Name the sides at the right about 0, with what each kind looks like; lanes begin below."""
    mixed = ["mixed"] * any(one.mixed for one in weeks)
    names = [*mixed, "tighter", "looser", *mixed]
    wanted = [zero + _LINE * (place - (len(names) - 1) / 2.0) for place in range(len(names))]
    for name, y in zip(names, spread_labels(wanted, _LINE, top, top + _TALL), strict=True):
        yield block(name, (_KEY, y - 5.0, 9.0, 9.0), name)
        yield text("side", _NAMES, y + 4.0, name)
