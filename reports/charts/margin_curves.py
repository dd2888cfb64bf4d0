"""Charts of margin rate against notional: SVG with text as text, reproducible byte for byte.

matplotlib places lines and text. Colour, width and dash come from the style sheet, which has a
light and a dark palette. Every line differs in colour and dash, and carries its name.
"""

import math
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import pairwise
from typing import TYPE_CHECKING

from harmonize.document import Curve
from harmonize.text import numbers
from harmonize.text.sanitize import short
from reports.charts.label_layout import spread_labels
from reports.charts.scale import Scale, nice_below, ticks
from reports.charts.svg import Frame, Svg, rounded, svg_drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS, DASHES = 7, 4
"""Number of line colours and dash patterns in the style sheet; 28 venues are distinguishable."""

NOT_OBSERVED = "not observed"
"""Why a line ends, if margins above its end were not observed."""

_WIDTH, _HEIGHT = 520.0, 330.0
_LEFT, _RIGHT, _BOTTOM, _TOP = 44.0, 362.0, 30.0, 318.0
_LEADER_END, _KEY_END, _LABEL = 372.0, 388.0, 392.0
_LABEL_LINE = 14.0
_LONGEST_LABEL = 20
_LOG_FROM = 5.0
_SVG_PARTS = re.compile(
    r'<g id="(?P<css>[a-z][a-z0-9 ]*)">'
    r'|<path d="(?P<d>[^"]*)"'
    r"|<text (?P<attributes>[^>]*)>(?P<text>[^<]*)</text>"
)
_COORDINATE = re.compile(r'\b([xy])="([^"]*)"')
_STEP = re.compile(r"\s*([ML])\s*(-?[\d.]+)\s+(-?[\d.]+)\s*")


@dataclass(frozen=True, slots=True)
class Drawing:
    """Curves of one margin type of one underlying.

    `key` is unique in the page. `title` and `description` state the result for screen readers.
    `styles` gives the style number of each venue, the same in all charts.
    """

    key: str
    title: str
    description: str
    curves: tuple[Curve, ...]
    styles: Mapping[str, int]


_Coordinates = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True, slots=True, order=True)
class _LineEnd:
    """End of a line, its name, and all its coordinates.

    ``bound`` are the coordinates at which the rate is a lower bound. ``end`` is that of the curve.
    """

    y: float
    x: float
    name: str
    css: str
    coordinates: _Coordinates = field(compare=False)
    bound: _Coordinates = field(compare=False)
    end: str


def draw_curves(drawings: Iterable[Drawing]) -> tuple[Svg, ...]:
    """Returns one SVG per drawing. A drawing without curves has axes only."""
    # The import takes half a second; only a report with charts needs it.
    import matplotlib as mpl  # noqa: PLC0415
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    charts = []
    with mpl.rc_context(), warnings.catch_warnings():
        mpl.rcParams["svg.fonttype"] = "none"
        mpl.rcParams["svg.hashsalt"] = "harmonize"
        mpl.rcParams["font.family"] = ["DejaVu Sans"]
        mpl.rcParams["text.parse_math"] = False
        mpl.rcParams["path.simplify_threshold"] = 0.3
        # Text stays text: the reader's fonts provide the glyphs of a name, not matplotlib's.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        for drawing in drawings:
            figure = Figure(figsize=(_WIDTH / 72, _HEIGHT / 72), dpi=72, frameon=False)
            canvas = FigureCanvasSVG(figure)
            _compose(figure, drawing)
            buffer = StringIO()
            canvas.print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
            charts.append(_minimize_svg(buffer.getvalue(), drawing))
    return tuple(charts)


def _compose(figure: "Figure", drawing: Drawing) -> None:
    curves = [curve for curve in drawing.curves if curve.notional]
    x_scale, y_scale = _scales(curves)
    _axes(figure, x_scale, y_scale)
    ends = []
    for curve in sorted(curves, key=lambda curve: (not curve.is_reference, curve.name)):
        xs = [x_scale.place(notional) for notional in curve.notional]
        ys = [y_scale.place(rate) for rate in curve.rate]
        known = _known_points(curve)
        name = curve.name if known == len(xs) else f"≥ {curve.name}"
        line, bound = (xs[:known], ys[:known]), (xs[known:], ys[known:])
        css = _css(curve, drawing.styles)
        ends.append(_LineEnd(ys[-1], xs[-1], name, css, line, bound, curve.end))
    heights = spread_labels([end.y for end in sorted(ends)], _LABEL_LINE, _BOTTOM + 4, _TOP - 2)
    label_heights = dict(zip(sorted(ends), heights, strict=True))
    for end in ends:
        _named_line(figure, end, label_heights[end])
    early_ends = [end for end in ends if end.x < _RIGHT - 1]
    for css, selected in (
        ("ends", [end for end in early_ends if end.end != NOT_OBSERVED]),
        ("unobserved", [end for end in early_ends if end.end == NOT_OBSERVED]),
    ):
        dots_x = [x for end in selected for x in (end.x, end.x, math.nan)]
        dots_y = [y for end in selected for y in (end.y, end.y, math.nan)]
        _line(figure, css, dots_x, dots_y)


def _known_points(curve: Curve) -> int:
    """Returns the number of points at which the rate is the venue's, not a lower bound.

    A curve has two points at ``known_up_to``: the end of the known part, and the begin of the other.
    """
    limit = curve.known_up_to
    if limit is None or limit >= curve.notional[-1]:
        return len(curve.notional)
    below = sum(notional < limit for notional in curve.notional)
    return below + 1 if limit in curve.notional else below


