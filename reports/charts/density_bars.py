"""Chart of liquidations by price: notional of each venue per bin of falls, with cliffs marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from harmonize.text import numbers
from harmonize.text.sanitize import plain
from reports.charts.key_rows import KeyEntry, key_height, key_rows
from reports.charts.scale import Scale, nice_below, ticks
from reports.charts.svg import COLOURS, Frame, Svg, path_data, rounded, svg_drawing, svg_text

_WIDTH = 520.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 466.0, 30.0, 286.0
_KEY_COLUMNS, _KEY_WIDTH = 2, 146.0
_SPACE = 0.4
"""Largest share of a bin, and largest number of pixels, between the bars of adjacent bins."""

_FLAG_ROOM = 42.0
_SMALL = 0.01
"""Share of all notional below which venues are drawn together."""

_GREY = "small"
_CUMULATIVE = "axis line"


@dataclass(frozen=True, slots=True)
class DensityBin:
    """Notional, in USD, that is liquidated at a fall from ``lower`` to below ``upper``."""

    lower: float
    upper: float
    notional: float


@dataclass(frozen=True, slots=True)
class CliffMark:
    """Fall at which a cliff begins, and what it is in words."""

    fall: float
    note: str


@dataclass(frozen=True, slots=True)
class FirstMark:
    """Price in USD before any fall, and what it is in words."""

    price: float
    note: str


@dataclass(frozen=True, slots=True)
class _Stack:
    """Bars of one venue, or of several small ones together."""

    name: str
    css: str
    bins: tuple[DensityBin, ...]
    note: str

    @property
    def total(self) -> float:
        return _total(self.bins)


def density_bars(
    frame: Frame,
    bins: Mapping[str, Sequence[DensityBin]],
    cliffs: Sequence[CliffMark],
    styles: Mapping[str, int],
    first_mark: FirstMark | None = None,
) -> Svg:
    """Draws the bins of every venue on top of one another, the largest venue at the bottom.

    Prices fall from left to right, in USD too with a ``first_mark``. A line adds all bins up. Venues
    below 1 %, and those beyond the number of colours, are drawn together. Without any bin, an empty
    chart.
    """
    known = {venue: own for venue, own in bins.items() if any(row.notional for row in own)}
    if not known:
        return svg_drawing(frame, (_WIDTH, 40.0), [])
    stacks = _stacks(known, styles)
    sums = _sums([own for stack in stacks for own in stack.bins])
    last = max([*(upper for _, upper in sums), *(cliff.fall for cliff in cliffs)])
    x_scale = Scale(0.0, last, _LEFT, _RIGHT, logarithmic=False)
    y_scale = Scale(0.0, -nice_below(-max(sums.values())), _BOTTOM, _TOP, logarithmic=False)
    total = sum(sums.values())
    all_scale = Scale(0.0, -nice_below(-total), _BOTTOM, _TOP, logarithmic=False)
    entries = [
        *(KeyEntry(stack.name, stack.css, is_area=True) for stack in reversed(stacks)),
        KeyEntry("sum, right axis", _CUMULATIVE),
    ]
    top = _BOTTOM + (64.0 if first_mark else 48.0)
    elements = [
        *_axes(x_scale, y_scale, all_scale),
        *_axis_names(x_scale, first_mark),
        *_bars(stacks, x_scale, y_scale),
        _cumulative(sums, x_scale, all_scale),
        *_cliffs(cliffs, x_scale),
        *key_rows(entries, (_LEFT, top), _KEY_WIDTH, _KEY_COLUMNS),
    ]
    height = top + key_height(len(entries), _KEY_COLUMNS) + 4.0
    return svg_drawing(frame, (_WIDTH, height), elements)


def _total(rows: Sequence[DensityBin]) -> float:
    return sum(row.notional for row in rows)


def _sums(rows: Sequence[DensityBin]) -> dict[tuple[float, float], float]:
    """Returns the notional of every bin by its bounds, in ascending order."""
    sums: dict[tuple[float, float], float] = {}
    for row in sorted(rows, key=lambda row: row.lower):
        sums[row.lower, row.upper] = sums.get((row.lower, row.upper), 0.0) + row.notional
    return sums


def _stacks(
    known: Mapping[str, Sequence[DensityBin]], styles: Mapping[str, int]
) -> tuple[_Stack, ...]:
    """Returns the venues to draw, the largest first; a venue keeps its colour unless a larger has it."""
    ordered = sorted(known, key=lambda venue: (-_total(known[venue]), venue))
    least = _SMALL * sum(_total(own) for own in known.values())
    large = [venue for venue in ordered if _total(known[venue]) >= least][:COLOURS]
    free = list(range(COLOURS))
    stacks = []
    for venue in large:
        own = styles.get(venue, 0) % COLOURS
        colour = own if own in free else free[0]
        free.remove(colour)
        stacks.append(_stack(venue, f"b{colour}", known[venue], venue))
    others = ordered[len(large) :]
    if others:
        rows = [row for venue in others for row in known[venue]]
        merged = [DensityBin(*bounds, notional) for bounds, notional in _sums(rows).items()]
        name = others[0] if len(others) == 1 else f"{numbers.count(len(others))} small venues"
        stacks.append(_stack(name, _GREY, merged, ", ".join(others)))
    return tuple(stacks)


def _stack(name: str, css: str, rows: Sequence[DensityBin], venues: str) -> _Stack:
    return _Stack(name, css, tuple(rows), f"{venues}, {numbers.usd(_total(rows))}")


def _axes(x_scale: Scale, y_scale: Scale, all_scale: Scale) -> Iterator[str]:
    grid = marks = ""
    for notional in ticks(y_scale):
        y = y_scale.place(notional)
        grid += f"M{rounded(_LEFT)} {rounded(y)}H{rounded(_RIGHT)}"
        yield svg_text("rate", _LEFT - 6.0, y + 4.0, numbers.usd(notional))
    for notional in ticks(all_scale):
        y = all_scale.place(notional)
        marks += f"M{rounded(_RIGHT)} {rounded(y)}h4"
        yield svg_text("side", _RIGHT + 7.0, y + 4.0, numbers.usd(notional))
    for fall in ticks(x_scale):
        marks += f"M{rounded(x_scale.place(fall))} {rounded(_BOTTOM)}v4"
    line = f"M{rounded(_LEFT)} {rounded(_BOTTOM)}H{rounded(_RIGHT)}V{rounded(_TOP)}{marks}"
    yield f'<path class="grid" d="{grid}"/><path class="axis" d="{line}"/>'


def _axis_names(x_scale: Scale, first_mark: FirstMark | None) -> Iterator[str]:
    """Writes falls and, with a first mark, the prices in USD below them."""
    for fall in ticks(x_scale):
        x = x_scale.place(fall)
        label = numbers.axis_rate(fall)
        yield svg_text("notional", x, _BOTTOM + 18.0, f"−{label}" if fall else label)
        if first_mark:
            price = numbers.usd(first_mark.price * (1.0 - fall))
            yield svg_text("notional", x, _BOTTOM + 34.0, price)
    middle = (_LEFT + _RIGHT) / 2
    if first_mark:
        yield svg_text("notional", middle, _BOTTOM + 53.0, first_mark.note)
    else:
        yield svg_text("notional", middle, _BOTTOM + 37.0, "price against that before the fall")


def _bars(stacks: Sequence[_Stack], x_scale: Scale, y_scale: Scale) -> Iterator[str]:
    """Draws the bars of each venue as one path, named on hover."""
    below: dict[float, float] = {}
    for stack in stacks:
        data = ""
        for row in sorted(stack.bins, key=lambda row: row.lower):
            start = below.get(row.lower, 0.0)
            below[row.lower] = start + row.notional
            x, end = x_scale.place(row.lower), x_scale.place(row.upper)
            width = rounded(max(end - x - min(_SPACE, _SPACE * (end - x)), 0.1))
            y = y_scale.place(below[row.lower])
            drawn = y_scale.place(start) - y
            if drawn > 0.0:
                data += f"M{rounded(x)} {rounded(y)}h{width}v{rounded(drawn)}h-{width}z"
        note = escape(plain(stack.note))
        yield f'<path class="area {stack.css}" d="{data}"><title>{note}</title></path>'


def _cumulative(sums: Mapping[tuple[float, float], float], x_scale: Scale, all_scale: Scale) -> str:
    """Draws the notional that is liquidated up to each fall."""
    places, so_far = [(_LEFT, _BOTTOM)], 0.0
    for (_, upper), notional in sums.items():
        so_far += notional
        places.append((x_scale.place(upper), all_scale.place(so_far)))
    note = escape(plain(f"all venues, {numbers.usd(so_far)} in total"))
    return f'<g><title>{note}</title><path class="{_CUMULATIVE}" d="{path_data(places)}"/></g>'


def _cliffs(cliffs: Sequence[CliffMark], x_scale: Scale) -> Iterator[str]:
    """Draws a pole per cliff; its fall is written where the one before leaves room."""
    written = -_FLAG_ROOM
    for cliff in sorted(cliffs, key=lambda cliff: cliff.fall):
        x = x_scale.place(cliff.fall)
        note = escape(plain(cliff.note))
        yield (
            f'<g><title>{note}</title><path class="axis" stroke-dasharray="4 2"'
            f' d="M{rounded(x)} {rounded(_TOP - 10.0)}V{rounded(_BOTTOM)}"/></g>'
        )
        if x - written >= _FLAG_ROOM:
            written = x
            yield svg_text("notional", x, _TOP - 14.0, f"−{numbers.axis_rate(cliff.fall)}")
