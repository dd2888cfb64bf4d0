"""Margin rate against notional, drawn: SVG with text as text, the same bytes for the same curves.

matplotlib lays out lines and text; colour, width and dash belong to the style sheet, which has
one set for light, one for dark. Every line differs in colour and in dash, and carries its name.
"""

import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING, NewType

from harmonize.document import Curve
from harmonize.text import numbers
from harmonize.text.sanitize import plain
from reports.charts.label_layout import spread_labels
from reports.charts.scale import Scale, nice_below, ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Svg = NewType("Svg", str)
"""Markup that is ours, and needs no escape."""

COLOURS, DASHES = 7, 4
"""How many line colours and dash patterns the style sheet has; 28 venues differ in one or both."""

_WIDTH, _HEIGHT = 520.0, 330.0
_LEFT, _RIGHT, _BOTTOM, _TOP = 44.0, 362.0, 30.0, 318.0
_LEADER_END, _KEY_END, _LABEL = 372.0, 388.0, 392.0
_LABEL_LINE = 14.0
_LONGEST_LABEL = 20
_LOG_FROM = 5.0
_DRAWN = re.compile(
    r'<g id="(?P<css>[a-z][a-z0-9 ]*)">'
    r'|<path d="(?P<d>[^"]*)"'
    r"|<text (?P<attributes>[^>]*)>(?P<text>[^<]*)</text>"
)
_PLACE = re.compile(r'\b([xy])="([^"]*)"')
_STEP = re.compile(r"\s*([ML])\s*(-?[\d.]+)\s+(-?[\d.]+)\s*")


@dataclass(frozen=True, slots=True)
class Drawing:
    """What to draw: the curves of one figure of one underlying.

    `key` is unique in the page, `title` and `description` say the result to who cannot see it,
    `styles` gives every venue the number of its style, the same in all drawings.
    """

    key: str
    title: str
    description: str
    curves: tuple[Curve, ...]
    styles: Mapping[str, int]


@dataclass(frozen=True, slots=True, order=True)
class _End:
    """Where a line ends, the name it carries there, and all its places."""

    y: float
    x: float
    name: str
    css: str
    places: tuple[Sequence[float], Sequence[float]] = field(compare=False)


def draw(drawings: Iterable[Drawing]) -> tuple[Svg, ...]:
    """Draw every one of them. An empty drawing has axes and no line."""
    # Half a second, and only a report with charts needs it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    drawn = []
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcParams["svg.fonttype"] = "none"
        mpl.rcParams["svg.hashsalt"] = "harmonize"
        mpl.rcParams["font.family"] = ["DejaVu Sans"]
        mpl.rcParams["text.parse_math"] = False
        mpl.rcParams["path.simplify_threshold"] = 0.3
        # Text stays text: the reader's fonts, not ours, need the glyphs of a name.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        for drawing in drawings:
            figure = Figure(figsize=(_WIDTH / 72, _HEIGHT / 72), dpi=72, frameon=False)
            canvas = FigureCanvasSVG(figure)
            _compose(figure, drawing)
            written = StringIO()
            canvas.print_svg(written, metadata={"Date": None})  # type: ignore[no-untyped-call]
            drawn.append(_slim(written.getvalue(), drawing))
    return tuple(drawn)


def _compose(figure: "Figure", drawing: Drawing) -> None:
    curves = [curve for curve in drawing.curves if curve.notional]
    across, up = _scales(curves)
    _axes(figure, across, up)
    ends = []
    for curve in sorted(curves, key=lambda curve: (not curve.is_reference, curve.name)):
        xs = [across.place(notional) for notional in curve.notional]
        ys = [up.place(rate) for rate in curve.rate]
        ends.append(_End(ys[-1], xs[-1], curve.name, _css(curve, drawing.styles), (xs, ys)))
    heights = spread_labels([end.y for end in sorted(ends)], _LABEL_LINE, _BOTTOM + 4, _TOP - 2)
    placed = dict(zip(sorted(ends), heights, strict=True))
    for end in ends:
        _named_line(figure, end, placed[end])
    short = [end for end in ends if end.x < _RIGHT - 1]
    dots_x = [x for end in short for x in (end.x, end.x, math.nan)]
    dots_y = [y for end in short for y in (end.y, end.y, math.nan)]
    _line(figure, "ends", dots_x, dots_y)


def _scales(curves: Sequence[Curve]) -> tuple[Scale, Scale]:
    notionals = [notional for curve in curves for notional in curve.notional] or [1e3, 1e6]
    rates = [rate for curve in curves for rate in curve.rate] or [0.01, 0.1]
    first, last = min(notionals), max(notionals)
    if first == last:
        first, last = first / 2, last * 2
    across = Scale(first, last, _LEFT, _RIGHT, logarithmic=True)
    low, high = min(rates), max(rates)
    if low > 0 and high / low >= _LOG_FROM:
        up = Scale(nice_below(low), -nice_below(-high), _BOTTOM + 8, _TOP, logarithmic=True)
    else:
        up = Scale(0.0, -nice_below(-high) if high > 0 else 1.0, _BOTTOM, _TOP, logarithmic=False)
    return across, up


