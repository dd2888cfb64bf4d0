"""Area and bar charts: SVG whose text is text and whose colours come from the style sheet.

Each chart has a title and a description for screen readers. A table repeats every number.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from harmonize.text import numbers
from harmonize.text.sanitize import plain, short
from reports.charts.scale import Scale, nice_below, ticks, with_ends
from reports.charts.svg import COLOURS, Frame, Svg, path_data, rounded, svg_drawing, svg_text

_WIDTH = 520.0
_LEFT, _RIGHT = 44.0, 508.0
_ROW, _BAR = 22.0, 15.0
_NAME = 144.0  # right edge of row names
_LETTER = 6.6  # approximate width of a letter
_LONGEST = 21
_SHADES = ("", " pale", " paler")


@dataclass(frozen=True, slots=True)
class BarSegment:
    """Segment of a bar: venue, share of the bar (0 to 1), and the text of its tooltip."""

    name: str
    share: float
    note: str


@dataclass(frozen=True, slots=True)
class NotionalBand:
    """Range of notional in USD and the venues with the lowest margin there; several share it."""

    lower: float
    upper: float
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DistanceBar:
    """Adverse moves of one venue to the left and right of the axis; None if not observable.

    The outer bar is drawn at equal leverage, the inner bar at the largest leverage.
    """

    name: str
    left: float | None
    right: float | None
    inner_left: float | None
    inner_right: float | None
    note: str


def stacked_areas(
    frame: Frame, notionals: Sequence[float], layers: Sequence[Sequence[float]]
) -> Svg:
    """Draws shares of the reference by notional: optimal split, divergence, fragmentation.

    `layers` holds the upper edges of the three areas, one value per notional. The last edge is 1
    unless a margin exceeds the reference.
    """
    height, bottom, top = 250.0, 226.0, 12.0
    if not notionals:
        return svg_drawing(frame, (_WIDTH, height), [])
    x_scale = Scale(*_distinct_ends(notionals[0], notionals[-1]), _LEFT, _RIGHT, logarithmic=True)
    highest = max(1.0, *(value for layer in layers for value in layer))
    y_scale = Scale(0.0, highest, bottom, top, logarithmic=False)
    elements = [*_notional_axis(x_scale, bottom)]
    below: Sequence[float] = [0.0] * len(notionals)
    for css, layer in zip(("needed", "divergent", "fragmented"), layers, strict=True):
        upper_edge = [
            (x_scale.place(n), y_scale.place(v)) for n, v in zip(notionals, layer, strict=True)
        ]
        lower_edge = [
            (x_scale.place(n), y_scale.place(v)) for n, v in zip(notionals, below, strict=True)
        ]
        elements.append(
            f'<path class="area {css}" d="{path_data([*upper_edge, *reversed(lower_edge)])}Z"/>'
        )
        below = layer
    for value in with_ends(y_scale):
        y = y_scale.place(value)
        elements.append(f'<path class="grid over" d="{path_data([(_LEFT, y), (_RIGHT, y)])}"/>')
        elements.append(svg_text("rate", _LEFT - 6, y + 4, numbers.axis_rate(value)))
    notional_marks = "".join(
        f"M{rounded(x_scale.place(n))} {rounded(bottom)}v-5" for n in notionals
    )
    elements.append(f'<path class="axis" d="{notional_marks}"/>')
    return svg_drawing(frame, (_WIDTH, height), elements)


def share_bars(
    frame: Frame, rows: Sequence[tuple[str, Sequence[BarSegment]]], styles: Mapping[str, int]
) -> Svg:
    """Draws one bar per row, divided into its segments."""
    elements = []
    for number, (label, segments) in enumerate(rows):
        y = 6.0 + number * (_ROW + 4.0)
        elements.append(svg_text("rate", 62.0, y + 15.0, label))
        x = 68.0
        for segment in segments:
            width = segment.share * (_RIGHT - 68.0)
            elements.append(_segment_bar(segment.name, (x, y, width, 20.0), segment.note, styles))
            x += width
    return svg_drawing(frame, (_WIDTH, 12.0 + len(rows) * (_ROW + 4.0)), elements)


def lowest_margin_band(
    frame: Frame, bands: Sequence[NotionalBand], styles: Mapping[str, int]
) -> Svg:
    """Draws the venues with the lowest margin along the axis; several venues share the height."""
    height, top, full_height = 92.0, 8.0, 46.0
    if not bands:
        return svg_drawing(frame, (_WIDTH, height), [])
    x_scale = Scale(
        *_distinct_ends(bands[0].lower, bands[-1].upper), _LEFT - 30.0, _RIGHT, logarithmic=True
    )
    elements = []
    for band in bands:
        x, end = x_scale.place(band.lower), x_scale.place(band.upper)
        band_height = full_height / len(band.names)
        for number, name in enumerate(band.names):
            note = f"{name}, {numbers.notional_range(band.lower, band.upper)}"
            elements.append(
                _segment_bar(
                    name, (x, top + number * band_height, end - x, band_height), note, styles
                )
            )
    return svg_drawing(
        frame, (_WIDTH, height), [*elements, *_notional_axis(x_scale, top + full_height + 4.0)]
    )


def distance_bars(frame: Frame, rows: Sequence[DistanceBar]) -> Svg:
    """Draws bars on both sides of an axis: pale outer bars with darker inner bars."""
    height = 34.0 + len(rows) * _ROW
    moves = [v for row in rows for v in (row.left, row.right, row.inner_left, row.inner_right)]
    largest_move = max((value for value in moves if value is not None), default=0.0) or 0.1
    middle = _NAME + (_RIGHT - _NAME) / 2.0
    scale = Scale(0.0, -nice_below(-largest_move), 0.0, _RIGHT - middle, logarithmic=False)
    bottom = height - 22.0
    elements = []
    for value in ticks(scale):
        for sign in (-1.0, 1.0) if value else (1.0,):
            x = middle + sign * scale.place(value)
            elements.append(f'<path class="grid" d="M{rounded(x)} 4V{rounded(bottom)}"/>')
            label = numbers.axis_rate(value)
            elements.append(
                svg_text("notional", x, height - 6.0, f"−{label}" if sign < 0 else label)
            )
    for number, row in enumerate(rows):
        y = 6.0 + number * _ROW
        elements.append(svg_text("rate", _NAME - 8.0, y + 12.0, short(row.name, _LONGEST)))
        has_outer_bar = (row.left, row.right) != (None, None)
        for css, left, right in (
            ("equal", row.left, row.right),
            ("largest", row.inner_left, row.inner_right),
        ):
            elements += _centred_bar(css, middle, y, [scale.place(v or 0.0) for v in (left, right)])
        if not has_outer_bar and row.inner_left is None and row.inner_right is None:
            elements.append(svg_text("why", middle + 6.0, y + 12.0, row.note))
    elements.append(f'<path class="axis" d="M{rounded(middle)} 4V{rounded(bottom)}"/>')
    return svg_drawing(frame, (_WIDTH, height), elements)


def _centred_bar(css: str, middle: float, y: float, lengths: Sequence[float]) -> list[str]:
    left, right = lengths
    if not left and not right:
        return []
    return [
        (
            f'<rect class="{css}" x="{rounded(middle - left)}" y="{rounded(y)}" width="{rounded(left + right)}"'
            f' height="{rounded(_BAR)}"/>'
        )
    ]


def _segment_bar(
    name: str,
    box: tuple[float, float, float, float],
    note: str,
    styles: Mapping[str, int],
) -> str:
    x, y, width, height = box
    style = styles.get(name, 0)
    shade = _SHADES[style // COLOURS % len(_SHADES)]
    css = f"b{style % COLOURS}{shade}"
    element = (
        f'<rect class="{css}" x="{rounded(x)}" y="{rounded(y)}" width="{rounded(max(width, 0.3))}"'
        f' height="{rounded(height)}"><title>{escape(plain(note))}</title></rect>'
    )
    if len(name) * _LETTER + 6.0 <= width and height >= 12.0:  # noqa: PLR2004 - a line of text
        ink = "onpale" if "pale" in css else "on"
        element += svg_text(ink, x + 4.0, y + height / 2.0 + 4.0, name)
    return element


def _notional_axis(scale: Scale, bottom: float) -> Iterable[str]:
    yield f'<path class="axis" d="M{rounded(scale.start)} {rounded(bottom)}H{rounded(scale.end)}"/>'
    for value in with_ends(scale):
        yield svg_text("notional", scale.place(value), bottom + 16.0, numbers.usd(value))


def _distinct_ends(lower: float, upper: float) -> tuple[float, float]:
    return (lower, upper) if upper > lower else (lower / 2.0, lower * 2.0)
