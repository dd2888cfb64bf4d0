"""SVG elements as text: coordinates to a tenth, every text escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NewType

from harmonize.text.sanitize import plain, short

Svg = NewType("Svg", str)
"""Markup of this package, which needs no escaping."""

EMPHASISED = 8
"""Largest number of lines of a chart with a colour and a name; the others are grey."""

_LONGEST_HINT = 17
_LETTER = 6.6  # approximate width of a letter


@dataclass(frozen=True, slots=True)
class Frame:
    """Labels of a chart: a key unique in the page, its title, and its result in words.

    A chart whose caption states the result has an empty description.
    """

    key: str
    title: str
    description: str


COLOURS, DASHES = 7, 8
"""Number of line colours and dash patterns in the style sheet: 56 venues are told apart."""


def line_css(style: int) -> str:
    """Returns the classes of a venue's line: two venues share a colour only with another dash."""
    return f"c{style % COLOURS} d{style // COLOURS % DASHES}"


def rounded(value: float) -> str:
    """Returns a coordinate to a tenth, in the fewest digits."""
    return f"{value:.1f}".removesuffix(".0")


def svg_text(css: str, x: float, y: float, words: str, length: float | None = None) -> str:
    """Returns a text element at a baseline; ``length`` is the width to which it is set."""
    fitted = (
        "" if length is None else f' textLength="{rounded(length)}" lengthAdjust="spacingAndGlyphs"'
    )
    return f'<text class="{css}" x="{rounded(x)}" y="{rounded(y)}"{fitted}>{escape(plain(words))}</text>'


def path_data(points: Sequence[tuple[float, float]]) -> str:
    """Returns straight lines from point to point, for a ``d`` attribute."""
    return "M" + "L".join(f"{rounded(x)} {rounded(y)}" for x, y in points)


def rectangle(css: str, box: tuple[float, float, float, float], note: str) -> str:
    """Returns a rectangle of x, y, width and height, with the text of its tooltip."""
    x, y, width, height = map(rounded, box)
    return (
        f'<rect class="{css}" x="{x}" y="{y}" width="{width}" height="{height}">'
        f"<title>{escape(plain(note))}</title></rect>"
    )


def other_line(name: str, d: str, end: tuple[float, float], right: float, further: str = "") -> str:
    """Returns a grey line that is named when the pointer or the keyboard reaches it.

    `end` is its last point, `further` are elements of its other parts; the name ends left of `right`. A
    chart with such a line is no single image: pass ``is_grouped`` to `svg_drawing`.
    """
    shown = short(name, _LONGEST_HINT)
    x = min(end[0], right - _LETTER * len(shown))
    label = escape(plain(name))
    return (
        f'<g class="other" role="img" tabindex="0" aria-label="{label}"><title>{label}</title>'
        f'<path class="rest" d="{d}"/>{further}{svg_text("hint", x, end[1] - 5.0, shown)}</g>'
    )


def svg_drawing(
    frame: Frame, size: tuple[float, float], elements: Iterable[str], *, is_grouped: bool = False
) -> Svg:
    """Assembles a chart from its elements, with title and description for screen readers."""
    key = escape(frame.key)
    role = "group" if is_grouped else "img"
    description = (
        f'<desc id="{key}-d">{escape(plain(frame.description))}</desc>' if frame.description else ""
    )
    labels = f"{key}-t {key}-d" if description else f"{key}-t"
    return Svg(
        f'<svg class="chart" viewBox="0 0 {size[0]:.0f} {size[1]:.0f}" role="{role}"'
        f' aria-labelledby="{labels}"><title id="{key}-t">{escape(plain(frame.title))}</title>'
        f"{description}{''.join(elements)}</svg>"
    )