def _scales(curves: Sequence[Curve]) -> tuple[Scale, Scale]:
    notionals = [notional for curve in curves for notional in curve.notional] or [1e3, 1e6]
    rates = [rate for curve in curves for rate in curve.rate] or [0.01, 0.1]
    first, last = min(notionals), max(notionals)
    if first == last:
        first, last = first / 2, last * 2
    x_scale = Scale(first, last, _LEFT, _RIGHT, logarithmic=True)
    low, high = min(rates), max(rates)
    if low > 0 and high / low >= _LOG_FROM:
        y_scale = Scale(nice_below(low), -nice_below(-high), _BOTTOM + 8, _TOP, logarithmic=True)
    else:
        y_scale = Scale(
            0.0, -nice_below(-high) if high > 0 else 1.0, _BOTTOM, _TOP, logarithmic=False
        )
    return x_scale, y_scale


def _axes(figure: "Figure", x_scale: Scale, y_scale: Scale) -> None:
    grid_x: list[float] = []
    grid_y: list[float] = []
    for rate in ticks(y_scale):
        y = y_scale.place(rate)
        grid_x += [_LEFT, _RIGHT, math.nan]
        grid_y += [y, y, math.nan]
        _text(figure, "rate", (_LEFT - 6, y - 4), numbers.axis_rate(rate))
    _line(figure, "grid", grid_x, grid_y)
    tick_x: list[float] = []
    tick_y: list[float] = []
    for notional in ticks(x_scale):
        x = x_scale.place(notional)
        tick_x += [x, x, math.nan]
        tick_y += [_BOTTOM, _BOTTOM - 4, math.nan]
        _text(figure, "notional", (x, _BOTTOM - 17), numbers.usd(notional))
    _line(figure, "axis", [_LEFT, _RIGHT, math.nan, *tick_x], [_BOTTOM, _BOTTOM, math.nan, *tick_y])


def _named_line(figure: "Figure", end: _LineEnd, height: float) -> None:
    """Draws a line, a leader to its name in the right margin, and a sample of its dash there.

    Where the rate is a lower bound, the line continues faintly.
    """
    xs, ys = _simplify(*end.coordinates) if end.coordinates[0] else ([], [])
    leader = ([end.x, _RIGHT, _LEADER_END], [end.y, end.y, height])
    _line(figure, f"leader {end.css}", *leader)
    key_x, key_y = [math.nan, _LEADER_END, _KEY_END], [math.nan, height, height]
    _line(figure, f"line {end.css}", xs + key_x, ys + key_y)
    if end.bound[0]:
        _line(figure, f"bound {end.css}", *_simplify(*end.bound))
    _text(figure, f"name {end.css}", (_LABEL, height - 4), short(end.name, _LONGEST_LABEL))


def _css(curve: Curve, styles: Mapping[str, int]) -> str:
    if curve.is_reference:
        return "ref"
    style = styles[curve.name]
    return f"c{style % COLOURS} d{style % DASHES}" + ("" if curve.included else " aside")


def _simplify(xs: Sequence[float], ys: Sequence[float]) -> tuple[list[float], list[float]]:
    """Removes points that lie within a third of a pixel of a straight line."""
    import numpy as np  # noqa: PLC0415 - comes with the drawing library
    from matplotlib.path import Path  # noqa: PLC0415 - part of the drawing library

    cleaned = Path(list(zip(xs, ys, strict=True))).cleaned(simplify=True)
    vertices = [(float(x), float(y)) for x, y in np.asarray(cleaned.vertices)[:-1]]
    return [x for x, _ in vertices], [y for _, y in vertices]


def _line(figure: "Figure", css: str, xs: Sequence[float], ys: Sequence[float]) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - part of the drawing library
    from matplotlib.transforms import IdentityTransform  # noqa: PLC0415 - likewise

    line = Line2D(list(xs), list(ys), transform=IdentityTransform(), zorder=1)
    line.set_gid(css)
    figure.add_artist(line)


def _text(figure: "Figure", css: str, position: tuple[float, float], text: str) -> None:
    """Adds text at a baseline: names left-aligned, rates right-aligned, notionals centred."""
    from matplotlib.transforms import IdentityTransform  # noqa: PLC0415 - as above

    align = {"rate": "right", "notional": "center"}.get(css, "left")
    figure.text(*position, text, ha=align, transform=IdentityTransform(), gid=css)


def _minimize_svg(svg: str, drawing: Drawing) -> Svg:
    """Keeps lines and texts only, with CSS classes and coordinates to a tenth of a pixel."""
    elements, css = [], ""
    for match in _SVG_PARTS.finditer(svg):
        if match["css"] is not None:
            css = match["css"]
        elif match["d"] is not None:
            elements.append(f'<path class="{css}" d="{_rounded_path(match["d"])}"/>')
        else:
            position = {
                axis: rounded(float(at)) for axis, at in _COORDINATE.findall(match["attributes"])
            }
            at = f'x="{position["x"]}" y="{position["y"]}"'
            elements.append(f'<text class="{css}" {at}>{match["text"]}</text>')
    frame = Frame(drawing.key, drawing.title, drawing.description)
    return svg_drawing(frame, (_WIDTH, _HEIGHT), elements)


def _rounded_path(d: str) -> str:
    points = [(move, rounded(float(x)), rounded(float(y))) for move, x, y in _STEP.findall(d)]
    distinct = [points[0], *(point for previous, point in pairwise(points) if point != previous)]
    return "".join(f"{move}{x} {y}" for move, x, y in distinct)