def _axes(figure: "Figure", across: Scale, up: Scale) -> None:
    grid_x: list[float] = []
    grid_y: list[float] = []
    for rate in ticks(up):
        y = up.place(rate)
        grid_x += [_LEFT, _RIGHT, math.nan]
        grid_y += [y, y, math.nan]
        _text(figure, "rate", (_LEFT - 6, y - 4), numbers.axis_rate(rate))
    _line(figure, "grid", grid_x, grid_y)
    feet_x: list[float] = []
    feet_y: list[float] = []
    for notional in ticks(across):
        x = across.place(notional)
        feet_x += [x, x, math.nan]
        feet_y += [_BOTTOM, _BOTTOM - 4, math.nan]
        _text(figure, "notional", (x, _BOTTOM - 17), numbers.usd(notional))
    _line(figure, "axis", [_LEFT, _RIGHT, math.nan, *feet_x], [_BOTTOM, _BOTTOM, math.nan, *feet_y])


def _named_line(figure: "Figure", end: _End, height: float) -> None:
    """Draw a line, lead from its end to its name at the right margin, and repeat its dash there."""
    xs, ys = _thinned(*end.places)
    leader = ([end.x, _RIGHT, _LEADER_END], [end.y, end.y, height])
    _line(figure, f"leader {end.css}", *leader)
    key_x, key_y = [math.nan, _LEADER_END, _KEY_END], [math.nan, height, height]
    _line(figure, f"line {end.css}", xs + key_x, ys + key_y)
    name = end.name if len(end.name) <= _LONGEST_LABEL else f"{end.name[: _LONGEST_LABEL - 1]}…"
    _text(figure, f"name {end.css}", (_LABEL, height - 4), plain(name))


def _css(curve: Curve, styles: Mapping[str, int]) -> str:
    if curve.is_reference:
        return "ref"
    style = styles[curve.name]
    return f"c{style % COLOURS} d{style % DASHES}" + ("" if curve.included else " aside")


def _thinned(xs: Sequence[float], ys: Sequence[float]) -> tuple[list[float], list[float]]:
    """Drop the points that a straight line passes within a third of a pixel."""
    import numpy as np  # noqa: PLC0415 - comes with the drawing library
    from matplotlib.path import Path  # noqa: PLC0415 - part of the drawing library

    cleaned = Path(list(zip(xs, ys, strict=True))).cleaned(simplify=True)
    places = [(float(x), float(y)) for x, y in np.asarray(cleaned.vertices)[:-1]]
    return [x for x, _ in places], [y for _, y in places]


def _line(figure: "Figure", css: str, xs: Sequence[float], ys: Sequence[float]) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - part of the drawing library
    from matplotlib.transforms import IdentityTransform  # noqa: PLC0415 - likewise

    line = Line2D(list(xs), list(ys), transform=IdentityTransform(), zorder=1)
    line.set_gid(css)
    figure.add_artist(line)


def _text(figure: "Figure", css: str, place: tuple[float, float], text: str) -> None:
    """Write at a baseline; names run on from it, ticks of the two axes end and stand over it."""
    from matplotlib.transforms import IdentityTransform  # noqa: PLC0415 - as above

    align = {"rate": "right", "notional": "center"}.get(css, "left")
    figure.text(*place, text, ha=align, transform=IdentityTransform(), gid=css)


def _slim(svg: str, drawing: Drawing) -> Svg:
    """Keep the lines and texts, with classes for styles and a tenth of a pixel for places."""
    parts, css = [], ""
    for match in _DRAWN.finditer(svg):
        if match["css"] is not None:
            css = match["css"]
        elif match["d"] is not None:
            parts.append(f'<path class="{css}" d="{_rounded(match["d"])}"/>')
        else:
            place = {axis: _tenth(at) for axis, at in _PLACE.findall(match["attributes"])}
            at = f'x="{place["x"]}" y="{place["y"]}"'
            parts.append(f'<text class="{css}" {at}>{match["text"]}</text>')
    key = escape(drawing.key)
    return Svg(
        f'<svg class="chart" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" role="img"'
        f' aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{escape(plain(drawing.title))}</title>'
        f'<desc id="{key}-d">{escape(plain(drawing.description))}</desc>{"".join(parts)}</svg>'
    )


def _rounded(d: str) -> str:
    steps = [(move, _tenth(x), _tenth(y)) for move, x, y in _STEP.findall(d)]
    kept = [steps[0], *(now for last, now in pairwise(steps) if now != last)]
    return "".join(f"{move}{x} {y}" for move, x, y in kept)


def _tenth(value: str) -> str:
    return f"{float(value):.1f}".removesuffix(".0")
