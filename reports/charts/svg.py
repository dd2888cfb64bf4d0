"""Elements of a drawing as SVG text: places to a tenth, every text escaped."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from harmonize.text.sanitize import plain
from reports.charts.margin_curves import Svg


@dataclass(frozen=True, slots=True)
class Frame:
    """What a drawing is called: a key that is unique in the page, its title, the result in words."""

    key: str
    title: str
    description: str


def tenth(value: float) -> str:
    """Write a place to a tenth, in the fewest digits."""
    return f"{value:.1f}".removesuffix(".0")


def text(css: str, x: float, y: float, words: str) -> str:
    """Write words at a baseline."""
    return f'<text class="{css}" x="{tenth(x)}" y="{tenth(y)}">{escape(plain(words))}</text>'


def path(points: Sequence[tuple[float, float]]) -> str:
    """Write straight lines from point to point, for a ``d``."""
    return "M" + "L".join(f"{tenth(x)} {tenth(y)}" for x, y in points)


def block(css: str, box: tuple[float, float, float, float], note: str) -> str:
    """Write a rectangle of x, y, width and height, with what pointing at it says."""
    x, y, width, height = map(tenth, box)
    return (
        f'<rect class="{css}" x="{x}" y="{y}" width="{width}" height="{height}">'
        f"<title>{escape(plain(note))}</title></rect>"
    )


def drawing(frame: Frame, size: tuple[float, float], parts: Iterable[str]) -> Svg:
    """Make a drawing of its parts, with a title and a description for who cannot see it."""
    key = escape(frame.key)
    return Svg(
        f'<svg class="chart" viewBox="0 0 {size[0]:.0f} {size[1]:.0f}" role="img"'
        f' aria-labelledby="{key}-t {key}-d"><title id="{key}-t">{escape(plain(frame.title))}</title>'
        f'<desc id="{key}-d">{escape(plain(frame.description))}</desc>{"".join(parts)}</svg>'
    )
