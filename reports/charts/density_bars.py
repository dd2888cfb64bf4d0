"""Chart of liquidations by price: notional of each venue per bin of falls, with cliffs marked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from harmonize.text import numbers
from harmonize.text.sanitize import plain, short
from reports.charts.label_layout import spread_labels
from reports.charts.scale import Scale, nice_below, ticks
from reports.charts.svg import COLOURS, Frame, Svg, rectangle, rounded, svg_drawing, svg_text

_WIDTH, _HEIGHT = 520.0, 330.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 388.0, 30.0, 286.0
_KEY, _NAMES = _RIGHT + 10.0, _RIGHT + 26.0
_LINE = 17.0
_LONGEST = 15
_SPACE = 0.4
"""Pixels between the bars of adjacent bins."""

_FLAG_ROOM = 42.0
_SHADES = ("", " pale", " paler")


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


def density_bars(
    frame: Frame,
    bins: Mapping[str, Sequence[DensityBin]],
    cliffs: Sequence[CliffMark],
    styles: Mapping[str, int],
) -> Svg:
    """Draws the bins of every venue on top of one another, the largest venue at the bottom.

    Prices fall from left to right. Without any bin, an empty chart.
    """
    known = {venue: own for venue, own in bins.items() if any(row.notional for row in own)}
    if not known:
        return svg_drawing(frame, (_WIDTH, 40.0), [])
    ordered = sorted(known, key=lambda venue: (-_total(known[venue]), venue))
    heights: dict[float, float] = {}
    for own in known.values():
        for row in own:
            heights[row.lower] = heights.get(row.lower, 0.0) + row.notional
    last = max(row.upper for own in known.values() for row in own)
    last = max([last, *(cliff.fall for cliff in cliffs)])
    x_scale = Scale(0.0, last, _LEFT, _RIGHT, logarithmic=False)
    highest = -nice_below(-max(heights.values()))
    y_scale = Scale(0.0, highest, _BOTTOM, _TOP, logarithmic=False)
    elements = [
        *_axes(x_scale, y_scale),
        *_stacks([(venue, known[venue]) for venue in ordered], x_scale, y_scale, styles),
        *_cliffs(cliffs, x_scale),
        *_names(ordered, styles),
    ]
    return svg_drawing(frame, (_WIDTH, _HEIGHT), elements)


def _total(rows: Sequence[DensityBin]) -> float:
    return sum(row.notional for row in rows)


def _css(venue: str, styles: Mapping[str, int]) -> str:
    style = styles.get(venue, 0)
    return f"b{style % COLOURS}{_SHADES[style // COLOURS % len(_SHADES)]}"


def _axes(x_scale: Scale, y_scale: Scale) -> Iterator[str]:
    grid = marks = ""
    for notional in ticks(y_scale):
        y = y_scale.place(notional)
        grid += f"M{rounded(_LEFT)} {rounded(y)}H{rounded(_RIGHT)}"
        yield svg_text("rate", _LEFT - 6.0, y + 4.0, numbers.usd(notional))
    for fall in ticks(x_scale):
        x = x_scale.place(fall)
        marks += f"M{rounded(x)} {rounded(_BOTTOM)}v4"
        label = numbers.axis_rate(fall)
        yield svg_text("notional", x, _BOTTOM + 18.0, f"−{label}" if fall else label)
    middle = (_LEFT + _RIGHT) / 2
    yield svg_text("notional", middle, _BOTTOM + 38.0, "price against the first mark")
    line = f"M{rounded(_LEFT)} {rounded(_BOTTOM)}H{rounded(_RIGHT)}{marks}"
    yield f'<path class="grid" d="{grid}"/><path class="axis" d="{line}"/>'


def _stacks(
    venues: Sequence[tuple[str, Sequence[DensityBin]]],
    x_scale: Scale,
    y_scale: Scale,
    styles: Mapping[str, int],
) -> Iterator[str]:
    """Draws the bars of each venue as one path, named on hover."""
    below: dict[float, float] = {}
    for venue, rows in venues:
        data = ""
        for row in sorted(rows, key=lambda row: row.lower):
            start = below.get(row.lower, 0.0)
            below[row.lower] = start + row.notional
            x, end = x_scale.place(row.lower), x_scale.place(row.upper) - _SPACE
            y, height = y_scale.place(below[row.lower]), row.notional
            drawn = y_scale.place(start) - y_scale.place(start + height)
            if drawn > 0.0:
                width = rounded(max(end - x, 0.1))
                data += f"M{rounded(x)} {rounded(y)}h{width}v{rounded(drawn)}h-{width}z"
        note = escape(plain(f"{venue}, {numbers.usd(_total(rows))}"))
        yield f'<path class="area {_css(venue, styles)}" d="{data}"><title>{note}</title></path>'


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


def _names(venues: Sequence[str], styles: Mapping[str, int]) -> Iterator[str]:
    """Names the venues on the right, the uppermost of the stack first."""
    preferred = [_TOP + _LINE * (number + 0.5) for number in range(len(venues))]
    heights = spread_labels(preferred, _LINE, _TOP, _BOTTOM)
    for venue, y in zip(reversed(venues), heights, strict=True):
        yield rectangle(_css(venue, styles), (_KEY, y - 5.0, 10.0, 10.0), venue)
        yield svg_text("side", _NAMES, y + 4.0, short(venue, _LONGEST))
