"""Chart of the cost of margin paths against their largest rise; what fails coverage is hollow.

A group beyond the number of colours has another shape, so that colour and shape name one group.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

from harmonize.text import numbers
from harmonize.text.sanitize import plain, short
from reports.charts.scale import Scale, ticks
from reports.charts.svg import COLOURS, Frame, Svg, rounded, svg_drawing, svg_text

_WIDTH, _HEIGHT = 620.0, 350.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 48.0, 344.0, 26.0, 296.0
_KEY, _LABEL = 362.0, 374.0
_LINE = 17.0
_RADIUS = 4.5
_LONGEST = 40
_ROOM_OF_LABEL = 34.0
_RISES = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 9.0, 19.0)
_ROOM = 1.05
_DIGIT, _LETTERS = 8.0, 14.0
"""Width of a digit, and height of a line of numbers."""

_DIGITS = 8.0
"""Height of digits, which circles do not cover."""

_LOWEST = 0.75
"""Lower end of the axis of costs as a share of the lowest one."""


Place = tuple[float, float]
"""Place in the chart."""


@dataclass(frozen=True, slots=True)
class CostPoint:
    """One path: its group, its name, its largest rise as a share and its mean margin as a rate.

    ``group`` is the model, which has a number and a colour. A point with ``is_numbered`` shows the
    number if there is room, one with ``is_marked`` is large.
    """

    group: str
    name: str
    rise: float
    cost: float
    is_covering: bool
    is_numbered: bool = False
    is_marked: bool = False


def cost_points(frame: Frame, points: Sequence[CostPoint], calm: float) -> Svg:
    """Draws a mark per path, and the largest rise of a calm one as a line; without any, axes only."""
    groups = list(dict.fromkeys(point.group for point in points))
    x_scale, y_scale = _scales(points)
    places = [(x_scale.place(1 + max(p.rise, 0.0)), y_scale.place(p.cost)) for p in points]
    corners = _number_places(points, places, groups)
    elements = [
        *_axes(x_scale, y_scale),
        *_limit(x_scale, calm),
        *(
            _circle(point, groups.index(point.group), place, corners.get(index))
            for index, (point, place) in enumerate(zip(points, places, strict=True))
        ),
        *_legend(groups, y_scale),
    ]
    return svg_drawing(frame, (_WIDTH, _HEIGHT), elements, is_grouped=bool(points))


def _scales(points: Sequence[CostPoint]) -> tuple[Scale, Scale]:
    rises = [1 + max(point.rise, 0.0) for point in points] or [2.0]
    costs = [point.cost for point in points] or [0.1]
    return (
        Scale(1.0, max(1.5, *rises) * _ROOM, _LEFT + 8, _RIGHT, logarithmic=True),
        Scale(_LOWEST * min(costs), max(costs) * _ROOM, _BOTTOM, _TOP, logarithmic=False),
    )


def _axes(x_scale: Scale, y_scale: Scale) -> Iterator[str]:
    grid = marks = ""
    for rate in ticks(y_scale):
        if rate < y_scale.first:
            continue
        y = y_scale.place(rate)
        grid += f"M{rounded(_LEFT)} {rounded(y)}H{rounded(_RIGHT)}"
        yield svg_text("rate", _LEFT - 6.0, y + 4.0, numbers.axis_rate(rate))
    last = -_ROOM_OF_LABEL
    for rise in _RISES:
        x = x_scale.place(1 + rise)
        if 1 + rise <= x_scale.last and x - last >= _ROOM_OF_LABEL:
            last = x
            marks += f"M{rounded(x)} {rounded(_BOTTOM)}v4"
            yield svg_text("notional", x, _BOTTOM + 18.0, f"{rise * 100:g} %")
    yield svg_text("name", 2.0, 12.0, "mean margin, % of notional")
    yield svg_text(
        "notional", (_LEFT + _RIGHT) / 2, _BOTTOM + 38.0, "largest rise of the margin in 30 days"
    )
    line = f"M{rounded(_LEFT)} {rounded(_BOTTOM)}H{rounded(_RIGHT)}{marks}"
    yield f'<path class="grid" d="{grid}"/><path class="axis" d="{line}"/>'


def _limit(x_scale: Scale, calm: float) -> Iterator[str]:
    if 1 + calm > x_scale.last:
        return
    x = x_scale.place(1 + calm)
    note = escape(plain(f"calm: a rise of at most {calm * 100:g} %"))
    data = f"M{rounded(x)} {rounded(_TOP)}V{rounded(_BOTTOM)}"
    yield f'<g><title>{note}</title><path class="axis d2" d="{data}"/></g>'


def _number_places(
    points: Sequence[CostPoint], places: Sequence[Place], groups: Sequence[str]
) -> dict[int, Place]:
    """Returns the left lower corner of the number of each point that has room for one.

    A point without room shows its name where the reader hovers. The large point comes first.
    """
    found: dict[int, Place] = {}
    taken: list[tuple[float, float, float]] = []
    circles = [(*place, _radius(point)) for point, place in zip(points, places, strict=True)]
    named = [i for i, point in enumerate(points) if point.is_numbered or point.is_marked]
    for index in sorted(named, key=lambda i: not points[i].is_marked):
        (x, y), radius = places[index], _radius(points[index])
        width = _DIGIT * len(str(groups.index(points[index].group) + 1))
        right, left, above, below = x + radius + 1, x - radius - 1 - width, y - radius, y + 12.0
        for corner in ((right, above), (right, below), (left, above), (left, below)):
            is_free = all(
                abs(corner[1] - lower) >= _LETTERS
                or corner[0] >= start + wide
                or start >= corner[0] + width
                for start, lower, wide in taken
            )
            if is_free and not any(_covers(circle, corner, width) for circle in circles):
                found[index] = corner
                taken.append((*corner, width))
                break
    return found


def _covers(circle: tuple[float, float, float], corner: Place, width: float) -> bool:
    """Returns whether a circle, of centre and radius, lies on a number with a left lower corner."""
    x, y, radius = circle
    left, lower = corner
    return (
        left - radius < x < left + width + radius and lower - _DIGITS - radius < y < lower + radius
    )


def _radius(point: CostPoint) -> float:
    return _RADIUS * (1.6 if point.is_marked else 1)


def _circle(point: CostPoint, number: int, place: Place, corner: Place | None) -> str:
    colour = number % COLOURS
    label = escape(plain(point.name))
    mark = svg_text(f"name c{colour}", *corner, str(number + 1)) if corner else ""
    shape = _shape(number, place, _radius(point), is_filled=point.is_covering)
    return f'<g role="img" aria-label="{label}"><title>{label}</title>{shape}{mark}</g>'


def _shape(number: int, place: Place, radius: float, *, is_filled: bool) -> str:
    """Returns the mark of a group: a circle, or a square for groups beyond the number of colours."""
    colour = number % COLOURS
    style = f'class="b{colour}"' if is_filled else f'class="c{colour}" fill="none"'
    x, y = place
    if number < COLOURS:
        return f'<circle {style} cx="{rounded(x)}" cy="{rounded(y)}" r="{rounded(radius)}"/>'
    left, top, side = (rounded(own) for own in (x - radius, y - radius, 2 * radius))
    return f'<rect {style} x="{left}" y="{top}" width="{side}" height="{side}"/>'


def _legend(groups: Sequence[str], y_scale: Scale) -> Iterator[str]:
    y = y_scale.end + 10
    for number, group in enumerate(groups):
        colour = number % COLOURS
        yield _shape(number, (_KEY, y - 4), _RADIUS, is_filled=True)
        yield svg_text(f"name c{colour}", _LABEL, y, short(f"{number + 1} {group}", _LONGEST))
        y += _LINE
    if groups:
        yield _shape(0, (_KEY, y - 4), _RADIUS, is_filled=False)
        yield svg_text("name", _LABEL, y, "hollow: fails coverage")
